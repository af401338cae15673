"""`sessions list` as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from agent.sessions import SessionsQuery, list_sessions
from tui.invocation import invocation
from tui.output import bold, wrapped
from tui.plaintext import clean, local_time, shorten
from tui.request_command import Face, request_command

FIRST_SHOWN = 100


def _lines(document: Mapping[str, Any], why: bool) -> list[str]:
    lines = []
    for session in document["sessions"]:
        lines.append(bold(clean(session["name"], one_line=True)))
        lines += wrapped(f"changed {local_time(session['changed'])}{_counts(session)}", "   ", "   ")
        if session.get("problem"):
            lines += wrapped(session["problem"], "   ", "   ")
        if session.get("first"):
            lines += wrapped(f"\u201c{shorten(session['first'], FIRST_SHOWN)}\u201d", "   ", "   ")
        if session.get("recommended"):
            models = ", ".join(clean(model, one_line=True) for model in session["recommended"])
            lines += wrapped(f"recommended: {models}", "   ", "   ")
    return lines or wrapped("No conversation is saved yet. `llm-advisor chat --session NAME` begins one.")


def _counts(session: Mapping[str, Any]) -> str:
    if "said" not in session:
        return ""
    said = session["said"]
    told = f", {said} {'message' if said == 1 else 'messages'} of yours"
    if session["branches"]:
        told += f", branches: {', '.join(session['branches'])} (in {session['branch']})"
    return told


command = request_command(
    Face(
        name="list",
        request=SessionsQuery,
        answer=lambda query: list_sessions(query, offline=invocation(click.get_current_context()).offline),
        show=_lines,
        help="List the saved conversations, the latest first.",
        why=False,
        stdin=False,
    )
)
