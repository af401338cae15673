"""The error reports as `llm-advisor accuracy` prints them, held to their bars, and as docs/accuracy.md.

    python -m bench.accuracy [FOLDER]

FOLDER holds `extras_raw.csv` and `llamacpp_memory.csv` as measured (all rows); without one the shipped sample
is read. Exit status 1 where a bar is missed.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tools.accuracy.placements import (
    FRONTEND_BAR,
    PLACEMENT_BAR,
    SAMPLES,
    answered,
    frontends,
    inexact,
    percentile,
    placements,
)
from tools.accuracy.registry import PARTS, report_of
from tools.accuracy.table import Cell, Table
from tools.commands.accuracy import AccuracyQuery, accuracy
from tui.command_accuracy import accuracy_lines

PAGE = Path(__file__).resolve().parent.parent / "docs" / "accuracy.md"
INTRODUCTION = """# How far to trust the figures

Written by `make accuracy` from the measured rows that ship with the program (`tools/data/measured/`, each
with its source); `llm-advisor accuracy` prints the same on your machine.
"""


def misses(folder: Path) -> list[str]:
    """The bars of placements and front ends that are missed."""
    placed, fronted = answered(placements(folder)), answered(frontends(folder))
    errors = [percentile([device.error for device in found], 0.95) for found in (placed, fronted)]
    print(
        f"placements: {len(placed)} devices, p95 {errors[0]:.2%}; front ends: {len(fronted)} rows, p95 "
        f"{errors[1]:.2%}"
    )
    found = [f"weights or cache of {d.case.model}, {d.case.scenario}" for d in inexact(placed)]
    found += ["placements' total"] if errors[0] > PLACEMENT_BAR else []
    return found + (["front ends' sum"] if errors[1] > FRONTEND_BAR else [])


def _cells(row: tuple[Cell, ...]) -> str:
    words = ("" if cell is None else f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in row)
    return "| " + " | ".join(word.replace("|", "/") for word in words) + " |"


def _markdown(table: Table) -> str:
    lines = [f"## {table.title}", "", _cells(table.columns), _cells(("---",) * len(table.columns))]
    lines += [_cells(row) for row in table.rows]
    return "\n".join([*lines, *(["", table.note] if table.note else [])])


def page() -> str:
    """The page of the documentation."""
    tables = [table for part in PARTS for table in report_of(part)]
    return "\n\n".join([INTRODUCTION.strip(), *map(_markdown, tables)]) + "\n"


def run(folder: Path = SAMPLES) -> None:
    """Prints every report, writes the page, and holds placements and front ends to their bars.

    Raises:
        RuntimeError: a bar is missed.
    """
    started = time.perf_counter()
    document = accuracy(AccuracyQuery())
    took = time.perf_counter() - started
    print("\n".join(accuracy_lines(document, False)))
    print(f"reports: {took:.2f} s")
    PAGE.write_text(page(), encoding="utf-8")
    missed = misses(folder)
    if missed:
        raise RuntimeError("bars missed: " + "; ".join(missed))


if __name__ == "__main__":
    try:
        run(Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES)
    except RuntimeError as error:
        sys.exit(str(error))
