"""How soon the memory bars are redrawn after a key: the real screen, driven headless at two sizes.

Timed from the key's arrival at the app to the last paint that it leads to.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from tui.app import AdvisorApp
from tui.command_chat import factory
from tui.screens.pictures import PicturesScreen
from tui.widgets.memory_pane import MemoryPane

LIMIT = 0.05
SIZES = ((80, 24), (120, 40))
MODEL = "Qwen3-32B on 2x RTX 3090 + 64 GB RAM"
KEYS = (
    "right",
    "right",
    "right_square_bracket",
    "k",
    "left",
    "end",
    "home",
    "left_square_bracket",
    "plus",
    "minus",
)
ROUNDS = 12
TIMEOUT = 30.0
QUIET = 0.15
"""Seconds after which nothing of a key is still to be painted."""


def _watched(app: AdvisorApp, painted: Callable[[], None]) -> None:
    """Have every paint of an app told."""
    paint = app._display

    def display(*given: Any) -> None:  # noqa: ANN401 - as Textual calls it
        paint(*given)
        painted()

    setattr(app, "_display", display)  # noqa: B010 - a method of a library's class


async def _until(there: Callable[[], bool]) -> None:
    limit = time.perf_counter() + TIMEOUT
    while not there():
        if time.perf_counter() > limit:
            raise RuntimeError("the screen did not come")
        await asyncio.sleep(0.05)


async def redraws(size: tuple[int, int]) -> list[tuple[float, float]]:
    """Seconds from a key to the last paint of what it changed, for every key that changed something.

    Beside each, the seconds that this process itself computed meanwhile: the rest is a busy machine.
    """
    app, paints = AdvisorApp(factory("guided", None, True)), list[tuple[float, float]]()
    async with app.run_test(size=size) as pilot:
        await _until(lambda: app.chat.is_open and not app.chat.is_busy)
        screen = PicturesScreen({}, 0, MODEL)
        await app.push_screen(screen)
        pane = screen.query_one(MemoryPane)
        await _until(lambda: pane.tuning is not None)
        await pilot.pause(0.5)
        _watched(app, lambda: paints.append((time.perf_counter(), time.process_time())))
        found = []
        for key in KEYS * ROUNDS:
            before, started, computed = pane.headline, time.perf_counter(), time.process_time()
            paints.clear()
            app.simulate_key(key)
            await asyncio.sleep(QUIET)
            if pane.headline != before and paints:
                found.append((paints[-1][0] - started, paints[-1][1] - computed))
    return found


def run() -> None:
    """Print the figures; the bar is 50 ms."""
    for size in SIZES:
        with tempfile.TemporaryDirectory() as state, patch.dict(os.environ, {"LLM_ADVISOR_HOME": state}):
            found = asyncio.run(redraws(size))
        took, own = sorted(seconds for seconds, _ in found), sorted(seconds for _, seconds in found)
        place = int(len(found) * 0.95)
        print(
            f"pictures: memory bars after a key at {size[0]}x{size[1]}: median "
            f"{statistics.median(took) * 1000:.0f} ms, 95 % within {took[place] * 1000:.0f} ms, worst of "
            f"{len(found)} {took[-1] * 1000:.0f} ms; computed here in 95 % within {own[place] * 1000:.0f} ms "
            f"(bar {LIMIT * 1000:.0f} ms): {'ok' if took[place] <= LIMIT else 'over'}"
        )


if __name__ == "__main__":
    run()
