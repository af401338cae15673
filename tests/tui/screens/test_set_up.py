"""The very first start, and the set-up: what is found, in words, and guided first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.widgets import OptionList

from agent.protocol import Session
from tests.tui.driving import chatting, settled, shown, until
from tests.tui.fakes import FakeSession
from tools.commands.setup import look_for_keys, look_for_ollama
from tui.app import AdvisorApp, is_first_start
from tui.screens.first_run import FirstRunScreen
from tui.setup_view import GUIDED, NO_KEYS, keys_words, ollama_words, options_of
from tui.widgets.needs_panel import NeedsPanel

FOUND: dict[str, Any] = {
    "state": "ok",
    "found": "answers at http://127.0.0.1:11434",
    "hint": "",
    "models": [
        {"name": "big:70b", "size_bytes": 40_000_000_000, "tools": True, "fits": False, "remote": False},
        {"name": "qwen3:8b", "size_bytes": 5_200_000_000, "tools": True, "fits": True, "remote": False},
    ],
    "best": "qwen3:8b",
    "pull": None,
}


@pytest.fixture(autouse=True)
def found(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What is found; gives whether each look was offline."""
    asked: list[bool] = []

    def ollama(*, offline: bool) -> dict[str, Any]:
        asked.append(offline)
        return FOUND

    keys = [{"provider": "openai", "variable": "OPENAI_API_KEY", "place": "environment"}]
    monkeypatch.setattr("tools.commands.setup.look_for_ollama", ollama)
    monkeypatch.setattr("tools.commands.setup.look_for_keys", lambda: keys)
    return asked


def test_words() -> None:
    assert "qwen3:8b suits this machine" in ollama_words(FOUND)
    none = {**FOUND, "best": None, "models": [], "pull": {"tag": "qwen3:4b", "why": "2.5 GB"}}
    assert "`ollama pull qwen3:4b` (2.5 GB)" in ollama_words(none)
    assert keys_words([]) == NO_KEYS
    options = options_of(FOUND)
    assert options[0] == GUIDED
    assert [name for name, _ in options[1:]] == ["auto", "ollama_chat/qwen3:8b", "ollama_chat/big:70b"]
    assert "too large for this machine, calls tools" in options[-1][1]


def test_nothing_is_asked_offline_or_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    assert look_for_ollama(offline=True)["state"] == "skipped"
    monkeypatch.setenv("OLLAMA_HOST", "gpu.example.org")
    told = look_for_ollama(offline=False)
    assert told["state"] == "elsewhere"
    assert [name for name, _ in options_of(told)] == ["guided", "auto"]


def test_keys_are_named_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISTRAL_API_KEY", "hunter2")
    told = look_for_keys()
    assert {"provider": "mistral", "variable": "MISTRAL_API_KEY", "place": "environment"} in told
    assert "hunter2" not in str(told)


def test_the_first_start_is_before_anything_is_kept(tmp_path: Path) -> None:
    assert is_first_start(tmp_path / "none")
    (tmp_path / "settings.toml").touch()
    assert not is_first_start(tmp_path)


async def test_the_first_start_shows_it_and_the_composer_works_at_once(found: list[bool]) -> None:
    session = FakeSession()

    async def opens() -> Session:
        return session

    app = AdvisorApp(opens, first_run=True, offline=True, detect=lambda: "RTX 3060 12GB")
    app.animation_level = "none"
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await settled(pilot)
        await until(pilot, lambda: "OPENAI_API_KEY (environment)" in shown(app))
        assert "Hardware  RTX 3060 12GB" in shown(app)
        assert "qwen3:8b suits" in " ".join(shown(app).split())
        assert found == [True]
        await pilot.press("enter")
        await until(pilot, lambda: "Guided mode it is" in shown(app))
        await pilot.press(*"hi", "enter")
        await settled(pilot)
        assert session.said == ["hi"]
        assert "OPENAI_API_KEY" not in shown(app)


async def test_set_up_chooses_guided_by_enter_and_models_when_they_are_there() -> None:
    session = FakeSession()
    async with chatting(session, size=(80, 24)) as (app, pilot):
        for keys in (["enter"], ["down", "down", "enter"]):
            await pilot.press(*"/setup", "enter")
            await until(pilot, lambda: isinstance(app.screen, FirstRunScreen) and "5.2 GB" in shown(app))
            await pilot.press(*keys)
            await until(pilot, lambda: app.screen is app.chat)
            await settled(pilot)
        assert session.models.asked == ["switch guided", "switch ollama_chat/qwen3:8b"]
        await pilot.press(*"/setup", "enter")
        await until(pilot, lambda: isinstance(app.screen, FirstRunScreen) and "5.2 GB" in shown(app))
        app.screen.query_one(OptionList).highlighted = 4
        await pilot.press("enter")
        await until(pilot, lambda: app.chat.query_one(NeedsPanel).editor is not None)
