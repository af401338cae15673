"""What every screen does in the same way: back, help, palette, log, footer, sizes, and quitting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import OptionList
from textual.widgets._footer import FooterKey

from knowledge.home import HOME_VARIABLE
from tests.tui.driving import chatting, say, shown, until
from tests.tui.fakes import conversation
from tui.app import AdvisorApp
from tui.key_table import topic_of
from tui.screens.help import HelpScreen, split_help
from tui.screens.log import LogScreen
from tui.widgets.composer import Composer

OPENED_BY: dict[str, str | tuple[str, ...]] = {
    "pictures": ("f7",),
    "evidence": ("f9",),
    "sessions": ("ctrl+o",),
    "log": ("ctrl+l",),
    "help": ("f1",),
    "choose": ("f8",),
    "compare": "/compare",
    "card": "/card",
    "settings": "/settings",
    "setup": "/setup",
    "theme": "/theme",
    "passage": ("f3", "1"),
    "sources": ("f3", "s"),
}
SIZES = ((20, 6), (80, 24))
"""The pictures of the tests have the usual ones."""
MOST_KEYS = 6


async def opened(app: AdvisorApp, pilot: Pilot[int], name: str) -> Screen[Any]:
    """The screen, opened as a person opens it."""
    how = OPENED_BY[name]
    if isinstance(how, str):
        await pilot.press(*how, "enter")
    else:
        await pilot.press(*how)
    await until(pilot, lambda: app.screen is not app.chat, name)
    await pilot.pause(0.2)
    return app.screen


async def back_to(pilot: Pilot[int], screen: Screen[Any]) -> None:
    await pilot.press("escape")
    await until(pilot, lambda: pilot.app.screen is screen, "going back")


async def check_keys(app: AdvisorApp, pilot: Pilot[int], screen: Screen[Any]) -> None:
    """Footer and help wherever the focus goes."""
    for _ in range(4):
        keys = [key.description for key in screen.query(FooterKey)]
        assert len(keys) <= MOST_KEYS, keys
        topic = topic_of(screen.focused, screen)
        assert isinstance(screen, HelpScreen) or split_help(topic)[0], f"no help on {screen.focused}"
        await pilot.press("tab")
        await pilot.pause()
        assert app.screen is screen


async def check_overlays(app: AdvisorApp, pilot: Pilot[int], screen: Screen[Any]) -> None:
    """Help, palette and log open over it, and Esc comes back to it."""
    if not isinstance(screen, HelpScreen):
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen), "help")
        await back_to(pilot, screen)
    await pilot.press("ctrl+p")
    await until(pilot, lambda: isinstance(app.screen, CommandPalette), "the palette")
    offered = app.screen.query_one(OptionList)
    await until(pilot, lambda: offered.option_count >= 4, "something in the palette")
    await back_to(pilot, screen)
    if not isinstance(screen, LogScreen):
        await pilot.press("ctrl+l")
        await until(pilot, lambda: isinstance(app.screen, LogScreen), "the log")
        await pilot.press("ctrl+l")
        await until(pilot, lambda: app.screen is screen, "leaving the log by its key")


@pytest.mark.parametrize("name", OPENED_BY)
async def test_keys_that_are_the_same_everywhere(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    session = conversation()
    async with chatting(session, size=(80, 24), state=tmp_path) as (app, pilot):
        await say(pilot, "coding")
        await say(pilot, "16k")
        screen = await opened(app, pilot, name)
        await check_keys(app, pilot, screen)
        await check_overlays(app, pilot, screen)
        for size in SIZES:
            await pilot.resize_terminal(*size)
            await pilot.pause()
        await back_to(pilot, app.chat)
        await pilot.press(*"hello")
        assert app.chat.query_one(Composer).text == "hello"
        app.chat.query_one(Composer).put("")
        await opened(app, pilot, name)
        await pilot.press("ctrl+c")
        await until(pilot, lambda: "Press it again to quit" in " ".join(shown(app).split()), "the hint")
        assert app.is_running
        await pilot.press("ctrl+c")
        await until(pilot, lambda: not app.is_running, "the end")
    assert session.closed
