"""Pictures of the pictures. After a wanted change, run them with `--snapshot-update`."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from tests.tui.driving import make_app, settled, until
from tests.tui.fakes import FakeSession
from tests.tui.pictures_data import BOUGHT, LANDSCAPE, RAW
from tests.tui.test_snapshots import SIZES, Before, Compare
from tui import glyphs
from tui.screens.pictures import NAMES, PicturesScreen
from tui.themes import LIGHT
from tui.widgets.memory_pane import MemoryPane


@pytest.fixture(autouse=True)
def _fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures that do not move with the catalog."""
    monkeypatch.setattr("tools.landscape.landscape", lambda needs: LANDSCAPE)
    monkeypatch.setattr("tools.planning.cost_months.cost_over_months", lambda *given, **more: BOUGHT)


def picture(place: int, *keys: str) -> Before:
    """Opens one picture and presses keys in it."""

    async def before(pilot: Pilot[int]) -> None:
        await settled(pilot)
        await pilot.app.push_screen(PicturesScreen(RAW))
        screen = pilot.app.screen
        await until(pilot, lambda: screen.query_one(MemoryPane).tuning is not None)
        await pilot.press(str(place + 1))
        if place in (1, 2, 4):
            await until(pilot, lambda: any(plot.region for plot in screen.query("ChartPlot")), "the plot")
        await pilot.press(*keys)
        await until(pilot, lambda: len(screen.query("FooterKey")) > 2)
        await pilot.pause(0.2)

    return before


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("place", range(len(NAMES)), ids=NAMES)
def test_picture(snap_compare: Compare, size: tuple[int, int], place: int) -> None:
    assert snap_compare(make_app(FakeSession()), terminal_size=size, run_before=picture(place))


def test_memory_that_does_not_fit(snap_compare: Compare) -> None:
    app = make_app(FakeSession())
    assert snap_compare(app, terminal_size=(80, 24), run_before=picture(0, "end", "right_square_bracket"))


@pytest.mark.parametrize("place", [0, 2, 3], ids=lambda place: NAMES[place])
def test_light(snap_compare: Compare, place: int) -> None:
    app = make_app(FakeSession())
    app.theme = LIGHT.name
    assert snap_compare(app, terminal_size=(120, 40), run_before=picture(place))


@pytest.mark.parametrize("place", range(len(NAMES)), ids=NAMES)
def test_no_color_and_ascii(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch, place: int) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(glyphs, "_current", glyphs.ASCII)
    assert snap_compare(make_app(FakeSession()), terminal_size=(80, 24), run_before=picture(place))


def test_nothing_yet(snap_compare: Compare) -> None:
    async def before(pilot: Pilot[int]) -> None:
        await settled(pilot)
        await pilot.app.push_screen(PicturesScreen({}))
        await pilot.pause(0.2)

    assert snap_compare(make_app(FakeSession()), terminal_size=(80, 24), run_before=before)
