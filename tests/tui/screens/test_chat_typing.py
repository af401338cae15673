"""The composer: what waits, commands, drafts; and Esc at every stage of a turn."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from textual import events

from agent.events import Delta, Message, NeedsChanged, Progress, Status, ToolCall
from agent.protocol import Session
from tests.tui.driving import chatting, make_app, say, settled, shown, until
from tests.tui.fakes import FIRST_TURN, NEEDS, FakeSession, Step, conversation
from tests.waiting import HANGS
from tui import themes
from tui.actions import ACTIONS, completions
from tui.app import AdvisorApp
from tui.drafts import keep_draft, take_draft
from tui.widgets.composer import Composer
from tui.widgets.conversation import Conversation
from tui.widgets.recommendation import RecommendationBlock


@pytest.mark.parametrize(
    "stage",
    [
        [Status("reading your message")],
        [Status("comparing models"), ToolCall("recommend", {}, {}, 0.1)],
        [Delta("Half of "), Delta("an answer")],
        [NeedsChanged(NEEDS)],
        [Progress("pull", "qwen3:4b", "pulling", 10, 100)],
    ],
    ids=["understanding", "tool", "streaming", "needs", "pulling"],
)
async def test_escape_stops_at_every_stage(stage: list[Step]) -> None:
    gate = threading.Event()
    session = FakeSession([*stage, gate, Message("never")], [Message("next works")])
    async with chatting(session) as (app, pilot):
        await pilot.press(*"hello", "enter")
        await until(pilot, lambda: app.chat.can_stop and bool(session.said))
        await pilot.pause(0.05)
        await pilot.press("escape")
        await until(pilot, lambda: not app.chat.is_busy, "the stop, while the turn still runs")
        gate.set()
        assert "stopped" in shown(app)
        assert app.chat.query_one(Composer).text == "hello"
        if any(isinstance(step, Delta) for step in stage):
            assert "Half of an answer" in shown(app)
        await until(pilot, lambda: session.stopped == 1)
        await pilot.press("enter")
        await settled(pilot)
        assert "next works" in shown(app)


async def test_escape_stops_the_opening_and_the_next_text_opens_again() -> None:
    gate = threading.Event()
    session = FakeSession([Message("hello there")])
    tries = 0

    async def opens() -> Session:
        nonlocal tries
        tries += 1
        if tries == 1:
            await asyncio.to_thread(gate.wait, HANGS)
        return session

    app = AdvisorApp(opens)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, lambda: app.chat.can_stop and tries == 1)
        await pilot.press("escape")
        await until(pilot, lambda: not app.chat.is_busy, "the stop, while the turn still runs")
        gate.set()
        await say(pilot, "hi")
        assert "hello there" in shown(app)


async def test_what_waits_is_listed_and_the_last_one_taken_back_with_up() -> None:
    gate = threading.Event()
    session = FakeSession([gate, Message("first")], [Message("second")])
    async with chatting(session) as (app, pilot):
        await pilot.press(*"one", "enter")
        await until(pilot, lambda: app.chat.can_stop)
        await pilot.press(*"two", "enter", *"three", "enter")
        await until(pilot, lambda: "waits \u00b7 three (Up takes the last one back)" in shown(app))
        assert "waits \u00b7 two" in shown(app)
        await pilot.press("up")
        await pilot.pause()
        assert app.chat.query_one(Composer).text == "three"
        assert "waits \u00b7 three" not in shown(app)
        gate.set()
        await settled(pilot)
        assert session.said == ["one", "two"]
        assert "waits" not in shown(app)


async def test_enter_on_nothing_says_how_to_go_on() -> None:
    async with chatting(FakeSession()) as (app, pilot):
        await pilot.press("enter")
        await pilot.pause()
        assert "press Ctrl+R to have a recommendation" in shown(app)


async def test_commands_are_listed_while_they_are_typed_and_tab_completes() -> None:
    async with chatting(conversation()) as (app, pilot):
        await pilot.press("/", "b")
        await pilot.pause()
        assert "/branch NAME" in shown(app)
        await pilot.press("tab")
        await pilot.pause()
        assert app.chat.query_one(Composer).text == "/branch "
        assert app.focused is app.chat.query_one(Composer)
        assert "/branch NAME" not in shown(app)


@pytest.mark.parametrize(
    ("text", "found"), [("/und", ["/undo"]), ("/undo", []), ("hello", []), ("/branch x", []), ("/zz", [])]
)
def test_completions(text: str, found: list[str]) -> None:
    assert [one.typed for one in completions(text)] == found
    assert len(completions("/")) == len([one for one in ACTIONS if one.typed])


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 45)])
async def test_the_composer_grows_to_a_third_of_the_height(size: tuple[int, int]) -> None:
    async with chatting(FakeSession(), size=size) as (app, pilot):
        app.chat.query_one(Composer).put("line\n" * 60)
        await pilot.pause()
        height = app.chat.query_one(Composer).region.height
        assert size[1] // 3 - 1 <= height <= size[1] // 3 + 1


async def test_the_draft_survives_resize_modals_and_themes() -> None:
    async with chatting(conversation()) as (app, pilot):
        await pilot.press(*"my draft")
        await pilot.resize_terminal(60, 20)
        await pilot.press("f1")
        await pilot.pause()
        await pilot.press("escape")
        app.theme = themes.LIGHT.name
        await pilot.pause()
        assert app.chat.query_one(Composer).text == "my draft"


async def test_what_was_not_sent_is_back_at_the_next_start(tmp_path: Path) -> None:
    gate = threading.Event()
    session = FakeSession(FIRST_TURN, [gate])
    async with chatting(session, state=tmp_path) as (app, pilot):
        await say(pilot, "coding")
        await pilot.press(*"one", "enter")
        await until(pilot, lambda: app.chat.can_stop)
        await pilot.press(*"two", "enter", *"draft")
        await pilot.pause()
    gate.set()
    past = [{"role": "user", "text": "coding"}]
    async with chatting(FakeSession(history=past), state=tmp_path) as (app, _):
        assert app.chat.query_one(Composer).text == "one\ntwo\ndraft"
    async with chatting(FakeSession(), state=tmp_path) as (app, _):
        assert app.chat.query_one(Composer).text == ""  # another conversation, in which nothing was said


async def test_what_is_pasted_while_something_else_has_the_focus_goes_to_the_composer() -> None:
    async with chatting(conversation()) as (app, pilot):
        app.chat.query_one(Conversation).focus()
        await pilot.pause()
        app.chat.post_message(events.Paste("two\x07\nlines"))
        composer = app.chat.query_one(Composer)
        await until(pilot, lambda: composer.text == "two\nlines")
        assert composer.has_focus


def test_drafts_are_kept_by_conversation(tmp_path: Path) -> None:
    path = tmp_path / "drafts.json"
    keep_draft(path, "a", "text of a")
    keep_draft(path, "b", "  ")
    assert take_draft(path, "b") == ""
    assert take_draft(path, "a") == "text of a"
    assert take_draft(path, "a") == ""
    path.write_text("[broken")
    assert take_draft(path, "a") == ""
    keep_draft(None, "a", "x")


async def test_the_footer_has_at_most_six_keys_wherever_the_focus_is() -> None:
    async with chatting(conversation(), size=(120, 40)) as (app, pilot):
        await say(pilot, "coding")
        await say(pilot, "16k")
        await pilot.press("f2")
        seen: set[str] = set()
        for _ in range(30):
            await pilot.pause()
            focused = app.focused
            keys = [key for key in app.chat.query("FooterKey") if key.display]
            assert len(keys) <= 6, (focused, [str(key) for key in keys])
            seen.add(type(focused).__name__)
            await pilot.press("tab")
        assert {"Composer", "NeedRow", "RecommendationBlock"} <= seen


async def test_jumping_between_answers() -> None:
    async with chatting(FakeSession([Message("first answer")], [Message("second answer")])) as (app, pilot):
        await say(pilot, "one")
        await say(pilot, "two")
        for key, text in (("alt+up", "second answer"), ("alt+up", "first answer"), ("alt+down", "second")):
            await pilot.press(key)
            await pilot.pause()
            assert text in app.focused.text  # type: ignore[union-attr]
        await pilot.press("alt+down")
        assert app.focused is app.chat.query_one(Composer)


async def test_copying_writes_osc_52(monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(conversation())
    async with app.run_test(size=(100, 40), notifications=True) as pilot:
        await settled(pilot)
        await say(pilot, "coding")
        await say(pilot, "16k")
        written: list[str] = []
        assert app._driver is not None
        monkeypatch.setattr(app._driver, "write", written.append)
        await pilot.press("f3", "y")
        await until(pilot, lambda: any(text.startswith("\x1b]52;c;") for text in written), "OSC 52")
        assert app.chat.query_one(RecommendationBlock).has_focus
