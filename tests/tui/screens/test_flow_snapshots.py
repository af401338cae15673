"""Pictures of the first start, a need that is edited, what waits, a branch, and a model server that fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from textual.pilot import Pilot

from agent.events import Branch, Delta, Failure, Message, NeedsChanged
from tests.tui.driving import make_app, say, settled, until
from tests.tui.fakes import ASSUMPTIONS, FIRST_TURN, NEEDS, FakeSession
from tests.tui.screens.test_chat_pictures import editing
from tests.tui.screens.test_chat_pictures import session as needs_session
from tests.tui.screens.test_set_up import FOUND
from tests.tui.test_snapshots import Before, Compare, chat, footer
from tui.app import AdvisorApp
from tui.themes import LIGHT
from tui.widgets.found import LOOKING, Found

GATE = threading.Event()
"""What a turn waits at while its picture is taken."""


def first_start() -> AdvisorApp:
    app = AdvisorApp(FakeSession(), first_run=True, detect=lambda: "RTX 3060 12GB, 32 GB RAM")
    app.animation_level = "none"
    return app


async def found(pilot: Pilot[int]) -> None:
    await settled(pilot)
    told = chat(pilot).query_one(Found)
    await until(pilot, lambda: not any(LOOKING in words for words in told._told.values()), "what was found")
    await footer(pilot)


async def waiting(pilot: Pilot[int]) -> None:
    await settled(pilot)
    await pilot.press(*"one", "enter")
    await until(pilot, lambda: len(chat(pilot).query("AdvisorMessage")) == 1)
    await pilot.press(*"and for two people", "enter", *"in German", "enter", *"draft")
    await pilot.pause(0.3)


async def branched(pilot: Pilot[int]) -> None:
    await settled(pilot)
    await say(pilot, "a coding assistant on my RTX 3060 12GB")
    pilot.app.chat.bridge._session.past = [  # type: ignore[attr-defined]
        {"role": "user", "text": "a coding assistant on my RTX 3060 12GB"},
        {"role": "advisor", "text": "A coding assistant on an RTX 3060: I take that."},
    ]
    await say(pilot, "/branch big card")
    await footer(pilot)


async def failed(pilot: Pilot[int]) -> None:
    await settled(pilot)
    await say(pilot, "a coding assistant on my RTX 3060 12GB")
    await footer(pilot)


def troubled() -> AdvisorApp:
    problem = Failure(
        "bad_key",
        "openai refused the key.",
        "Set the provider's key in its environment variable (for example OPENAI_API_KEY). "
        "This turn goes on in guided mode.",
    )
    return make_app(FakeSession([*FIRST_TURN[:-1], problem, FIRST_TURN[-1]]))


STATES: dict[str, tuple[Callable[[], AdvisorApp], Before]] = {
    "first start": (first_start, found),
    "editing": (lambda: make_app(needs_session()), editing),
    "waiting": (lambda: make_app(FakeSession([Delta("Half of an answer"), GATE])), waiting),
    "branch": (
        lambda: make_app(
            FakeSession(
                [NeedsChanged(NEEDS, ASSUMPTIONS), Message("I take that.")],
                [
                    Branch("big card", ["big card"]),
                    NeedsChanged(NEEDS, ASSUMPTIONS),
                    Message("This is the new branch; what you say here changes nothing outside."),
                ],
            )
        ),
        branched,
    ),
    "failure": (troubled, failed),
}


@pytest.fixture(autouse=True)
def fixed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same things are found everywhere; what waits goes on after the picture."""
    keys: list[dict[str, Any]] = [
        {"provider": "openai", "variable": "OPENAI_API_KEY", "place": "environment"}
    ]
    monkeypatch.setattr("tools.commands.setup.look_for_ollama", lambda *, offline: FOUND)
    monkeypatch.setattr("tools.commands.setup.look_for_keys", lambda: keys)
    GATE.clear()
    yield
    GATE.set()


@pytest.mark.parametrize("name", STATES)
def test_light(snap_compare: Compare, name: str) -> None:
    make, before = STATES[name]
    app = make()
    app.theme = LIGHT.name
    assert snap_compare(app, terminal_size=(80, 24), run_before=before)


@pytest.mark.parametrize("name", STATES)
def test_no_color(snap_compare: Compare, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    make, before = STATES[name]
    assert snap_compare(make(), terminal_size=(60, 20), run_before=before)
