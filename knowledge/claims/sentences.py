"""Sentences of a block with the line that each place stands in, without Markdown's marks."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\s]*\)")
_MARKS = re.compile(r"\*\*|__(?=\S)|(?<=\S)__|`+|(?<!\w)\*(?=\S)|(?<=\S)\*(?!\w)")
_LEAD = re.compile(r"^\s*(?:>\s?)*(?:[-*+\u2022]\s+|\d+[.)]\s+)?(?:\[[ xX]\]\s+)?(?:#{1,6}\s+)?")
_END = re.compile(
    r"(?<=[.!?])(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bvs\.)(?<!\bapprox\.)(?<!\bca\.)(?<!\bEst\.)[\"')\u201d]*\s+(?=[A-Z\"'(\u201c\d~`])"
)
CLAUSE = re.compile(r";\s|\s(?:but|while|whereas|although|though)\s|\.\s")


@dataclass(frozen=True, slots=True)
class Text:
    """Words of consecutive lines joined by blanks."""

    words: str
    starts: tuple[int, ...]
    """Where each line begins in `words`."""
    lines: tuple[int, ...]
    """1-based line numbers."""

    def line_at(self, place: int) -> int:
        """The line that a place of `words` comes from."""
        return self.lines[max(0, bisect_right(self.starts, place) - 1)]


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence and where it begins in its text."""

    words: str
    start: int
    text: Text

    def line_at(self, place: int) -> int:
        """The line of a place of the sentence."""
        return self.text.line_at(self.start + place)


def unmarked(line: str) -> str:
    """A line without emphasis, code marks and link targets."""
    return _MARKS.sub("", _LINK.sub(r"\1", line)).strip()


def joined(lines: Sequence[str], first: int, last: int) -> Text:
    """The words of `lines[first:last]`, without list marks and quotes.

    Args:
        lines: of the file.
        first: index of the first line, 0-based.
        last: index behind the last one.
    """
    pieces, starts, numbers, length = [], [], [], 0
    for index in range(first, last):
        piece = unmarked(_LEAD.sub("", lines[index]))
        if not piece:
            continue
        starts.append(length)
        numbers.append(index + 1)
        pieces.append(piece)
        length += len(piece) + 1
    return Text(" ".join(pieces), tuple(starts) or (0,), tuple(numbers) or (first + 1,))


def sentences(text: Text) -> Iterator[Sentence]:
    """The sentences of a text."""
    start = 0
    for match in _END.finditer(text.words):
        yield Sentence(text.words[start : match.start()].strip(), start, text)
        start = match.end()
    rest = text.words[start:].strip()
    if rest:
        yield Sentence(rest, start, text)
