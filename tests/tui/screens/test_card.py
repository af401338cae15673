"""The card by keys and mouse, from the conversation and back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from agent.events import Recommendation
from tests.tui.driving import chatting, say, shown, until
from tests.tui.fake_facts import ENTRIES, RECOMMENDATION, fake_load, fake_load_card
from tests.tui.fakes import FakeSession
from tui.app import AdvisorApp
from tui.model_card import Card
from tui.screens.card import CardScreen
from tui.screens.chat import ChatScreen
from tui.screens.compare import CompareScreen
from tui.widgets.composer import Composer


@pytest.fixture(autouse=True)
def facts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.commands.card.all_names", lambda: list(ENTRIES))
    monkeypatch.setattr("tui.screens.compare.load", fake_load)
    monkeypatch.setattr("tui.screens.card.load_card", fake_load_card)


def card_of(app: AdvisorApp) -> Card | None:
    return app.screen.card if isinstance(app.screen, CardScreen) else None


def named(app: AdvisorApp, name: str) -> bool:
    card = card_of(app)
    return card is not None and card.name == name


@asynccontextmanager
async def opened(
    typed: str = "", size: tuple[int, int] = (100, 40)
) -> AsyncIterator[tuple[AdvisorApp, Pilot[int]]]:
    """The card of the option shown, or of what was typed."""
    async with chatting(FakeSession([Recommendation(RECOMMENDATION)]), size=size) as (app, pilot):
        if not typed:
            await say(pilot, "a coder")
            await pilot.press("f3", "m")
        else:
            app.chat.query_one(Composer).put(typed)
            await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, CardScreen) or isinstance(app.focused, Input))
        yield app, pilot


async def test_m_on_a_recommendation_opens_the_card_of_the_option_shown() -> None:
    async with opened() as (app, pilot):
        await until(pilot, lambda: named(app, "Qwen2.5-Coder-14B-Instruct"))
        await until(pilot, lambda: "14.8 billion" in shown(app))
        text = shown(app)
        assert "58 of 100, give or take 4, measured, after 2 off for the quantization" in text
        assert "fits, needed" in text
        assert "does not fit" in text
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ChatScreen))
        await pilot.press("down", "down", "m")
        await until(pilot, lambda: named(app, "Qwen2.5-Coder-7B-Instruct"))
        assert "Its architecture is not known." in shown(app)


async def test_the_typed_command_names_a_model() -> None:
    async with opened("/card coder-7b") as (app, pilot):
        await until(pilot, lambda: named(app, "Qwen2.5-Coder-7B-Instruct"))


async def test_without_a_model_one_is_asked_for() -> None:
    async with opened("/card") as (app, pilot):
        await until(pilot, lambda: isinstance(app.focused, Input))
        await pilot.press("escape")
        await until(pilot, lambda: "No model is named yet" in shown(app))
        await pilot.press("slash", *"org/Qwen2.5-Coder-14B-Instruct", "enter")
        await until(pilot, lambda: card_of(app) is not None)


async def test_an_unknown_name_is_told_and_the_card_stays() -> None:
    async with opened() as (app, pilot):
        await until(pilot, lambda: card_of(app) is not None)
        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.focused, Input))
        await pilot.press(*"[/zzqqzz", "enter")
        await until(pilot, lambda: "is called '[/zzqqzz'" in shown(app))
        assert "The card of Qwen2.5-Coder-14B-Instruct stays." in " ".join(shown(app).split())


async def test_sources_open_by_digit_list_and_click() -> None:
    async with opened() as (app, pilot):
        await until(pilot, lambda: card_of(app) is not None)
        await pilot.press("1")
        await until(pilot, lambda: "the maker's own site" in shown(app))
        await pilot.press("escape", "s")
        await until(pilot, lambda: type(app.screen).__name__ == "SourcesScreen")
        await pilot.press("down", "enter")
        await until(pilot, lambda: type(app.screen).__name__ == "PassageScreen")
        assert "config.json" in shown(app)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, CardScreen))
        await pilot.press("end")
        await until(pilot, lambda: "LiveCodeBench v6 board" in shown(app))
        lines = shown(app).splitlines()
        y = next(place for place, line in enumerate(lines) if "LiveCodeBench v6 board" in line)
        await pilot.click(offset=(lines[y].index("board"), y))
        await until(pilot, lambda: type(app.screen).__name__ == "PassageScreen")


async def test_every_source_that_is_cited_can_be_opened() -> None:
    card = fake_load_card({}, 0, "coder-14b")
    cited = [
        number
        for group in (card.identity, card.terms, *card.about)
        for f in group.facts
        for number in f.sources
    ]
    assert {source.number for source in card.sources} == set(range(1, len(card.sources) + 1))
    assert set(cited) <= {source.number for source in card.sources}
    assert cited[0] == 1


async def test_copying_card_and_commands_is_confirmed() -> None:
    async with opened() as (app, pilot):
        await until(pilot, lambda: card_of(app) is not None)
        await pilot.press("c")
        assert app.clipboard.startswith("# Qwen2.5-Coder-14B-Instruct")
        assert "| LiveCodeBench v6 | 37.1 |" in app.clipboard
        assert "Copied the card" in shown(app)
        await pilot.press("y")
        assert app.clipboard == "ollama run qwen2.5-coder:14b"
        await pilot.press("y")
        assert app.clipboard == "ollama serve"
        assert "Copied the command (2 of 2)" in shown(app)


async def test_compare_puts_it_beside_the_options() -> None:
    async with opened("/card coder-14b") as (app, pilot):
        await until(pilot, lambda: card_of(app) is not None)
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen) and bool(app.screen.view.names))
        assert isinstance(app.screen, CompareScreen)
        assert app.screen.view.names == ("Qwen2.5-Coder-14B-Instruct",)


async def test_pictures_of_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(ChatScreen, "action_pictures", lambda self, model="": asked.append(model))
    async with opened() as (app, pilot):
        await until(pilot, lambda: card_of(app) is not None)
        await pilot.press("p")
        assert asked == ["org/Qwen2.5-Coder-14B-Instruct"]


async def test_a_small_screen_scrolls_to_the_end() -> None:
    async with opened(size=(60, 20)) as (app, pilot):
        await until(pilot, lambda: card_of(app) is not None)
        await pilot.press("end")
        await until(pilot, lambda: "Sources (a digit opens one" in shown(app))
