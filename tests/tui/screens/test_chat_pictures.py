"""Pictures of needs edited in place, a ranking that moved, and what waits."""

from __future__ import annotations

import threading

import pytest
from textual.pilot import Pilot

from agent.events import Delta, Message, NeedsChanged, Recommendation
from agent.slot_text import Editing
from tests.tui.driving import make_app, say, settled, until
from tests.tui.fakes import ASSUMPTIONS, NEEDS, RECOMMENDATION, FakeSession, slot
from tests.tui.test_snapshots import Compare, chat
from tui import glyphs
from tui.themes import LIGHT
from tui.widgets.needs_panel import NeedsPanel

LINE = (
    "Qwen2.5-Coder-14B-Instruct takes the place of Codestral-22B: expected quality 71 against 64 of 100 "
    "(give or take 3 and 4)."
)


def session() -> FakeSession:
    changed = {**NEEDS, "license": slot({"use": "personal"}, "privately")}
    made = FakeSession(
        [NeedsChanged(NEEDS, ASSUMPTIONS), Message("I know what it is for.")],
        [NeedsChanged(changed, ASSUMPTIONS), Recommendation(RECOMMENDATION, LINE)],
    )
    made.edits["license"] = Editing("commercial", ("privately", "only Apache-2.0 or MIT"))
    return made


async def editing(pilot: Pilot[int]) -> None:
    await settled(pilot)
    await say(pilot, "A coding assistant on my RTX 3060 12GB, for work")
    await pilot.press("f2", "down", "down", "enter")
    await until(pilot, lambda: chat(pilot).query_one(NeedsPanel).editor is not None)
    await pilot.press("down")
    await pilot.pause(0.2)


async def ranked(pilot: Pilot[int]) -> None:
    await editing(pilot)
    await pilot.press("enter")
    await settled(pilot)
    await pilot.pause(0.2)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (60, 20)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_editing(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(make_app(session()), terminal_size=size, run_before=editing)


def test_ranked_anew_in_light(snap_compare: Compare) -> None:
    app = make_app(session())
    app.theme = LIGHT.name
    assert snap_compare(app, terminal_size=(120, 40), run_before=ranked)


def test_editing_without_color(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(glyphs, "_current", glyphs.ASCII)
    assert snap_compare(make_app(session()), terminal_size=(80, 24), run_before=editing)


def test_waiting(snap_compare: Compare) -> None:
    gate = threading.Event()

    async def before(pilot: Pilot[int]) -> None:
        await settled(pilot)
        await pilot.press(*"one", "enter")
        await until(pilot, lambda: len(chat(pilot).query("AdvisorMessage")) == 1)
        await pilot.press(*"two", "enter", *"three", "enter", "/", "r")
        await pilot.pause(0.3)

    app = make_app(FakeSession([Delta("Half of an answer"), gate]))
    assert snap_compare(app, terminal_size=(80, 24), run_before=before)
    gate.set()
