"""Keys that edit keep their place among the letters, however busy the screen is."""

from __future__ import annotations

import asyncio

import pytest
from textual import events
from textual.geometry import Size
from textual.screen import Screen

from tests.tui.driving import chatting
from tests.tui.fakes import FakeSession
from tui.app import AdvisorApp
from tui.widgets.composer import Composer

KEYS = {"\x15": "ctrl+u", "\b": "backspace"}


async def typed_at_once(app: AdvisorApp, keys: str) -> str:
    """What stands in the composer after keys that came faster than the screen took them."""
    composer = app.chat.query_one(Composer)
    for key in keys:
        app.post_message(events.Key(KEYS.get(key, key), None if key in KEYS else key))
    for _ in range(20):
        await asyncio.sleep(0.01)
    return composer.text


async def test_letters_do_not_overtake_the_keys_that_edit() -> None:
    async with chatting(FakeSession()) as (app, _):
        assert await typed_at_once(app, "old\x15new") == "new"
        assert await typed_at_once(app, "xy\bz") == "newxz"


async def test_a_word_is_sent_as_it_stood_when_enter_came() -> None:
    session = FakeSession()
    async with chatting(session) as (app, pilot):
        for key, character in (("a", "a"), ("b", "b"), ("backspace", None), ("enter", "\r"), ("c", "c")):
            app.post_message(events.Key(key, character))
        for _ in range(20):
            await asyncio.sleep(0.01)
        await pilot.pause()
        assert session.said == ["a"]
        assert app.chat.query_one(Composer).text == "c"


async def test_a_letter_does_not_lay_out_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    laid_out = 0
    refresh_layout = Screen._refresh_layout

    def counted(screen: Screen[object], size: Size | None = None, scroll: bool = False) -> None:
        nonlocal laid_out
        laid_out += 1
        refresh_layout(screen, size, scroll)

    async with chatting(FakeSession()) as (app, pilot):
        await pilot.press("a")
        monkeypatch.setattr(Screen, "_refresh_layout", counted)
        await pilot.press(*"bcdefg")
        assert app.chat.query_one(Composer).text == "abcdefg"
        assert laid_out == 0
        await pilot.press("ctrl+j")
        await pilot.pause()
        assert laid_out > 0  # another line does
