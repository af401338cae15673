"""`hardware`: what this machine has, or how a text about a machine is read."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from tools.commands.lookups import machine_named
from tools.commands.requests import Request, Text
from tools.hardware import describe, detect_machine, machine_as_json

Document = dict[str, Any]


class HardwareQuery(Request):
    """Request of `hardware`."""

    text: Text | None = Field(None, description="a machine in words, instead of this one")


def hardware(query: HardwareQuery) -> Document:
    """The machine that the program runs on, or the one that the text describes.

    Raises:
        NoAnswerError: The text names an accelerator that is not known.
        UsageError: The text names no machine.
    """
    notes: tuple[str, ...] = ()
    if query.text is None:
        machine = detect_machine()
    else:
        machine, notes = machine_named(query.text)
    return {**machine_as_json(machine), "summary": describe(machine), "notes": list(notes)}
