"""When a measurement of speed decides, and what of a server it can run on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.tools.calibration.simulated import detected, run
from tools.candidates import Candidate, SpeedFigure
from tools.hardware import read_hardware
from tools.measuring.deciding import contest_of, machine_here, tag_for, tags_of, was_measured
from tools.measuring.machine import machine_key
from tools.needs import Needs, Slot, TaskNeed
from tools.ollama_models import ServerModel
from tools.recommend import recommend

HERE = detected("RTX 3060 12GB, 32 GB RAM")


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> tuple[Candidate, ...]:
    monkeypatch.setattr("tools.brief.detect_machine", lambda: HERE)
    return recommend(Needs(task=Slot(value=TaskNeed(name="code")))).candidates


def alone(option: Candidate, low: float, high: float) -> tuple[Candidate, ...]:
    """The option as the only one, with this interval of its speed."""
    assert option.configuration is not None
    speed = SpeedFigure(low, (low + high) / 2, high, "test")
    return (replace(option, configuration=replace(option.configuration, speed=speed)),)


def test_a_tie_and_a_wanted_speed_within_the_estimate_are_decided(options: tuple[Candidate, ...]) -> None:
    first, second = options[0], replace(options[1], tied=True)
    tie = contest_of((first, second), None)
    assert tie is not None
    assert (tie.why, [c.model for c in tie.candidates]) == ("tie", [first.model, second.model])
    assert contest_of((first, replace(second, tied=False)), None) is None
    between = contest_of(alone(first, 10, 30), 20.0)
    assert between is not None
    assert between.why == "speed"
    for wanted in (5.0, 40.0, None):
        assert contest_of(alone(first, 10, 30), wanted) is None
    asked = contest_of(alone(first, 10, 30), None, asked=True)
    assert asked is not None
    assert contest_of((), None, asked=True) is None


def test_only_what_runs_here_as_a_generator_is_measured(options: tuple[Candidate, ...]) -> None:
    first, second = options[0], replace(options[1], tied=True)
    for other in (replace(second, kind="api"), replace(second, role="embedder")):
        found = contest_of((first, other), None)
        assert found is not None
        assert found.candidates == (first,)
        assert contest_of((replace(first, kind="api"), other), None) is None


def test_this_machine_is_the_detected_one_or_has_the_named_cards() -> None:
    assert machine_here(HERE, lambda: pytest.fail("detected again")) is HERE
    assert machine_here(None, lambda: HERE) is None
    assert machine_here(read_hardware("RTX 3060 12GB").machines[0], lambda: HERE) is HERE
    assert machine_here(read_hardware("RTX 4090").machines[0], lambda: HERE) is None


def test_the_tag_in_the_options_own_format_serves_it(options: tuple[Candidate, ...]) -> None:
    first = replace(options[0], model_id="Qwen/Qwen3-8B")
    assert first.configuration is not None
    first = replace(first, configuration=replace(first.configuration, quant="Q8_0"))
    there = [ServerModel("qwen3:8b", 1), ServerModel("qwen3:8b-q8_0", 1), ServerModel("mine:latest", 1)]
    assert tag_for(first, tags_of(there)) == "qwen3:8b-q8_0"
    assert tag_for(first, tags_of(there[:1])) == "qwen3:8b"
    assert tag_for(first, tags_of([ServerModel("qwen3:8b", 1, remote=True)])) is None
    assert tag_for(first, {}) is None


def test_what_was_measured_once_is_known_by_model_and_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = run(HERE)
    monkeypatch.setattr("tools.measuring.deciding.load_runs", lambda: (kept,))
    assert was_measured(kept.model_id, machine_key(HERE))
    assert not was_measured(kept.model_id, "another")
    assert not was_measured(None, machine_key(HERE))
