"""Esc within 0.3 s while a screen looks something up, and over an answer that streams."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from agent.events import Delta, Message
from knowledge.home import HOME_VARIABLE
from tests.tui.driving import chatting, say, settled, shown, until
from tests.tui.fakes import PASSAGE, FakeSession, conversation
from tests.waiting import HANGS
from tui.app import AdvisorApp
from tui.widgets.composer import Composer
from tui.widgets.messages import AdvisorMessage


class FakeSlow:
    """A look-up that waits at a gate."""

    def __init__(self) -> None:
        self.began, self.gate = threading.Event(), threading.Event()

    def __call__(self, *given: Any, **more: Any) -> Any:
        self.began.set()
        self.gate.wait(HANGS)
        raise OSError("it came to nothing")


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeSlow]:
    """Everything that the screens look up takes until the gate is opened."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    made = FakeSlow()
    for place in (
        "tui.screens.compare.load",
        "tui.screens.card.load_card",
        "agent.sessions.list_sessions",
        "knowledge.settings_file.read_each",
        "tools.hardware.detect_machine",
    ):
        monkeypatch.setattr(place, made)
    yield made
    made.gate.set()


async def escape(app: AdvisorApp, pilot: Pilot[int], over: str) -> None:
    """Press Esc and wait until the conversation is on the screen, whatever is still looked up."""
    app.simulate_key("escape")
    await until(pilot, lambda: app.screen is app.chat, f"going back from {over}")


async def test_a_look_up_holds_nobody(slow: FakeSlow) -> None:
    async with chatting(conversation(), size=(80, 24)) as (app, pilot):
        await say(pilot, "coding")
        await say(pilot, "16k")
        for command in ("/compare", "/card", "/sessions", "/settings", "/setup", "/pictures"):
            slow.began.clear()
            app.chat.query_one(Composer).put(command)
            await pilot.press("enter")
            await until(pilot, lambda: app.screen is not app.chat, command)
            if command not in ("/pictures", "/setup"):
                await until(pilot, slow.began.is_set, f"the look-up of {command}")
            await escape(app, pilot, command)
        await pilot.press(*"on")
        slow.gate.set()
        await pilot.pause(0.05)
        assert app.chat.query_one(Composer).text == "on"
        assert app.screen is app.chat


async def test_a_passage_that_is_read_slowly_does_not_come_over_what_one_went_on_with() -> None:
    gate, read = threading.Event(), threading.Event()
    session = conversation()

    def passage(locator: str, quote: str = "") -> dict[str, Any]:
        gate.wait(10)
        read.set()
        return PASSAGE

    session.passage = passage  # type: ignore[method-assign]
    async with chatting(session, size=(80, 24)) as (app, pilot):
        await say(pilot, "coding")
        await say(pilot, "16k")
        await pilot.press("f3", "2", "escape", *"on")
        assert app.chat.query_one(Composer).text == "on"
        gate.set()
        await until(pilot, read.is_set, "the reading")
        await pilot.pause(0.05)
        assert app.screen is app.chat
        await pilot.press("f3", "2")
        await until(pilot, lambda: app.screen is not app.chat, "the passage")


async def test_esc_over_a_stream_closes_what_lies_over_it_and_then_stops_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    more = threading.Event()
    session = FakeSession([Message("Before.")], [Delta("Half an answer"), more, Delta(", and more"), HANGS])
    async with chatting(session, size=(80, 24)) as (app, pilot):
        await say(pilot, "first")
        await pilot.press(*"tell me", "enter")
        await until(pilot, lambda: "Half an answer" in shown(app), "the stream")
        for over in ("f1", "f9", "ctrl+o", "ctrl+p", "ctrl+l", "f7"):
            await pilot.press(over)
            await until(pilot, lambda: app.screen is not app.chat, over)
            if over == "f9":
                more.set()
                await until(
                    pilot, lambda: app.chat.query(AdvisorMessage).last().text.endswith("more"), "the rest"
                )
            await escape(app, pilot, over)
        assert session.stopped == 0
        await until(pilot, lambda: "and more" in shown(app), "the rest in view")
        app.simulate_key("escape")
        await until(pilot, lambda: not app.chat.can_stop, "the stop")
        await settled(pilot)
        assert app.chat.query_one(Composer).text == "tell me"
