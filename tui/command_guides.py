"""`guides`: what the advisor reads, and what a person adds to it."""

from __future__ import annotations

from tui.invocation import LazyGroup

COMMANDS = {
    "add": ("tui.guides.adding:command", "Add your own documents: Markdown, text, HTML, PDF."),
    "remove": ("tui.guides.removing:command", "Remove guides that you added."),
    "check": ("tui.guides.check:command", "Figures of the guides against the calculation."),
    "list": ("tui.guides.listing:command", "The guides, with date, passages and origin."),
    "index": ("tui.guides.indexing:command", "Build the index, also with another embedder, and compare."),
    "show": ("tui.guides.showing:command", "A passage with its lines, and the cited ones marked."),
}

command = LazyGroup(
    "guides",
    COMMANDS,
    help="The guides that answers are taken from: those that it ships with, and your own.",
    no_args_is_help=False,
)
