"""`guides list` as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.guides.listing import GuidesQuery, list_guides
from tui.output import bold, wrapped
from tui.plaintext import clean
from tui.request_command import Face, request_command

ORIGINS = {"shipped": "shipped", "own": "your own"}


def _lines(document: Mapping[str, Any], why: bool) -> list[str]:
    lines = []
    for guide in document["guides"]:
        told = [_passages(guide["passages"]), ORIGINS[guide["origin"]]]
        if guide["as_of"]:
            told.insert(0, f"as of {clean(guide['as_of'], one_line=True)}")
        lines.append(bold(clean(guide["title"], one_line=True)))
        lines += wrapped(f"{clean(guide['file'], one_line=True)}: {', '.join(told)}", "   ", "   ")
        for text in (guide["scope"], guide["provenance"]):
            if text:
                lines += wrapped(clean(text, one_line=True), "   ", "   ")
        for notice in guide["notices"]:
            lines += wrapped(clean(notice, one_line=True), "     ", "   ! ")
    return lines


def _passages(count: int) -> str:
    return f"{count:,} passage{'s' if count != 1 else ''}"


command = request_command(
    Face(
        name="list",
        request=GuidesQuery,
        answer=list_guides,
        show=_lines,
        help="List the guides that answers are taken from.",
        why=False,
        stdin=False,
    )
)
