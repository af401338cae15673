"""Which models a proposed measurement of speed names: those that are pulled, before those that are not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.proposed_bench import bench_of
from agent.proposing_words import Proposal
from knowledge.home import HOME_VARIABLE
from knowledge.measured_here import keep_run
from tests.agent.proposed import HERE
from tests.tools.calibration.simulated import run
from tools.candidates import Candidate
from tools.measuring.deciding import library_tag
from tools.needs import Needs, Slot, TaskNeed
from tools.ollama_models import ServerModel
from tools.recommend import recommend

NEEDS = Needs(task=Slot(value=TaskNeed(name="code")))


@pytest.fixture
def level(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> list[Candidate]:
    """Three options that tie on this machine."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    for place in ("tools.brief", "tools.hardware"):
        monkeypatch.setattr(f"{place}.detect_machine", lambda: HERE)
    first, *others = recommend(NEEDS).candidates[:3]
    return [first, *(replace(other, tied=True) for other in others)]


def proposed(
    monkeypatch: pytest.MonkeyPatch, level: list[Candidate], pulled: list[Candidate], *, asked: bool = False
) -> Proposal | None:
    """What is proposed where this Ollama has some of the options."""
    there = tuple(ServerModel(str(library_tag(one)), 1) for one in pulled)
    monkeypatch.setattr("agent.proposed_bench.models_here", lambda: there)
    return bench_of(level, NEEDS, asked=asked)


def named(found: Proposal | None) -> list[str]:
    assert found is not None
    assert found.offer is not None
    return [row["model"] for row in found.offer["models"]]


def test_what_is_pulled_is_measured_also_where_the_first_is_not(
    level: list[Candidate], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = level
    assert named(proposed(monkeypatch, level, level)) == [first.model, second.model]
    only = proposed(monkeypatch, level, [third])
    assert named(only) == [third.model]
    assert only is not None
    assert f"Not pulled yet: `ollama pull {library_tag(first)}`." in only.text


def test_without_any_a_yes_has_nothing_to_run(
    level: list[Candidate], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = proposed(monkeypatch, level, [])
    assert named(found) == []
    assert found is not None
    assert "It cannot run yet" in found.text
    assert "I run" not in found.text


def test_what_was_measured_is_proposed_again_only_where_it_is_asked_for(
    level: list[Candidate], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = level
    keep_run(run(HERE, str(first.model_id)))
    found = proposed(monkeypatch, level, [first, third])
    assert named(found) == [third.model]
    assert found is not None
    assert f"the speeds of {second.model} and {third.model} here are estimates" in found.text
    assert named(proposed(monkeypatch, level, [first], asked=False)) == []
    again = proposed(monkeypatch, level, [first], asked=True)
    assert named(again) == [first.model]
    assert again is not None
    assert "would decide" not in again.text
