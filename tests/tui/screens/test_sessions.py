"""The saved conversations, and going from one to another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from agent.events import Event, Message, Ready
from agent.lock import SessionBusyError, SessionLock
from agent.protocol import Session, SessionFactory
from knowledge.home import HOME_VARIABLE
from tests.tui.driving import click_on, say, settled, shown, until
from tests.tui.fakes import FIRST_TURN, FakeSession, Step
from tui.app import AdvisorApp
from tui.drafts import take_draft
from tui.screens.choose import ChooseScreen
from tui.screens.sessions import SessionsScreen
from tui.widgets.composer import Composer
from tui.widgets.messages import UserMessage

SAVED: list[dict[str, Any]] = [
    {
        "name": "work",
        "changed": "2026-11-20T10:00:00+00:00",
        "said": 3,
        "first": "a coding assistant for work",
        "recommended": ["Qwen3.8-27B", "gemma-4-12B-it"],
        "branches": ["bigger card"],
        "branch": "main",
    },
    {
        "name": "test",
        "changed": "2026-11-19T09:30:00+00:00",
        "said": 1,
        "first": "search over tickets",
        "recommended": [],
        "branches": [],
        "branch": "main",
    },
    {"name": "newer", "changed": "2026-11-18T08:00:00+00:00", "problem": "A newer program saved it."},
]


class FakeNamed(FakeSession):
    """A session with a name."""

    def __init__(self, name: str, *turns: list[Step], history: list[dict[str, Any]] | None = None) -> None:
        super().__init__(*turns, history=history or [])
        self.name = name

    async def open(self) -> AsyncIterator[Event]:
        yield Ready(self.name, "guided", None)


class FakeDesk:
    """Makes sessions by name, and remembers what was asked."""

    def __init__(self, **sessions: FakeSession) -> None:
        self.sessions = sessions
        self.asked: list[tuple[str | None, bool]] = []
        self.models: list[str | None] = []

    def __call__(self, name: str | None, copy: bool, model: str | None) -> SessionFactory:
        self.asked.append((name, copy))
        self.models.append(model)

        async def opens() -> Session:
            found = self.sessions.get(name or "new")
            if found is None:
                raise SessionBusyError(str(name), "in another process")
            return found

        return opens


@pytest.fixture(autouse=True)
def saved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What `sessions` finds and changes; gives what was done."""
    done: list[str] = []
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    monkeypatch.setattr("agent.sessions.list_sessions", lambda query, offline: {"sessions": SAVED})

    def delete(query: Any, offline: bool) -> dict[str, Any]:
        done.append(f"delete {query.name}")
        return {"deleted": query.name}

    monkeypatch.setattr("agent.sessions.delete_session", delete)

    def rename(query: Any, offline: bool) -> dict[str, Any]:
        done.append(f"rename {query.name} {query.new_name}")
        return {"renamed": query.name, "name": query.new_name}

    monkeypatch.setattr("agent.sessions.rename_session", rename)
    return done


@asynccontextmanager
async def at(first: FakeSession, desk: FakeDesk) -> AsyncIterator[tuple[AdvisorApp, Pilot[int]]]:
    """The app in a conversation that can be changed."""

    async def opens() -> Session:
        return first

    app = AdvisorApp(opens, reopen=desk)
    app.animation_level = "none"
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await settled(pilot)
        yield app, pilot


async def listed(app: AdvisorApp, pilot: Pilot[int]) -> None:
    await pilot.press("ctrl+o")
    await until(pilot, lambda: isinstance(app.screen, SessionsScreen) and "work" in shown(app), "the list")


async def test_the_list_tells_of_each_and_marks_the_open_one() -> None:
    async with at(FakeNamed("test"), FakeDesk()) as (app, pilot):
        await listed(app, pilot)
        text = shown(app)
        assert "3 messages, branches: bigger card" in text
        assert "recommended: Qwen3.8-27B" in text
        assert "test \u2605 open here" in text
        assert "A newer program saved it." in text
        await pilot.press("t", "i", "c", "k")
        await until(pilot, lambda: "Qwen3.8" not in shown(app))
        assert "search over tickets" in shown(app)
        await pilot.press("escape")
        await until(pilot, lambda: "Qwen3.8" in shown(app))
        await pilot.press("delete")
        await until(pilot, lambda: "open on the screen" in shown(app))
        await pilot.press("escape")
        assert app.screen is app.chat


async def test_another_conversation_takes_the_place_of_this_one() -> None:
    first = FakeNamed("test", list(FIRST_TURN), [Message("Never said.")])
    past = [{"role": "user", "text": "a coding assistant for work"}, {"role": "advisor", "text": "Yes."}]
    second = FakeNamed("work", [Message("Hello again.")], history=past)
    desk = FakeDesk(work=second)
    async with at(first, desk) as (app, pilot):
        await say(pilot, "coding")
        old = app.chat
        assert old.presenter.question is not None
        await listed(app, pilot)
        await pilot.press("enter")
        await until(pilot, lambda: app.chat is not old and app.chat.is_open, "the other conversation")
        await settled(pilot)
        assert first.closed
        assert desk.asked == [("work", False)]
        assert app.chat.session_name == "work"
        assert [one.text for one in app.chat.query(UserMessage)] == ["a coding assistant for work"]
        assert app.chat.presenter.question is None
        assert not any(turn.calls for turn in app.chat.record.turns)
        await say(pilot, "on")
        assert second.said == ["on"]
        assert first.said == ["coding"]
    assert second.closed


async def test_a_click_opens_one() -> None:
    desk = FakeDesk(work=FakeNamed("work"))
    async with at(FakeNamed("test"), desk) as (app, pilot):
        await listed(app, pilot)
        await click_on(pilot, "recommended: Qwen3.8-27B")
        await until(pilot, lambda: app.chat.session_name == "work", "the other conversation")
        assert desk.asked == [("work", False)]


async def test_a_running_answer_is_stopped_and_what_was_typed_comes_back(tmp_path: Path) -> None:
    first = FakeNamed("test", [30.0])
    async with at(first, FakeDesk(new=FakeNamed("new"))) as (app, pilot):
        app.chat._drafts = tmp_path / "drafts.json"
        await pilot.press(*"hi", "enter")
        await until(pilot, lambda: first.said == ["hi"])
        old = app.chat
        app.chat.query_one(Composer).put("and more")
        app.chat.action_new()
        await until(pilot, lambda: app.chat is not old and app.chat.is_open)
        assert first.stopped == 1
        assert first.closed
    assert take_draft(tmp_path / "drafts.json", "test") == "hi\nand more"


async def test_where_opening_fails_this_one_goes_on() -> None:
    first = FakeNamed("test", [Message("Here.")])
    async with at(first, FakeDesk()) as (app, pilot):
        old = app.chat
        await listed(app, pilot)
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is old and "is open in another process" in shown(app))
        assert not first.closed
        await say(pilot, "hi")
        assert first.said == ["hi"]


async def test_one_that_is_open_elsewhere_is_offered_as_a_copy(tmp_path: Path) -> None:
    lock = SessionLock(tmp_path, "work")
    lock.acquire()
    desk = FakeDesk(work=FakeNamed("work copy"))
    async with at(FakeNamed("test"), desk) as (app, pilot):
        await listed(app, pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen))
        assert "open in another process" in shown(app)
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.chat.session_name == "work copy")
        assert desk.asked == [("work", True)]
    lock.release()


async def test_renaming_and_deleting(saved: list[str]) -> None:
    async with at(FakeNamed("test"), FakeDesk()) as (app, pilot):
        await listed(app, pilot)
        await pilot.press("r", *"/", "enter")
        await until(pilot, lambda: "A session name holds" in shown(app))
        await pilot.press("backspace", "x", "enter")
        await until(pilot, lambda: saved == ["rename work workx"])
        await until(pilot, lambda: "is now" in shown(app))
        await pilot.press("delete")
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen))
        await pilot.press("enter")
        await until(pilot, lambda: "It is kept" in shown(app))
        await pilot.press("delete")
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen))
        await pilot.press("down", "enter")
        await until(pilot, lambda: "Deleted" in shown(app))
        assert saved[1:] == ["delete work"]
