"""`sessions export`: a conversation as a file, or on the screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from agent.sessions import SessionExport, SessionQuery, show_session
from tui.export.files import exported, format_of, write_export
from tui.invocation import invocation
from tui.output import wrapped
from tui.plaintext import clean
from tui.request_command import Face, request_command

Document = dict[str, Any]
HELP = """Write a conversation with every source: who said what, the needs and where each came from, and the
recommendation with its evidence.

With --json alone, the conversation itself is printed as JSON.
"""


def _export(query: SessionExport) -> Document:
    asked = invocation(click.get_current_context())
    document = show_session(SessionQuery(name=query.name), offline=asked.offline)
    kind = format_of(query.format, query.output)
    if query.output is None and query.format is None and asked.as_json:
        return document
    if query.output == "-":
        return {"session": query.name, "format": kind, "path": None, "content": exported(document, kind)}
    path = write_export(document, kind, query.output)
    return {"session": query.name, "format": kind, "path": str(path.absolute())}


def _lines(document: Mapping[str, Any], why: bool) -> list[str]:
    if document["path"] is None:
        return str(document["content"]).rstrip("\n").split("\n")
    return wrapped(f"Wrote {clean(document['path'], one_line=True)}")


command = request_command(
    Face(
        name="export",
        request=SessionExport,
        answer=_export,
        show=_lines,
        help=HELP,
        positional="name",
        why=False,
        stdin=False,
    )
)
