"""Everything on the screen by mouse: each part is clicked where it is seen."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.command import CommandPalette

from agent.events import Message, Recommendation
from agent.slot_text import Editing
from knowledge.home import HOME_VARIABLE
from tests.tui.driving import chatting, click_on, say, settled, shown, until, wheel
from tests.tui.fake_facts import ENTRIES, fake_load, fake_load_card
from tests.tui.fakes import FIRST_TURN, LOCATOR, RECOMMENDATION, FakeSession, conversation
from tui.screens.compare import CompareScreen
from tui.screens.help import HelpScreen
from tui.screens.passage import PassageScreen
from tui.screens.settings import SettingsScreen
from tui.widgets.composer import Composer
from tui.widgets.conversation import Conversation, NewBelow
from tui.widgets.need_editor import NeedEditor
from tui.widgets.recommendation import RecommendationBlock

CITED = [{"kind": "guide", "source": "Memory of a local model", "locator": LOCATOR}]
LINKED = "It is in [the manual](https://example.org/manual)."


@pytest.mark.parametrize(
    ("row", "said"),
    [("1 A file", "A file or two (8k tokens)"), ("You decide", "You decide"), ("Just recommend", "")],
)
async def test_a_row_of_a_question(row: str, said: str) -> None:
    session = FakeSession(FIRST_TURN, [Message("Fine.")])
    async with chatting(session, size=(80, 24)) as (app, pilot):
        await say(pilot, "coding")
        await click_on(pilot, row)
        await settled(pilot)
        await until(pilot, lambda: "Fine." in shown(app))
        assert session.said == (["coding", said] if said else ["coding"])
        assert session.recommended == (0 if said else 1)


async def test_other_of_a_question_waits_for_words() -> None:
    session = FakeSession(FIRST_TURN, [Message("Fine.")])
    async with chatting(session, size=(80, 24)) as (app, pilot):
        await say(pilot, "coding")
        await click_on(pilot, "Something else")
        await pilot.press(*"32k", "enter")
        await settled(pilot)
        assert session.said == ["coding", "32k"]
        assert app.chat.presenter.question is None


async def test_a_settled_question_takes_no_click() -> None:
    session = FakeSession(FIRST_TURN, [Message("Fine.")])
    async with chatting(session) as (_, pilot):
        await say(pilot, "coding")
        await say(pilot, "16k")
        await click_on(pilot, "How much code")
        await settled(pilot)
        assert session.said == ["coding", "16k"]


async def test_needs_fold_headers_and_examples() -> None:
    session = conversation()
    session.edits["license"] = Editing("commercial", ("privately", "only MIT"))
    async with chatting(session, size=(120, 40)) as (app, pilot):
        await click_on(pilot, "coding assistant")  # an example
        assert "coding assistant" in app.chat.query_one(Composer).text
        await pilot.press("enter")
        await settled(pilot)
        await click_on(pilot, "read hardware")
        await until(pilot, lambda: "Inputs" in shown(app), "the inputs of the tool")
        await click_on(pilot, "read hardware")
        await until(pilot, lambda: "Inputs" not in shown(app), "the fold")
        await click_on(pilot, "License", after="Needs")
        await until(pilot, lambda: bool(app.chat.query(NeedEditor)), "the field")
        await click_on(pilot, "only MIT")
        await settled(pilot)
        assert session.commands == ["change license only MIT"]


async def test_options_sources_folds_and_keys_of_a_recommendation() -> None:
    session = conversation()
    async with chatting(session, size=(100, 40)) as (app, pilot):
        await say(pilot, "coding")
        await say(pilot, "16k")
        block = app.chat.query_one(RecommendationBlock)
        await click_on(pilot, "Qwen2.5-Coder-7B", after="Recommendation")
        await until(pilot, lambda: block.selected == 2 and "Third choice" in shown(app), "the third option")
        block.query_one(".sources").scroll_visible(animate=False, immediate=True)
        await pilot.pause()
        await click_on(pilot, "Memory of a local model", after="Sources (")
        await until(pilot, lambda: isinstance(app.screen, PassageScreen), "the source")
        await click_on(pilot, "Back")
        await until(pilot, lambda: app.screen is app.chat, "the way back by the footer")
        block.query(".more").last().scroll_visible(animate=False, immediate=True)
        await pilot.pause()
        await click_on(pilot, "Why not another model")
        await until(pilot, lambda: "its license forbids" in shown(app), "the fold")
        await click_on(pilot, "f1 Help")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen), "help by the footer")
        await pilot.press("escape")
        await click_on(pilot, "palette")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette), "the palette by the footer")
        await pilot.press("escape")


async def test_a_link_and_a_source_of_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    session = FakeSession([Message(LINKED, CITED)])
    async with chatting(session, size=(80, 24)) as (app, pilot):
        monkeypatch.setattr(app, "copy_to_clipboard", copied.append)
        await say(pilot, "where is it?")
        await click_on(pilot, "the manual")
        await until(pilot, lambda: "Copied the link" in shown(app), "the copy")
        assert copied == ["https://example.org/manual"]
        await click_on(pilot, "Memory of a local")
        await until(pilot, lambda: isinstance(app.screen, PassageScreen), "the source")


async def test_the_wheel_earlier_and_new_below() -> None:
    history = [{"role": role, "text": f"{role} {at}"} for at in range(60) for role in ("user", "advisor")]
    session = FakeSession([Message("The newest.")], history=history)
    async with chatting(session, size=(80, 24)) as (app, pilot):
        talk = app.chat.query_one(Conversation)
        await wheel(pilot, -3, (20, 8))
        assert not talk.at_end
        app.chat.query_one(Composer).put("more")
        await pilot.press("enter")
        await settled(pilot)
        await wheel(pilot, -2, (20, 8))
        assert not talk.at_end
        talk.scroll_to(y=0, animate=False, immediate=True)
        await pilot.pause()
        before = talk.earlier
        await click_on(pilot, "earlier (Page Up)")
        await until(pilot, lambda: talk.earlier < before, "the messages before")
        await wheel(pilot, 2, (20, 8))
        talk.unseen = True
        await pilot.pause()
        assert app.chat.query_one(NewBelow).display
        await click_on(pilot, "new below")
        await until(pilot, lambda: talk.at_end and "The newest." in shown(app), "the end")
        assert not app.chat.query_one(NewBelow).display


async def test_the_machine_in_the_top_line() -> None:
    session = conversation()
    async with chatting(session, size=(80, 24)) as (app, pilot):
        await say(pilot, "coding")
        await click_on(pilot, "RTX 3060")
        await until(pilot, lambda: bool(app.chat.query(NeedEditor)), "the field of the machine")


async def test_cells_and_keys_of_the_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.commands.card.all_names", lambda: list(ENTRIES))
    monkeypatch.setattr("tui.screens.compare.load", fake_load)
    monkeypatch.setattr("tui.screens.card.load_card", fake_load_card)
    async with chatting(FakeSession([Recommendation(RECOMMENDATION)]), size=(120, 30)) as (app, pilot):
        await say(pilot, "a coder")
        await click_on(pilot, "Qwen2.5-Coder-14B", after="Recommendation")
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen), "the comparison")
        screen = app.screen
        assert isinstance(screen, CompareScreen)
        await until(pilot, lambda: bool(screen.view.names), "its models")
        await click_on(pilot, "9.2 GiB")
        assert screen._at.column == 2
        await click_on(pilot, "Differences")
        await until(pilot, lambda: "differences only" in shown(app), "the differences")
        await click_on(pilot, "Back")
        await until(pilot, lambda: app.screen is app.chat, "the way back")


async def test_rows_of_the_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    async with chatting(FakeSession(), size=(80, 30)) as (app, pilot):
        await pilot.press(*"/settings", "enter")
        await until(pilot, lambda: isinstance(app.screen, SettingsScreen), "the settings")
        await until(pilot, lambda: "idle seconds" in shown(app), "the rows")
        await click_on(pilot, "idle seconds")
        await until(pilot, lambda: app.screen.query_one("#field").display, "the field")
