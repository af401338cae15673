"""A passage of a guide as widgets: where it stands, and its lines with the cited ones marked."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from textual.content import Content
from textual.widget import Widget

from tui.glyphs import glyphs
from tui.passage_view import Row, numbered_lines, place_of
from tui.plaintext import clean
from tui.widgets.text import FittedText, PlainText, hanging, styled


def passage_head(passage: Mapping[str, Any]) -> list[Widget]:
    """Headings, file, lines and date, and whether the guide has changed since."""
    origin = [f"your own guide: {clean(passage.get('provenance') or '', one_line=True)}"]
    told = [*place_of(passage), *(origin if passage.get("origin") == "own" else [])]
    parts: list[Widget] = [PlainText("\n".join(told), classes="place")]
    if passage.get("notice"):
        parts.append(PlainText(clean(passage["notice"], one_line=True), classes="notice"))
    return parts


def passage_lines(passage: Mapping[str, Any]) -> list[Widget]:
    """The lines; those that are cited have the class `cited`."""
    parts: list[Widget] = []
    for marked, group in groupby(numbered_lines(passage), key=lambda row: row.marked):
        lines = [_styled(row) for row in group]
        parts.append(FittedText(hanging(lines), classes="cited" if marked else ""))
    for wrong in passage.get("disagreements") or ():
        parts.append(PlainText(f"\nDisagrees: {clean(str(wrong), one_line=True)}"))
    return parts


def _styled(row: Row) -> tuple[Content, Content]:
    """A line with its number; a cited one with a sign and in bold, so that color is not needed to see it."""
    gutter = f"{glyphs().cited if row.marked else ' '} {row.number:>{row.wide}}  "
    heading = row.text.startswith("#")
    return (
        styled((gutter, "bold $accent" if row.marked else "$foreground-muted")),
        styled((row.text, "bold") if heading or row.marked else row.text),
    )
