"""`sessions show` as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from agent.sessions import SessionQuery, show_session
from tui.invocation import invocation
from tui.markdown_lines import plain_lines
from tui.needs_view import read_needs
from tui.output import bold, bullets, section, wrapped
from tui.plaintext import clean, local_time
from tui.recommendation_text import recommendation_lines
from tui.request_command import Face, request_command


def _lines(document: Mapping[str, Any], why: bool) -> list[str]:
    lines: list[str] = []
    several = [document, *document["branches"]] if document["branches"] else []
    for line in several or [document]:
        if several:
            origin = f", from {line['from']}" if line["from"] else ""
            lines += [bold(clean(f"{line['branch']}{origin}", one_line=True)), ""]
        lines += _line(line, why)
    return lines


def _line(line: Mapping[str, Any], why: bool) -> list[str]:
    lines: list[str] = []
    for said in line["messages"]:
        who = "You" if said["role"] == "user" else "Advisor"
        lines.append(bold(who) + (f" ({local_time(said['at'])})" if said["at"] else ""))
        if said["role"] == "user":
            lines += wrapped(clean(said["text"], one_line=True), "   ", "   ")
        else:
            lines += [line for text in plain_lines(said["text"]) for line in _indented(text)]
        places = dict.fromkeys(one.get("locator") or one.get("source", "") for one in said["citations"])
        lines += [f"   {text}" for text in bullets(f"source: {place}" for place in places if place)]
        lines.append("")
    if line["recommendation"] is not None:
        return [*lines, *recommendation_lines(line["recommendation"], why)]
    needs = read_needs(line["needs"], line["assumptions"])
    return lines + section("Needs", bullets(f"{need.label}: {need.value} ({need.origin})" for need in needs))


def _indented(text: str) -> list[str]:
    """A line a little to the right; wrapped again where that is too far, except code."""
    lead = "   " + text[: len(text) - len(text.lstrip())]
    return [f"   {text}"] if text.startswith("    ") else wrapped(text.lstrip(), lead, lead)


command = request_command(
    Face(
        name="show",
        request=SessionQuery,
        answer=lambda query: show_session(query, offline=invocation(click.get_current_context()).offline),
        show=_lines,
        help="Show a conversation: what was said, the needs, the recommendation as it now stands.",
        positional="name",
        stdin=False,
    )
)
