"""How soon the screen stands, and how long typing can stall while the session is loaded.

The first frame is timed from the start of the process to the moment its text has come through a
pseudo-terminal, with the real command. Stalls are measured by a heartbeat in the screen's own event loop, in
a fresh process.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

FRAME_LIMIT = 0.7
STALL_LIMIT = 0.05
RUNS = 7
MARK = b"For example"
"""Text of the empty conversation, which is in the first frame."""
TIMEOUT = 20.0


def first_frame() -> float:
    """Seconds from process start to the first frame of `llm-advisor`."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    with tempfile.TemporaryDirectory() as state:
        command = [str(Path(sys.executable).with_name("llm-advisor"))]
        environment = {**os.environ, "LLM_ADVISOR_HOME": state, "TERM": "xterm-256color"}
        started = time.perf_counter()
        process = subprocess.Popen(
            command, stdin=child, stdout=child, stderr=child, env=environment, start_new_session=True
        )
        os.close(child)
        try:
            return _seconds_until(parent, MARK, started)
        finally:
            process.kill()
            process.wait()
            os.close(parent)


def _seconds_until(terminal: int, mark: bytes, started: float) -> float:
    seen = b""
    while time.perf_counter() - started < TIMEOUT:
        if not select.select([terminal], [], [], 0.5)[0]:
            continue
        seen += os.read(terminal, 65536)
        if mark in seen:
            return time.perf_counter() - started
    raise RuntimeError("the first frame did not come: " + repr(seen[-400:]))


async def longest_stall() -> dict[str, float]:
    """Opens a real guided session behind the screen.

    Returns:
        In seconds: the longest stall, the most that this process itself computed in one (the rest is a
        busy machine), and how long opening took.
    """
    from tui.app import SWITCH_SECONDS, AdvisorApp, this_machine
    from tui.command_chat import factory

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
    """Print the figures; the bars are 0.7 s for the first frame and 50 ms for a stall."""
    frames = [first_frame() for _ in range(RUNS)]
    median = statistics.median(frames)
    print(f"tui: first frame {median:.2f} s (bar {FRAME_LIMIT} s; worst of {RUNS}: {max(frames):.2f} s)")
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
