"""What a section is made of for a citation: sentences, list items, table rows, lines of code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from knowledge.figures import figures
from knowledge.outline import closes, fence_of

Kind = Literal["sentence", "item", "row", "code"]

_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])\s+")
_RULE = re.compile(r"^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$")
_BAR = re.compile(r"(?<!\\)\|")
_SENTENCE = re.compile(r"(?<=[.!?])[\"')\u201d]*\s+(?=[\"'(\[`\u201c]*[A-Z0-9`*_~])")
_SHORT = re.compile(r"(?:\b(?:e\.g|i\.e|vs|approx|no|fig|etc|ca|cf)|\b[A-Z])\.$", re.IGNORECASE)
_UNIT = re.compile(r"\(([^)]+)\)|\bin (\S+)$")


@dataclass(frozen=True, slots=True)
class Unit:
    """The smallest part of a passage that can carry a claim."""

    first: int
    last: int
    """Lines of the file, 1-based and inclusive."""
    text: str
    """Its words; a table row as `header: cell; header: cell`."""
    kind: Kind
    lead: str = ""
    """What introduces it: the line before its list or table, and the sentences before it in its paragraph."""


@lru_cache(maxsize=512)
def units_of(text: str, first: int) -> tuple[Unit, ...]:
    """The units of a section.

    Args:
        text: the section, from its heading on.
        first: line of the file where the text begins.
    """
    return tuple(_units(text.split("\n"), first))


def _units(lines: Sequence[str], offset: int) -> Iterator[Unit]:
    lead = ""
    at = 0
    while at < len(lines):
        line = lines[at]
        if not line.strip() or re.match(r" {0,3}#{1,6}(\s|$)", line):
            at += 1
            continue
        end = _end_of_block(lines, at)
        if fence_of(line):
            inner = range(at + 1, end - 1 if end > at + 1 and fence_of(lines[end - 1]) else end)
            yield from (
                Unit(n + offset, n + offset, lines[n], "code", lead) for n in inner if lines[n].strip()
            )
        elif at + 1 < end and _RULE.match(lines[at + 1]) and "|" in line:
            yield from _rows(lines, at, end, offset, lead)
        elif _ITEM.match(line):
            yield from _items(lines, at, end, offset, lead)
        else:
            found = list(_sentences(lines, at, end, offset))
            yield from found
            lead = found[-1].text if found and lines[end - 1].rstrip().endswith(":") else ""
        at = end


def _end_of_block(lines: Sequence[str], start: int) -> int:
    """Index behind the block that begins at `start`: up to a blank line, a closing fence or another kind."""
    fence = fence_of(lines[start])
    at = start + 1
    if fence:
        while at < len(lines) and not closes(lines[at], fence):
            at += 1
        return min(at + 1, len(lines))
    listed = bool(_ITEM.match(lines[start]))
    while at < len(lines) and lines[at].strip() and not fence_of(lines[at]):
        if not listed and _ITEM.match(lines[at]) and not lines[start].lstrip().startswith("|"):
            break
        at += 1
    return at


def _rows(lines: Sequence[str], start: int, end: int, offset: int, lead: str) -> Iterator[Unit]:
    heads = _cells(lines[start])
    for at in range(start + 2, end):
        cells = _cells(lines[at])
        if any(cells):
            text = "; ".join(
                _labelled(heads[n] if n < len(heads) else "", cell) for n, cell in enumerate(cells)
            )
            yield Unit(at + offset, at + offset, text, "row", lead)


def _cells(row: str) -> list[str]:
    inner = row.strip()
    inner = inner.removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return [cell.strip() for cell in _BAR.split(inner)]


def _labelled(head: str, cell: str) -> str:
    """A cell with its column's title; a bare number gets the title's unit: `VRAM (GB)` and `12` are 12 GB."""
    found = _UNIT.search(head)
    if found is not None and re.fullmatch(r"[~\d.,\s\u2013-]+", cell):
        unit = (found[1] or found[2]).strip()
        if any(figure.dimension for figure in figures(f"1 {unit}")):
            cell = f"{cell} {unit}"
    return f"{head}: {cell}" if head and cell else cell


def _items(lines: Sequence[str], start: int, end: int, offset: int, lead: str) -> Iterator[Unit]:
    begins = [at for at in range(start, end) if _ITEM.match(lines[at])]
    for first, following in zip(begins, [*begins[1:], end], strict=True):
        text = " ".join(_ITEM.sub("", line, count=1).strip() for line in lines[first:following])
        yield Unit(first + offset, following - 1 + offset, text, "item", lead)


def _sentences(lines: Sequence[str], start: int, end: int, offset: int) -> Iterator[Unit]:
    """The sentences of a paragraph, which may run over several lines."""
    joined = " ".join(line.strip() for line in lines[start:end])
    starts, place = [], 0
    for line in lines[start:end]:
        starts.append(place)
        place += len(line.strip()) + 1
    cuts = [0]
    for match in _SENTENCE.finditer(joined):
        if not _SHORT.search(joined[cuts[-1] : match.start()]):
            cuts.append(match.end())
    before = ""
    for at, until in zip(cuts, [*cuts[1:], len(joined)], strict=True):
        sentence = joined[at:until].strip()
        if sentence:
            first = max(n for n, place in enumerate(starts) if place <= at)
            last = max(n for n, place in enumerate(starts) if place < max(at + 1, at + len(sentence)))
            yield Unit(start + first + offset, start + last + offset, sentence, "sentence", before)
            before = f"{before} {sentence}".strip()
