"""`guides remove` as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.guides.removing import RemoveQuery, remove_guides
from tui.output import wrapped
from tui.plaintext import clean
from tui.request_command import Face, request_command

HELP = """Remove your own guides; the files they were added from are left alone.

NAMES are names as `guides list` shows them, or paths of the files or folders that were added.
"""


def _lines(document: Mapping[str, Any], why: bool) -> list[str]:
    removed = document["removed"]
    lines = [
        line
        for guide in removed
        for line in wrapped(
            f"Removed {clean(guide['file'], one_line=True)} ({clean(guide['title'])}).", "   ", ""
        )
    ]
    left = document["left"]
    return lines + wrapped(
        f"{len(removed):,} removed; {left:,} of your own guides {'is' if left == 1 else 'are'} left."
    )


command = request_command(
    Face(
        name="remove",
        request=RemoveQuery,
        answer=remove_guides,
        show=_lines,
        help=HELP,
        positional="names",
        many=True,
        why=False,
        stdin=False,
    )
)
