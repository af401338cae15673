"""Pictures of the comparison and the card. After a wanted change, run them with `--snapshot-update`."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from agent.events import Recommendation
from tests.tui.driving import make_app, say, settled, shown, until
from tests.tui.fake_facts import ENTRIES, RECOMMENDATION, fake_load, fake_load_card
from tests.tui.fakes import FakeSession
from tests.tui.test_snapshots import SIZES, Before, Compare
from tui import glyphs
from tui.app import AdvisorApp
from tui.themes import LIGHT


@pytest.fixture(autouse=True)
def facts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.commands.card.all_names", lambda: list(ENTRIES))
    monkeypatch.setattr("tui.screens.compare.load", fake_load)
    monkeypatch.setattr("tui.screens.card.load_card", fake_load_card)


def app() -> AdvisorApp:
    return make_app(FakeSession([Recommendation(RECOMMENDATION)]))


async def _opens(pilot: Pilot[int], key: str, sign: str) -> None:
    await settled(pilot)
    await say(pilot, "a coder")
    await pilot.press("f3", key)
    assert isinstance(pilot.app, AdvisorApp)
    one = pilot.app
    await until(pilot, lambda: sign in shown(one), "the screen")
    await until(pilot, lambda: len(one.screen.query("FooterKey")) > 2)
    await pilot.pause(0.1)


async def compared(pilot: Pilot[int]) -> None:
    await _opens(pilot, "d", "best of its line")


async def differing(pilot: Pilot[int]) -> None:
    await compared(pilot)
    await pilot.press("x", "right", "end")
    await pilot.pause(0.1)


async def card(pilot: Pilot[int]) -> None:
    await _opens(pilot, "m", "14.8 billion")


async def card_memory(pilot: Pilot[int]) -> None:
    await card(pilot)
    await pilot.press("pagedown")
    await pilot.pause(0.4)


async def card_end(pilot: Pilot[int]) -> None:
    await card(pilot)
    await pilot.press("end")
    await pilot.pause(0.4)


async def adding(pilot: Pilot[int]) -> None:
    await compared(pilot)
    await pilot.press("a", *"coder")
    await pilot.pause(0.2)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("before", [compared, differing, card, card_memory], ids=lambda step: step.__name__)
def test_screen(snap_compare: Compare, size: tuple[int, int], before: Before) -> None:
    assert snap_compare(app(), terminal_size=size, run_before=before)


@pytest.mark.parametrize("before", [card_end, adding], ids=lambda step: step.__name__)
def test_at_80(snap_compare: Compare, before: Before) -> None:
    assert snap_compare(app(), terminal_size=(80, 24), run_before=before)


@pytest.mark.parametrize("before", [compared, card], ids=lambda step: step.__name__)
def test_wide(snap_compare: Compare, before: Before) -> None:
    assert snap_compare(app(), terminal_size=(200, 50), run_before=before)


@pytest.mark.parametrize("before", [compared, card_memory], ids=lambda step: step.__name__)
def test_light(snap_compare: Compare, before: Before) -> None:
    one = app()
    one.theme = LIGHT.name
    assert snap_compare(one, terminal_size=(120, 40), run_before=before)


@pytest.mark.parametrize("before", [compared, card_memory], ids=lambda step: step.__name__)
def test_no_color_and_ascii(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch, before: Before) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(glyphs, "_current", glyphs.ASCII)
    assert snap_compare(app(), terminal_size=(80, 24), run_before=before)
