"""Opens the screen over a scripted session and waits for what happens in it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from textual.events import MouseScrollDown, MouseScrollUp
from textual.pilot import Pilot

from agent.protocol import Session
from tests.tui.fakes import FakeSession
from tui.app import AdvisorApp
from tui.widgets.composer import Composer

WAIT_SECONDS = 60.0


async def until(pilot: Pilot[int], condition: Callable[[], bool], what: str = "it") -> None:
    """Wait until something is so; the session lives in another thread."""
    limit = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > limit:
            raise AssertionError(f"{what} did not happen")
        await pilot.pause(0.01)
    await pilot.pause()


def make_app(session: FakeSession, state: Path | None = None) -> AdvisorApp:
    """The app over a scripted session, without animations and with a steady cursor."""

    async def opens() -> Session:
        return session

    app = AdvisorApp(opens, state=state)
    app.animation_level = "none"
    return app


async def settled(pilot: Pilot[int]) -> None:
    """Wait until the session is open and no turn runs."""
    app = pilot.app
    assert isinstance(app, AdvisorApp)
    await until(pilot, lambda: app.chat.is_open and not app.chat.is_busy, "the end of the turn")
    app.chat.query_one(Composer).cursor_blink = False
    await pilot.pause()


@asynccontextmanager
async def chatting(
    session: FakeSession, *, size: tuple[int, int] = (100, 40), state: Path | None = None
) -> AsyncIterator[tuple[AdvisorApp, Pilot[int]]]:
    """The app, open and waiting for the first input."""
    app = make_app(session, state)
    async with app.run_test(size=size, notifications=True) as pilot:
        await settled(pilot)
        yield app, pilot


async def say(pilot: Pilot[int], text: str) -> None:
    """Type a text, send it and wait for the end of the turn."""
    app = pilot.app
    assert isinstance(app, AdvisorApp)
    composer = app.chat.query_one(Composer)
    composer.put(text)
    composer.focus()
    await pilot.press("enter")
    await settled(pilot)


def shown(app: AdvisorApp) -> str:
    """Everything on the screen as text."""
    width, height = app.size
    lines = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in lines[:height])[
        : width * height * 4
    ]


async def click_on(pilot: Pilot[int], text: str, *, after: str = "") -> None:
    """Click on the first place where a text is on the screen, below the line of another text."""
    app = pilot.app
    assert isinstance(app, AdvisorApp)
    lines = shown(app).splitlines()
    first = next((row for row, line in enumerate(lines) if after in line), None)
    assert first is not None, f"no {after!r} on the screen:\n{shown(app)}"
    for row in range(first + bool(after), len(lines)):
        if text in lines[row]:
            column = lines[row].index(text)
            widget, region = app.screen.get_widget_at(column, row)
            await pilot.click(widget, offset=(column - region.x, row - region.y))
            return
    raise AssertionError(f"no {text!r} on the screen:\n{shown(app)}")


async def wheel(pilot: Pilot[int], by: int, at: tuple[int, int]) -> None:
    """Turn the wheel over a place of the screen, down by as many steps, or up."""
    for _ in range(abs(by)):
        await pilot._post_mouse_events([MouseScrollDown if by > 0 else MouseScrollUp], offset=at)
