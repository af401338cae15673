"""F1 on every screen with the keys that count there, and the log by level."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from textual.screen import Screen

from tests.tui.driving import chatting, say, shown, until
from tests.tui.fakes import FakeSession, conversation
from tui.actions import ACTIONS
from tui.app import AdvisorApp
from tui.claims import Source
from tui.help_rows import help_rows
from tui.key_table import actions_table, key_name, keys_here, topic_of
from tui.log_view import chosen, read_records
from tui.record import Record
from tui.screens.choose import ChooseScreen
from tui.screens.evidence import EvidenceScreen
from tui.screens.first_run import FirstRunScreen
from tui.screens.help import HelpScreen, split_help
from tui.screens.log import LogScreen
from tui.screens.passage import PassageScreen
from tui.screens.sessions import SessionsScreen
from tui.screens.settings import SettingsScreen
from tui.screens.sources import SourcesScreen

LOG = (
    "2026-11-21 10:00:00,000 INFO llm_advisor.tui: opened\n"
    "2026-11-21 10:00:01,000 ERROR llm_advisor.tui: a turn failed\nTraceback\n  boom\n"
    "2026-11-21 10:00:02,000 WARNING llm_advisor.tui: slow\n"
)
SOURCE = Source(1, "guide", "Memory", "memory.md")
SCREENS: dict[str, Callable[[AdvisorApp], Screen[Any]]] = {
    "evidence": lambda app: EvidenceScreen(Record(), app.bridge),
    "sessions": lambda app: SessionsScreen(),
    "settings": lambda app: SettingsScreen(),
    "set-up": lambda app: FirstRunScreen(offline=True),
    "log": lambda app: LogScreen(None),
    "passage": lambda app: PassageScreen(SOURCE, None),
    "sources": lambda app: SourcesScreen([SOURCE]),
    "choose": lambda app: ChooseScreen("t", "x", [("a", "A")]),
}


def test_every_action_stands_in_the_help_with_its_key() -> None:
    table = actions_table()
    for one in ACTIONS:
        keys = next(keys for keys, words in table if words.startswith(f"{one.title}:"))
        assert not one.key or key_name(one.key) in keys
        assert one.typed in keys


def test_the_help_is_rows_of_few_widgets() -> None:
    rows = help_rows("## Typing\n\n- **Enter** sends; `x`\n  goes on\n\nTwo\nlines")
    assert [f"{lead.plain}{text.plain}" for lead, text in rows] == [
        *("Typing", "", "\u2022 Enter sends; x goes on", "", "Two lines"),
    ]
    assert len(next(iter(HelpScreen("Typing").parts()))._pending_children) < 10


def test_keys_that_the_help_names_are_bound() -> None:
    text = files("tui").joinpath("help.md").read_text(encoding="utf-8")
    known = {key_name(one.key) for one in ACTIONS if one.key}
    named = {key for key in re.findall(r"\*\*([^*]+)\*\*", text) if re.fullmatch(r"F\d+|Alt.*", key)}
    assert named
    assert named <= known


@pytest.mark.parametrize("name", SCREENS)
async def test_f1_explains_each_screen_with_its_own_keys(name: str) -> None:
    async with chatting(FakeSession(), size=(100, 40)) as (app, pilot):
        screen = SCREENS[name](app)
        await app.push_screen(screen)
        await pilot.pause()
        topic, rows = topic_of(app.focused, screen), dict(keys_here(screen))
        assert split_help(topic)[0], f"no section on {name}"
        listed = " ".join(rows)
        for active in screen.active_bindings.values():
            if active.binding.show:
                assert (active.binding.key_display or key_name(active.binding.key)) in listed
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await pilot.pause()
        assert shown(app).index(topic) < shown(app).index("Keys here")
        await pilot.press("f1")
        assert app.screen is screen


async def test_f1_explains_what_has_the_focus() -> None:
    async with chatting(conversation(), size=(120, 40)) as (app, pilot):
        assert topic_of(app.focused, app.screen) == "Typing"
        await say(pilot, "coding")
        assert topic_of(app.focused, app.screen) == "Questions"
        await say(pilot, "16k")
        await pilot.press("f3")
        assert topic_of(app.focused, app.screen) == "Answers"
        keys = dict(keys_here(app.screen))
        assert any("Copy command" in words for words in keys.values())
        await pilot.press("f2")
        assert topic_of(app.focused, app.screen) == "Needs"


def test_records_keep_their_tracebacks() -> None:
    records = read_records(LOG)
    assert [one.level for one in records] == ["INFO", "ERROR", "WARNING"]
    assert records[1].text.endswith("boom")
    assert [one.level for one in chosen(records, "WARNING", "")] == ["ERROR", "WARNING"]
    assert chosen(records, "INFO", "BOOM") == [records[1]]
    assert read_records("stray\n") == [read_records("stray")[0]]


async def test_the_log_is_filtered_searched_followed_and_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tui.screens.log.FOLLOW_SECONDS", 0.05)
    path = tmp_path / "tui.log"
    path.write_text(LOG, encoding="utf-8")
    async with chatting(FakeSession(), size=(80, 24)) as (app, pilot):
        await app.push_screen(LogScreen(path))
        await until(pilot, lambda: "opened" in shown(app))
        await pilot.press("l")
        await until(pilot, lambda: "opened" not in shown(app))
        assert "boom" in shown(app)
        await pilot.press("slash", *"slow", "enter")
        await until(pilot, lambda: "boom" not in shown(app))
        await pilot.press("escape", "f")
        with path.open("a", encoding="utf-8") as file:
            file.write("2026-11-21 10:00:03,000 ERROR x: late\n")
        await until(pilot, lambda: "late" in shown(app))
        await pilot.press("e")
        await until(pilot, lambda: "Wrote" in shown(app))
        await pilot.press("escape")
        assert app.screen is app.chat
    (saved,) = list(Path.glob(tmp_path, "llm-advisor-log-*.txt"))
    assert "opened" not in saved.read_text(encoding="utf-8")
