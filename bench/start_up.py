"""Wall time of whole processes: what a person waits for after pressing Enter."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

RUNS = 9
CALLS: tuple[tuple[str, float, tuple[str, ...]], ...] = (
    ("--help", 0.25, ("--help",)),
    (
        "recommend",
        0.6,
        (
            "recommend",
            "--task",
            "coding",
            "--hardware",
            "RTX 3090 + 64GB RAM",
            "--context",
            "32k",
            "--license",
            "commercial",
            "--json",
        ),
    ),
    ("memory", 0.6, ("memory", "llama3.1:8b", "--context", "32k", "--json")),
    ("fit", 0.6, ("fit", "llama3.1:8b", "--hardware", "RTX 3090", "--json")),
)
"""Name, bar in seconds, arguments."""


def seconds(arguments: tuple[str, ...], home: str) -> tuple[float, float]:
    """Wall and processor time of one call; far apart, they say that the machine is busy with something else.

    Raises:
        RuntimeError: The call failed.
    """
    before, started = os.times(), time.perf_counter()
    result = subprocess.run(
        [sys.executable, "-c", "import sys; from tui.cli import main; sys.exit(main())", *arguments],
        capture_output=True,
        check=False,
        env={**os.environ, "LLM_ADVISOR_HOME": home},
    )
    took, after = time.perf_counter() - started, os.times()
    if result.returncode != 0:
        raise RuntimeError(
            f"{' '.join(arguments)}: exit {result.returncode}: {result.stderr.decode()[-400:]}"
        )
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return took, cpu


def run() -> None:
    """Prints the median and the worst of each call beside its bar."""
    with tempfile.TemporaryDirectory() as home:
        for name, bar, arguments in CALLS:
            times, cpus = zip(*(seconds(arguments, home) for _ in range(RUNS)), strict=True)
            median, cpu = statistics.median(times), statistics.median(cpus)
            verdict = "ok" if median <= bar else "over"
            print(
                f"start-up {name:10} median {median:.3f} s ({cpu:.3f} s of processor time), "
                f"worst {max(times):.3f} s, bar {bar} s: {verdict}"
            )


if __name__ == "__main__":
    run()
