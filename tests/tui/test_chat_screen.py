"""The conversation on the screen, driven by keys."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest
from textual.events import Paste

from agent.events import Delta, Failure, Message, NeedsChanged, Recommendation, Status
from tests.tui.driving import chatting, say, settled, shown, until
from tests.tui.fakes import (
    ASSUMPTIONS,
    FIRST_TURN,
    LOCATOR,
    NEEDS,
    RECOMMENDATION,
    FakeSession,
    conversation,
)
from tests.waiting import HANGS
from tui import themes
from tui.app import AdvisorApp
from tui.widgets.composer import Composer
from tui.widgets.conversation import Conversation
from tui.widgets.empty_state import EmptyState
from tui.widgets.messages import AdvisorMessage, FailureMessage, UserMessage
from tui.widgets.needs_panel import NeedsPanel
from tui.widgets.question import GRACE_SECONDS, QuestionMessage
from tui.widgets.recommendation import RecommendationBlock

CITED = [{"kind": "guide", "source": "G", "locator": LOCATOR}]


async def _grace_over(question: QuestionMessage) -> None:
    question._shown_at -= GRACE_SECONDS


async def test_empty_state_goes_with_the_first_message() -> None:
    async with chatting(conversation()) as (app, pilot):
        assert app.chat.query(EmptyState)
        assert "RTX 3060 12GB" in shown(app)
        await say(pilot, "coding")
        assert not app.chat.query(EmptyState)


async def test_keys_typed_right_before_enter_are_sent_too() -> None:
    session = FakeSession([Message("ok")])
    async with chatting(session) as (_, pilot):
        await pilot.press(*"coding", "enter")
        await settled(pilot)
        assert session.said == ["coding"]


async def test_newline_and_paste_of_many_lines_do_not_send() -> None:
    session = FakeSession()
    async with chatting(session) as (app, pilot):
        await pilot.press(*"one", "ctrl+j", *"two")
        composer = app.chat.query_one(Composer)
        assert composer.text == "one\ntwo"
        app.post_message(Paste("three\nfour\x1b[31m\nfive"))
        await pilot.pause()
        assert composer.text == "one\ntwothree\nfour\nfive"
        assert session.said == []


async def test_question_is_answered_by_number_and_enter_after_the_grace_period() -> None:
    session = conversation()
    async with chatting(session) as (app, pilot):
        await say(pilot, "coding")
        question = app.chat.query_one(QuestionMessage)
        await pilot.press("2")
        assert question.chosen.text.startswith("A few files")
        await _grace_over(question)
        await pilot.press("enter")
        await settled(pilot)
        assert session.said == ["coding", "A few files (16k tokens)"]
        assert app.chat.query(RecommendationBlock)


async def test_enter_within_the_grace_period_answers_nothing() -> None:
    session = conversation()
    async with chatting(session) as (app, pilot):
        await say(pilot, "coding")
        question = app.chat.query_one(QuestionMessage)
        question._shown_at = time.monotonic()
        await pilot.press("enter")
        await pilot.pause()
        assert session.said == ["coding"]


async def test_question_takes_arrows_other_skip_and_recommend_now() -> None:
    session = FakeSession(FIRST_TURN, FIRST_TURN, FIRST_TURN, [Recommendation(RECOMMENDATION)])
    async with chatting(session) as (app, pilot):
        await say(pilot, "coding")
        await _grace_over(app.chat.query(QuestionMessage).last(QuestionMessage))
        await pilot.press("down", "enter")
        await settled(pilot)
        assert session.said[-1] == "A few files (16k tokens)"
        question = app.chat.query(QuestionMessage).last(QuestionMessage)
        await pilot.press(*"24GB")
        assert question.chosen.kind == "other"
        await pilot.press("enter")
        await settled(pilot)
        assert session.said[-1] == "24GB"
        await _grace_over(app.chat.query(QuestionMessage).last(QuestionMessage))
        await pilot.press("5", "enter")
        await settled(pilot)
        assert session.recommended == 1
        assert len(session.said) == 3


async def test_skip_says_you_decide() -> None:
    session = FakeSession(FIRST_TURN, [Message("Fine.")])
    async with chatting(session) as (app, pilot):
        await say(pilot, "coding")
        await _grace_over(app.chat.query_one(QuestionMessage))
        await pilot.press("up", "up", "enter")
        await settled(pilot)
        assert session.said[-1] == "You decide"


async def test_an_option_can_be_clicked() -> None:
    session = FakeSession(FIRST_TURN, [Message("Fine.")])
    async with chatting(session) as (app, pilot):
        await say(pilot, "coding")
        await pilot.click(app.chat.query(".choice").nodes[2])
        await settled(pilot)
        assert session.said[-1] == "A small project (64k tokens)"


async def test_typing_while_it_answers_and_queueing() -> None:
    gate = threading.Event()
    session = FakeSession([Status("slow"), gate, Message("first")], [Message("second")])
    async with chatting(session) as (app, pilot):
        await pilot.press(*"one", "enter")
        await until(pilot, lambda: app.chat.is_busy)
        await pilot.press(*"two", "enter")
        assert app.chat.query_one(Composer).text == ""
        assert "1 waiting" in shown(app)
        gate.set()
        await settled(pilot)
        assert session.said == ["one", "two"]


async def test_sign_of_life_names_the_step() -> None:
    session = FakeSession([Status("looking up benchmarks"), HANGS])
    async with chatting(session) as (app, pilot):
        await pilot.press(*"hi", "enter")
        await until(pilot, lambda: "reading what you said" in shown(app) or "looking up" in shown(app))
        await until(pilot, lambda: "looking up benchmarks" in shown(app))
        await pilot.press("escape")
        await settled(pilot)


async def test_escape_stops_keeps_the_part_and_gives_the_text_back() -> None:
    session = FakeSession([Delta("Half an ans"), HANGS, Message("never")])
    async with chatting(session) as (app, pilot):
        await pilot.press(*"tell me", "enter")
        await until(pilot, lambda: bool(app.chat.query(AdvisorMessage)))
        await until(pilot, lambda: "Half an ans" in shown(app))
        await pilot.press("escape")
        await settled(pilot)
        assert "(stopped)" in shown(app)
        assert "Half an ans" in shown(app)
        assert app.chat.query_one(Composer).text == "tell me"
        await until(pilot, lambda: session.stopped == 1)


async def test_escape_gives_back_what_waited_and_keeps_the_draft() -> None:
    session = FakeSession([30.0])
    async with chatting(session) as (app, pilot):
        await pilot.press(*"one", "enter")
        await until(pilot, lambda: app.chat.is_busy)
        await pilot.press(*"two", "enter")
        await pilot.press(*"draft")
        await pilot.press("escape")
        await settled(pilot)
        assert app.chat.query_one(Composer).text == "one\ntwo\ndraft"
        assert session.said == ["one"]


async def test_a_failed_turn_stays_in_the_flow_and_gives_the_text_back() -> None:
    session = FakeSession([Failure("service", "Ollama is not running.", "Start it with `ollama serve`.")])
    async with chatting(session) as (app, pilot):
        await say(pilot, "hello")
        failure = app.chat.query_one(FailureMessage)
        assert failure.message == "Ollama is not running."
        assert "ollama serve" in shown(app)
        assert app.chat.query_one(Composer).text == "hello"


async def test_an_exception_becomes_a_failure_and_the_next_turn_works() -> None:
    session = FakeSession([Delta("x"), ValueError("secret [/internals]")], [Message("fine again")])
    async with chatting(session) as (app, pilot):
        await say(pilot, "one")
        assert "secret" not in shown(app)
        assert "ValueError" in shown(app)
        await say(pilot, "two")
        assert "fine again" in shown(app)


async def test_what_fails_beside_the_conversation_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    async with chatting(conversation()) as (app, pilot):

        async def broken(locator: str, quote: str) -> None:
            raise OSError(f"cannot read {locator} [/]")

        monkeypatch.setattr(app.bridge, "passage", broken)
        await say(pilot, "coding")
        await say(pilot, "16k")
        await pilot.press("f3", "2")
        await until(pilot, lambda: "Ctrl+L shows the log" in shown(app))
        assert app.is_running


async def test_what_was_sent_while_opening_failed_comes_back() -> None:
    gate = threading.Event()

    async def opens() -> FakeSession:
        await asyncio.to_thread(gate.wait, 10.0)
        raise OSError("disk full")

    app = AdvisorApp(opens)
    async with app.run_test(notifications=True) as pilot:
        await pilot.press(*"hello", "enter")
        await pilot.press(*"more", "enter")
        gate.set()
        await until(pilot, lambda: bool(app.chat.query(FailureMessage)) and not app.chat.is_busy)
        assert len(app.chat.query(FailureMessage)) == 1
        assert app.chat.query_one(Composer).text == "hello\nmore"


@pytest.mark.parametrize("size", [(20, 6), (30, 10), (300, 90)])
async def test_odd_terminal_sizes(size: tuple[int, int]) -> None:
    async with chatting(conversation(), size=size) as (app, pilot):
        await say(pilot, "coding")
        await say(pilot, "16k")
        await pilot.press("f3", "down", "f2", "f1")
        await pilot.pause()
        assert app.is_running


async def test_the_chosen_theme_is_kept(tmp_path: Path) -> None:
    async with chatting(FakeSession(), state=tmp_path) as (app, _):
        assert app.theme == themes.DARK.name
        app.theme = themes.LIGHT.name
    async with chatting(FakeSession(), state=tmp_path) as (app, _):
        assert app.theme == themes.LIGHT.name
    (tmp_path / "look.json").write_text("[broken")
    async with chatting(FakeSession(), state=tmp_path) as (app, _):
        assert app.theme == themes.DARK.name


async def test_a_session_that_cannot_be_opened_is_tried_again() -> None:
    session = FakeSession([Message("hello")])
    tries = 0

    class Opens:
        async def __call__(self) -> FakeSession:
            nonlocal tries
            tries += 1
            if tries == 1:
                raise OSError("disk full")
            return session

    app = AdvisorApp(Opens())
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, lambda: bool(app.chat.query(FailureMessage)))
        await until(pilot, lambda: not app.chat.is_busy)
        await say(pilot, "hi")
        assert "hello" in shown(app)
        assert tries == 2


async def test_resumed_session_shows_both_sides_once() -> None:
    session = FakeSession(
        opening=[Message("I said this.", CITED), Recommendation(RECOMMENDATION)],
        history=[
            {"role": "user", "text": "you said that"},
            {"role": "advisor", "text": "I said this.", "citations": CITED},
        ],
    )
    async with chatting(session, size=(100, 80)) as (app, _):
        assert [message.text for message in app.chat.query(UserMessage)] == ["you said that"]
        said = list(app.chat.query(AdvisorMessage))
        assert [message.text for message in said] == ["I said this."]
        assert len(said[0].sources) == 1
        order = [type(widget).__name__ for widget in app.chat.query_one(Conversation).children]
        assert order == ["UserMessage", "AdvisorMessage", "RecommendationBlock"]


async def test_streamed_message_is_settled_once_and_not_doubled() -> None:
    table = "| a | b |\n| --- | --- |\n| 1 | 2 |\n\n```sh\nls\n```\n"
    session = FakeSession([*(Delta(char) for char in table), Message(table)])
    async with chatting(session) as (app, pilot):
        await say(pilot, "go")
        messages = list(app.chat.query(AdvisorMessage))
        assert len(messages) == 1
        assert messages[0].text == table
        assert len(messages[0].query("MarkdownTableCellContents")) == 4


async def test_needs_panel_shows_origin() -> None:
    session = FakeSession([NeedsChanged(NEEDS, ASSUMPTIONS), Message("ok")])
    async with chatting(session, size=(120, 40)) as (app, pilot):
        await say(pilot, "coding")
        text = shown(app)
        assert 'said: "for work"' in text
        assert "assumed: enough" in text


@pytest.mark.parametrize(("width", "visible"), [(60, False), (80, False), (120, True), (200, True)])
async def test_needs_panel_folds_by_width(width: int, visible: bool) -> None:
    async with chatting(conversation(), size=(width, 24)) as (app, pilot):
        assert app.chat.query_one(NeedsPanel).display is visible
        await pilot.press("f2")
        await pilot.pause()
        assert app.chat.query_one(NeedsPanel).display
        await pilot.press("f2")
        await pilot.pause()
        assert not app.chat.query_one(NeedsPanel).display
