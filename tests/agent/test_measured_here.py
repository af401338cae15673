"""Answers of the conversation after something was measured on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.answers import placed, quants_of, users_of, waits_of
from agent.interview import first_places
from knowledge.home import HOME_VARIABLE
from knowledge.measured_here import keep_run
from tests.tools.asking import model
from tests.tools.calibration.simulated import LLAMA, QWEN, detected, run
from tools.brief import Brief, brief_of
from tools.needs import Needs, Slot, TaskNeed

HERE = detected("RTX 3060 12GB, 32 GB RAM")
NEEDS = Needs(task=Slot(value=TaskNeed(name="code")))


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    monkeypatch.setattr("tools.brief.detect_machine", lambda: HERE)


def brief() -> Brief:
    return brief_of(NEEDS)


def test_a_run_that_is_saved_in_mid_conversation_changes_the_next_answer() -> None:
    before, places = placed(model(QWEN), brief()), first_places(NEEDS)
    assert "estimate)" in before[0]
    keep_run(run(HERE, factor=0.5))
    text, evidence = placed(model(QWEN), brief())
    assert "corrected by Llama-3.1-8B-Instruct, measured here on 2026-11-20" in text
    assert "estimate alone" in text
    assert any(one.kind == "measurement" and "bench" in one.source for one in evidence)
    assert first_places(NEEDS) != places


def test_waiting_crowds_and_lists_say_what_was_measured() -> None:
    told = (waits_of, users_of, quants_of)
    assert not any("measured here" in tell(model(LLAMA), brief())[0] for tell in told)
    keep_run(run(HERE, prompt_factor=0.5))
    for tell in (waits_of, users_of):
        text, evidence = tell(model(LLAMA), brief())
        assert "measured here on 2026-11-20" in text
        assert any("bench" in one.source for one in evidence)
    assert "Speeds are corrected by what was measured on this machine" in quants_of(model(LLAMA), brief())[0]
