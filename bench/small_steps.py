"""Steps that a person must not notice: what one message, one name or one key takes."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from itertools import count

RUNS = 5
CATALOG = (
    "import time, pydantic.type_adapter\n"
    "from knowledge.catalog.store import load_catalog; began = time.process_time()\n"
    "c = load_catalog(); c.models; c.by_id; print(time.process_time() - began)"
)
NAMES = ("llama3.1:8b", "Quen3 8B", "qwen3", "llama-9-300b", "mistral small")
LONG_TEXT = "lorem ipsum with a 3090 dolor sit amet 8 GB consectetur " * 1800
PASSAGE = "Qwen3-8B takes 5.0 GiB at Q4_K_M.\n\nThe cache of 32k tokens takes 4.5 GiB more.\n"


def seconds_of(step: Callable[[int], object], times: int = 1) -> float:
    """Median of the seconds that a step takes, warm; each gets another number, so that none is remembered."""
    numbers = count()
    step(next(numbers))
    took = []
    for _ in range(RUNS):
        started = time.perf_counter()
        for _ in range(times):
            step(next(numbers))
        took.append((time.perf_counter() - started) / times)
    return statistics.median(took)


def catalog_seconds() -> float:
    """Processor seconds in which a new process has the catalog."""
    runs = [
        subprocess.run([sys.executable, "-c", CATALOG], capture_output=True, text=True, check=True).stdout
        for _ in range(RUNS)
    ]
    return statistics.median(map(float, runs))


def names_seconds() -> float:
    """Seconds to resolve a name, also one with a slip and one that is unknown."""
    from knowledge.catalog.names import resolve_model
    from knowledge.catalog.store import load_catalog
    from knowledge.errors import NoAnswerError

    catalog = load_catalog()

    def each(number: int) -> None:
        for name in NAMES:
            try:
                resolve_model(catalog, f"{name}{' ' * number}")
            except NoAnswerError:
                continue

    return seconds_of(each) / len(NAMES)


async def stop_seconds() -> float:
    """Seconds from Esc to an idle screen, over a turn that would go on."""
    from agent.events import Delta, Message
    from tests.tui.driving import chatting, until
    from tests.tui.fakes import FakeSession

    took = []
    for _ in range(RUNS):
        gate = threading.Event()
        async with chatting(FakeSession([Delta("Half an answer"), gate, Message("never")])) as (app, pilot):
            await pilot.press(*"hello", "enter")
            await until(pilot, lambda: app.chat.can_stop)
            started = time.perf_counter()
            app.simulate_key("escape")
            while app.chat.is_busy:  # noqa: ASYNC110 - each round of the loop is what is timed
                await asyncio.sleep(0.001)
            took.append(time.perf_counter() - started)
            gate.set()
    return statistics.median(took)


def run() -> None:
    """Prints each step beside its bar."""
    from knowledge.support import support
    from tools.accuracy.speed import report
    from tools.hardware import read_hardware
    from tools.hardware_detect import Probe, detect_machine

    rows = (
        ("the catalog in a new process", catalog_seconds(), 0.06),
        ("a model's name", names_seconds(), 0.005),
        ("hardware in 100,000 characters", seconds_of(lambda n: read_hardware(f"{n} {LONG_TEXT}")), 0.25),
        ("looking at this machine", seconds_of(lambda _: detect_machine(probe=Probe())), 0.3),
        (
            "the lines that support a statement",
            seconds_of(lambda n: support(f"Qwen3-8B takes {n} GiB at Q4_K_M.", PASSAGE, 1, "Memory"), 50),
            0.01,
        ),
        ("the accuracy report", seconds_of(lambda _: report()), 0.3),
        ("Esc until the screen is idle", asyncio.run(stop_seconds()), 0.3),
    )
    for name, took, bar in rows:
        print(f"{name}: {took * 1000:.2f} ms (bar {bar * 1000:.0f} ms: {'ok' if took <= bar else 'over'})")


if __name__ == "__main__":
    run()
