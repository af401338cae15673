"""A passage of a guide as rows to show: read tolerantly from the document of `guides show`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tui.plaintext import clean


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the file."""

    number: int
    text: str
    marked: bool
    """Whether it is one of the cited lines."""
    wide: int
    """Digits of the largest number, for alignment."""


def numbered_lines(passage: Mapping[str, Any]) -> list[Row]:
    """The lines of a passage with their numbers in the file."""
    first, _ = span_of(passage, "lines") or (1, 1)
    marked = span_of(passage, "marked") or (0, -1)
    lines = clean(passage.get("text") or "").split("\n")
    wide = len(str(first + len(lines) - 1))
    return [
        Row(number, line.rstrip(), marked[0] <= number <= marked[1], wide)
        for number, line in enumerate(lines, first)
    ]


def place_of(passage: Mapping[str, Any]) -> list[str]:
    """Where the passage stands: the headings above it, and file, lines and date."""
    heading = passage.get("heading") or ""
    if isinstance(heading, list | tuple):
        heading = " > ".join(clean(part, one_line=True) for part in heading)
    first, last = span_of(passage, "marked") or span_of(passage, "lines") or (1, 1)
    place = f"{clean(passage.get('file') or '', one_line=True)}, "
    place += f"line {first}" if first == last else f"lines {first}-{last}"
    as_of = clean(passage.get("as_of") or "", one_line=True)
    return [part for part in (clean(heading), place + (f", as of {as_of}" if as_of else "")) if part]


def span_of(passage: Mapping[str, Any], key: str) -> tuple[int, int] | None:
    """First and last line under a key; None where there are none."""
    lines = passage.get(key)
    try:
        return (int(lines[0]), int(lines[1])) if lines else None
    except (TypeError, ValueError, IndexError):
        return None
