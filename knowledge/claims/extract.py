"""All claims of a guide, or of one passage of it, in reading order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from knowledge.claims.columns import Above
from knowledge.claims.pasted import pasted_claims, pasted_rows
from knowledge.claims.prose import sentence_claims
from knowledge.claims.said import Place
from knowledge.claims.scene import Around
from knowledge.claims.sentences import Text, joined, sentences
from knowledge.claims.tables import table_claims
from knowledge.claims.types import Claim
from knowledge.corpus import Guide
from knowledge.markdown_blocks import Block, Section, sections

LEAD_CHARACTERS = 600
"""Of the words before a list or a table, so many are read for what they announce."""
_FIGURE_IN_CODE = re.compile(r"\d\s?(?:[GMT]i?B|tok/s|%)|\$\d")
_COMMENT = re.compile(r"(?:^|\s)(?:#|//|--)\s(?P<words>.*)$")


def guide_claims(guide: Guide) -> tuple[Claim, ...]:
    """Every claim of a guide that can be typed."""
    found: list[Claim] = []
    for section in sections(guide.lines, guide.body_start, guide.title):
        found += _section_claims(guide, section)
    return tuple(found)


def passage_claims(passage: Guide, heading: tuple[str, ...], lines: tuple[int, int]) -> tuple[Claim, ...]:
    """The claims of one passage, without reading the rest of its guide.

    Args:
        passage: file, origin and the words of the passage as its only lines.
        heading: titles down to the passage's own.
        lines: first and last line of the passage in its file, 1-based and inclusive. What a passage repeats
            (the header of a table that is cut) stands before the rest, so lines are counted from its end.
    """
    found: list[Claim] = []
    for section in sections(passage.lines, 0, heading[-1] if heading else passage.title):
        section.heading = heading
        found += _section_claims(passage, section)
    first, last = lines
    behind = last - len(passage.lines)
    return tuple(replace(claim, line=min(max(claim.line + behind, first), last)) for claim in found)


def _section_claims(guide: Guide, section: Section) -> Iterator[Claim]:
    lead = ""
    title = section.heading[-1] if section.heading else ""
    place = Place(guide.file, guide.origin, section.heading, 0)
    for block in section.blocks:
        if block.kind == "table":
            above = Above(title, lead)
            yield from table_claims(guide.lines, block.first, block.cuts, above, place)
            continue
        if block.kind == "code":
            yield from _code_claims(guide.lines, block, place, title)
            continue
        pasted = pasted_rows(guide.lines, block.first, block.last)
        if pasted:
            yield from pasted_claims(guide.lines, pasted, place)
        texts = _texts(guide.lines, block) if not pasted else _around(guide.lines, block, pasted)
        before = lead if block.kind == "list" else ""
        for text in texts:
            yield from _text_claims(text, place, title, before)
        lead = texts[-1].words[-LEAD_CHARACTERS:] if texts and block.kind == "text" else ""


def _texts(lines: Sequence[str], block: Block) -> list[Text]:
    """A paragraph as one text, a list as one for each item."""
    if block.kind == "list" and block.cuts:
        return [joined(lines, first, last) for first, last in block.cuts]
    return [joined(lines, block.first, block.last)]


def _around(lines: Sequence[str], block: Block, rows: set[int]) -> list[Text]:
    """The lines of a paragraph before and behind a pasted table."""
    parts = ((block.first, min(rows)), (max(rows) + 1, block.last))
    return [joined(lines, first, last) for first, last in parts if first < last]


def _text_claims(text: Text, place: Place, title: str, before: str) -> Iterator[Claim]:
    last = ""
    said = before
    for sentence in sentences(text):
        around = Around(title, " > ".join(place.heading), said[-LEAD_CHARACTERS:], last or before, before)
        for claim in sentence_claims(sentence.words, replace(place, line=sentence.line_at(0)), around):
            at = sentence.words.find(claim.figure_words)
            yield replace(claim, line=sentence.line_at(max(at, 0)))
        last = sentence.words
        said = f"{said} {sentence.words}"


def _code_claims(lines: Sequence[str], block: Block, place: Place, title: str) -> Iterator[Claim]:
    """Comments of code that state a figure (`# 70B Q4: about 40 GB of VRAM`)."""
    for first, _ in block.cuts:
        comment = _COMMENT.search(lines[first])
        if comment is None or not _FIGURE_IN_CODE.search(comment["words"]):
            continue
        called = "VRAM" if "vram" in lines[first].lower() else ""
        yield from sentence_claims(comment["words"], replace(place, line=first + 1), Around(title, called))
