"""A message made safe and searchable, with every position traceable to the person's own words."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import lru_cache

from agent.understanding.data import load

MAX_CHARS = 8_000
"""Longer messages are cut here; needs stand at the beginning, pasted material behind it."""
_PLAIN = dict(zip("\u2018\u2019`\u201c\u201d\u201e\u2013\u2014\u2212\u00d7", "'''\"\"\"---x", strict=True))
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?| {2,}")
_BREAK = re.compile(r"(?<=[.!?;])\s+|\n+|(?<=[\u3002\uff01\uff1f\uff1b])")
_CLAUSE = re.compile(
    r"(?<=[.!?;:])\s+|\n+|\s+-+\s+|(?<=[\u3002\uff01\uff1f\uff1b\u3001])|(?<!anything)(?<!nothing)(?<!everything)(?<!\ball),?\s+(?=(?:but|however|though|although|aber|jedoch|sondern)\b)"
)


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of positions in the searchable text."""

    start: int
    end: int


@dataclass(frozen=True)
class Text:
    """The cleaned message and its searchable form (lower case, plain punctuation, key words respelled)."""

    clean: str
    low: str
    starts: tuple[int, ...]
    """Where each respelled stretch begins in `low`."""
    shifts: tuple[int, ...]
    """What to add to a position in `low` from there on to get one in `clean`."""
    cut: bool = False
    clauses: tuple[Span, ...] = field(default=())
    sentences: tuple[Span, ...] = field(default=())

    def quote(self, start: int, end: int) -> str:
        """The person's own words at a range of `low`."""
        return self.clean[self._back(start) : self._back(end)].strip()

    def _back(self, position: int) -> int:
        index = bisect_right(self.starts, position) - 1
        return position + self.shifts[index] if index >= 0 else position

    def clause(self, position: int) -> Span:
        """The clause that holds a position."""
        return _holding(self.clauses, position, len(self.low))

    def sentence(self, position: int) -> Span:
        """The sentence that holds a position."""
        return _holding(self.sentences, position, len(self.low))


def _holding(spans: tuple[Span, ...], position: int, length: int) -> Span:
    for span in spans:
        if span.start <= position < span.end:
            return span
    return Span(0, length)


def clean_text(text: str) -> tuple[str, bool]:
    """The message without control characters, at most MAX_CHARS long, and whether it was cut."""
    cut = len(text) > MAX_CHARS
    kept = [c if c == "\n" or unicodedata.category(c)[0] != "C" else " " for c in text[:MAX_CHARS]]
    return "".join(kept), cut


def _lowered(char: str) -> str:
    plain = _PLAIN.get(char)
    if plain is None:
        plain = unicodedata.normalize("NFKC", char) if ord(char) > 0xFF else char
        plain = plain.lower()
    if plain in ("\xa0", "\t"):
        return " "
    return plain if len(plain) == 1 else char


def prepare(text: str) -> Text:
    """Cleans, lowers and respells a message; never raises."""
    clean, cut = clean_text(text)
    lowered = clean.lower() if clean.isascii() else "".join(map(_lowered, clean))
    low, starts, shifts = _respelled(lowered.replace("\t", " "))
    return Text(clean, low, starts, shifts, cut, _split(low, _CLAUSE), _split(low, _BREAK))


def _split(text: str, breaks: re.Pattern[str]) -> tuple[Span, ...]:
    spans, start = [], 0
    for match in breaks.finditer(text):
        if match.start() > start:
            spans.append(Span(start, match.start()))
        start = match.end()
    if start < len(text):
        spans.append(Span(start, len(text)))
    return tuple(spans)


def _respelled(text: str) -> tuple[str, tuple[int, ...], tuple[int, ...]]:
    parts: list[str] = []
    starts, shifts = [0], [0]
    done = length = 0
    for match in _WORD.finditer(text):
        right = " " if match.group()[0] == " " else respell(match.group())
        if right == match.group():
            continue
        parts += [text[done : match.start()], right]
        length += match.start() - done + len(right)
        done = match.end()
        # Inside the word positions run on; the cut is repaired at its end.
        starts.append(length)
        shifts.append(done - length)
    parts.append(text[done:])
    return "".join(parts), tuple(starts), tuple(shifts)


@lru_cache(maxsize=1)
def _vocabulary() -> tuple[tuple[str, ...], frozenset[str]]:
    data = load("vocabulary")
    keys = tuple(data["keywords"])
    return keys, frozenset(keys) | frozenset(data["ordinary"])


@lru_cache(maxsize=4096)
def respell(word: str) -> str:
    """A key word that `word` is a typing error of, else `word`.

    Only words of five letters and more, one slip for each five letters (two at most), the first letter right,
    and never an inflection or a word that the vocabulary lists as ordinary.
    """
    from rapidfuzz.distance import OSA

    keys, known = _vocabulary()
    if len(word) < 5 or word in known:
        return word
    allowed = 1 if len(word) < 9 else 2
    best, best_distance = word, allowed + 1
    for key in keys:
        if key[0] != word[0] or abs(len(key) - len(word)) > allowed:
            continue
        if word.startswith(key[: min(len(key), len(word))]) or key.startswith(word):
            return word
        distance = OSA.distance(word, key, score_cutoff=allowed)
        if distance < best_distance:
            best, best_distance = key, distance
    return best
