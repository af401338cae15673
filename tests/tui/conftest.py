"""Fixtures of the faces' tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.cli_help import Program


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Program:
    """The program, with a state folder and a width of its own."""
    monkeypatch.setenv("LLM_ADVISOR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "80")
    return Program(capsys, monkeypatch)
