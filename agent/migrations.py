"""Brings the state of an older program to the present form, one version at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from agent.state import VERSION, State, first_state
from knowledge.errors import NoAnswerError

Values = dict[str, Any]


def _branches_and_undo(values: Values) -> Values:
    """1 to 2: what is needed to go back and aside, and the reason of the open question."""
    pending = values.get("pending")
    if pending is not None:
        values["pending"] = {"reason": "", **pending}
    return {**values, "earlier": [], "path": [], "lines": {}}


MIGRATIONS: dict[int, Callable[[Values], Values]] = {1: _branches_and_undo}
"""From each version to the next."""


def migrated(values: Values) -> State:
    """The state in the present form; the given one is not changed.

    Raises:
        NoAnswerError: a newer program wrote it.
    """
    version = int(values.get("version", 1))
    if version > VERSION:
        raise NoAnswerError(
            f"This conversation was saved by a newer llm-advisor (format {version}, not {VERSION}).",
            hint="Update llm-advisor, or begin another with --session NAME. Nothing of it was changed.",
            code="newer_version",
        )
    now = dict(values)
    while version < VERSION:
        now = MIGRATIONS[version](now)
        version += 1
    # A key that was added without a new version has its first value.
    return cast("State", {**first_state(), **now, "version": VERSION})
