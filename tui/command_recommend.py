"""`recommend`: the decision without a conversation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tui.needs_options import NeedsOptions, answer
from tui.request_command import Face, request_command

HELP = """Decide without a conversation: one option per slot, in free text or as an exact value.

What is not given is assumed, and the answer says so; without --hardware it is this machine. Nothing goes over
the network.
"""


def _show(document: Mapping[str, Any], why: bool) -> list[str]:
    from tui.recommendation_text import recommendation_lines  # a program that asks for JSON needs none of it

    return recommendation_lines(document, why)


command = request_command(
    Face(
        name="recommend",
        request=NeedsOptions,
        answer=answer,
        show=_show,
        help=HELP,
    )
)
