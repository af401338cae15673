"""`sessions`: the conversations that are saved."""

from __future__ import annotations

from tui.invocation import LazyGroup

COMMANDS = {
    "list": ("tui.sessions.listing:command", "The saved conversations, the latest first."),
    "show": ("tui.sessions.showing:command", "A conversation, its needs and its recommendation."),
    "rename": ("tui.sessions.changing:rename", "Give a conversation another name."),
    "export": ("tui.sessions.exporting:command", "Write one as Markdown, JSON or HTML, with every source."),
    "delete": ("tui.sessions.changing:delete", "Remove a conversation; asks first."),
}

command = LazyGroup(
    "sessions",
    COMMANDS,
    help="The conversations that are saved. `llm-advisor chat --session NAME` goes on with one.",
    no_args_is_help=False,
)
