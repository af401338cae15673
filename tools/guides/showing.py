"""`guides show`: a passage of a guide with its lines, and the cited ones marked."""

from __future__ import annotations

import difflib
import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from knowledge.corpus import Guide
from knowledge.errors import NoAnswerError, UnknownNameError
from knowledge.guide_set import all_guides, guide_named
from knowledge.home import home
from knowledge.outline import bare, outline
from knowledge.references import Cited, Section, find_in, open_lines, read_passage, section_at, whole
from tools.claims.beside import section_disagreements
from tools.commands.requests import Request

Document = dict[str, Any]
MOST_LINES = 80
"""Lines shown around the cited ones; a section of an own guide may be as long as a book."""
MOST_OF_A_GUIDE = 600

_LINES = re.compile(r"(?P<file>[^#]+?):(?P<first>[0-9]{1,9})(?:-(?P<last>[0-9]{1,9}))?")


def _one_line(value: object) -> object:
    return " ".join(value.split()) if isinstance(value, str) else value


class ShowQuery(Request):
    """Request of `guides show`."""

    passage: Annotated[str, BeforeValidator(_one_line), Field(min_length=1, max_length=1000)] = Field(
        description="a citation (file#heading:first-last), a guide (file), or lines of one (file:line)"
    )


def show_passage(query: ShowQuery) -> Document:
    """The passage with its lines.

    Raises:
        UnknownNameError: no such guide or heading.
        NoAnswerError: the guide has no such line.
    """
    found = read_passage(query.passage)
    if found is not None:
        return passage_json(found)
    named, _, heading = query.passage.partition("#")
    lines = _LINES.fullmatch(query.passage)
    guide = _guide(lines["file"] if lines is not None and "#" not in query.passage else named)
    if lines is not None:
        first = int(lines["first"])
        return passage_json(_at(guide, first, int(lines["last"] or first)))
    if "#" not in query.passage:
        return passage_json(Cited(whole(guide), None), MOST_OF_A_GUIDE)
    return passage_json(Cited(_headed(guide, heading), None))


def passage_json(cited: Cited, most: int = MOST_LINES) -> Document:
    """An opened citation as a document: the text around the marked lines, of at most `most` lines.

    `lines` are the first and last line of `text` in the file, `marked` those of the cited lines or null where
    nothing is marked; `notice` says so where the guide has changed since.
    """
    section = cited.section
    first, last = _window(section, cited.marked, most)
    lines = section.text.split("\n")[first - section.first : last - section.first + 1]
    return {
        "guide": section.guide,
        "file": section.file,
        "heading": list(section.path),
        "lines": [first, last],
        "marked": list(cited.marked) if cited.marked is not None else None,
        "text": "\n".join(lines),
        "as_of": section.as_of,
        "origin": section.origin,
        "provenance": section.provenance,
        "notice": cited.notice,
        "disagreements": [wrong["text"] for wrong in section_disagreements(section)],
        "whole": (first, last) == (section.first, section.last),
    }


def _window(section: Section, marked: tuple[int, int] | None, most: int) -> tuple[int, int]:
    """The lines of a section that are shown: those around the marked ones where it is long."""
    if section.last - section.first < most:
        return section.first, section.last
    start = section.first if marked is None else max(section.first, marked[0] - most // 4)
    start = min(start, section.last - most + 1)
    return start, start + most - 1


def _guide(name: str) -> Guide:
    """A guide by its file name, also without `.md` or the folder of own guides."""
    state, wanted = home(), name.strip()
    for file in (wanted, f"{wanted}.md", f"own/{wanted}", f"own/{wanted}.md"):
        guide = guide_named(state, file)
        if guide is not None:
            return guide
    files = [guide.file for guide in all_guides(state)]
    near = difflib.get_close_matches(wanted, files, n=3, cutoff=0.5) or [
        f for f in files if wanted.lower() in f
    ]
    raise UnknownNameError(
        f"There is no guide `{wanted[:80]}`.",
        hint=f"Did you mean {' or '.join(near)}?" if near else "`llm-advisor guides list` shows them all.",
        nearest=near,
    )


def _headed(guide: Guide, heading: str) -> Section:
    """The section under a heading, whatever its case."""
    for row in outline(guide):
        if bare(row.text).lower() == bare(heading).lower():
            return find_in(guide, row)
    known = [bare(row.text) for row in outline(guide)]
    near = difflib.get_close_matches(bare(heading), known, n=1, cutoff=0.4)
    raise UnknownNameError(
        f"{guide.file} has no heading `{heading.strip()[:80]}`.",
        hint=f"Did you mean `{near[0]}`?" if near else f"`guides show {guide.file}` shows the whole guide.",
        nearest=near,
    )


def _at(guide: Guide, first: int, last: int) -> Cited:
    """Lines of a guide, without a heading to hold them against."""
    section = section_at(guide, last) if first <= last else None
    if section is None or first < 1:
        raise NoAnswerError(
            f"{guide.file} has no lines {first}-{last}: it has {len(guide.lines)}.",
            hint=f"For example: guides show {guide.file}:{min(10, len(guide.lines))}",
        )
    return open_lines(guide, section.heading, (first, last)) or Cited(section, None)
