"""What comes at an odd moment: pastes, names that are taken, restarts, and what was folded away."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events

from agent.events import Message, Mode
from tests.tui.driving import chatting, say, settled, shown, until
from tests.tui.fakes import FIRST_TURN, FakeSession, conversation
from tests.tui.screens.test_sessions import FakeDesk, FakeNamed, at
from tui import themes
from tui.screens.themes import ThemesScreen
from tui.widgets.composer import Composer
from tui.widgets.conversation import Conversation
from tui.widgets.messages import AdvisorMessage


@pytest.mark.parametrize("pasted", ["2\n3\n", "32k\nfor two people"])
async def test_a_paste_answers_no_question(pasted: str) -> None:
    session = FakeSession(FIRST_TURN, [Message("Fine.")])
    async with chatting(session, size=(80, 24)) as (app, pilot):
        await say(pilot, "coding")
        question = app.chat.presenter.question
        assert question is not None
        await until(pilot, lambda: question.ready, "the end of the grace")
        app.post_message(events.Paste(pasted))
        await until(pilot, lambda: bool(app.chat.query_one(Composer).text), "the paste")
        assert app.chat.query_one(Composer).text == pasted
        assert session.said == ["coding"]
        assert app.chat.presenter.question is question
        await pilot.press("enter")
        await settled(pilot)
        assert session.said == ["coding", pasted.strip()]


async def test_an_export_over_a_file_of_something_else_is_refused_and_over_an_earlier_one_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    notes = tmp_path / "notes.md"
    notes.write_text("# My notes\n", encoding="utf-8")
    async with chatting(conversation(), size=(100, 30)) as (app, pilot):
        await say(pilot, "coding")
        await say(pilot, "/export notes.md")
        await until(pilot, lambda: "exists already" in shown(app), "the refusal")
        assert notes.read_text(encoding="utf-8") == "# My notes\n"
        for _ in range(2):
            app.chat.flash("")
            await say(pilot, "/export talk.md")
            await until(pilot, lambda: "Wrote" in shown(app), "the export")
        assert "coding" in (tmp_path / "talk.md").read_text(encoding="utf-8")
        assert app.chat.query_one(Composer).text == ""


async def test_a_theme_that_was_chosen_by_keys_is_there_after_a_restart(tmp_path: Path) -> None:
    async with chatting(FakeSession(), size=(80, 24), state=tmp_path) as (app, pilot):
        await say(pilot, "/theme")
        await until(pilot, lambda: isinstance(app.screen, ThemesScreen), "the themes")
        before = app.theme
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.screen is app.chat, "the choice")
        chosen = app.theme
        assert chosen != before
    async with chatting(FakeSession(), size=(80, 24), state=tmp_path) as (app, pilot):
        assert app.theme == chosen
        await say(pilot, "/theme")
        await until(pilot, lambda: isinstance(app.screen, ThemesScreen), "the themes")
        await pilot.press("down", "escape")
        await until(pilot, lambda: app.screen is app.chat, "the way back")
        assert app.theme == chosen
    assert themes.read_theme(tmp_path / "look.json") == chosen


async def test_a_model_that_was_chosen_words_conversations_opened_later() -> None:
    first = FakeNamed("test", [Message("Here.")])
    first.models.steps = [Mode("ollama", "ollama_chat/qwen3:4b")]
    desk = FakeDesk(new=FakeNamed("new"))
    async with at(first, desk) as (app, pilot):
        await say(pilot, "/model ollama_chat/qwen3:4b")
        await say(pilot, "/new")
        await until(pilot, lambda: app.chat.session_name == "new", "the new conversation")
        assert desk.models == ["ollama_chat/qwen3:4b"]


async def test_alt_up_reaches_answers_that_are_folded_away_and_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tui.widgets.conversation.SHOWN", 4)
    monkeypatch.setattr("tui.widgets.conversation.SLACK", 2)
    turns = 6
    session = FakeSession(*([Message(f"Answer {turn}.")] for turn in range(turns)))
    async with chatting(session, size=(80, 24)) as (app, pilot):
        talk = app.chat.query_one(Conversation)
        for turn in range(turns):
            await say(pilot, f"question {turn}")
        assert talk.earlier
        for turn in reversed(range(turns)):
            await pilot.press("alt+up")
            focused = app.focused
            assert isinstance(focused, AdvisorMessage)
            assert focused.text == f"Answer {turn}."
        await until(pilot, lambda: "Answer 0." in shown(app), "the first answer in view")
        assert talk.earlier == 1  # the question before it
        await pilot.press("alt+down")
        assert isinstance(app.focused, AdvisorMessage)
        assert app.focused.text == "Answer 1."
