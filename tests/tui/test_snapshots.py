"""Pictures of the screen at three sizes. After a wanted change, run them with `--snapshot-update`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import pytest
from textual.pilot import Pilot

from agent.events import Delta, Failure, Status
from tests.tui.driving import make_app, say, settled, until
from tests.tui.fakes import RECOMMENDATION, FakeSession, conversation
from tui import glyphs
from tui.app import AdvisorApp
from tui.themes import LIGHT

SIZES = [(80, 24), (120, 40), (60, 20)]
Before = Callable[[Pilot[int]], Awaitable[None]]


class Compare(Protocol):
    def __call__(self, app: AdvisorApp, *, terminal_size: tuple[int, int], run_before: Before) -> bool: ...


def chat(pilot: Pilot[int]) -> Any:
    """The chat screen under test."""
    assert isinstance(pilot.app, AdvisorApp)
    return pilot.app.chat


async def footer(pilot: Pilot[int]) -> None:
    """The footer is composed a moment after the rest."""
    await settled(pilot)
    await until(pilot, lambda: len(pilot.app.screen.query("FooterKey")) > 2)
    await pilot.pause(0.1)


async def opened(pilot: Pilot[int]) -> None:
    await footer(pilot)


async def asked(pilot: Pilot[int]) -> None:
    await settled(pilot)
    await say(pilot, "A coding assistant on my RTX 3060 12GB, must be free for work")
    await footer(pilot)


async def answered(pilot: Pilot[int]) -> None:
    await asked(pilot)
    await say(pilot, "A few files (16k tokens)")
    await footer(pilot)


async def details(pilot: Pilot[int]) -> None:
    await answered(pilot)
    await pilot.press("f3", "pagedown")
    await pilot.pause(0.4)
    await footer(pilot)


async def source(pilot: Pilot[int]) -> None:
    await answered(pilot)
    await pilot.press("f3", "2")
    await until(pilot, lambda: type(pilot.app.screen).__name__ == "PassageScreen")
    await pilot.pause(0.1)


async def helped(pilot: Pilot[int]) -> None:
    await settled(pilot)
    await pilot.press("f1")
    await until(pilot, lambda: type(pilot.app.screen).__name__ == "HelpScreen")
    await pilot.pause(0.3)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("before", [opened, asked, answered, details, source], ids=lambda step: step.__name__)
def test_screen(snap_compare: Compare, size: tuple[int, int], before: Before) -> None:
    assert snap_compare(make_app(conversation()), terminal_size=size, run_before=before)


def test_help(snap_compare: Compare) -> None:
    assert snap_compare(make_app(conversation()), terminal_size=(80, 24), run_before=helped)


def test_wide(snap_compare: Compare) -> None:
    assert snap_compare(make_app(conversation()), terminal_size=(200, 50), run_before=answered)


def test_light(snap_compare: Compare) -> None:
    app = make_app(conversation())
    app.theme = LIGHT.name
    assert snap_compare(app, terminal_size=(120, 40), run_before=answered)


def test_no_color_and_ascii(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(glyphs, "_current", glyphs.ASCII)
    assert snap_compare(make_app(conversation()), terminal_size=(80, 24), run_before=details)


def test_running_and_trouble(snap_compare: Compare) -> None:
    session = FakeSession(
        [Failure("service", "Ollama does not answer at 127.0.0.1:11434.", "Start it with `ollama serve`.")],
        [Delta("Half of an answer"), Status("comparing 214 models"), 60.0],
    )

    async def before(pilot: Pilot[int]) -> None:
        await settled(pilot)
        await say(pilot, "hello")
        await pilot.press("enter")
        await until(pilot, lambda: len(chat(pilot).query("AdvisorMessage")) == 1)
        await pilot.pause(0.3)

    assert snap_compare(make_app(session), terminal_size=(80, 24), run_before=before)


def test_nothing_fits(snap_compare: Compare) -> None:
    from agent.events import Recommendation

    nothing = {
        "candidates": [],
        "error": {"message": "No model fits 2 GiB with 128k of context.", "hint": "Ask for less context."},
        "rejected": RECOMMENDATION["rejected"],
        "would_change": [{"if": "the context were 8k", "then": "Qwen2.5-Coder-1.5B-Instruct in Q4_K_M"}],
    }

    async def before(pilot: Pilot[int]) -> None:
        await settled(pilot)
        await say(pilot, "a coder with 128k context on 2 GB")
        await footer(pilot)

    session = FakeSession([Recommendation(nothing)])
    assert snap_compare(make_app(session), terminal_size=(80, 24), run_before=before)
