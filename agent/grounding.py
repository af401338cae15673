"""Holds a model's words against what it was given: no figure, name, license, command or link of its own.

A figure is grounded where the evidence has a number of the same dimension that rounds to it as it is written:
5.2 GiB by 5.23 GiB, 16k tokens by 16,384 tokens, but 24 GB not by 24 tokens per second. The check errs toward
refusing: arithmetic of the model's own is refused too, however right, because nothing shows that it is right.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent.attribution import NOBODY, Attribution, Owners, licenses, owner_of, places
from agent.charged import bared, charged, never_foreign, of_a_model, spelled_out, topics_of
from agent.claims import Claims, claims_of
from agent.naming import meant, mentions
from agent.number_words import in_digits
from agent.text_calls import MARK
from knowledge.figures import NUMBER, Figure, figures, readings

_KEYS: tuple[tuple[str, str, float], ...] = (
    (r"_gib$", "bytes", 2.0**30),
    (r"tokens_per_second|min_speed|^speed", "speed", 1.0),
    (r"usd", "usd", 1.0),
    (r"params|_b$", "params", 1e9),
    (r"context|tokens|_length$", "tokens", 1.0),
    (r"percent", "percent", 1.0),
    (r"seconds", "seconds", 1.0),
)
"""Keys of tool results whose numbers have a unit; a key inside another one inherits its unit."""

_IDENTIFIER = re.compile(
    r"(?<![\w])(?=[\w.:/+-]*[A-Za-z])(?=[\w.:/+-]*\d)[A-Za-z0-9][\w.:/+-]*[\w+]|\d{4}-\d{2}-\d{2}"
)
_ORDINAL = re.compile(r"\d(?:st|nd|rd|th)", re.IGNORECASE)
_DIGITS = re.compile(r"\d+(?:[.,]\d+)*")
_SIZE = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)b(?![a-z])", re.IGNORECASE)
_BITS = re.compile(r"(?:\b|_)(?:i?q|int|u?fp|bf|f|w|nf|mxfp|nvfp)(\d{1,2})(?![\d.])", re.IGNORECASE)
_MARK = re.compile(r"\[\d+(?:\s*,\s*\d+)*\]")
_NAMED = re.compile(r"(?<![\w.-])[A-Za-z][A-Za-z.]*-\d+(?:\.\d+)+(?![\w-])")
"""Names with a version, such as a license; the version is no figure."""
_SENTENCE = re.compile(r".+?(?:[.!?](?:\s*\[\d+(?:\s*,\s*\d+)*\])*(?=\s|$)|$)", re.MULTILINE)
"""With the marks that follow its full stop."""
_LIST_MARKER = re.compile(r"^\s*(?:\d{1,2}[.)]|#+)\s", re.MULTILINE)
_FILES = r"(?!(?:cpp|json|toml|ya?ml|txt|gguf|safetensors|cfg|ini|csv|pdf|js|tsx?)\b)"
_URL = re.compile(
    r"(?:[a-z][a-z0-9+.-]{1,20}://|www\.)[^\s)>\]`\"']+|\b(?:data|file|javascript|mailto|vbscript):[^\s)>\]`\"']+"
    rf"|\b[\w-]+(?:\.[\w-]+)*\.{_FILES}(?:[a-z]{{2,24}}|[A-Z]{{2,24}})\b(?:[/:][^\s)>\]`\"']*)?"
    r"|\b\d{1,3}(?:\.\d{1,3}){3}\b(?:[/:][^\s)>\]`\"']*)?"
)
"""Any address: a host of whatever ending, unless it is the name of a file."""
_CODE = re.compile(r"```[\w-]*\n(.*?)```|`([^`\n]+)`", re.DOTALL)
_COMMAND = re.compile(
    r"\b(?:(?:sudo|pip3?|pipx|uv|conda|brew|apt(?:-get)?|docker|git|curl|wget|ollama|vllm|hf|huggingface-cli|lms"
    r"|mlx_lm[\w.]*|python3?|npm|pnpm|yarn|cargo|gem|go|choco|winget|snap|dnf|yum|pacman) "
    r"(?:-m )?(?:run|pull|serve|install|add|create|clone|show|list|download|get|load"
    r"|compose|exec|push|rm|chat|https?|i)\b"
    r"|llama-(?:server|cli|bench|quantize) -|(?:ba|z|da)?sh -\w|rm -\w|(?:cat|less|cp|scp|tar) [~/]|npx \w"
    r"|chmod [+\d]|(?:power|pw)sh(?:ell)?(?:\.exe)? -|printenv\b|(?:iwr|iex|irm|Invoke-\w+) \w"
    r"|python3? [\w./-]+\.py\b|export [A-Z]\w*=)[^\n`.;,]*"
    r"|\|\s*(?:sudo\s+)?(?:(?:ba|z|da)?sh|python3?|iex)\b",
)
_VARIABLE = re.compile(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]*[A-Z0-9]\b")
_LICENSE = re.compile(
    r"(?!(?:The|This|Its|It|An?|Your|My|Our|That|Each|Any|No|Which|What|Open|Under|Their|Both"
    r"|La|Le|Une?|Cette|Sa|El|Una|Los|Su|Die|Der|Das|Eine?|Diese|Seine|Ihre) )"
    r"\b([A-Z][\w.-]*(?: [A-Z\d][\w.-]*){0,3}) [Ll]icen[sc]e\b"
)
"""A license by the name of somebody or something."""
_MACHINERY = re.compile(
    r"\"(?:tool|name|arguments|parameters|role)\"\s*:|</?\|?(?:im_start|im_end|system|assistant|tool_call|function)\b"
    r"|\[/?INST\]|<</?SYS>>|</?[a-z][a-z0-9-]*(?:\s[^<>]*)?/?>"
    r"|<\s*(?:img|script|iframe|svg|form|object|link|meta|a)\b|!\[|\$\(",
    re.IGNORECASE,
)
"""Calls, shell substitutions, role tags, HTML and pictures: none of them is a word to a person."""
_NAMES = frozenset(
    {"model", "models", "name", "file", "filename", "path", "location", "title", "description", "base_model"}
)
"""Keys of tool results that hold what somebody else called something."""
_PLAIN_NAME = re.compile(r"[\w.:/+@ ()-]{1,160}")
MOST_NAME_WORDS = 8
_FLAG = re.compile(r"(?<![\w-])--[a-z][\w-]+")


def _named_plainly(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """A tool's result without names that are no names: the name of a file can hold a whole sentence."""
    if isinstance(value, Mapping):
        return {
            key: item if key == "hardware" else _named_plainly(item)  # that name is computed here
            for key, item in value.items()
            if not (key in _NAMES and isinstance(item, str) and not _is_name(item))
        }
    if isinstance(value, list):
        return [_named_plainly(item) for item in value]
    return value


def _is_name(text: str) -> bool:
    return (
        _PLAIN_NAME.fullmatch(text) is not None
        and len(text.split()) <= MOST_NAME_WORDS
        and _COMMAND.search(text) is None
    )


@dataclass(slots=True)
class Evidence:
    """Everything that a text may rest on."""

    bare: set[float] = field(default_factory=set)
    """All numbers, without their units."""
    unmarked: set[float] = field(default_factory=set)
    """Numbers that have no unit in the evidence."""
    sized: dict[str, set[float]] = field(default_factory=dict)
    """Numbers by dimension, in its base unit."""
    folded: str = ""
    """Letters and digits of all words, each with a mark before it."""
    spaced: str = ""
    models: set[str] = field(default_factory=set)
    claims: dict[str, set[str]] = field(default_factory=dict)
    """Topics of charged words, with the models that they are said of."""
    asserted: Claims = field(default_factory=Claims)
    shares: Attribution = field(default_factory=Attribution)

    def add(self, text: str) -> None:
        """Takes in a text, or a tool's result as JSON text."""
        text = bared(text)
        try:
            value = json.loads(text) if text[:1] in "{[" and text else None
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict | list):
            value = _named_plainly(value)
            self._walk(value, None, NOBODY)
            text = json.dumps(value, ensure_ascii=False)
            self._words(text)
            named = set().union(*(meant(name) for name in mentions(text)))
            for topic in topics_of(text):  # what a record says, it may say of each model in it
                self.claims.setdefault(topic, set()).update(named)
        else:
            self._numbers(_MARK.sub(" ", text))  # the number of a source is no figure
            self.shares.add(text, places(text))
            self._words(text)
            self._claims(text)

    def add_foreign(self, text: str) -> None:
        """Takes in a text that neither we nor the person wrote, such as a passage of an added guide.

        It may prove what it is about, but no command and no link: those are what an attacker would have us
        say. What it says of prices and licenses is told as its own words (`agent.llm_ground`).
        """
        kept = _CODE.sub(lambda m: f" {m[2]} " if m[2] and " " not in m[2].strip() else " ", bared(text))
        for pattern in (_URL, _COMMAND, _FLAG, _MACHINERY):
            kept = pattern.sub(" ", kept)
        self._numbers(kept)
        self.shares.add(kept, places(kept))
        self._words(kept)
        self._claims(kept, foreign=True)

    def _claims(self, text: str, *, foreign: bool = False) -> None:
        for claim in charged(text):
            if foreign and never_foreign(claim.topic):
                continue
            self.claims.setdefault(claim.topic, set()).update(claim.models)

    def claims_it(self, topic: str, models: frozenset[str]) -> bool:
        """Whether the evidence speaks of a topic, and, where that counts, of one of these models."""
        if not (models and of_a_model(topic)):
            return topic in self.claims
        # A model that the evidence does not name is found by its name.
        return not models & self.models or bool(models & self.claims.get(topic, set()))

    def _words(self, text: str) -> None:
        self.folded += "\0" + _marked(text)
        self.spaced += " " + _spaced(text)
        self.asserted.add(text)
        for place in places(text):
            self.models |= place.models

    def _numbers(self, text: str) -> None:
        text = in_digits(text)
        for figure in figures(_NAMED.sub(" ", text)):
            self.bare.update(figure.values)
            if figure.dimension is None:
                self.unmarked.update(figure.values)
            else:
                values = (value * figure.scale for value in figure.values)
                self.sized.setdefault(figure.dimension, set()).update(values)
        for digits in _DIGITS.findall(text):
            self.bare.update(value for value, _ in readings(digits))
        self.sized.setdefault("params", set()).update(float(size) * 1e9 for size in _SIZE.findall(text))
        self.sized.setdefault("bits", set()).update(float(bits) for bits in _BITS.findall(text))

    def _walk(
        self,
        value: Any,  # noqa: ANN401 - any JSON value
        unit: tuple[str, float] | None,
        owner: Owners,
    ) -> None:
        if isinstance(value, Mapping):
            owner = owner_of(value) or owner
            for key, item in value.items():
                own = next(((n, s) for pattern, n, s in _KEYS if re.search(pattern, key)), None)
                self._walk(item, own or unit, NOBODY if key == "hardware" else owner)
        elif isinstance(value, list):
            for item in value:
                self._walk(item, unit, owner)
        elif isinstance(value, str):
            self._numbers(value)
            self.shares.add(value, places(value), owner)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            self.bare.add(float(value))
            if unit is None:
                self.unmarked.add(float(value))
            else:
                self.sized.setdefault(unit[0], set()).add(value * unit[1])
            name, scale = unit or (None, 1.0)
            self.shares.numbers.append((Figure(str(value), (float(value),), 0.0, name, scale), owner))

    def says(self, words: str) -> bool:
        """Whether the evidence holds these words, however they are set: `Q4-K-M` for `Q4_K_M`, `RTX3060` for
        `RTX 3060`, `Q4` for `Q4_K_M`, but not `B200` for `GB200`."""
        letters = _folded(words)
        pattern = "\0" + "\0?".join(map(re.escape, letters)) + r"(?![^\W_])"
        return not letters or re.search(pattern, self.folded) is not None

    def has(self, figure: Figure) -> bool:
        """Whether a number of the evidence rounds to the figure as written."""
        if figure.dimension is None:
            return _near(figure.values, figure.half, self.bare)
        if figure.dimension == "usd" and not any(figure.values):
            return 0.0 in self.sized.get("usd", set())  # 27 cents are not $0
        scaled = tuple(value * figure.scale for value in figure.values)
        if _near(scaled, figure.half * figure.scale, self.sized.get(figure.dimension, set())):
            return True
        if figure.dimension == "percent" and _near(
            tuple(v / 100 for v in figure.values), figure.half / 100, self.unmarked
        ):
            return True
        return any(value in self.unmarked for value in figure.values)


def _near(values: tuple[float, ...], half: float, known: set[float]) -> bool:
    """Whether one of the known values rounds to one of `values`; `half` belongs to the first of them."""
    return any(abs(one - value) <= half * 1.0001 + 1e-12 for value in values for one in known)


def _folded(text: str) -> str:
    """Letters and digits alone."""
    return re.sub(r"[\W_]+", "", text.lower())


def _marked(text: str) -> str:
    """The same, with a mark where each word begins."""
    return re.sub(r"[\W_]+", "\0", text.lower()).strip("\0")


def _spaced(text: str) -> str:
    return re.sub(r"\s+", " ", text).lower()


def commands(text: str) -> list[str]:
    """Shell commands, flags and other code of a text."""
    code = [line.strip() for block, inline in _CODE.findall(text) for line in (block or inline).splitlines()]
    rest = _CODE.sub(" ", text)
    return [
        c.removeprefix("$ ")
        for c in (*code, *(m.strip() for m in _COMMAND.findall(rest)), *_FLAG.findall(rest))
        if c
    ]


def _without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    for start, end in spans:
        text = text[:start] + "\u2063" * (end - start) + text[end:]
    return text


def unfounded(text: str, evidence: Evidence) -> list[str]:
    """The parts of a text that the evidence does not hold, each once, as they are written."""
    text = bared(text)
    found = [c for c in commands(text) if _spaced(c) not in evidence.spaced and not _is_term(c, evidence)]
    links = [link.rstrip(".,;:") for link in _URL.findall(text)]
    found += [link for link in links if not evidence.says(link)]
    found += [
        mark
        for mark in (*_MACHINERY.findall(text), *MARK.findall(text))
        if _spaced(mark) not in evidence.spaced
    ]
    plain = _LIST_MARKER.sub(" ", _MARK.sub(" ", _URL.sub(" ", _CODE.sub(" ", text))))
    plain = in_digits(plain)
    names = mentions(plain)
    found += evidence.shares.swapped(plain, places(plain))
    found += claims_of(plain).beyond(evidence.asserted)
    for name in names:
        if not (meant(name) & evidence.models) and not evidence.says(name.text):
            found.append(name.text)
    found += [one.words for one in charged(plain) if not evidence.claims_it(one.topic, one.models)]
    found += [words for words in spelled_out(plain) if _spaced(words) not in evidence.spaced]
    named = licenses(plain)
    found += [name for known, name in named.items() if not evidence.says(known) and not evidence.says(name)]
    found += [
        phrase[0]
        for phrase in _LICENSE.finditer(plain)
        if not (licenses(phrase[1]) or evidence.says(phrase[0]) or evidence.says(f"license {phrase[1]}"))
    ]
    found += [name for name in _VARIABLE.findall(plain) if not evidence.says(name)]
    plain = _without(plain, ((name.start, name.end) for name in names))
    numbers = figures(plain)
    found += [f.text for f in numbers if not f.trivial and not evidence.has(f)]
    known = {f.text for f in numbers}
    words = [match[0] for match in _IDENTIFIER.finditer(plain)]
    found += [
        word
        for word in words
        if word not in known
        and not NUMBER.fullmatch(word)
        and not _ORDINAL.fullmatch(word)
        and not evidence.says(word)
        and not evidence.says(word.removesuffix("s"))
    ]
    return list(dict.fromkeys(found))


def cited_sentences(text: str) -> list[tuple[str, tuple[int, ...]]]:
    """The sentences that carry citation marks, without them, with the numbers of the passages they cite."""
    rows = [
        (_MARK.sub(" ", sentence).strip(), tuple(int(mark[1:-1]) for mark in marks(sentence)))
        for sentence in _SENTENCE.findall(text)
    ]
    return [row for row in rows if row[1]]


def miscited(text: str, passages: Sequence[Evidence], other: Evidence) -> list[str]:
    """Figures of a text that the passages cited beside them do not hold, and nothing computed either.

    Args:
        text: an answer with marks.
        passages: what each passage holds; the first is [1].
        other: results of tools and what the person said.
    """
    found = []
    for sentence, numbers in cited_sentences(text):
        cited = [passages[number - 1] for number in numbers if 0 < number <= len(passages)]
        for figure in figures(_LIST_MARKER.sub(" ", sentence)) if cited else ():
            if not (figure.trivial or other.has(figure) or any(one.has(figure) for one in cited)):
                found.append(f"{figure.text} [{', '.join(map(str, numbers))}]")
    return list(dict.fromkeys(found))


def _is_term(code: str, evidence: Evidence) -> bool:
    """Whether inline code is just a word of the evidence set in another way."""
    return " " not in code.strip() and evidence.says(code)


def lost(text: str, draft: str) -> list[str]:
    """What a wording must keep of its draft and did not.

    That is: citation marks, the models of the first line that names any, commands, and the question mark.
    The rest may be said more briefly.
    """
    missing = [mark for mark in marks(draft) if mark not in marks(text)]
    if draft.count("?") == 1 and not re.search("[?\uff1f\u061f]", text):
        missing.append("the question")
    kept = Evidence()
    kept.add(text)
    lines = (mentions(line) for line in _CODE.sub(" ", draft).splitlines())
    missing += [
        name.text
        for name in next((names for names in lines if names), [])
        if not (meant(name) & kept.models) and not kept.says(name.text)
    ]
    missing += [line for line in commands(draft) if not kept.says(line)]
    return list(dict.fromkeys(missing))


def marks(text: str) -> list[str]:
    """Citation marks of a text, `[1, 2]` as `[1]` and `[2]`."""
    return [f"[{number}]" for mark in _MARK.findall(text) for number in re.findall(r"\d+", mark)]
