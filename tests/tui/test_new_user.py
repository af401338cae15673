"""What a new user stumbled over on the screens: hints, footers, names of sources, and figures."""

from __future__ import annotations

import pytest
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

from agent.events import Recommendation
from tests.tui.cli_help import FakeSession as PlainFakeSession
from tests.tui.driving import chatting, say, shown, until
from tests.tui.fakes import FakeSession
from tests.tui.pictures_data import API, RAW
from tests.tui.test_plain import talk
from tui.claims import Source
from tui.model_card import _room
from tui.pictures.score import score_words, scored
from tui.screens.pictures import PicturesScreen
from tui.screens.sources import SourcesScreen
from tui.widgets.composer import NEXT_PLACEHOLDER, PLACEHOLDER


async def test_after_an_answer_the_composer_invites_to_what_comes_next() -> None:
    async with chatting(FakeSession([Recommendation(RAW)])) as (app, pilot):
        assert PLACEHOLDER in shown(app)
        await say(pilot, "a coder")
        await until(pilot, lambda: NEXT_PLACEHOLDER in shown(app), "the invitation")
        assert PLACEHOLDER not in shown(app)


@pytest.mark.parametrize("size", [(60, 20), (80, 24)])
async def test_the_footer_is_whole_while_an_answer_runs(size: tuple[int, int]) -> None:
    async with chatting(FakeSession([30.0]), size=size) as (app, pilot):
        await pilot.press(*"hi", "enter")
        await until(pilot, lambda: "esc Stop" in shown(app), "the key that stops")
        assert "f1 Help" in shown(app)
        await pilot.press("escape")
        await until(pilot, lambda: "Enter Send" in shown(app), "the key that sends")


async def test_the_footers_of_the_pictures_are_whole_on_a_small_screen() -> None:
    async with chatting(FakeSession(), size=(60, 20)) as (app, pilot):
        await app.push_screen(PicturesScreen(RAW, 0, ""))
        await until(pilot, lambda: "KV cache" in shown(app).splitlines()[-1], "the memory")
        for place in "12345":
            await pilot.press(place)
            await pilot.pause()
            assert "f1 Help" in shown(app).splitlines()[-1], f"picture {place}"


async def test_an_api_model_offers_no_keys_that_change_its_memory() -> None:
    async with chatting(FakeSession()) as (app, pilot):
        await app.push_screen(PicturesScreen(API, 0, ""))
        await pilot.press("1")
        await until(pilot, lambda: "takes none of your memory" in " ".join(shown(app).split()), "why")
        keys = {key.action for key in app.screen.query_one(Footer).query(FooterKey)}
        assert not {"context(-1)", "cache"} & keys
        await pilot.press("2")
        await pilot.pause()
        assert "by" not in {key.action for key in app.screen.query_one(Footer).query(FooterKey)}


async def test_the_sheet_of_sources_says_that_enter_opens_one() -> None:
    async with chatting(FakeSession()) as (app, pilot):
        await app.push_screen(SourcesScreen([Source(1, "tool", "verdict", "cost and quality")]))
        await until(pilot, lambda: "Open" in shown(app), "the key that opens")
        assert "API and own machine compared" in shown(app)


@pytest.mark.parametrize(
    ("source", "label"),
    [
        (Source(1, "tool", "verdict", "x"), "calculated: API and own machine compared"),
        (Source(1, "tool", "another one", "x"), "calculated: another one"),
        (Source(1, "catalog", "catalog", "mit"), "catalog: mit"),
        (Source(1, "catalog", "SPDX list", "mit"), "catalog: SPDX list"),
    ],
)
def test_a_source_is_named_for_people(source: Source, label: str) -> None:
    assert source.label == label


def test_plain_chat_helps_with_a_command_that_it_does_not_have(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, _ = talk(PlainFakeSession(), b"/recomend\n/pictures\n/zzzz\n", capsys, monkeypatch)
    told = " ".join(out.split())
    assert "There is no command /recomend. Did you mean /recommend?" in told
    assert "/pictures opens a screen, and plain chat has none." in told
    assert "There is no command /zzzz. /help lists them all." in told


def test_the_score_says_why_its_mark_is_below_the_quality_shown() -> None:
    part = {"name": "quality", "points": 22.9, "score": 37.2, "weight": 0.61, "inputs": ""}
    entry = {"model": "one", "quality": {"score": 46.1}, "utility": {"score": 61.2, "parts": [part]}}
    words = score_words(scored({"candidates": [entry]}))
    assert "Its mark for quality is 37: 46 expected, 9 off for what is uncertain." in words
    entry["quality"] = {"score": 37.0}
    assert "Its mark" not in score_words(scored({"candidates": [entry]}))


def test_a_card_counts_the_room_as_an_answer_does() -> None:
    row = {"available_bytes": 12 << 30, "usable_bytes": 11 << 30, "total_bytes": 10 << 30, "needed": True}
    assert _room([row]) == 11 << 30
    assert _room([row | {"total_bytes": (11 << 30) + 1}]) == 12 << 30
    assert _room([{"total_bytes": 1, "needed": True}]) is None


async def test_undo_typed_as_a_word_takes_back_as_the_command_does() -> None:
    session = FakeSession([Recommendation(RAW)])
    async with chatting(session) as (_, pilot):
        await say(pilot, "a coder")
        await say(pilot, "undo")
        await until(pilot, lambda: "undo" in session.commands, "what is taken back")
        assert session.said == ["a coder"]


async def test_the_palette_shows_what_a_command_takes() -> None:
    async with chatting(FakeSession([Recommendation(RAW)]), size=(100, 40)) as (app, pilot):
        await say(pilot, "a coder")
        await pilot.press("ctrl+p")
        await pilot.press(*"export the")
        await until(pilot, lambda: "(/export [FILE])" in shown(app), "what it takes")
