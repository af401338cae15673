"""`search`: passages of the guides as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from tools.commands.search import SearchQuery, expect, search
from tui.invocation import invocation
from tui.markdown_lines import plain_lines
from tui.output import bold, wrapped
from tui.plaintext import clean
from tui.request_command import Face, request_command

HELP = """Find passages of the guides.

QUERY is any number of words. A small model on this machine compares meaning, and nothing goes over the
network. Only where you have set a Chroma server, the query's vector is sent to it, and where you have set an
embedder behind an API (see `llm-advisor guides index --help`), the query itself; with --offline the words
alone are searched then.
"""


def _lines(document: Mapping[str, Any], why: bool) -> list[str]:
    lines: list[str] = []
    if not document["covered"]:
        lines += [*wrapped("The guides do not answer this; the nearest passages are:"), ""]
    for number, passage in enumerate(document["passages"], 1):
        first, last = passage["lines"]
        lines.append(bold(f"{number}. {clean(' > '.join(passage['heading']), one_line=True)}"))
        lines += wrapped(f"{clean(passage['file'], one_line=True)}, lines {first}-{last}", "   ", "   ")
        if passage["origin"] == "own":
            lines += wrapped(
                f"From your own guide: {clean(passage['provenance'], one_line=True)}", "   ", "   "
            )
        lines += ["", *(f"   {line}" if line else "" for line in plain_lines(passage["text"])), ""]
        for wrong in passage["disagreements"]:
            lines += [*wrapped(f"Disagrees: {clean(wrong['text'], one_line=True)}", "   ", "   "), ""]
    return lines[:-1] or wrapped("No passage holds any of these words.")


def _search(query: SearchQuery) -> dict[str, Any]:
    return search(query, offline=_offline())


def _expect(queries: Sequence[SearchQuery]) -> None:
    expect(queries, offline=_offline())


def _offline() -> bool:
    return invocation(click.get_current_context()).offline


command = request_command(
    Face(
        name="search",
        request=SearchQuery,
        answer=_search,
        show=_lines,
        help=HELP,
        positional="query",
        many=True,
        joined=True,
        why=False,
        expect=_expect,
    )
)
