"""With ASCII signs nothing on the screen needs more than ASCII, whichever widget draws it."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.scrollbar import ScrollBarRender
from textual.widgets import Markdown

from agent.events import Message
from knowledge.home import HOME_VARIABLE
from tests.tui.driving import chatting, say, shown
from tests.tui.fakes import conversation
from tui import glyphs
from tui.app import draw_in_ascii
from tui.ascii_filter import in_ascii
from tui.widgets.composer import Composer

MARKDOWN = """## Head

> quoted

- a
  - b

| a | b |
|---|---|
| 1 | 2 |

---

```py
x
```
"""


def beyond(text: str) -> set[str]:
    """The signs that are not ASCII."""
    return {char for char in text if not char.isascii()}


async def test_every_screen_is_drawn_in_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glyphs, "_current", glyphs.UNICODE)  # put back after the test
    monkeypatch.setattr(ScrollBarRender, "VERTICAL_BARS", ScrollBarRender.VERTICAL_BARS)
    monkeypatch.setattr(Markdown, "BULLETS", Markdown.BULLETS)
    draw_in_ascii()
    session = conversation()
    session.turns.append([Message(MARKDOWN)])
    async with chatting(session, size=(80, 60)) as (app, pilot):
        for text in ("a coder", "16k", "more"):
            await say(pilot, text)
            assert not beyond(shown(app))
        for key in ("f1", "ctrl+l", "ctrl+p"):
            await pilot.press(key)
            await pilot.pause(0.3)
            assert not beyond(shown(app)), key
            await pilot.press("escape")
            await pilot.pause(0.1)
        await pilot.press("f3", "2")
        await pilot.pause(0.3)
        assert "memory.md" in shown(app)
        assert not beyond(shown(app))


async def test_sheets_are_drawn_in_ascii(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    monkeypatch.setattr(glyphs, "_current", glyphs.UNICODE)  # put back after the test
    monkeypatch.setattr(ScrollBarRender, "VERTICAL_BARS", ScrollBarRender.VERTICAL_BARS)
    monkeypatch.setattr(Markdown, "BULLETS", Markdown.BULLETS)
    draw_in_ascii()
    async with chatting(conversation(), size=(80, 24)) as (app, pilot):
        for text in ("a coder", "16k"):
            await say(pilot, text)
        for command in ("/settings", "/setup", "/sessions", "/evidence", "/pictures"):
            app.chat.query_one(Composer).put(command)
            app.chat.query_one(Composer).focus()
            await pilot.press("enter")
            await pilot.pause(0.5)
            assert app.screen is not app.chat, command
            assert not beyond(shown(app)), command
            await pilot.press("escape")
            await pilot.pause(0.1)


def test_letters_of_all_scripts_pass() -> None:
    assert in_ascii("Größe 模型 é") == "Größe 模型 é"
    assert in_ascii("╭─╮│█…") == "+-+|#."
