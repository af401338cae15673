"""The comparison by keys and mouse, from the conversation and back."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from agent.events import Recommendation
from tests.tui.driving import chatting, say, settled, shown, until
from tests.tui.fake_facts import ENTRIES, RECOMMENDATION, fake_load, fake_load_card
from tests.tui.fakes import FakeSession
from tui.app import AdvisorApp
from tui.comparing import Loaded, Pick
from tui.screens.chat import ChatScreen
from tui.screens.compare import CompareScreen
from tui.widgets.composer import Composer
from tui.widgets.recommendation import RecommendationBlock


@pytest.fixture(autouse=True)
def facts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.commands.card.all_names", lambda: list(ENTRIES))
    monkeypatch.setattr("tui.screens.compare.load", fake_load)
    monkeypatch.setattr("tui.screens.card.load_card", fake_load_card)


def comparing(app: AdvisorApp) -> CompareScreen:
    assert isinstance(app.screen, CompareScreen)
    return app.screen


@asynccontextmanager
async def compared(
    typed: str = "", size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[AdvisorApp, Pilot[int]]]:
    """The comparison, opened from a conversation with a recommendation (or with what was typed)."""
    async with chatting(FakeSession([Recommendation(RECOMMENDATION)]), size=size) as (app, pilot):
        if not typed:
            await say(pilot, "a coder")
            await pilot.press("f3", "d")
        else:
            app.chat.query_one(Composer).put(f"/compare {typed}")
            await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen), "the comparison")
        await until(pilot, lambda: bool(comparing(app).view.names) or "✗" in shown(app), "its models")
        yield app, pilot


async def test_d_on_a_recommendation_compares_its_options() -> None:
    async with compared() as (app, pilot):
        assert comparing(app).view.names == (
            "Qwen2.5-Coder-14B-Instruct",
            "DeepSeek-Coder-V2-Lite",
            "Qwen2.5-Coder-7B-Instruct",
        )
        assert "Compare · 3 models" in shown(app)
        assert "★ 1" in shown(app)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ChatScreen))
        assert isinstance(app.focused, RecommendationBlock)


async def test_named_models_and_an_unknown_one() -> None:
    async with compared("codestral, nosuch, gpt-x") as (app, _):
        assert comparing(app).view.names == ("Codestral-22B", "gpt-x-mini")
        assert "No model in the catalog is called 'nosuch'" in shown(app)


async def test_only_unknown_names_leave_a_way_on() -> None:
    async with compared("nosuch") as (app, pilot):
        assert "Press a to add a model" in shown(app)
        await pilot.press("a", *"codestral", "enter")
        await until(pilot, lambda: comparing(app).view.names == ("Codestral-22B",))
        assert "Press a to add another model" in shown(app)


async def test_differences_only_and_back() -> None:
    async with compared() as (app, pilot):
        screen = comparing(app)
        every = len(screen.rows)
        await pilot.press("x")
        assert len(screen.rows) < every
        assert f"differences only ({every - len(screen.rows)} hidden)" in shown(app)
        assert all(row.differs for row in screen.rows)
        await pilot.press("x")
        assert len(screen.rows) == every


async def test_a_model_is_added_from_the_suggestions_and_removed() -> None:
    async with compared() as (app, pilot):
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.focused, Input))
        await pilot.press(*"codestral", "enter")
        await until(pilot, lambda: len(comparing(app).view.names) == 4, "the fourth model")
        assert comparing(app)._at.column == 3
        await pilot.press("delete")
        await until(pilot, lambda: len(comparing(app).view.names) == 3)
        await pilot.press("left", "left", "backspace")
        await until(pilot, lambda: comparing(app).view.names[0] == "DeepSeek-Coder-V2-Lite")
        assert len(comparing(app).view.names) == 2


async def test_escape_from_the_name_adds_nothing() -> None:
    async with compared() as (app, pilot):
        await pilot.press("a", *"cod", "escape")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        assert len(comparing(app).view.names) == 3


async def test_arrows_move_over_rows_and_models_and_tell_the_source() -> None:
    async with compared(size=(60, 20)) as (app, pilot):
        assert "1 to 2 of 3 models" in shown(app)
        assert "rank: In the recommendation" in shown(app)
        await pilot.press("right", "right")
        assert "2 to 3 of 3 models" in shown(app)
        labels = [row.label for row in comparing(app).rows]
        await pilot.press(*["down"] * labels.index("speed"))
        text = " ".join(shown(app).split())
        assert "speed: Tokens per second of one conversation" in text
        assert "360 GB/s of the card" in text
        await pilot.press("end", "home")
        assert comparing(app)._at.row == 0


async def test_wide_screens_show_all_models() -> None:
    async with compared(size=(200, 50)) as (app, pilot):
        await pilot.press("a", *"codestral", "enter")
        await until(pilot, lambda: len(comparing(app).view.names) == 4)
        assert " of " not in shown(app).splitlines()[0]
        assert all(name in shown(app) for name in comparing(app).view.names)


async def test_copy_is_confirmed() -> None:
    async with compared() as (app, pilot):
        await pilot.press("x", "c")
        assert app.clipboard.startswith("|  | Qwen2.5-Coder-14B-Instruct |")
        assert "**" in app.clipboard
        assert f"Copied {len(comparing(app).rows)} rows as a Markdown table" in shown(app)


async def test_the_card_of_the_model_in_focus() -> None:
    from tui.screens.card import CardScreen

    async with compared() as (app, pilot):
        await pilot.press("right", "right", "m")
        await until(pilot, lambda: isinstance(app.screen, CardScreen) and app.screen.card is not None)
        assert "Qwen2.5-Coder-7B-Instruct" in shown(app)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))


async def test_pictures_of_the_model_in_focus(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(ChatScreen, "action_pictures", lambda self, model="": asked.append(model))
    async with compared() as (_, pilot):
        await pilot.press("right", "p")
        assert asked == ["org/DeepSeek-Coder-V2-Lite"]


async def test_a_click_moves_the_focus() -> None:
    async with compared() as (app, pilot):
        lines = shown(app).splitlines()
        y = next(place for place, line in enumerate(lines) if "commercial use" in line)
        await pilot.click(offset=(lines[y].index("yes", 60), y))
        await pilot.pause()
        at = comparing(app)._at
        assert comparing(app).rows[at.row].label == "commercial use"
        assert at.column == 1


async def test_the_first_frame_comes_before_the_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()

    def slow(recommendation: Mapping[str, Any], picks: Sequence[Pick], typed: str = "") -> Loaded:
        gate.wait(10)
        return fake_load(recommendation, picks, typed)

    monkeypatch.setattr("tui.screens.compare.load", slow)
    async with chatting(FakeSession([Recommendation(RECOMMENDATION)])) as (app, pilot):
        await say(pilot, "a coder")
        await pilot.press("f3", "d")
        await until(pilot, lambda: "Looking up the models" in shown(app))
        await pilot.press("x", "c", "delete", "down", "m")  # nothing is there yet; nothing breaks
        gate.set()
        await until(pilot, lambda: len(comparing(app).view.names) == 3)
        await pilot.press("escape")
        await settled(pilot)


async def test_a_lookup_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Loaded:
        raise RuntimeError("[/boom")

    monkeypatch.setattr("tui.screens.compare.load", broken)
    async with chatting(FakeSession([Recommendation(RECOMMENDATION)])) as (app, pilot):
        await say(pilot, "a coder")
        await pilot.press("f3", "d")
        await until(pilot, lambda: "could not be worked out" in " ".join(shown(app).split()))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ChatScreen))


async def test_the_palette_offers_what_the_keys_do() -> None:
    async with compared() as (app, pilot):
        await pilot.press("ctrl+p")
        await until(pilot, lambda: "Hide the rows where all are equal" in " ".join(shown(app).split()))
        await pilot.press(*"differences", "enter")
        await until(pilot, lambda: "differences only" in shown(app))
