"""Citations of guides: from a claim to the lines that hold it, and from a locator back to its passage.

A locator is `file#heading:first-last` (1-based lines of the file). A guide may change after it was cited: so
what is opened is checked against the heading and, where they are known, the cited words, and a line that is
not the one that was cited is never shown as if it were.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from knowledge.corpus import Guide, Origin
from knowledge.guide_set import guide_named, shipped_guide
from knowledge.home import home
from knowledge.outline import Heading, bare, outline
from knowledge.passage_units import units_of
from knowledge.statement import plain_text
from knowledge.support import Support, quote_of, support

CHANGED = "The guide has changed since it was cited"
_LOCATOR = re.compile(
    r"(?P<file>.+?\.md)#(?P<heading>.*):(?P<first>[0-9]{1,9})-(?P<last>[0-9]{1,9})", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a guide: the lines from its heading to the next one."""

    file: str
    guide: str
    """Title of the guide."""
    heading: str
    first: int
    last: int
    text: str
    as_of: str | None
    """Date of the guide's facts."""
    path: tuple[str, ...] = ()
    """The headings above the section and its own, the outermost first."""
    origin: Origin = "shipped"
    provenance: str | None = None

    @property
    def locator(self) -> str:
        """`file#heading:first-last`, 1-based and inclusive, of the whole section."""
        return self.at(self.first, self.last)

    def at(self, first: int, last: int) -> str:
        """The locator of some lines of the section."""
        return f"{self.file}#{self.heading}:{first}-{last}"

    def supporting(self, claim: str) -> Support | None:
        """The lines of the section that carry a claim; None where it does not support it."""
        return support(claim, self.text, self.first, (self.guide, *self.path))


@dataclass(frozen=True, slots=True)
class Cited:
    """A citation, opened: its section as it is now, with the cited lines."""

    section: Section
    marked: tuple[int, int] | None
    """First and last of the cited lines; None where they cannot be told any more."""
    notice: str | None = None
    """What the person must know: the guide has changed since it was cited."""

    @property
    def text(self) -> str:
        """The cited lines; the whole section where they cannot be told."""
        if self.marked is None:
            return self.section.text
        first, last = (line - self.section.first for line in self.marked)
        return "\n".join(self.section.text.split("\n")[first : last + 1])


@cache
def find_section(file: str, heading: str) -> Section | None:
    """The first section of a shipped guide under a heading (without its `#` marks); None if there is none."""
    guide = shipped_guide(file)
    if guide is None:
        return None
    found = next((row for row in outline(guide) if row.text == heading), None)
    return None if found is None else find_in(guide, found)


@cache
def supported(file: str, heading: str, claim: str) -> tuple[str, Support | None]:
    """The locator of the lines of a shipped guide that carry a claim, and how they do.

    Where the section does not support the claim, the locator is that of the whole section; the empty string
    where file or heading is gone.
    """
    section = find_section(file, heading)
    if section is None:
        return "", None
    found = section.supporting(claim)
    return (section.locator if found is None else section.at(found.first, found.last)), found


def read_passage(locator: str, quote: str = "") -> Cited | None:
    """The passage that a citation points at; None where it points at nothing.

    Args:
        locator: `file#heading:first-last`. The file is one of the guides: a locator leads to nothing else.
        quote: the beginning of what was cited, where it is known; the lines are found again by it.
    """
    parts = _LOCATOR.fullmatch(locator)
    guide = guide_named(home(), parts["file"]) if parts is not None else None
    if parts is None or guide is None:
        return None
    lines = int(parts["first"]), int(parts["last"])
    if not 1 <= lines[0] <= lines[1]:
        return None
    return open_lines(guide, parts["heading"], lines, quote)


def open_lines(guide: Guide, heading: str, lines: tuple[int, int], quote: str = "") -> Cited | None:
    """The section of some lines under a heading, with the lines marked as far as they are still there."""
    around = section_at(guide, lines[1])
    above = {"", bare(guide.title)} | ({bare(text) for text in around.path} if around is not None else set())
    if around is None or bare(heading) not in above or not _filled(guide, lines):
        named = next((row for row in outline(guide) if bare(row.text) == bare(heading)), None)
        return _moved(guide, heading, around if named is None else find_in(guide, named), quote)
    # A passage may begin with the heading above its own: both are shown.
    section = _widened(guide, around, lines)
    found = _quoted(section, quote) if quote else lines
    if found is None or found[0] < lines[0] or found[1] > lines[1]:
        return _moved(guide, heading, section, quote)
    # A passage is cited from its heading on: the line that is quoted is marked in it.
    passage = any(lines[0] <= row.line <= lines[1] for row in outline(guide))
    return Cited(section, found if passage else lines)


def section_at(guide: Guide, line: int) -> Section | None:
    """The section that holds a line, or what stands before the first heading; None beyond the file."""
    if line > len(guide.lines):
        return None
    above = [row for row in outline(guide) if row.line <= line]
    if above:
        return find_in(guide, above[-1])
    until = next((row.line - 1 for row in outline(guide)), len(guide.lines))
    return _between(guide, "", min(guide.body_start + 1, line), until, ())


def whole(guide: Guide) -> Section:
    """A guide as one section, without its front matter."""
    return _between(guide, guide.title, guide.body_start + 1, max(len(guide.lines), guide.body_start + 1), ())


def find_in(guide: Guide, heading: Heading) -> Section:
    """The section under a heading of a guide's outline."""
    return _between(guide, heading.text, heading.line, heading.last, heading.path)


def _between(guide: Guide, heading: str, first: int, last: int, path: Sequence[str]) -> Section:
    while last > first and not guide.lines[last - 1].strip():
        last -= 1
    text = "\n".join(guide.lines[first - 1 : last])
    return Section(
        guide.file,
        guide.title,
        heading,
        first,
        last,
        text,
        guide.as_of,
        tuple(path),
        guide.origin,
        guide.provenance,
    )


def _widened(guide: Guide, section: Section, lines: tuple[int, int]) -> Section:
    first, last = min(section.first, lines[0]), max(section.last, lines[1])
    if (first, last) == (section.first, section.last):
        return section
    return replace(section, first=first, last=last, text="\n".join(guide.lines[first - 1 : last]))


def _filled(guide: Guide, lines: tuple[int, int]) -> bool:
    first, last = lines
    return last <= len(guide.lines) and any(line.strip() for line in guide.lines[first - 1 : last])


def _quoted(section: Section, quote: str) -> tuple[int, int] | None:
    """The lines of the section that hold the cited words."""
    wanted = quote_of(plain_text(quote))
    for unit in units_of(section.text, section.first):
        if wanted and quote_of(plain_text(unit.text)) == wanted:
            return unit.first, unit.last
    return None


def _moved(guide: Guide, heading: str, section: Section | None, quote: str) -> Cited | None:
    """The guide as it is now: the cited words are looked for, in the section first, then everywhere."""
    sections = [] if section is None else [section]
    for candidate in (*sections, *(find_in(guide, row) for row in outline(guide) if quote)):
        found = _quoted(candidate, quote) if quote else None
        if found is not None:
            return Cited(candidate, found, f"{CHANGED}; the words now stand here.")
    if section is None:
        return None
    gone = not any(bare(row.text) == bare(heading) for row in outline(guide))
    what = f"it has no heading \u201c{heading}\u201d" if gone else "the cited lines are not there"
    return Cited(section, None, f"{CHANGED}: {what} any more. This is its text now.")
