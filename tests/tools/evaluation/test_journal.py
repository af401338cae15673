"""The record of a run: what it holds is never asked for again, and looking at it leaves it as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.model_script import Fail, Reply, Say
from tests.tools.evaluation.scripted import FakeModels, asked, passing, plan_for, run
from tools.evaluation.journal import FILE, run_folder
from tools.evaluation.plan import Plan
from tools.evaluation.reading import parse_rubric
from tools.evaluation.runner import result_so_far

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


async def test_a_look_at_the_record_of_a_run_under_way_leaves_it_as_it_is(tmp_path: Path) -> None:
    with FakeModels(m=passing(lambda n, r: True)) as server:
        plan = plan_for(server, "m", scenarios=2)
        await run(plan, tmp_path)
    path = run_folder(plan, tmp_path) / FILE
    half = path.read_bytes()[:-20]
    path.write_bytes(half)
    assert len(result_so_far(plan, tmp_path).runs) == 1
    assert path.read_bytes() == half


async def test_turns_and_verdicts_that_came_before_a_stop_are_not_asked_for_again(tmp_path: Path) -> None:
    """A conversation that fails in its second turn, then a judge that fails at its second check."""
    messages = [{"role": "user", "content": "one"}, {"role": "assistant"}, {"role": "user", "content": "two"}]
    checks = [{"judge": "first line"}, {"judge": "second line"}]
    text = json.dumps({"id": "a", "messages": messages, "checks": checks})
    failing = {"two", "second line"}

    def answer(body: dict[str, Any]) -> Reply:
        return [Fail(401, "no")] if asked(body) in failing else [Say(f"to {asked(body)}")]

    def judge(body: dict[str, Any]) -> Reply:
        line = asked(body).rsplit("1. ", 1)[1]
        row = {"line": 1, "reason": "r", "met": True}
        return [Fail(401, "no")] if line in failing else [Say(json.dumps({"lines": [row]}))]

    with FakeModels(m=answer, j=judge) as server:
        plan = Plan(
            parse_rubric(text, "c.jsonl"), ("m",), judge="j", endpoint=server.base, judge_endpoint=server.base
        )
        told = [(await run(plan, tmp_path))[0].complete]
        for mended in ("two", "second line"):
            failing.discard(mended)
            told.append((await run(plan, tmp_path))[0].complete)
        bodies = server.requests
    assert told == [False, False, True]
    assert [asked(body) for body in bodies if body["model"] == "m"] == ["one", "two", "two"]
    lines = [asked(body).rsplit("1. ", 1)[1] for body in bodies if body["model"] == "j"]
    assert lines == ["first line", "second line", "second line"]
    assert bodies[2]["messages"][1]["content"] == "to one"
