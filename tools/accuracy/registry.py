"""What the accuracy command can report on: one function a part, imported when it is asked for."""

from __future__ import annotations

from importlib import import_module

from tools.accuracy.table import Table

PARTS = {
    "memory": "tools.accuracy.memory",
    "vllm": "tools.accuracy.vllm",
    "training": "tools.accuracy.training",
    "speed": "tools.accuracy.speed",
}
"""Module of each part; it has `report() -> tuple[Table, ...]`."""


def report_of(part: str) -> tuple[Table, ...]:
    """The tables of a part.

    Raises:
        KeyError: There is no such part.
    """
    tables: tuple[Table, ...] = import_module(PARTS[part]).report()
    return tables
