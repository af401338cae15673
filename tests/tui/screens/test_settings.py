"""The settings: where each comes from, changed in place with everything else in the file kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from knowledge.errors import UsageError
from knowledge.home import HOME_VARIABLE
from knowledge.settings import Settings, load_settings
from knowledge.settings_file import HIDDEN, change, read_each, unknown_keys
from tests.tui.driving import chatting, shown, until
from tests.tui.fakes import FakeSession
from tui import themes
from tui.glyphs import wants_ascii
from tui.screens.settings import SettingsList, SettingsScreen

FILE = '# mine\nmodel = "guided" # why\n\nidle_seconds = 30\n'


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    (tmp_path / "settings.toml").write_text(FILE, encoding="utf-8")
    return tmp_path


def test_every_setting_says_what_it_does_and_where_it_comes_from(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_ADVISOR_MAX_COST", "0.5")
    monkeypatch.setenv("LLM_ADVISOR_POSTGRES", "postgresql://me:hunter2@host/db")
    found = {one.key: one for one in read_each()}
    assert list(found) == list(Settings.model_fields)
    assert all(one.about for one in found.values())
    assert (found["model"].value, found["model"].origin) == ("guided", "file")
    assert (found["max_cost"].value, found["max_cost"].origin) == ("0.5", "environment")
    assert found["reranker"].origin == "default"
    assert found["postgres"].value == HIDDEN
    assert "hunter2" not in str(found)


def test_a_change_keeps_the_rest_of_the_file(home: Path) -> None:
    change("idle_seconds", "45")
    change("max_cost", "2")
    text = (home / "settings.toml").read_text(encoding="utf-8")
    assert text.startswith('# mine\nmodel = "guided" # why\n\nidle_seconds = 45')
    assert (load_settings().idle_seconds, load_settings().max_cost) == (45, 2)
    change("max_cost", "")
    assert load_settings().max_cost is None
    assert [one.name for one in home.iterdir()] == ["settings.toml"]
    for wrong in ("soon", "-1", "nan"):
        with pytest.raises(UsageError):
            change("idle_seconds", wrong)
    assert load_settings().idle_seconds == 45


def test_unusable_files_are_told(home: Path) -> None:
    (home / "settings.toml").write_text("modell = 1\nidle_seconds = 'x'", encoding="utf-8")
    assert unknown_keys() == ["modell"]
    assert next(one for one in read_each() if one.key == "idle_seconds").problem
    (home / "settings.toml").write_text("= 1", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be read"):
        change("model", "auto")
    assert (home / "settings.toml").read_text(encoding="utf-8") == "= 1"


async def test_a_setting_is_changed_in_place(home: Path) -> None:
    async with chatting(FakeSession(), size=(80, 30)) as (app, pilot):
        await app.push_screen(SettingsScreen(home / "look.json"))
        await until(pilot, lambda: "guided  (settings.toml)" in shown(app))
        place = list(Settings.model_fields).index("idle_seconds")
        await pilot.press(*["down"] * place, "enter")
        await pilot.pause()
        assert app.screen.query_one(Input).value == "30"
        await pilot.press("backspace", "x", "enter")
        await until(pilot, lambda: "valid number" in shown(app))
        await pilot.press("backspace", "5", "enter")
        await until(pilot, lambda: load_settings().idle_seconds == 35)
        await until(pilot, lambda: "from the next conversation on" in shown(app))
        await pilot.press("delete")
        await until(pilot, lambda: load_settings().idle_seconds == 60)
        await pilot.press("escape")
        assert app.screen is app.chat


async def test_one_of_the_environment_cannot_be_changed_here(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_ADVISOR_EMBEDDER", "mine")
    async with chatting(FakeSession(), size=(80, 30)) as (app, pilot):
        await app.push_screen(SettingsScreen())
        await until(pilot, lambda: "mine  (LLM_ADVISOR_EMBEDDER)" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: "change it there" in shown(app))
        assert not app.screen.query_one(Input).display


async def test_the_signs_of_the_next_start(home: Path) -> None:
    look = home / "look.json"
    themes.keep_theme(look, "advisor-light")
    async with chatting(FakeSession(), size=(80, 30)) as (app, pilot):
        await app.push_screen(SettingsScreen(look))
        await until(pilot, lambda: "signs" in shown(app))
        await pilot.press("end", "enter")
        await until(pilot, lambda: themes.read_signs(look) == "ascii")
        assert app.screen.query_one(SettingsList).has_focus
    assert themes.read_theme(look) == "advisor-light"
    assert wants_ascii({}, "utf-8", "ascii")
    assert not wants_ascii({"TERM": "linux"}, "utf-8", "unicode")
    assert wants_ascii({"LLM_ADVISOR_ASCII": "1"}, "utf-8", "unicode")
