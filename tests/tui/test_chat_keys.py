"""The keys of the chat: options, sources, copying, history, quitting, the palette."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from textual.command import CommandPalette, SearchIcon
from textual.containers import VerticalScroll
from textual.widgets import TextArea

from agent.events import Message, NeedsChanged, Question, Recommendation
from tests.tui.driving import chatting, say, settled, shown, until
from tests.tui.fakes import (
    LOCATOR,
    NEEDS,
    PASSAGE,
    RECOMMENDATION,
    FakeSession,
    conversation,
    slot,
)
from tui.actions import ACTIONS
from tui.claims import Source
from tui.screens.help import HelpScreen
from tui.screens.log import LogScreen
from tui.screens.passage import PassageScreen
from tui.screens.pictures import PicturesScreen
from tui.screens.sources import SourcesScreen
from tui.widgets.composer import Composer
from tui.widgets.conversation import Conversation
from tui.widgets.messages import UserMessage
from tui.widgets.recommendation import RecommendationBlock


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


async def test_escape_goes_back_to_typing_from_a_recommendation() -> None:
    async with chatting(conversation()) as (app, pilot):
        await say(pilot, "coding")
        await say(pilot, "16k")
        await pilot.press("f3")
        assert isinstance(app.focused, RecommendationBlock)
        await pilot.press("escape")
        assert isinstance(app.focused, Composer)


def test_no_key_of_an_action_is_taken_by_the_text_field() -> None:
    taken = {key for binding in TextArea.BINDINGS for key in binding.key.split(",")}  # type: ignore[union-attr]
    dead = [one.key for one in ACTIONS if one.key in taken and not one.priority]
    # Ctrl+D means the end of the input, as in a shell, where nothing is typed; else it deletes.
    assert dead == ["ctrl+d"]


async def test_pictures_open_by_key_while_one_types() -> None:
    async with chatting(conversation()) as (app, pilot):
        await pilot.press("h", "i", "f7")
        await until(pilot, lambda: isinstance(app.screen, PicturesScreen), "the pictures")
        await pilot.press("escape", "escape")
        await until(pilot, lambda: app.screen is app.chat, "the chat")
        assert app.chat.query_one(Composer).text == "hi"


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
        assert "paragraph 0" in shown(app), "an answer that came in one piece is shown from its beginning"
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


@pytest.mark.parametrize(("columns", "least"), [(120, 34), (200, 48)])
async def test_a_wide_screen_gives_the_needs_more_room(columns: int, least: int) -> None:
    async with chatting(conversation()) as (app, pilot):
        await pilot.resize_terminal(columns, 40)
        await settled(pilot)
        assert app.chat.query_one("#needs").size.width + 3 >= least
        assert app.chat.query_one(Conversation).size.width >= 80


async def test_an_unknown_command_is_replaced_by_what_is_typed_next() -> None:
    async with chatting(FakeSession()) as (app, pilot):
        await settled(pilot)
        composer = app.chat.query_one(Composer)
        await pilot.press(*"/nothing", "enter")
        await pilot.pause()
        assert "/nothing" in shown(app)
        assert composer.text == "/nothing"
        await pilot.press(*"chat")
        assert composer.text == "chat"


async def test_the_palette_draws_no_emoji() -> None:
    async with chatting(FakeSession()) as (app, pilot):
        await settled(pilot)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette), "the palette")
        await pilot.pause()
        assert not app.screen.query_one(SearchIcon).display
