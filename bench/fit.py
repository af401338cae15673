"""The whole catalog against one machine: every model that writes, solved for its best configuration."""

from __future__ import annotations

import statistics
import time

from knowledge.catalog.store import load_catalog
from tools.fit import solve
from tools.fit_catalog import solve_all
from tools.fit_types import Ask
from tools.hardware import read_hardware

MACHINES = (
    "RTX 3090 + 64GB RAM",
    "RTX 3060 12GB + 32GB RAM",
    "Mac with M4 Max and 64GB memory",
    "2x RTX 3090 + 64GB RAM",
    "PC with 32 GB RAM, no GPU",
)
REPEATS = 5


def run() -> None:
    """Prints how many models fit, and the time: the first in the process, and the median of later ones."""
    catalog = load_catalog()
    print(f"{len(catalog.models):,} models; the first machine's first time includes reading their tensors")
    for text in MACHINES:
        machine, times, count = read_hardware(text).machines[0], [], 0
        for _ in range(REPEATS + 1):
            solve.cache_clear()
            started = time.perf_counter()
            count = sum(1 for _ in solve_all(machine, Ask()))
            times.append((time.perf_counter() - started) * 1e3)
        print(
            f"{text:<32} {count:4} fit, first {times[0]:4.0f} ms, then {statistics.median(times[1:]):4.0f} ms"
        )


if __name__ == "__main__":
    run()
