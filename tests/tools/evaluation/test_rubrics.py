"""The example rubrics accept the right answers that are kept in answers/, and no plausible wrong one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.tools.evaluation.rubric_answers import answers, cases, deterministic_places, grade, rubric
from tools.evaluation.answers import Call
from tools.evaluation.format import (
    AssistantMessage,
    JsonSchemaCheck,
    JudgeCheck,
    ToolCallCheck,
    ToolMessage,
    flat,
)
from tools.evaluation.reading import example_names
from tools.evaluation.schemas import misfit

NAMES = ("classification", "code", "extraction", "retrieval", "support")
CASES = dict(cases())
JUDGED = [name for name, case in CASES.items() if case.answers.only_a_judge_tells]


def test_five_rubrics_ship() -> None:
    assert example_names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_rubric_has_twenty_scenarios_and_enough_hard_ones(name: str) -> None:
    scenarios = rubric(name).scenarios
    assert len(scenarios) == len({one.id for one in scenarios}) == 20
    assert len({one.prompt or str(one.messages) for one in scenarios}) == 20
    hard = [one for one in scenarios if "hard" in one.tags]
    easy = [one for one in scenarios if "easy" in one.tags]
    assert len(hard) >= 12
    assert len(easy) >= 2
    assert len(hard) + len(easy) == 20
    assert any("injection" in one.tags for one in scenarios)
    assert any("language" in one.tags for one in scenarios)


@pytest.mark.parametrize("name", NAMES)
def test_answers_belong_to_scenarios(name: str) -> None:
    assert list(answers(name)) == [one.id for one in rubric(name).scenarios]


@pytest.mark.parametrize("name", CASES)
async def test_good_answers_pass(name: str) -> None:
    case = CASES[name]
    assert case.answers.good
    for turns in case.answers.good:
        assert not (await grade(case, turns, judged=True)).reasons, turns


@pytest.mark.parametrize("name", CASES)
async def test_wrong_answers_fail_even_where_a_judge_is_lenient(name: str) -> None:
    case = CASES[name]
    assert case.answers.wrong
    for turns in case.answers.wrong:
        assert not (await grade(case, turns, judged=True)).passed, turns


@pytest.mark.parametrize("name", CASES)
async def test_every_check_finds_a_wrong_answer(name: str) -> None:
    case = CASES[name]
    found = set()
    for turns in case.answers.wrong:
        result = await grade(case, turns, judged=True)
        found |= {row.place for row in result.findings if not row.passed}
    assert deterministic_places(case) <= found


@pytest.mark.parametrize("name", ["retrieval/closing-time", "support/shipping-below-the-limit"])
async def test_a_good_answer_that_goes_on_and_on_fails(name: str) -> None:
    case = CASES[name]
    (turn,) = case.answers.good[0]
    endless = replace(turn, text=f"{turn.text} {'Please ask again whenever you like. ' * 25}")
    assert not (await grade(case, (endless,), judged=True)).passed
    short = replace(turn, text=f"{turn.text} {'Please ask again whenever you like. ' * 5}")
    assert (await grade(case, (short,), judged=True)).passed


@pytest.mark.parametrize("name", CASES)
async def test_saying_nothing_fails(name: str) -> None:
    case = CASES[name]
    silent = tuple(type(turn)("") for turn in case.answers.good[0])
    assert not (await grade(case, silent, judged=True)).passed


@pytest.mark.parametrize("name", JUDGED)
async def test_a_judge_is_asked_where_only_reading_tells(name: str) -> None:
    case = CASES[name]
    for turns in case.answers.only_a_judge_tells:
        assert not (await grade(case, turns, judged=True)).reasons, turns
        assert not (await grade(case, turns, judged=False)).passed, turns


@pytest.mark.parametrize("name", CASES)
def test_judges_stand_beside_deterministic_checks(name: str) -> None:
    """So that the judge itself can be checked; and each judge is there for an answer that is kept."""
    case = CASES[name]
    checks = [*case.scenario.every_check(), *flat(case.rubric.checks)]
    judged = any(isinstance(check, JudgeCheck) for check in checks)
    assert judged == ("judge" in case.scenario.tags) == (name in JUDGED)
    assert any(not isinstance(check, JudgeCheck) for check in checks)


def test_few_scenarios_need_a_judge() -> None:
    counts = {name: sum(one.startswith(name) for one in JUDGED) for name in NAMES}
    assert counts == {"classification": 0, "code": 4, "extraction": 1, "retrieval": 3, "support": 4}


def test_support_holds_conversations_with_tools() -> None:
    scenarios = rubric("support").scenarios
    opened = [
        one
        for one in scenarios
        if any(isinstance(message, AssistantMessage) and message.is_open for message in one.messages)
    ]
    called = [one for one in scenarios if any(isinstance(c, ToolCallCheck) for c in one.every_check())]
    assert len(opened) >= 6
    assert len(called) >= 12


def test_every_extraction_is_held_to_a_schema() -> None:
    for scenario in rubric("extraction").scenarios:
        assert any(isinstance(check, JsonSchemaCheck) for check in scenario.checks)


@pytest.mark.parametrize("name", CASES)
def test_tools_take_the_calls_and_give_what_could_come_back(name: str) -> None:
    case = CASES[name]
    given = case.rubric.tools if case.scenario.tools is None else case.scenario.tools
    tools = {tool.name: tool.parameters for tool in given}
    made = [call for turns in case.answers.good for turn in turns for call in turn.calls]
    for message in case.scenario.messages:
        if isinstance(message, AssistantMessage):
            made += [Call(call.name, call.arguments) for call in message.calls]
        elif isinstance(message, ToolMessage) and name.startswith("support"):
            assert isinstance(json.loads(message.content), dict)
    for call in made:
        assert misfit(call.arguments, tools[call.name]) is None, call
