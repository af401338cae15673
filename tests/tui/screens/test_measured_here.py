"""Speeds that were measured here, in the recommendation and its picture, by keys and as pictures."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from textual.pilot import Pilot

from agent.events import Recommendation
from knowledge.measured_here import Range
from tests.tui.driving import chatting, make_app, say, settled, shown, until
from tests.tui.fakes import FakeSession
from tests.tui.pictures_data import RAW
from tests.tui.test_snapshots import SIZES, Before, Compare
from tools.calibration.types import Here
from tools.calibration.words import basis_of, worded
from tools.candidates import beside_json
from tools.speed_types import Interval
from tui import glyphs
from tui.app import AdvisorApp
from tui.screens.pictures import PicturesScreen
from tui.themes import LIGHT
from tui.widgets.memory_pane import MemoryPane

DAY = "2026-11-20"
OWN = Here(
    "generation",
    "measured",
    1.25,
    "ollama",
    ("ollama",),
    DAY,
    ("Qwen3-8B",),
    "Q6_K",
    rate=Range(low=48.9, mid=50.0, high=51.0),
    tokens=2112,
)
OTHER = Here("generation", "others", 1.18, "ollama", ("ollama",), DAY, ("Qwen3-8B",), "Q6_K", across=True)


def measured_raw() -> dict[str, Any]:
    """A recommendation whose first option was measured, and whose second is corrected by it."""
    raw = deepcopy(RAW)
    for option, here, rate in ((0, OWN, (48.9, 50.0, 51.0)), (1, OTHER, (11.0, 13.0, 15.2))):
        speed = raw["candidates"][option]["speed"]
        alone = Interval(**speed["tokens_per_second"])
        speed |= beside_json(alone, here)
        speed["tokens_per_second"] = Interval(*rate).as_json()
        speed["basis"] = f"{basis_of(worded(here), alone.mid)}; 360 GB/s"
    return raw


def on_screen(app: AdvisorApp) -> str:
    """All words, without the lines around them."""
    return " ".join(shown(app).replace("┃", " ").replace("│", " ").split())


def card(*keys: str) -> Before:
    """A recommendation in the chat."""

    async def before(pilot: Pilot[int]) -> None:
        await settled(pilot)
        await say(pilot, "a coder")
        await pilot.press("f3", *keys)
        await until(pilot, lambda: len(pilot.app.screen.query("FooterKey")) > 2)
        await pilot.pause(0.3)

    return before


async def picture(pilot: Pilot[int]) -> None:
    """The picture of the speeds."""
    await settled(pilot)
    await pilot.app.push_screen(PicturesScreen(measured_raw()))
    screen = pilot.app.screen
    await until(pilot, lambda: screen.query_one(MemoryPane).tuning is not None)
    await pilot.press("2")
    await until(pilot, lambda: any(plot.region for plot in screen.query("ChartPlot")), "the plot")
    await until(pilot, lambda: len(screen.query("FooterKey")) > 2)
    await pilot.pause(0.2)


async def test_the_card_says_measurement_and_estimate_and_the_picture_draws_both() -> None:
    async with chatting(FakeSession([Recommendation(measured_raw())]), size=(100, 60)) as (app, pilot):
        await say(pilot, "a coder")
        await pilot.press("f3")
        told = "measured here on 2026-11-20: 50.0 tok/s; estimate alone 40.0 tok/s"
        await until(pilot, lambda: told in on_screen(app), told)
        await pilot.press("down")
        part = "measured with ollama, another engine: counts in part"
        await until(pilot, lambda: part in on_screen(app), part)
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, PicturesScreen))
        await pilot.press("2")
        await until(pilot, lambda: "50 est. 40" in shown(app), "the measurement beside the estimate")
        assert "1 was measured on this machine; the estimate alone is 40." in on_screen(app)
        assert "2 is corrected by what was measured." in on_screen(app)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.chat)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_card(snap_compare: Compare, size: tuple[int, int]) -> None:
    app = make_app(FakeSession([Recommendation(measured_raw())]))
    keys = () if size[1] >= 40 else ("pagedown",)
    assert snap_compare(app, terminal_size=size, run_before=card(*keys))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_picture(snap_compare: Compare, size: tuple[int, int]) -> None:
    app = make_app(FakeSession())
    app.theme = LIGHT.name
    assert snap_compare(app, terminal_size=size, run_before=picture)


def test_no_color_and_ascii(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(glyphs, "_current", glyphs.ASCII)
    assert snap_compare(make_app(FakeSession()), terminal_size=(80, 24), run_before=picture)
