"""The conversation on the screen, driven by keys."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest
from textual.containers import VerticalScroll
from textual.events import Paste

from agent.events import Delta, Failure, Message, NeedsChanged, Question, Recommendation, Status
from tests.tui.driving import chatting, say, settled, shown, until
from tests.tui.fakes import (
    ASSUMPTIONS,
    FIRST_TURN,
    LOCATOR,
    NEEDS,
    PASSAGE,
    RECOMMENDATION,
    FakeSession,
    conversation,
    slot,
)
from tui import themes
from tui.app import AdvisorApp
from tui.claims import Source
from tui.screens.help import HelpScreen
from tui.screens.log import LogScreen
from tui.screens.passage import PassageScreen
from tui.screens.sources import SourcesScreen
from tui.widgets.composer import Composer
from tui.widgets.conversation import Conversation
from tui.widgets.empty_state import EmptyState
from tui.widgets.messages import AdvisorMessage, FailureMessage, UserMessage
from tui.widgets.needs_panel import NeedsPanel
from tui.widgets.question import GRACE_SECONDS, QuestionMessage
from tui.widgets.recommendation import RecommendationBlock

CITED = [{"kind": "guide", "source": "G", "locator": LOCATOR}]


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
    session = FakeSession([Status("looking up benchmarks"), 5.0])
    async with chatting(session) as (app, pilot):
        started = time.monotonic()
        await pilot.press(*"hi", "enter")
        await until(pilot, lambda: "reading what you said" in shown(app) or "looking up" in shown(app))
        assert time.monotonic() - started < 1.0
        await until(pilot, lambda: "looking up benchmarks" in shown(app))
        await pilot.press("escape")
        await settled(pilot)


async def test_escape_stops_keeps_the_part_and_gives_the_text_back() -> None:
    session = FakeSession([Delta("Half an ans"), 30.0, Message("never")])
    async with chatting(session) as (app, pilot):
        await pilot.press(*"tell me", "enter")
        await until(pilot, lambda: bool(app.chat.query(AdvisorMessage)))
        await until(pilot, lambda: "Half an ans" in shown(app))
        started = time.monotonic()
        await pilot.press("escape")
        await settled(pilot)
        assert time.monotonic() - started < 0.3 + 0.7  # a loaded machine; the stop itself is one callback
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


async def test_needs_panel_shows_origin_and_edits_into_the_composer() -> None:
    session = FakeSession([NeedsChanged(NEEDS, ASSUMPTIONS), Message("ok")])
    async with chatting(session, size=(120, 40)) as (app, pilot):
        await say(pilot, "coding")
        text = shown(app)
        assert 'said: "for work"' in text
        assert "assumed: enough" in text
        await pilot.press("f2", "down", "down", "enter")
        await pilot.pause()
        assert app.chat.query_one(Composer).text == "license: "
        assert app.focused is app.chat.query_one(Composer)


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


async def test_recommendation_options_sources_and_copying(monkeypatch: pytest.MonkeyPatch) -> None:
    session = conversation()
    copied: list[str] = []
    async with chatting(session) as (app, pilot):
        monkeypatch.setattr(app, "copy_to_clipboard", copied.append)
        await say(pilot, "coding")
        await say(pilot, "16k")
        await pilot.press("f3")
        block = app.chat.query_one(RecommendationBlock)
        assert block.has_focus
        await pilot.press("y", "y", "c")
        await pilot.pause()
        assert copied[0] == "ollama run qwen2.5-coder:14b"
        assert copied[1] == "OLLAMA_CONTEXT_LENGTH=16384 ollama serve"
        assert copied[2].startswith("## Recommendation")
        assert "Copied the answer" in shown(app)
        await pilot.press("down")
        await pilot.pause()
        assert "Second choice: DeepSeek" in shown(app)
        await pilot.press("2")
        await until(pilot, lambda: isinstance(app.screen, PassageScreen))
        await pilot.pause()
        assert "memory.md, line 14, as of 2026-10-01" in shown(app)
        assert "12  ## What takes memory" in shown(app)
        assert "\u25b6 14  The weights take most of it" in shown(app)
        await pilot.press("escape", "1")
        await until(pilot, lambda: isinstance(app.screen, PassageScreen))
        assert "LiveCodeBench v6" in shown(app)


async def test_sources_are_listed_and_opened_from_the_list() -> None:
    async with chatting(conversation()) as (app, pilot):
        await say(pilot, "coding")
        await say(pilot, "16k")
        await pilot.press("f3", "s")
        await until(pilot, lambda: isinstance(app.screen, SourcesScreen))
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, PassageScreen))
        await pilot.pause()
        assert "memory.md, line 14" in shown(app)


async def test_a_long_section_is_scrolled_to_the_cited_lines_and_a_change_is_told() -> None:
    text = "\n".join(f"line {number}" for number in range(1, 121))
    long = {**PASSAGE, "text": text, "lines": [1, 120], "marked": [100, 101], "notice": "It has changed."}
    source = Source(1, "guide", "Memory", LOCATOR)
    async with chatting(conversation()) as (app, pilot):
        await app.push_screen(PassageScreen(source, long))
        await pilot.pause()
        await pilot.pause()
        cited = app.screen.query_one(".cited")
        assert app.screen.query_one(VerticalScroll).region.contains_region(cited.region)
        assert "\u25b6 100  line 100" in shown(app)
        assert "It has changed." in shown(app)


async def test_folded_parts_open_by_key() -> None:
    async with chatting(conversation(), size=(100, 90)) as (app, pilot):
        await say(pilot, "coding")
        await say(pilot, "16k")
        assert "forbids commercial use" not in shown(app)
        app.chat.query(".more FoldTitle").last().focus()
        await pilot.press("enter")
        await pilot.pause()
        assert "forbids commercial use" in shown(app)


async def test_ctrl_c_stops_then_asks_twice() -> None:
    session = FakeSession([30.0])
    async with chatting(session) as (app, pilot):
        await pilot.press(*"hi", "enter")
        await until(pilot, lambda: app.chat.is_busy)
        await pilot.press("ctrl+c")
        await settled(pilot)
        assert app.is_running
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert "again to quit" in shown(app)
        assert app.is_running
        await pilot.press("ctrl+c")
        await until(pilot, lambda: not app.is_running)
    assert session.closed


async def test_ctrl_c_copies_a_selection_first(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    async with chatting(FakeSession()) as (app, pilot):
        monkeypatch.setattr(app, "copy_to_clipboard", copied.append)
        composer = app.chat.query_one(Composer)
        composer.put("select me")
        composer.select_all()
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert copied == ["select me"]


async def test_history_is_walked_at_the_edges_and_kept(tmp_path: Path) -> None:
    async with chatting(FakeSession([Message("a")], [Message("b")]), state=tmp_path) as (app, pilot):
        await say(pilot, "first")
        await say(pilot, "second")
        composer = app.chat.query_one(Composer)
        await pilot.press(*"draft", "up")
        assert composer.text == "second"
        await pilot.press("up")
        assert composer.text == "first"
        await pilot.press("down", "down")
        assert composer.text == "draft"
    async with chatting(FakeSession(), state=tmp_path) as (app, pilot):
        await pilot.press("up")
        assert app.chat.query_one(Composer).text == "second"


async def test_draft_survives_resize_and_modals() -> None:
    async with chatting(FakeSession()) as (app, pilot):
        await pilot.press(*"draft")
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await pilot.resize_terminal(60, 20)
        await pilot.press("escape")
        await pilot.press("ctrl+l")
        await until(pilot, lambda: isinstance(app.screen, LogScreen))
        await pilot.press("escape")
        await pilot.pause()
        assert app.chat.query_one(Composer).text == "draft"


async def test_typing_anywhere_goes_to_the_composer() -> None:
    async with chatting(conversation()) as (app, pilot):
        app.chat.query_one(Conversation).focus()
        await pilot.press(*"hello")
        assert app.chat.query_one(Composer).text == "hello"
        app.chat.query_one(Composer).put("")
        await say(pilot, "coding")
        await say(pilot, "16k")
        await pilot.press("f3", *"why 7")  # y and 7 mean something to the answer, but not in a sentence
        assert app.chat.query_one(Composer).text == "why 7"


async def test_new_text_does_not_pull_away_from_what_is_read() -> None:
    gate = threading.Event()
    long = "\n\n".join(f"paragraph {number}" for number in range(60))
    session = FakeSession([Message(long)], [gate, Message("the newest line")])
    async with chatting(session) as (app, pilot):
        await say(pilot, "one")
        pane = app.chat.query_one(Conversation)
        assert pane.at_end
        await pilot.press(*"two", "enter")
        await until(pilot, lambda: len(app.chat.query(UserMessage)) == 2)
        pane.scroll_to(y=0, animate=False, immediate=True)
        await pilot.pause()
        gate.set()
        await settled(pilot)
        assert pane.scroll_offset.y == 0
        assert "new below" in shown(app)
        pane.focus()
        await pilot.press("end")
        await pilot.pause()
        assert "the newest line" in shown(app)
        assert "new below" not in shown(app)


async def test_long_recommendation_is_shown_from_its_beginning() -> None:
    session = FakeSession([Recommendation(RECOMMENDATION)])
    async with chatting(session, size=(80, 24)) as (app, pilot):
        await say(pilot, "go")
        await until(pilot, lambda: "Recommendation" in shown(app))
        assert "1 Qwen2.5-Coder-14B-Instruct" in shown(app)


async def test_export_writes_the_conversation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with chatting(conversation()) as (_, pilot):
        await say(pilot, "coding")
        await say(pilot, "16k")
        await pilot.press("f3", "e")
        await until(pilot, lambda: bool(_exports(tmp_path)))
        text = _exports(tmp_path)[0]
        assert "**You**:\n\n> coding" in text
        assert "### 1. Qwen2.5-Coder-14B-Instruct" in text


async def test_palette_offers_only_what_is_possible() -> None:
    async with chatting(conversation()) as (app, pilot):
        before = {command.title for command in app.get_system_commands(app.chat)}
        assert not before & {"Stop", "Copy a command", "Export the conversation"}
        await say(pilot, "coding")
        await say(pilot, "16k")
        after = {command.title for command in app.get_system_commands(app.chat)}
        assert {"Copy a command", "Export the conversation", "Go to the recommendation"} <= after
        assert "Stop" not in after


async def test_footer_has_at_most_six_keys() -> None:
    session = conversation()
    session.turns.append([30.0])
    async with chatting(session) as (app, pilot):
        assert len(app.chat.query("FooterKey")) <= 6
        await say(pilot, "coding")
        await say(pilot, "16k")
        await pilot.press("f3")
        await pilot.pause()
        assert len(app.chat.query("FooterKey")) <= 6
        await pilot.press(*"x", "enter")
        await until(pilot, lambda: app.chat.is_busy)
        await pilot.pause()
        assert len(app.chat.query("FooterKey")) <= 6
        await pilot.press("escape")
        await settled(pilot)


async def test_editing_a_need_after_the_answer_shows_the_new_value() -> None:
    changed = {**NEEDS, "context": slot(65536, "64k")}
    session = FakeSession(
        [NeedsChanged(NEEDS), Question("context", "How much?", "", ["8k"])],
        [NeedsChanged(changed), Message("ok")],
    )
    async with chatting(session, size=(120, 40)) as (app, pilot):
        await say(pilot, "coding")
        await say(pilot, "context: 64k")
        assert "64k tokens" in shown(app)
        assert app.chat.presenter.question is None


def _exports(folder: Path) -> list[str]:
    return [path.read_text(encoding="utf-8") for path in folder.glob("*.md")]


async def _grace_over(question: QuestionMessage) -> None:
    question._shown_at -= GRACE_SECONDS
