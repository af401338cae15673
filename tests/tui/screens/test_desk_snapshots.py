"""Pictures of evidence, conversations, settings, set-up, log and help. `--snapshot-update` after a change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from knowledge.home import HOME_VARIABLE
from tests.tui.driving import make_app, say, settled, until
from tests.tui.fakes import conversation
from tests.tui.screens.test_help_and_log import LOG
from tests.tui.screens.test_sessions import SAVED
from tests.tui.screens.test_set_up import FOUND
from tests.tui.test_snapshots import SIZES, Compare
from tui import glyphs
from tui.screens.first_run import FirstRunScreen
from tui.screens.log import LogScreen
from tui.screens.sessions import SessionsScreen
from tui.screens.settings import SettingsScreen
from tui.themes import LIGHT
from tui.widgets.fold import FoldTitle


@pytest.fixture(autouse=True)
def fixed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same conversations, machine and settings in every run."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    monkeypatch.setattr("knowledge.settings_file.settings_path", lambda: Path("/nowhere/settings.toml"))
    monkeypatch.setattr("tui.sessions_view.local_time", lambda text: text[:16].replace("T", " "))
    monkeypatch.setattr("agent.sessions.list_sessions", lambda query, offline: {"sessions": SAVED})
    monkeypatch.setattr("tools.commands.setup.look_for_ollama", lambda offline: FOUND)
    monkeypatch.setattr("tools.commands.setup.look_for_keys", list)


async def evidence(pilot: Pilot[int], folder: Path) -> None:
    await settled(pilot)
    await say(pilot, "A coding assistant on my RTX 3060 12GB, must be free for work")
    await say(pilot, "A few files (16k tokens)")
    await pilot.press("f9")
    await until(pilot, lambda: isinstance(pilot.app.focused, FoldTitle))
    await pilot.press("down", "enter")
    await until(pilot, lambda: bool(pilot.app.screen.query(".cited")))


async def pushed(pilot: Pilot[int], screen: Screen[Any]) -> None:
    await settled(pilot)
    await pilot.app.push_screen(screen)
    await pilot.pause(0.4)


async def sessions(pilot: Pilot[int], folder: Path) -> None:
    await pushed(pilot, SessionsScreen("test"))


async def settings(pilot: Pilot[int], folder: Path) -> None:
    await pushed(pilot, SettingsScreen())


async def set_up(pilot: Pilot[int], folder: Path) -> None:
    await pushed(pilot, FirstRunScreen(lambda: "RTX 3060 12GB, 32 GB RAM"))


async def log(pilot: Pilot[int], folder: Path) -> None:
    path = folder / "tui.log"
    path.write_text(LOG, encoding="utf-8")
    await pushed(pilot, LogScreen(path))
    pilot.app.screen.show_about("/home/me/logs/tui.log")  # type: ignore[attr-defined]


async def helped(pilot: Pilot[int], folder: Path) -> None:
    await sessions(pilot, folder)
    await pilot.press("f1")
    await pilot.pause(0.4)


SHOWN: list[Callable[..., Any]] = [evidence, sessions, settings, set_up, log, helped]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("shown", SHOWN, ids=lambda step: step.__name__)
def test_screen(
    snap_compare: Compare, size: tuple[int, int], shown: Callable[..., Any], tmp_path: Path
) -> None:
    app = make_app(conversation())
    if size[0] == 120:
        app.theme = LIGHT.name
    assert snap_compare(app, terminal_size=size, run_before=lambda pilot: shown(pilot, tmp_path))


@pytest.mark.parametrize("shown", [evidence, sessions], ids=lambda step: step.__name__)
def test_no_color_and_ascii(
    snap_compare: Compare, shown: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(glyphs, "_current", glyphs.ASCII)
    app = make_app(conversation())
    assert snap_compare(app, terminal_size=(80, 24), run_before=lambda pilot: shown(pilot, tmp_path))


@pytest.mark.parametrize("shown", [settings, set_up, log, helped], ids=lambda step: step.__name__)
def test_no_color(
    snap_compare: Compare, shown: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = make_app(conversation())
    assert snap_compare(app, terminal_size=(60, 20), run_before=lambda pilot: shown(pilot, tmp_path))
