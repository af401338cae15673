"""Which model a figure, a quantization or a license belongs to, so that two models do not swap theirs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

from agent.naming import meant, mentions
from knowledge.catalog.store import load_catalog
from knowledge.figures import Figure, figures

Owners = frozenset[str]
MOST_SCORE = 100.0
"""Of a figure without a unit that is a score or a factor."""
NOBODY: Owners = frozenset()
_BULLET = re.compile(r"\s*(?:[-*\u2022]|\d{1,2}[.)])\s")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?!\[\d)")
_PRONOUN = re.compile(
    r"\W*(?:it|its|this model|the model|the license|er|es|seine?|das modell|die lizenz|il|elle|el modelo)\b",
    re.IGNORECASE,
)
_REFERENCE = re.compile(
    r"\b(?:against|instead of|rather than|than|versus|vs\.?|compared (?:with|to)|from|statt|anstatt"
    r"|als|gegen\u00fcber|au lieu de|que|en vez de)\b[^,;.\n]*(?:\.\d+[^,;.\n]*|,\d{3}[^,;.\n]*)*",
    re.IGNORECASE,
)
_QUANT = re.compile(
    r"(?<![\w-])(?:I?Q\d(?:_\w+)+|BF16|F16|FP16|FP8|INT8|NF4|MXFP4|NVFP4|AWQ|GPTQ)(?![\w-])", re.IGNORECASE
)


_BARE_LICENSE = re.compile(r"\blicen[sc]e:?\s(mit|bsd|gpl|agpl)\b|\A(mit|bsd|gpl|agpl)\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """A model's name in a text, with the catalog's ids that it may stand for."""

    start: int
    end: int
    models: Owners


@dataclass(frozen=True, slots=True)
class Part:
    """A sentence, or the part of one that speaks of something else than its subject."""

    text: str
    owners: Owners
    reference: bool = False


@dataclass(slots=True)
class Attribution:
    """Whose the figures and quantizations of texts are."""

    numbers: list[tuple[Figure, Owners]] = field(default_factory=list)
    things: dict[str, list[Owners]] = field(default_factory=dict)
    """Quantizations and licenses."""

    def add(self, text: str, names: Sequence[Place], owner: Owners = NOBODY) -> None:
        """Takes in a text; `owner` is whose it is where it names no model."""
        for part in parts(text, names):
            owners = part.owners or owner
            self.numbers += [(figure, owners) for figure in figures(part.text) if _is_own(figure)]
            for thing, _ in _things(part.text):
                self.things.setdefault(thing, []).append(owners)

    def swapped(self, text: str, names: Sequence[Place]) -> list[str]:
        """Figures and quantizations of a text that the evidence holds for other models only."""
        found = []
        for part in parts(text, names):
            if not part.owners or part.reference:
                continue
            for figure in figures(part.text):
                if _is_own(figure) and _is_others(part.owners, self._holders(figure)):
                    found.append(figure.text)
            found += [
                words
                for thing, words in _things(part.text)
                if _is_others(part.owners, self.things.get(thing, []))
            ]
        return found

    def _holders(self, figure: Figure) -> list[Owners]:
        return [owners for known, owners in self.numbers if _same(figure, known)]


@cache
def _licenses() -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    """Ids of licenses with a name as it is written in a sentence: folded, and as a pattern."""
    names: dict[str, str] = {
        "MIT": "mit",
        "BSD": "bsd",
        "GPL": "gpl",
        "AGPL": "agpl",
        "Apache 2.0": "apache-2.0",
    }
    for license_ in load_catalog().licenses.values():
        if license_.id.startswith("custom:"):
            continue
        names.setdefault(license_.name, license_.id)
        if re.search(r"[\d-]", license_.id):  # a bare word (`mit`, `gemma`) means something else as well
            names.setdefault(license_.id, license_.id)
    return tuple(
        (
            known,
            name.casefold(),
            re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])", re.IGNORECASE if len(name) > 4 else 0),
        )
        for name, known in sorted(names.items(), key=lambda row: -len(row[0]))
    )


def licenses(text: str) -> dict[str, str]:
    """Licenses that a text names: the words, by id."""
    folded = text.casefold()
    return {
        known: match[0]
        for known, name, pattern in _licenses()
        if name in folded and (match := pattern.search(text))  # a pattern takes a hundred times as long
    }


def parts(text: str, names: Sequence[Place]) -> Iterator[Part]:
    """The sentences of a text with the models that they are about.

    A list item without a name is about what the line before the list names; a sentence that begins with a
    pronoun about what the one before names. What stands behind "against" or "instead of" is the first
    model's.
    """
    first = names[0].models if names else NOBODY
    above = last = NOBODY
    start = 0
    for line in text.split("\n"):
        whole = _within(names, start, start + len(line))
        bullet = _BULLET.match(line) is not None
        if line.strip() and not bullet:
            above = whole
        place = start
        for sentence in _SENTENCE_END.split(line):
            place = text.index(sentence, place) if sentence else place
            own = _within(names, place, place + len(sentence))
            if not own and bullet:
                own = whole or above
            elif not own and _PRONOUN.match(sentence):
                own = last
            last = own or last
            yield from _split(_masked(text, names, place, place + len(sentence)), own, first)
            place += len(sentence)
        start += len(line) + 1


def _split(sentence: str, own: Owners, first: Owners) -> Iterator[Part]:
    done = 0
    rest = ""
    for match in _REFERENCE.finditer(sentence):
        rest += sentence[done : match.start()] + " ; "
        done = match.end()
        yield Part(match[0], first if own else NOBODY, reference=True)
    yield Part(rest + sentence[done:], own)


def _masked(text: str, names: Sequence[Place], start: int, end: int) -> str:
    """A part of a text without the names of models, whose digits are no figures."""
    masked = text[start:end]
    for name in names:
        if start <= name.start and name.end <= end:
            place, size = name.start - start, name.end - name.start
            masked = masked[:place] + "\u2063" * size + masked[place + size :]
    return masked


def _within(names: Sequence[Place], start: int, end: int) -> Owners:
    return NOBODY.union(*(one.models for one in names if start <= one.start < end))


def _is_own(figure: Figure) -> bool:
    """Whether a figure says something of a model: a bare 3060 is the name of something."""
    return not figure.trivial and (
        figure.dimension is not None or figure.values[0] <= MOST_SCORE or "," in figure.text
    )


def _is_others(owners: Owners, holders: Sequence[Owners]) -> bool:
    """Whether something is held, and only by other models."""
    return bool(holders) and all(held and not held & owners for held in holders)


def _things(text: str) -> list[tuple[str, str]]:
    """Quantizations and licenses of a text, as one spelling and as written."""
    found = [(match[0].upper(), match[0]) for match in _QUANT.finditer(text)]
    named = licenses(text)
    bare = _BARE_LICENSE.search(text)
    if bare is not None:
        known = (bare[1] or bare[2]).lower()
        named.setdefault(known, known)
    return found + list(named.items())


def _same(said: Figure, known: Figure) -> bool:
    """Whether a known figure may be the one that is said."""
    if None not in (said.dimension, known.dimension) and said.dimension != known.dimension:
        return False
    scales = (said.scale, known.scale) if None not in (said.dimension, known.dimension) else (1.0, 1.0)
    near = said.half * scales[0] * 1.0001 + 1e-12
    return any(
        abs(one * scales[0] - other * scales[1]) <= near for one in said.values for other in known.values
    )


def owner_of(row: Mapping[str, Any]) -> Owners:
    """The model that an object of a tool's result is about."""
    known, named = row.get("model_id"), row.get("model")
    if isinstance(known, str) and known in load_catalog().by_id:
        return frozenset({known})
    if not isinstance(named, str):
        return NOBODY
    return NOBODY.union(*(place.models for place in places(named)))


@lru_cache(maxsize=512)
def places(text: str) -> tuple[Place, ...]:
    """Where a text names models, and which."""
    return tuple(Place(one.start, one.end, frozenset(meant(one))) for one in mentions(text))
