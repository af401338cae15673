"""`recommend`: the decision without a conversation."""

from __future__ import annotations

from tui.needs_options import NeedsOptions, answer
from tui.recommendation_text import recommendation_lines
from tui.request_command import Face, request_command

HELP = """Decide without a conversation: one option per slot, in free text or as an exact value.

What is not given is assumed, and the answer says so; without --hardware it is this machine. Nothing goes over
the network.
"""

command = request_command(
    Face(
        name="recommend",
        request=NeedsOptions,
        answer=answer,
        show=recommendation_lines,
        help=HELP,
    )
)
