"""What a sentence states, so that another one can be held against it: figures, names, words, negations."""

from __future__ import annotations

import re
from functools import cache, cached_property, lru_cache

from knowledge.figures import Figure, figures
from knowledge.lexical import concepts, content_words

_IDENTIFIER = re.compile(
    r"(?<![\w.])(?:(?=[\w.:/+-]*\d)[A-Za-z][\w.:/+-]*[\w+]|\d+x\d+[A-Za-z]|\d\w*_\w+|\d+[A-Za-z](?=\.json))"
)
_CAPITAL = re.compile(r"(?<![\w.-])(?:[A-Z][\w+.-]*[\w+]|[a-z]+[A-Z][\w+.-]*[\w+])")
_OPENING = re.compile(r"(?:^|[.!?:;]\s+|[\"(\u201c]\s*|\n)$")
_DRAWN = re.compile(r"[`*]|\[([^\]\n]*)\]\([^)\s]*\)")
_NEGATION = re.compile(
    r"\b(?:not(?! only)|no|never|cannot|without|neither|nor|nothing|none|instead of|rather than)\b"
    r"|n['\u2019]t\b",
    re.IGNORECASE,
)
_SCOPE_END = re.compile(r"[.,;:()]\s|\bbut\b|\band\b", re.IGNORECASE)
_CLAUSE = re.compile(r"[;:,.!?](?=\s|$)\s*|\n")
_COUNTS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_COUNT = re.compile(rf"\b(?:{'|'.join(_COUNTS)})\b", re.IGNORECASE)
_OPPOSITES = (
    ("more", "less"), ("more", "fewer"), ("faster", "slower"), ("higher", "lower"), ("above", "below"),
    ("larger", "smaller"), ("raise", "lower"), ("rise", "fall"), ("increase", "decrease"), ("gain", "lose"),
    ("best", "worst"), ("better", "worse"), ("first", "last"), ("cheaper", "dearer"), ("under", "over"),
)  # fmt: skip
_WAY = re.compile(rf"\b(?:{'|'.join({way for pair in _OPPOSITES for way in pair})})\b", re.IGNORECASE)
SCOPE = 3
"""Content words behind a negation that it may concern; the first one is what it surely denies."""
_PLAIN_OPENINGS = frozenset({"command", "step", "north", "static", "solar"})
"""Families whose name is an ordinary word at the beginning of a sentence."""


class Statement:
    """A sentence, item or row as it is compared; each part is read when it is first asked for."""

    def __init__(self, text: str) -> None:
        """`text` is a few sentences at most, with or without Markdown's marks."""
        self.text = plain_text(text)

    @cached_property
    def figures(self) -> tuple[Figure, ...]:
        """Numbers with their units, small ones also where they are written as words."""
        return (*figures(self.text), *_counted(self.text))

    @cached_property
    def asserted(self) -> tuple[Figure, ...]:
        """The figures that are no part of a name: of "Qwen3-8B takes 5 GB" only the last."""
        text = _IDENTIFIER.sub(lambda found: "\u2063" * len(found[0]), self.text)
        return (*figures(text), *_counted(text))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Models, engines, formats and other proper names, as they are written."""
        return _names(self.text)

    @cached_property
    def words(self) -> frozenset[str]:
        """Stems of what it is about; what has digits is a figure or a name."""
        stems = content_words(self.text)
        return frozenset(word for word in stems if word != "not" and not any(map(str.isdigit, word)))

    @cached_property
    def concepts(self) -> frozenset[str]:
        """What it means in the field, whatever word it has for it."""
        return frozenset(concepts(self.text))

    @cached_property
    def marked(self) -> str:
        """Letters and digits with a mark where each word begins, for `says`."""
        return marked(self.text)

    @cached_property
    def denied(self) -> tuple[tuple[str, ...], ...]:
        """Stems behind each negation, the nearest first."""
        return _denied(self.text)

    @cached_property
    def ways(self) -> frozenset[str]:
        """Words of direction: more, faster, above."""
        return frozenset(word.lower() for word in _WAY.findall(self.text))

    def says(self, name: str) -> bool:
        """Whether it holds a name, however that is set."""
        return says(name, self.marked)


@lru_cache(maxsize=4_000)
def read_statement(text: str) -> Statement:
    """The statement of a text, the same one each time."""
    return Statement(text)


def marked(text: str) -> str:
    """Letters and digits alone, with a mark where each word begins."""
    return "\0" + re.sub(r"[\W_]+", "\0", text.lower()).strip("\0")


def says(words: str, within: str) -> bool:
    """Whether a `marked` text holds these words, however they are set: `Q4-K-M` for `Q4_K_M`, `RTX3060` for
    `RTX 3060`, `Q4` for `Q4_K_M`, but not `B200` for `GB200`.
    """
    letters = re.sub(r"[\W_]+", "", words.lower())
    return not letters or _pattern(letters).search(within) is not None


@lru_cache(maxsize=4_000)
def _pattern(letters: str) -> re.Pattern[str]:
    return re.compile("\0" + "\0?".join(map(re.escape, letters)) + r"(?![^\W_])")


def plain_text(text: str) -> str:
    """Without Markdown's marks for code, emphasis and links."""
    return _DRAWN.sub(lambda found: found[1] or "", text)


def clauses(text: str) -> list[str]:
    """The parts of a sentence between commas, colons and semicolons; decimal points do not part."""
    return [part for part in _CLAUSE.split(plain_text(text)) if any(char.isalnum() for char in part)]


def contradicts(claim: Statement, source: Statement) -> bool:
    """Whether one denies what the other says, or says the opposite, of the same thing."""
    return (
        any(
            (one in claim.ways) != (other in claim.ways)
            and (one in source.ways) != (other in source.ways)
            and (one in claim.ways) != (one in source.ways)
            for one, other in _OPPOSITES
        )
        or _denies(claim, source)
        or _denies(source, claim)
    )


def _denies(one: Statement, other: Statement) -> bool:
    denied_there = {word for scope in other.denied for word in scope}
    return any(scope and scope[0] in other.words and scope[0] not in denied_there for scope in one.denied)


def _denied(text: str) -> tuple[tuple[str, ...], ...]:
    found = []
    for match in _NEGATION.finditer(text):
        rest = text[match.end() : match.end() + 80]
        end = _SCOPE_END.search(rest)
        found.append(tuple(content_words(rest[: end.start()] if end else rest)[:SCOPE]))
    return tuple(found)


def _counted(text: str) -> list[Figure]:
    """Small numbers that are written as words."""
    return [
        Figure(word, (float(_COUNTS.index(word.lower()) + 2),), 0.0, None, 1.0)
        for word in _COUNT.findall(text)
    ]


def _names(text: str) -> tuple[str, ...]:
    counted = {figure.text for figure in figures(text)}
    found = [match[0] for match in _IDENTIFIER.finditer(text) if match[0] not in counted]
    for match in _CAPITAL.finditer(text):
        word = match[0].rstrip(".")
        if any(word in name for name in found) or word in counted:
            continue
        opens = _OPENING.search(text[: match.start()]) is not None and word[1:].islower()
        if opens and (word.lower() not in known_names() or word.lower() in _PLAIN_OPENINGS):
            continue
        if not concepts(word) and not _is_unit(word):
            found.append(word)
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=1_000)
def _is_unit(word: str) -> bool:
    """Whether a word is the unit of a figure: GB, USD."""
    return any(figure.dimension is not None for figure in figures(f"1 {word}"))


@cache
def known_names() -> frozenset[str]:
    """Engines and model families as one lower-case word each."""
    from knowledge.catalog.store import load_catalog

    catalog = load_catalog()
    families = (match[0] for m in catalog.models if (match := re.match(r"[A-Za-z]{4,}", m.family)))
    return frozenset(word.lower() for word in (*catalog.engines, *families))
