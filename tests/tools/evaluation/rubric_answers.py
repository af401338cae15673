"""Answers to the scenarios of the example rubrics, right and wrong ones, and what the checks find of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tools.evaluation.answers import Asked, Call, Done, Graded, Key, Spent, Turn, Verdict
from tools.evaluation.calls import Messages
from tools.evaluation.checks import kind_of, opened
from tools.evaluation.dialogue import hold
from tools.evaluation.format import AssistantMessage, Check, Rubric, Scenario
from tools.evaluation.grading import graded
from tools.evaluation.judge import checks_to_judge, turn_places
from tools.evaluation.reading import example_names, read_rubric
from tools.evaluation.yaml_reading import read_yaml

FOLDER = Path(__file__).parent / "answers"
Turns = tuple[Turn, ...]
"""What a model says in each of its turns."""


@dataclass(frozen=True)
class Answers:
    """What was written down for one scenario."""

    good: tuple[Turns, ...]
    wrong: tuple[Turns, ...]
    """Plausible ones that a deterministic check finds."""
    only_a_judge_tells: tuple[Turns, ...] = ()
    """Wrong ones that meet every deterministic check: the reason for the scenario's judge."""


@dataclass(frozen=True)
class Case:
    """One scenario with its answers."""

    rubric: Rubric
    scenario: Scenario
    answers: Answers


@cache
def rubric(name: str) -> Rubric:
    """An example rubric."""
    return read_rubric(name)


@cache
def answers(name: str) -> dict[str, Answers]:
    """The answers for a rubric by scenario."""
    value = read_yaml((FOLDER / f"{name}.yaml").read_text(encoding="utf-8")).value
    return {
        scenario: Answers(**{kind: tuple(map(_turns, given)) for kind, given in kinds.items()})
        for scenario, kinds in value.items()
    }


def cases() -> Iterator[tuple[str, Case]]:
    """Every scenario of every example rubric, by a name for people."""
    for name in example_names():
        for scenario in rubric(name).scenarios:
            yield f"{name}/{scenario.id}", Case(rubric(name), scenario, answers(name)[scenario.id])


async def grade(case: Case, turns: Turns, judged: bool) -> Graded:
    """What is found of a model that says this.

    Args:
        case: the scenario.
        turns: what the model says.
        judged: what the judge finds of everything that it is asked.
    """
    left = list(turns)

    async def ask(messages: Messages) -> Asked:
        return Asked(left.pop(0), Spent())

    answered = await hold(ask, case.scenario, case.scenario.system or case.rubric.system)
    assert answered.problem or not left, "more turns were written down than are open"
    places = [place for place, _, _ in checks_to_judge(case.rubric, case.scenario, answered)]
    done = Done(answered, {place: Verdict(judged) for place in places})
    return graded(case.rubric, case.scenario, Key("fake", case.scenario.id, 1), done)


def deterministic_places(case: Case) -> set[str]:
    """Where the checks of a scenario stand that no judge decides, those for all scenarios left out."""
    turns = case.scenario.turns()
    groups: list[tuple[Sequence[Check], str]] = [(case.rubric.checks_of(case.scenario), "checks")]
    for at, place in turn_places(case.scenario):
        message = turns[at]
        assert isinstance(message, AssistantMessage)
        groups.append((message.checks, place))
    shared = {place for place, _ in opened(case.rubric.checks, "checks")}
    own = {
        place for checks, where in groups for place, one in opened(checks, where) if kind_of(one) != "judge"
    }
    return own - shared


def _turns(given: Any) -> Turns:
    return tuple(map(_turn, given if isinstance(given, list) else [given]))


def _turn(given: Any) -> Turn:
    if isinstance(given, str):
        return Turn(given)
    calls = tuple(Call(call["name"], call["arguments"]) for call in given.get("calls", ()))
    return Turn(given.get("text", ""), calls)
