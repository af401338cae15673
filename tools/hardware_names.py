"""Names of accelerators as people write them: a trie over tokens, built from the catalog's records."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

from knowledge.catalog.records import Accelerator
from tools.hardware_terms import Terms, Token, load_terms

# `8xh100`: the x belongs to the count, so it is cut off before the letters of a known series.
_TOKEN = re.compile(
    r"\d{1,3}[.,]\d{1,2}(?!\d)|\d+"
    r"|(?<=\d)x(?=(?:rtx|gtx|rx|nvidia|geforce|radeon|tesla|quadro|instinct|arc|titan|jetson|dgx|apple|mi\d|gb\d|[abhlmptv]\d))"
    r"|[^\W\d_]+|[^\w\s]|_|\n"
)
# Multiplication sign, hyphens and dashes, typographic apostrophe, no-break space.
_SIGNS = str.maketrans("\u00d7\u2010\u2011\u2013\u2014\u2019\u00a0", "x----' ")
_SIZE_SUFFIX = re.compile(r"\s+\d+ ?GB$", re.IGNORECASE)
_PARENTHESES = re.compile(r"\s*\([^)]*\)")
_SKIPPED = frozenset("-_™®'")
_MAX_TOKENS = 9


def tokenize(text: str) -> list[Token]:
    """Lower-case tokens; letters and digits of one word come apart (`rtx3090ti` gives three)."""
    low = text.translate(_SIGNS).lower()
    if len(low) != len(text):
        low = "".join(char.lower() if len(char.lower()) == 1 else char for char in text.translate(_SIGNS))
    tokens: list[Token] = []
    last = -1
    for match in _TOKEN.finditer(low):
        start, end = match.span()
        tokens.append(Token(match.group(), start, end, start == last))
        last = end
    return tokens


@dataclass(slots=True)
class Entry:
    """What a phrase stands for."""

    kind: str
    key: str = ""
    weak: bool = False
    """The phrase alone proves nothing (`3090`, `L4`): its surroundings must."""
    records: list[Accelerator] = field(default_factory=list)


@dataclass(slots=True)
class _Node:
    next: dict[str, _Node] = field(default_factory=dict)
    entry: Entry | None = None


class Phrases:
    """Longest-match lookup of token sequences. A key with a leading `~` must be glued to the token before."""

    def __init__(self) -> None:
        self._root = _Node()

    def add(self, keys: Sequence[str], kind: str, key: str = "", *, weak: bool = False) -> Entry:
        """Register a phrase; the first meaning of a phrase stays, records may be added to it."""
        node = self._root
        for token in keys:
            node = node.next.setdefault(token, _Node())
        if node.entry is None:
            node.entry = Entry(kind, key, weak)
        return node.entry

    @property
    def first_words(self) -> dict[str, _Node]:
        """The tokens that a phrase can begin with."""
        return self._root.next

    def add_text(self, phrase: str, kind: str, key: str = "") -> None:
        """Register a phrase as written."""
        self.add([token.text for token in tokenize(phrase) if token.text not in _SKIPPED], kind, key)

    def match(self, tokens: Sequence[Token], at: int) -> tuple[Entry, int] | None:
        """The longest phrase that starts at a token, and the index behind it."""
        first = self._root.next.get(tokens[at].text)
        return None if first is None else self._walk(first, tokens, at + 1, 0)

    def _walk(self, node: _Node, tokens: Sequence[Token], at: int, depth: int) -> tuple[Entry, int] | None:
        best = None if node.entry is None else (node.entry, at)
        if depth > _MAX_TOKENS or at >= len(tokens) or not node.next:
            return best
        token = tokens[at]
        found = None
        glued = node.next.get("~" + token.text)
        if glued is not None and (token.glued or tokens[at - 1].text in _SKIPPED):
            found = self._walk(glued, tokens, at + 1, depth + 1)
        loose = node.next.get(token.text)
        if loose is not None:
            other = self._walk(loose, tokens, at + 1, depth + 1)
            if other is not None and (found is None or other[1] > found[1]):
                found = other
        if found is None and token.text in _SKIPPED:
            found = self._walk(_Node(node.next), tokens, at + 1, depth + 1)
        return found or best


def core_name(record: Accelerator) -> str:
    """A record's name without vendor, memory size and remarks: `RTX 4060 Ti`."""
    name = _SIZE_SUFFIX.sub("", _PARENTHESES.sub("", record.name))
    terms = load_terms()
    drop = (terms.drop_words - {"radeon"}) | terms.form_words.keys() | terms.mobile_words
    words = [word for word in name.split() if word.lower() not in drop]
    return " ".join(words)


def is_mobile(record: Accelerator) -> bool:
    """True for the laptop version of a card."""
    return bool(load_terms().mobile_words & set(record.name.lower().split()))


def form_of(record: Accelerator) -> str | None:
    """`sxm`, `pcie`, `nvl` or `server`, where the name says it."""
    forms = load_terms().form_words
    return next((forms[word] for word in record.name.lower().split() if word in forms), None)


@cache
def _parts(word: str) -> tuple[str, ...]:
    return tuple(token.text for token in tokenize(word))


def _keys(words: Iterable[str]) -> list[str]:
    """Trie keys of a name: parts of one word must stay glued where its first part is a single letter."""
    keys: list[str] = []
    for word in words:
        parts = _parts(word)
        for index, part in enumerate(parts):
            must = index > 0 and (len(parts[0]) == 1 or (len(part) == 1 and part.isalpha()))
            keys.append("~" + part if must else part)
    return keys


def _is_weak(words: Sequence[str]) -> bool:
    """One short word or a bare number proves nothing on its own."""
    if len(words) != 1:
        return False
    letters = "".join(char for char in words[0] if char.isalpha())
    digits = "".join(char for char in words[0] if char.isdigit())
    return not letters or (len(letters) == 1 and len(digits) <= 2)


def _spellings(record: Accelerator, core: str, terms: Terms) -> list[list[str]]:
    """All the ways to write a record's name, as lists of words."""
    full = _SIZE_SUFFIX.sub("", _PARENTHESES.sub("", record.name)).lower().split()
    words = core.lower().split()
    spellings = [
        words,
        [word for word in full if word not in terms.vendor_words and word not in terms.mobile_words],
    ]
    if words[0] == "radeon":
        words = words[1:]
        if words[0] == "rx":
            spellings += [["radeon", *words[1:]]]
        if words != ["vii"]:
            spellings.append(words)
    if words[0] in {"tesla", "quadro"} and len(words) > 1:
        spellings.append(words[1:])
    bare = words[1:] if words[0] in {"rtx", "gtx", "rx"} else []
    if bare and not (record.vendor == "AMD" and len(bare) == 1) and record.cls in {"consumer", "mobile"}:
        spellings.append(bare)
        if words[0] in {"rtx", "gtx"}:
            spellings += [["gtx" if words[0] == "rtx" else "rtx", *bare], ["geforce", *bare]]
    if bare and bare[0][0].isalpha() and bare[0] not in {"pro"}:
        spellings.append(bare)
    if words[-1] == "ada":
        spellings.append(words[:-1])
    if words[0] == "pro" and len(words) == 2 and words[1][0].isalpha():
        spellings.append(words[1:])
    if words[0] == "arc":
        spellings.append(words[2:] if words[1] == "pro" else words[1:])
    return spellings + [[*words[:-2], "tisuper"] for words in spellings if words[-2:] == ["ti", "super"]]


def _add_record(phrases: Phrases, record: Accelerator, terms: Terms) -> None:
    core = core_name(record)
    spelled = [(words, _is_weak(words)) for words in _spellings(record, core, terms)]
    extra = (*terms.aliases.get(record.name, ()), *record.aliases)
    spelled += [(alias.lower().split(), False) for alias in extra]
    for words, weak in spelled:
        keys = _keys(words)
        flat = [key for key in keys if key.lstrip("~") not in "+"]
        for variant in {tuple(keys), tuple(flat)}:
            if not variant:
                continue
            entry = phrases.add(variant, "card", core, weak=weak or _is_weak(words))
            others = bool(entry.records) and entry.records[0].vendor != record.vendor  # an `A40` is NVIDIA's
            if entry.kind == "card" and record not in entry.records and not others:
                entry.records.append(record)


def _build(accelerators: tuple[Accelerator, ...]) -> Phrases:
    terms = load_terms()
    phrases = Phrases()
    for record in accelerators:
        _add_record(phrases, record, terms)
    for label, labels in terms.labels.items():
        for name in labels:
            phrases.add_text(name, "label", label)
    groups: list[tuple[str, str, Iterable[str]]] = [
        ("no_gpu", "", terms.no_gpu),
        ("no_gpu", "cpu", terms.cpu_only),
        *(("cloud", instance, (instance,)) for instance in terms.cloud.instances),
        ("renting", "", terms.renting),
        ("rented", "", terms.rented),
        ("cores", "", terms.cores),
        ("gpu_cores", "", terms.gpu_cores),
        *(("purpose", key, words) for key, words in terms.purposes.items()),
        *(("platform", platform.key, platform.phrases) for platform in terms.platforms),
        *(("cpu", cpu.key, cpu.phrases) for cpu in terms.cpus),
        *(("memory_type", key, (key,)) for key in terms.memory_types),
        *(("form", form, (word,)) for word, form in terms.form_words.items()),
        *(("mobile", "", (word,)) for word in terms.mobile_words),
        *(("board", key, board.phrases) for key, board in terms.boards.items()),
        *(("link", link.key, link.phrases) for link in terms.interconnects.links),
        ("egpu", "", terms.egpu),
        ("clustered", "", terms.clustered),
        ("each", "", terms.each),
    ]
    for kind, key, names in groups:
        for name in names:
            phrases.add_text(name, kind, key)
    return phrases


_last: tuple[tuple[Accelerator, ...], Phrases] | None = None


def phrases_of(accelerators: tuple[Accelerator, ...]) -> Phrases:
    """The trie of a catalog's accelerators and of the terms file; built once a catalog."""
    global _last
    if _last is None or _last[0] is not accelerators:
        _last = (accelerators, _build(accelerators))
    return _last[1]
