"""The headings of a Markdown file with their lines, without a parser: cheap enough for one citation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from knowledge.corpus import Guide

_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*")
_NO_PARAGRAPH = re.compile(r" {4}|\t| {0,3}(?:[>|#]|[-*+] |\d{1,9}[.)] |(?:[-*_][ \t]*){3,}$)")
_DRAWN = re.compile(r"\*\*|__(?=\S)|(?<=\S)__|`+")
_LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\s]*\)")


@dataclass(frozen=True, slots=True)
class Heading:
    """One heading; lines are 1-based."""

    level: int
    text: str
    """Without the `#` marks; Markdown inside it stays."""
    line: int
    path: tuple[str, ...]
    """The headings above it and itself, the outermost first."""
    last: int = 0
    """The last line of its own text, before the next heading of any level and the blank lines above that."""


def fence_of(line: str) -> str:
    """The fence that a line opens, such as ```; empty where it opens none."""
    found = _FENCE.match(line)
    return found[1] if found else ""


def closes(line: str, fence: str) -> bool:
    """Whether a line ends the code block that `fence` began."""
    return bool(re.fullmatch(rf" {{0,3}}{re.escape(fence[0])}{{{len(fence)},}}[ \t]*", line))


def bare(text: str) -> str:
    """A heading as it is compared: without emphasis, code marks and link targets."""
    return " ".join(_DRAWN.sub("", _LINK.sub(r"\1", text)).split())


@cache
def outline(guide: Guide) -> tuple[Heading, ...]:
    """The headings of a guide in reading order."""
    found = _headings(guide.lines, guide.body_start)
    path: list[Heading] = []
    rows = []
    for place, (line, level, text) in enumerate(found):
        end = found[place + 1][0] - 1 if place + 1 < len(found) else len(guide.lines)
        while end > line and not guide.lines[end - 1].strip():
            end -= 1
        path = [above for above in path if above.level < level]
        row = Heading(level, text, line, (*(above.text for above in path), text), end)
        path.append(row)
        rows.append(row)
    return tuple(rows)


def _headings(lines: Sequence[str], start: int) -> list[tuple[int, int, str]]:
    """Line, level and text of every heading."""
    found: list[tuple[int, int, str]] = []
    fence = ""
    paragraph = 0  # first line of the paragraph that runs, 0 for none
    for number, line in enumerate(lines[start:], start + 1):
        if fence:
            fence = "" if closes(line, fence) else fence
            continue
        opened = fence_of(line)
        atx = _ATX.fullmatch(line)
        if paragraph and _SETEXT.fullmatch(line):
            text = " ".join(part.strip() for part in lines[paragraph - 1 : number - 1])
            found.append((paragraph, 1 if "=" in line else 2, text))
            paragraph = 0
        elif opened or not line.strip():
            fence, paragraph = opened, 0
        elif atx is not None:
            found.append((number, len(atx[1]), (atx[2] or "").strip()))
            paragraph = 0
        elif not paragraph and not _NO_PARAGRAPH.match(line):
            paragraph = number
    return found
