"""How long typing can stall while the session is loaded: a heartbeat in the screen's own event loop.

What one sees of it, from key to screen, is timed in `bench.terminal`.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

STALL_LIMIT = 0.05
TIMEOUT = 20.0


async def longest_stall() -> dict[str, float]:
    """Opens a real guided session behind the screen.

    Returns:
        In seconds: the longest stall, the most that this process itself computed in one (the rest is a
        busy machine), and how long opening took.
    """
    from tui.app import SWITCH_SECONDS, AdvisorApp
    from tui.command_chat import factory
    from tui.this_machine import this_machine

    sys.setswitchinterval(SWITCH_SECONDS)
    gaps: list[tuple[float, float]] = []

    async def heartbeat() -> None:
        last, computed = time.perf_counter(), time.process_time()
        while True:
            await asyncio.sleep(0.001)
            now, used = time.perf_counter(), time.process_time()
            gaps.append((now - last - 0.001, used - computed))
            last, computed = now, used

    app = AdvisorApp(factory("guided", None, True), detect=this_machine, hold_collections=True)
    async with app.run_test(size=(120, 40)) as pilot:
        beat = asyncio.create_task(heartbeat())
        started = time.perf_counter()
        while (not app.chat.is_open or app.chat.is_busy) and time.perf_counter() - started < TIMEOUT:
            await pilot.press("a")  # somebody types meanwhile
            await asyncio.sleep(0.02)
        took = time.perf_counter() - started
        beat.cancel()
    return {
        "longest_s": max(gap for gap, _ in gaps),
        "own_s": max(used for _, used in gaps),
        "open_s": took,
    }


def run() -> None:
    """Print the figures; the bar is 50 ms for a stall."""
    stalls = []
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-m", "bench.tui", "stall"], capture_output=True, text=True, check=True
        )
        stalls.append(json.loads(done.stdout))
    worst = max(stall["longest_s"] for stall in stalls) * 1000
    own = max(stall["own_s"] for stall in stalls) * 1000
    opened = statistics.median(stall["open_s"] for stall in stalls)
    print(
        f"tui: longest stall while the session opens {worst:.0f} ms, {own:.0f} ms of it computed here",
        end=" ",
    )
    print(f"(bar {STALL_LIMIT * 1000:.0f} ms)")
    print(f"tui: session open after {opened:.2f} s")


def _print_stall() -> None:
    with tempfile.TemporaryDirectory() as state:
        os.environ["LLM_ADVISOR_HOME"] = state
        print(json.dumps(asyncio.run(longest_stall())))


if __name__ == "__main__":
    _print_stall() if sys.argv[1:] == ["stall"] else run()
