"""What the tests of `plan migration --run` share: a state folder, a rubric, and calls of the command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.tools.evaluation.scripted import FakeModels, rubric_text
from tests.tui.cli_help import Program
from tools.hardware_types import Machine

BASE = "Qwen/Qwen3-4B-Instruct-2507"
OTHER = "Qwen/Qwen3.5-4B"
CALL = ("plan", "migration", BASE)
STATE = "qwen3-4b-instruct-2507.json"
DAY = "2026-11-20"


def review_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a test, with a state folder, a day and a machine of its own."""
    monkeypatch.setenv("LLM_ADVISOR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LLM_ADVISOR_TODAY", DAY)
    monkeypatch.setattr("tools.hardware.detect_machine", lambda: Machine("m"))
    return tmp_path


def rubric_of(folder: Path, scenarios: int = 20) -> str:
    path = folder / "r.jsonl"
    path.write_text(rubric_text(scenarios), encoding="utf-8")
    return str(path)


def options(server: FakeModels, rubric: str) -> tuple[str, ...]:
    served = ("--served", f"{BASE}=old", "--served", f"{OTHER}=new")
    return ("--candidates", OTHER, "--rubric", rubric, "--endpoint", server.base, *served)


def states(document: dict[str, Any]) -> list[str]:
    return [step["state"] for step in document["steps"]]


def reviewed(program: Program, *more: str, times: int = 1) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for _ in range(times):
        done = program(*CALL, "--run", *more, "--json")
        assert done.status == 0, done.out
        document, more = done.document, ()
    return document


def kept_file(home: Path) -> Path:
    return home / "home" / "reviews" / STATE
