"""Finds a heading of a shipped guide, so that a claim can cite file, heading and lines."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from knowledge.corpus import SHIPPED, Guide, parse_guide


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a guide: the lines from its heading to the next one."""

    file: str
    guide: str
    heading: str
    first: int
    last: int
    text: str
    as_of: str | None
    """Date of the guide's facts."""

    @property
    def locator(self) -> str:
        """`file#heading:first-last`, 1-based and inclusive."""
        return f"{self.file}#{self.heading}:{self.first}-{self.last}"


@cache
def find_section(file: str, heading: str) -> Section | None:
    """The section under a heading (without its `#` marks); None where file or heading is gone."""
    path = SHIPPED / file
    if not path.is_file():
        return None
    guide = parse_guide(file, path.read_text(encoding="utf-8"))
    first = None
    fenced = False
    for number, line in enumerate(guide.lines, 1):
        fenced ^= line.startswith("```")
        if fenced:
            continue  # a comment in a code block is no heading
        if first is not None and line.startswith("#"):
            return _section(guide, heading, first, number - 1)
        if line.startswith("#") and line.lstrip("#").strip() == heading:
            first = number
    return None if first is None else _section(guide, heading, first, len(guide.lines))


def _section(guide: Guide, heading: str, first: int, last: int) -> Section:
    while last > first and not guide.lines[last - 1].strip():
        last -= 1
    text = "\n".join(guide.lines[first - 1 : last])
    return Section(guide.file, guide.title, heading, first, last, text, guide.as_of)


def read_passage(locator: str) -> Section | None:
    """The lines that a citation `file#heading:first-last` points at; None where it points at nothing.

    The file must be one of the shipped guides: a locator cannot lead out of their folder.
    """
    file, _, rest = locator.partition("#")
    heading, _, span = rest.rpartition(":")
    lines = re.fullmatch(r"([0-9]+)-([0-9]+)", span)
    if lines is None or file not in {path.name for path in SHIPPED.glob("*.md")}:
        return None
    guide = parse_guide(file, (SHIPPED / file).read_text(encoding="utf-8"))
    first, last = int(lines[1]), int(lines[2])
    if not 1 <= first <= last <= len(guide.lines):
        return None
    return _section(guide, heading, first, last)
