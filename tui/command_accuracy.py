"""`accuracy`: the error report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.commands.accuracy import AccuracyQuery, accuracy
from tui.output import bold, table, wrapped
from tui.plaintext import clean
from tui.request_command import Face, request_command

HELP = """Show how far the figures are from published measurements.

PART is memory, vllm, training or speed; without it every report is shown. Factors: 1.10 is off by 10 %
either way. Nothing goes over the network.
"""


def accuracy_lines(document: Mapping[str, Any], why: bool) -> list[str]:
    """The tables of every part, each with what it was measured on."""
    lines: list[str] = []
    for found in (item for tables in document["parts"].values() for item in tables):
        numbers = [
            at
            for at in range(len(found["columns"]))
            if all(_is_figure(row[at]) for row in found["rows"]) and found["rows"]
        ]
        rows = [[_text(cell) for cell in row] for row in found["rows"]]
        lines += ["", bold(clean(found["title"])), "", *table(rows, found["columns"], right=numbers)]
        if found["note"]:
            lines += ["", *wrapped(found["note"], indent="  ", first="  ")]
    return lines[1:]


def _is_figure(cell: object) -> bool:
    return not isinstance(cell, str) or cell[:1].isdigit()


def _text(cell: object) -> str:
    if cell is None:
        return "-"
    return f"{cell:.2f}" if isinstance(cell, float) else clean(str(cell))


command = request_command(
    Face(
        name="accuracy",
        request=AccuracyQuery,
        answer=accuracy,
        show=accuracy_lines,
        help=HELP,
        positional="part",
        why=False,
    )
)
