"""`guides show` as text: line numbers, and a sign before the cited lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.guides.showing import ShowQuery, show_passage
from tui.glyphs import glyphs
from tui.guides.listing import ORIGINS
from tui.output import bold, wrapped
from tui.passage_view import numbered_lines, place_of
from tui.plaintext import clean
from tui.request_command import Face, request_command

HELP = """Show a passage of a guide with its lines.

PASSAGE is a citation as answers give it (file#heading:first-last), a guide (file), lines of one (file:line or
file:first-last), or a section (file#heading). The cited lines are marked.
"""


def passage_lines(document: Mapping[str, Any]) -> list[str]:
    """An opened passage for a terminal: title, place, and the numbered lines with the cited ones marked."""
    lines = [bold(clean(document["guide"], one_line=True))]
    for text in place_of(document):
        lines += wrapped(text, "   ", "   ")
    if document["origin"] != "shipped":
        told = ORIGINS[document["origin"]]
        if document["provenance"]:
            told += f": {clean(document['provenance'], one_line=True)}"
        lines += wrapped(told, "   ", "   ")
    if document["notice"]:
        lines += wrapped(f"Note: {clean(document['notice'], one_line=True)}", "   ", "   ")
    lines.append("")
    sign = glyphs().cited
    for row in numbered_lines(document):
        gutter = f"{sign if row.marked else ' '} {row.number:>{row.wide}}  "
        shown = wrapped(row.text, " " * len(gutter), gutter) if row.text else [gutter.rstrip()]
        lines += [bold(line) for line in shown] if row.marked else shown
    for wrong in document["disagreements"]:
        lines += ["", *wrapped(f"This disagrees with the calculation: {clean(wrong, one_line=True)}")]
    if not document["whole"]:
        lines += ["", *wrapped("Only a part is shown; `guides show FILE:LINE` opens another.")]
    return lines


def _lines(document: Mapping[str, Any], why: bool) -> list[str]:
    return passage_lines(document)


command = request_command(
    Face(
        name="show",
        request=ShowQuery,
        answer=show_passage,
        show=_lines,
        help=HELP,
        positional="passage",
        many=True,
        joined=True,
        why=False,
    )
)
