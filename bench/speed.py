"""The error report on speed, as `llm-advisor accuracy speed` prints it, and the time that it takes."""

from __future__ import annotations

import time

from tools.commands.accuracy import AccuracyQuery, accuracy
from tui.command_accuracy import accuracy_lines


def run() -> None:
    """Prints the tables."""
    started = time.perf_counter()
    document = accuracy(AccuracyQuery(part="speed"))
    took = time.perf_counter() - started
    print("\n".join(accuracy_lines(document, False)))
    print(f"report: {took:.2f} s")
