"""Each action of the table by its key, its typed command and from the palette, and what is not possible."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.command import CommandInput, CommandPalette
from textual.pilot import Pilot
from textual.widgets import OptionList

from agent.events import Branch, Message, NeedsChanged
from knowledge.home import HOME_VARIABLE
from tests.tui.driving import chatting, say, settled, shown, until
from tests.tui.fakes import FIRST_TURN, NEEDS, SECOND_TURN, FakeSession, Step
from tui.actions import ACTIONS, Action
from tui.app import AdvisorApp
from tui.screens.chat import NOT_NOW
from tui.widgets.composer import Composer
from tui.widgets.hardware_line import HardwareLine
from tui.widgets.messages import FailureMessage

PAST = [{"role": "user", "text": "earlier"}, {"role": "advisor", "text": "yes"}]
BRANCHED: list[Step] = [Branch("aside", ["aside"]), NeedsChanged(NEEDS), Message("In the branch.")]
TAKES = {
    "change": "context 64k",
    "hardware": "RTX 4090",
    "branch": "other",
    "pull": "qwen3:4b",
    "model": "guided",
    "export": "talk.md",
}
ONCE = [one for one in ACTIONS if one.name not in ("leave", "stop")]


@asynccontextmanager
async def standing(state: Path, when: str) -> AsyncIterator[tuple[AdvisorApp, Pilot[int], FakeSession]]:
    """A conversation that is as an action needs it."""
    session = FakeSession(FIRST_TURN, SECOND_TURN, BRANCHED, history=())
    async with chatting(session, size=(80, 24), state=state) as (app, pilot):
        app._reopen = lambda name, copy, model: FakeSession()
        if when:
            await say(pilot, "coding")
            await say(pilot, "16k")
        if when == "branched":
            session.past = PAST
            await say(pilot, "/branch aside")
        if when == "simulated":
            app.chat.query_one(HardwareLine).simulate(True)
        yield app, pilot, session


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tui.screens.choose.server_models", lambda: ())


def trace(app: AdvisorApp, session: FakeSession) -> tuple[object, ...]:
    """What an action changes, in one way or the other."""
    return (
        app.screen,
        app.focused,
        shown(app),
        len(session.said),
        tuple(session.commands),
        session.recommended,
        tuple(session.models.asked),
    )


async def did_something(
    app: AdvisorApp, pilot: Pilot[int], session: FakeSession, before: tuple[object, ...]
) -> None:
    await until(pilot, lambda: trace(app, session) != before, "anything")
    await pilot.pause(0.05)
    assert app.is_running
    assert not app.chat.query(FailureMessage)
    assert "Something went wrong" not in shown(app)
    while app.screen is not app.chat:
        await pilot.press("escape")
        await pilot.pause(0.05)
    await settled(pilot)


def title(action: Action) -> str:
    return action.name


@pytest.mark.parametrize("action", [one for one in ONCE if one.key], ids=title)
async def test_by_its_key_while_one_types(action: Action, tmp_path: Path) -> None:
    async with standing(tmp_path, action.when) as (app, pilot, session):
        app.chat.query_one(Composer).focus()
        await pilot.press(*"draft")
        before = trace(app, session)
        await pilot.press(action.key)
        await did_something(app, pilot, session, before)


@pytest.mark.parametrize("action", [one for one in ONCE if one.typed], ids=title)
async def test_by_its_typed_command(action: Action, tmp_path: Path) -> None:
    async with standing(tmp_path, action.when) as (app, pilot, session):
        for argument in dict.fromkeys(("", TAKES.get(action.name, "")) if action.takes else ("",)):
            app.chat.query_one(Composer).focus()
            app.chat.query_one(Composer).put(f"{action.typed} {argument}".strip())
            before = trace(app, session)
            await pilot.press("enter")
            await did_something(app, pilot, session, before)


@pytest.mark.parametrize("action", [one for one in ONCE if one.listed], ids=title)
async def test_from_the_palette(action: Action, tmp_path: Path) -> None:
    async with standing(tmp_path, action.when) as (app, pilot, session):
        before = trace(app, session)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette), "the palette")
        await pilot.press(*action.title[:2])
        palette = app.screen
        palette.query_one(CommandInput).value = action.title  # each key searches anew, which takes its time
        palette.query_one(CommandInput).cursor_position = len(action.title)
        rows = palette.query_one(OptionList)
        assert palette.query_one(CommandInput).value == action.title
        await until(pilot, lambda: rows.option_count > 0 and action.title in str(rows.options[0].prompt))
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is not palette, "the choice")
        await did_something(app, pilot, session, before)


@pytest.mark.parametrize("action", [one for one in ONCE if one.when], ids=title)
async def test_what_is_not_possible_is_not_offered_and_says_why(action: Action, tmp_path: Path) -> None:
    async with standing(tmp_path, "") as (app, pilot, session):
        assert action.title not in {one.title for one in app.get_system_commands(app.chat)}
        if action.typed:
            await pilot.press(*action.typed, "enter")
            await until(pilot, lambda: NOT_NOW[action.when][:40] in shown(app), "the reason")
        before = (*session.commands, session.recommended, app.screen)
        if action.key:
            await pilot.press(action.key)
            await until(pilot, lambda: NOT_NOW[action.when][:40] in shown(app), "the reason")
        assert (*session.commands, session.recommended, app.screen) == before


async def test_quitting_by_its_command_and_keys(tmp_path: Path) -> None:
    for typed in ((*"/quit", "enter"), ("ctrl+d", "ctrl+d"), ("ctrl+q", "ctrl+q")):
        async with standing(tmp_path, "") as (app, pilot, session):
            await pilot.press(*typed)
            await until(pilot, lambda: not app.is_running, "the end")
        assert session.closed


async def test_stop_from_the_palette_over_a_running_answer(tmp_path: Path) -> None:
    session = FakeSession([30.0])
    async with chatting(session, state=tmp_path) as (app, pilot):
        await pilot.press(*"hi", "enter")
        await until(pilot, lambda: app.chat.can_stop)
        await pilot.press("ctrl+p", *"Stop")
        rows = app.screen.query_one(OptionList)
        await until(pilot, lambda: rows.option_count > 0)
        await pilot.press("enter")
        await settled(pilot)
        assert session.stopped == 1
        assert app.chat.query_one(Composer).text == "hi"
