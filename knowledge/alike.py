"""Passages that repeat each other: an own guide that copies another must not fill the places of a search.

The shipped guides are taken as they are. Of own passages, one with the very words of a passage that is there
already is left out of the index; one that nearly repeats a passage that is found with it gives way to it, and
at most one of them stands beside it, where its figures differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from knowledge.chunking import Chunk

FEW_WORDS = 8
"""Shorter passages are alike only by chance."""
SHINGLE = 3
NEAR = 0.8
"""Share of the shorter passage's shingles that the other one holds."""
POOL = 30
"""How many more passages than asked for are looked at."""
_WORD = re.compile(r"[^\W_]+(?:[.,]\d+)*")
_LETTERS = re.compile(r"[^\W\d_]+")


def without_repeats(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """The passages without own ones that say word for word what one before them says."""
    seen: set[tuple[str, ...]] = set()
    for chunk in chunks:
        words = tuple(_WORD.findall(chunk.text.lower()))
        if chunk.origin == "own" and len(words) >= FEW_WORDS and words in seen:
            continue
        seen.add(words)
        yield chunk


@dataclass(slots=True)
class _Read:
    """A passage with what it is compared by."""

    chunk: Chunk
    score: float
    shingles: frozenset[tuple[str, ...]] = field(init=False)
    figures: frozenset[str] = field(init=False)
    beside: bool = False
    """An own passage that repeats it, with other figures, stands beside it."""

    def __post_init__(self) -> None:
        words = _LETTERS.findall(self.chunk.text.lower())
        last = max(1, len(words) - SHINGLE + 1)
        self.shingles = frozenset(tuple(words[at : at + SHINGLE]) for at in range(last))
        self.figures = frozenset(word for word in _WORD.findall(self.chunk.text) if word[0].isdigit())

    @property
    def own(self) -> bool:
        return self.chunk.origin == "own"

    def repeats(self, other: _Read) -> bool:
        least = min(len(self.shingles), len(other.shingles))
        if least < FEW_WORDS or self.chunk.file == other.chunk.file:
            return False
        return len(self.shingles & other.shingles) >= NEAR * least


def distinct(ranked: Sequence[tuple[Chunk, float]], count: int) -> list[tuple[Chunk, float]]:
    """The first `count` passages of a ranking that do not repeat each other.

    Where an own passage comes before a shipped one that it repeats, they change places. Passages that repeat
    others are only given where there are not enough that do not.
    """
    if all(chunk.origin == "shipped" for chunk, _ in ranked[: count + POOL]):
        return list(ranked[:count])
    kept: list[_Read] = []
    spare: list[_Read] = []
    for chunk, score in ranked[: count + POOL]:
        read = _Read(chunk, score)
        first = next((at for at, other in enumerate(kept) if _pair(read, other)), None)
        if first is None:
            kept.append(read)
        elif not read.own:
            kept, given_way = _yielded(kept, first, read)
            spare += given_way
        elif read.figures <= kept[first].figures or kept[first].beside:
            spare.append(read)
        else:
            kept[first].beside = True
            kept.append(read)
    # What has other figures at least says something of its own.
    spare = [read for read in spare if not any(read.figures <= other.figures for other in kept)]
    return [(read.chunk, read.score) for read in (*kept, *spare)[:count]]


def _pair(read: _Read, other: _Read) -> bool:
    return (read.own or other.own) and read.repeats(other)


def _yielded(kept: list[_Read], first: int, shipped: _Read) -> tuple[list[_Read], list[_Read]]:
    """The kept passages with a shipped one in the place of the first own one that repeats it, and those that
    are not kept any more: of all that repeat it, one with other figures stays, behind it."""
    shipped.score = kept[first].score
    repeats = [own for own in kept[first:] if _pair(shipped, own)]
    beside = next((own for own in repeats if not own.figures <= shipped.figures), None)
    shipped.beside = beside is not None
    others = [read for read in kept[first:] if not any(read is own for own in repeats)]
    after = [shipped, *([beside] if beside is not None else []), *others]
    return [*kept[:first], *after], [own for own in repeats if own is not beside]
