"""Fixtures of the faces' tests."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.tui.cli_help import Program
from tui import glyphs


@pytest.fixture(autouse=True)
def short_messages_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the next turn: on a busy machine they would be gone before a test looks."""
    monkeypatch.setattr("tui.widgets.status_line.FLASH_SECONDS", math.inf)


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Program:
    """The program, with a state folder and a width of its own."""
    monkeypatch.setenv("LLM_ADVISOR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(glyphs, "_current", glyphs.UNICODE)  # the program sets it; put back after the test
    return Program(capsys, monkeypatch)
