"""A finished run of a scenario held against its checks; the same answers always give the same."""

from __future__ import annotations

from tools.evaluation.answers import LAST, Done, Finding, Graded, Key
from tools.evaluation.checks import findings
from tools.evaluation.format import AssistantMessage, Rubric, Scenario
from tools.evaluation.judge import turn_places


def graded(rubric: Rubric, scenario: Scenario, key: Key, done: Done) -> Graded:
    """What the checks find of a finished run."""
    given = scenario.turns()
    turns = done.answered.turns
    rows: list[Finding] = []
    for turn, (at, place) in zip(turns, turn_places(scenario), strict=False):
        message = given[at]
        assert isinstance(message, AssistantMessage)
        rows += findings(message.checks, turn, done.verdicts, place)
    if done.answered.problem is None:
        rows += findings(rubric.checks_of(scenario), turns[-1], done.verdicts, LAST)
    return Graded(key, done, tuple(rows))
