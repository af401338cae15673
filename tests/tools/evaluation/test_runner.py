"""Runs over scripted models: exact rates, taking up, ceilings, rates of providers, faults."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from knowledge.errors import ServiceError
from tests.fakes.http_server import Asked, FakeServer
from tests.fakes.http_server import Reply as Answered
from tests.fakes.model_script import Call, Calls, Cut, Fail, Full, Pause, Reply, Say
from tests.tools.evaluation.scripted import QUICK, FakeModels, asked, passing, plan_for, run
from tools.evaluation import patterns
from tools.evaluation.document import document_of
from tools.evaluation.plan import Plan, Settings
from tools.evaluation.reading import parse_rubric
from tools.evaluation.runner import Paused, Result, Step, Trouble, evaluate, result_so_far
from tools.model_calls import client

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


async def test_the_measured_rates_are_those_of_the_script(tmp_path: Path) -> None:
    with FakeModels(good=passing(lambda n, r: n <= 17), poor=passing(lambda n, r: n % 4 == 0)) as server:
        result, events = await run(plan_for(server, "good", "poor"), tmp_path)
    document = document_of(result)
    assert [row["pass_rate"] for row in document["models"]] == [0.85, 0.25]
    assert [row["verdict"]["code"] for row in document["models"]] == ["open", "below"]
    assert len(server.requests) == 40
    assert document["complete"] is True
    assert "error" not in document
    assert sum(isinstance(event, Step) for event in events) == 40
    assert {row["tag"]: row["pass_rate"] for row in document["models"][1]["tags"]} == {"odd": 0, "even": 0.5}
    assert document["differences"][0]["only_first"] == 13
    assert document["differences"][0]["only_second"] == 1


async def test_repeats_give_exact_pass_hat_and_pass_at(tmp_path: Path) -> None:
    # Scenario n passes in its first n % 5 repeats of four: 0, 1, 2, 3 or 4 times, four scenarios each.
    with FakeModels(m=passing(lambda n, r: r <= n % 5)) as server:
        result, _ = await run(plan_for(server, "m", repeats=4), tmp_path)
    row = document_of(result)["models"][0]
    assert (row["passed"], row["answers"], row["pass_rate"]) == (40, 80, 0.5)
    assert row["pass_hat"]["4"] == 0.2
    assert row["pass_at"]["4"] == 0.8
    assert row["pass_hat"]["2"] == pytest.approx((0 + 0 + 1 / 6 + 3 / 6 + 1) / 5, abs=1e-6)
    assert "clustered" in row["interval_95"]["method"]


async def test_temperature_and_seed_are_sent(tmp_path: Path) -> None:
    with FakeModels(m=passing(lambda n, r: True)) as server:
        result, _ = await run(plan_for(server, "m", scenarios=2, repeats=2), tmp_path)
    assert {body["temperature"] for body in server.requests} == {0}
    assert sorted(body["seed"] for body in server.requests) == [7, 7, 8, 8]
    assert set(document_of(result)["models"][0]["honors"]) == {"temperature", "seed"}


async def test_a_finished_run_asks_nothing_again_and_fresh_asks_all(tmp_path: Path) -> None:
    with FakeModels(m=passing(lambda n, r: n <= 5)) as server:
        plan = plan_for(server, "m", scenarios=6)
        first, _ = await run(plan, tmp_path)
        again, _ = await run(plan, tmp_path)
        assert len(server.requests) == 6
        fresh, _ = await run(plan, tmp_path, fresh=True)
        assert len(server.requests) == 12
    assert (first.resumed, again.resumed, fresh.resumed) == (0, 6, 0)
    assert document_of(again)["models"][0]["pass_rate"] == document_of(first)["models"][0]["pass_rate"]


async def test_more_repeats_of_a_run_ask_only_for_those(tmp_path: Path) -> None:
    with FakeModels(m=passing(lambda n, r: True)) as server:
        await run(plan_for(server, "m", scenarios=3), tmp_path)
        result, _ = await run(plan_for(server, "m", scenarios=3, repeats=3, concurrency=1), tmp_path)
    assert (len(server.requests), result.resumed, len(result.runs)) == (9, 3, 9)


async def test_other_settings_are_another_run(tmp_path: Path) -> None:
    with FakeModels(m=passing(lambda n, r: True)) as server:
        await run(plan_for(server, "m", scenarios=3), tmp_path)
        result, _ = await run(plan_for(server, "m", scenarios=3, temperature=0.7), tmp_path)
    assert (len(server.requests), result.resumed) == (6, 0)


async def test_closing_it_keeps_what_is_finished(tmp_path: Path) -> None:
    def slow(body: dict[str, Any]) -> Reply:
        return [Pause(5.0), Say("yes")] if asked(body) == "Question 4" else [Say("yes")]

    with FakeModels(m=slow) as server:
        plan = plan_for(server, "m", scenarios=6, concurrency=1)
        async with aclosing(evaluate(plan, tmp_path, patience=QUICK)) as events:
            async for event in events:
                if isinstance(event, Step) and event.done == 3:
                    break
            assert await asyncio.to_thread(server.waiting.wait, 10)
        await client.close()
        assert server.left.wait(5)
        assert len(result_so_far(plan, tmp_path).runs) == 3
        server.scripts["m"] = passing(lambda n, r: True)
        result, _ = await run(plan, tmp_path)
    assert (result.resumed, result.complete) == (3, True)


async def test_two_processes_do_not_run_the_same(tmp_path: Path) -> None:
    with FakeModels(m=passing(lambda n, r: True)) as server:
        plan = plan_for(server, "m", scenarios=2)
        async with aclosing(evaluate(plan, tmp_path, patience=QUICK)) as events:
            await anext(events)
            with pytest.raises(ServiceError, match="Another process"):
                await run(plan, tmp_path)


async def test_passing_faults_are_tried_again(tmp_path: Path) -> None:
    left: list[Reply] = [[Fail(503, "boom")], [Cut()], [Say("ye"), Cut()], [Fail(429, "slow down", "0.05")]]

    def shaky(body: dict[str, Any]) -> Reply:
        return left.pop() if left else [Say("yes")]

    with FakeModels(m=shaky) as server:
        result, events = await run(plan_for(server, "m", scenarios=4, concurrency=1), tmp_path)
    assert (result.complete, len(server.requests)) == (True, 8)
    assert all(graded.passed for graded in result.runs)
    assert [event.seconds for event in events if isinstance(event, Paused)] == [0.05]


async def test_a_provider_that_never_takes_a_request_is_left_alone(tmp_path: Path) -> None:
    with FakeModels(m=[Fail(429, "slow down")], n=passing(lambda n, r: True)) as server:
        result, events = await run(plan_for(server, "m", "n", scenarios=3, concurrency=1), tmp_path)
        document = document_of(result)
        asked_of = [body["model"] for body in server.requests]
    assert (asked_of.count("m"), asked_of.count("n")) == (QUICK.limited_tries, 3)
    assert document["models"][0]["error"]["code"] == "rate_limit"
    assert document["models"][1]["pass_rate"] == 1.0
    assert sum(isinstance(event, Paused) for event in events) == QUICK.limited_tries - 1


async def test_a_wait_that_is_too_long_is_not_waited_for(tmp_path: Path) -> None:
    with FakeModels(m=[Fail(429, "slow down", "7200")]) as server:
        result, _ = await run(plan_for(server, "m", scenarios=3, concurrency=1), tmp_path)
        assert len(server.requests) == 1
    assert document_of(result)["error"]["code"] == "rate_limit"


async def test_a_rate_limit_holds_for_all_requests_to_the_provider(tmp_path: Path) -> None:
    times: list[float] = []

    def limited(body: dict[str, Any]) -> Reply:
        times.append(time.monotonic())
        return [Fail(429, "slow down", "1")] if len(times) == 1 else [Say("yes")]

    with FakeModels(m=limited) as server:
        result, _ = await run(plan_for(server, "m", scenarios=6, concurrency=1), tmp_path)
    assert result.complete
    assert times[1] - times[0] >= 0.95


async def test_requests_are_spread_over_the_minute(tmp_path: Path) -> None:
    with FakeModels(m=passing(lambda n, r: True)) as server:
        begun = time.monotonic()
        await run(plan_for(server, "m", scenarios=5, requests_per_minute=600.0), tmp_path)
    assert time.monotonic() - begun >= 0.4


async def test_no_more_requests_at_once_than_were_asked_for(tmp_path: Path) -> None:
    with FakeModels(m=lambda body: [Pause(0.05), Say("yes")]) as server:
        at_once: list[int] = []
        original = server._chat

        async def counted(*given: Any) -> None:
            at_once.append(1)
            now = sum(at_once)
            most.append(now)
            try:
                await original(*given)
            finally:
                at_once.pop()

        most: list[int] = []
        server._chat = counted  # type: ignore[assignment, method-assign]
        await run(plan_for(server, "m", scenarios=12, concurrency=3), tmp_path)
    assert max(most) == 3


async def test_what_stays_without_an_answer_is_no_failure_of_the_model(tmp_path: Path) -> None:
    def broken(body: dict[str, Any]) -> Reply:
        return [Fail(500, "boom")] if asked(body) == "Question 2" else [Say("yes")]

    with FakeModels(m=broken) as server:
        plan = plan_for(server, "m", scenarios=4, concurrency=1)
        result, events = await run(plan, tmp_path)
        document = document_of(result)
        assert document["models"][0]["pass_rate"] == 1.0
        assert (document["models"][0]["missing"], document["complete"]) == (1, False)
        assert document["error"]["code"] == "server"
        assert "No answer came in 1 of 4 runs" in document["caveats"][0]
        assert [event.scenario for event in events if isinstance(event, Trouble)] == ["s2"]
        server.scripts["m"] = passing(lambda n, r: False)
        mended, _ = await run(plan, tmp_path)
    assert document_of(mended)["models"][0]["pass_rate"] == 0.75


async def test_a_model_that_is_not_there_does_not_keep_the_others_back(tmp_path: Path) -> None:
    with FakeModels(m=passing(lambda n, r: True)) as server:
        result, _ = await run(plan_for(server, "missing", "m", scenarios=5), tmp_path)
    document = document_of(result)
    assert document["models"][0]["error"]["code"] == "model_missing"
    assert document["models"][1]["pass_rate"] == 1.0
    assert document["error"]["code"] == "model_missing"
    # One request of each lane finds it out.
    assert sum(body["model"] == "m" for body in server.requests) == 5


async def test_a_server_that_is_gone_ends_it_at_once(tmp_path: Path) -> None:
    with FakeModels(m=passing(lambda n, r: True)) as server:
        plan = plan_for(server, "m", scenarios=40)
    result, _ = await run(plan, tmp_path)
    assert document_of(result)["error"]["code"] == "unreachable"
    assert result.runs == ()


async def test_the_models_own_failures_count(tmp_path: Path) -> None:
    def failing(body: dict[str, Any]) -> Reply:
        number = int(asked(body).split()[-1])
        replies: list[Reply] = [
            [Fail(400, "This model's maximum context length is 8 tokens")],
            [Say("")],
            [Say("y"), Full()],
            [Say("yes")],
        ]
        return replies[number - 1]

    with FakeModels(m=failing) as server:
        result, _ = await run(plan_for(server, "m", scenarios=4), tmp_path)
    document = document_of(result)
    assert document["models"][0]["passed"] == 1
    assert document["models"][0]["cut_short"] == 1
    reasons = [row["results"]["m"]["reasons"] for row in document["scenarios"]]
    assert reasons[0] == ["the conversation does not fit the model's context"]
    assert "the answer is empty" in reasons[1][0]


DIALOGUE = {
    "id": "d",
    "messages": [
        {"role": "user", "content": "cancel"},
        {"role": "assistant", "content": "Your number?"},
        {"role": "user", "content": "48213"},
        {"role": "assistant", "checks": [{"tool_call": "find", "arguments": {"number": "48213"}}]},
        {"role": "tool", "name": "find", "content": "sent"},
        {"role": "assistant"},
        {"role": "user", "content": "So?"},
    ],
    "checks": [{"exact": "too late"}],
}


def _dialogue_plan(base: str) -> Plan:
    head = {"name": "d", "system": "Be brief.", "tools": [{"name": "find"}]}
    rubric = parse_rubric(json.dumps(head) + "\n" + json.dumps(DIALOGUE), "d.jsonl")
    return Plan(rubric, ("m",), Settings(), endpoint=base)


async def test_a_conversation_is_held_turn_by_turn(tmp_path: Path) -> None:
    def answer(body: dict[str, Any]) -> Reply:
        last = body["messages"][-1]
        if last["role"] == "tool":
            return [Say("It was sent.")]
        if last["content"] == "So?":
            return [Say("too late")]
        return [Call("find", {"number": "48213"})]

    with FakeModels(m=answer) as server:
        result, _ = await run(_dialogue_plan(server.base), tmp_path)
    assert [graded.passed for graded in result.runs] == [True]
    roles = [message["role"] for message in server.requests[-1]["messages"]]
    assert roles == ["system", "user", "assistant", "user", "assistant", "tool", "assistant", "user"]
    calls = server.requests[-1]["messages"][4]["tool_calls"]
    assert calls[0]["id"] == server.requests[-1]["messages"][5]["tool_call_id"]
    assert server.requests[0]["tools"][0]["function"]["name"] == "find"


async def test_where_the_model_does_not_call_the_tool_the_scenario_ends(tmp_path: Path) -> None:
    with FakeModels(m=lambda body: [Say("I do not know.")]) as server:
        result, _ = await run(_dialogue_plan(server.base), tmp_path)
    assert len(server.requests) == 1
    assert result.runs[0].reasons == [
        "the model did not call find",
        "tool_call: it did not call find",
    ]


async def test_calls_without_a_result_are_answered_for_the_server(tmp_path: Path) -> None:
    def answer(body: dict[str, Any]) -> Reply:
        if body["messages"][-1]["role"] == "user" and body["messages"][-1]["content"] == "48213":
            return [Calls((Call("find", {"number": "48213"}), Call("other", {})))]
        return [Say("too late")]

    with FakeModels(m=answer) as server:
        result, _ = await run(_dialogue_plan(server.base), tmp_path)
    assert result.runs[0].passed
    given = [row for row in server.requests[-1]["messages"] if row["role"] == "tool"]
    assert [row["content"] for row in given] == ["sent", "(no result)"]


async def test_sixty_four_at_once_are_all_recorded(tmp_path: Path) -> None:
    with FakeModels(m=lambda body: [Pause(0.05), Say("yes")]) as server:
        result, _ = await run(plan_for(server, "m", scenarios=200, concurrency=64), tmp_path)
    assert len(result.runs) == len(server.requests) == 200


async def test_a_server_that_does_not_stream_is_understood(tmp_path: Path) -> None:
    def answer(request: Asked) -> Answered:
        body = json.loads(request.body)
        made = {
            "id": "c",
            "type": "function",
            "function": {"name": "find", "arguments": '{"number": "48213"}'},
        }
        said: dict[str, Any] = {"role": "assistant", "content": "<think>hm</think>too late"}
        if body["messages"][-1]["content"] == "48213":
            said = {"role": "assistant", "content": None, "tool_calls": [made]}
        choice = {"index": 0, "message": said, "finish_reason": "stop"}
        used = {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}
        whole = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
        return Answered(
            json.dumps(whole | {"usage": used}).encode(), 200, {"Content-Type": "application/json"}
        )

    with FakeServer(answer) as server:
        plan = _dialogue_plan(f"{server.url}/v1")
        result, _ = await run(plan, tmp_path)
    assert [graded.passed for graded in result.runs] == [True]
    # The first request is made twice, and all later ones as the server likes them.
    assert [json.loads(one.body).get("stream", False) for one in server.asked] == [True, False, False, False]


async def test_the_events_end_with_one_result(tmp_path: Path) -> None:
    with FakeModels(m=passing(lambda n, r: True)) as server:
        found = [event async for event in evaluate(plan_for(server, "m", scenarios=2), tmp_path)]
        await client.close()
    assert [isinstance(event, Result) for event in found] == [False, False, False, True]
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


async def test_every_step_tells_how_many_are_done(tmp_path: Path) -> None:
    with FakeModels(m=passing(lambda n, r: True)) as server:
        _, events = await run(plan_for(server, "m", scenarios=12, concurrency=6), tmp_path)
    assert [event.done for event in events if isinstance(event, Step)] == list(range(1, 13))


async def test_what_could_not_be_decided_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "SECONDS", 0.05)
    text = json.dumps({"id": "a", "prompt": "p", "checks": {"not": {"regex": "^(a|aa)+$"}}})
    with FakeModels(m=lambda body: [Say("a" * 200 + "b")]) as server:
        plan = Plan(parse_rubric(text, "r.jsonl"), ("m",), endpoint=server.base)
        result, _ = await run(plan, tmp_path)
    document = document_of(result)
    assert document["models"][0]["pass_rate"] == 0.0
    assert "could not be decided, and so is not passed: 1." in " ".join(document["caveats"])
    reasons = document["scenarios"][0]["results"]["m"]["reasons"]
    assert reasons == ["not: it cannot be told: the pattern took longer than 0.05 s"]
