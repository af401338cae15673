"""What each provider's models need: windows, reasoning, settings that they take."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.listed import Listed
from tests.fakes.model_script import Fail, Reply, Say, Think
from tests.fakes.model_server import FakeOllama
from tests.tools.evaluation.scripted import asked, rubric_text, run
from tools.commands.evaluate import served_name
from tools.evaluation.contenders import contender
from tools.evaluation.document import document_of
from tools.evaluation.plan import THINKING_TOKENS, Plan, Settings
from tools.evaluation.reading import parse_rubric
from tools.evaluation.runner import result_so_far
from tools.model_calls.errors import ModelError

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def plan(*models: str, text: str | None = None, **settings: Any) -> Plan:
    return Plan(parse_rubric(text or rubric_text(3), "r.jsonl"), models, Settings(**settings))


@pytest.mark.parametrize("thinking", [False, True])
async def test_a_model_of_ollama_gets_one_window_and_its_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, thinking: bool
) -> None:
    def answer(body: dict[str, Any]) -> Reply:
        return [Think("hm"), Say("yes")]

    with FakeOllama(answer, capabilities=("completion", "tools", "thinking")) as server:
        monkeypatch.setenv("OLLAMA_API_BASE", server.url)
        result, _ = await run(plan("ollama_chat/fake", thinking=thinking), tmp_path)
    assert [graded.passed for graded in result.runs] == [True] * 3
    options = [body["options"] for body in server.requests]
    assert {option["seed"] for option in options} == {7}
    assert {option["temperature"] for option in options} == {0}
    assert len({option["num_ctx"] for option in options}) == 1
    assert options[0]["num_predict"] == 1024 + (THINKING_TOKENS if thinking else 0)
    assert options[0]["num_ctx"] >= options[0]["num_predict"]
    assert [body.get("think") for body in server.requests] == [None if thinking else False] * 3
    row = document_of(result)["models"][0]
    assert (row["usd"], row["honors"]) == (0.0, {"temperature": "sent", "seed": "sent"})
    assert row["server"] == server.url


@pytest.mark.parametrize(("now", "of_before"), [("sha256:b", 2), ("sha256:a", 0), ("", 0)])
async def test_another_model_behind_the_name_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now: str, of_before: int
) -> None:
    def breaking(body: dict[str, Any]) -> Reply:
        return [Say("yes")] if asked(body) != "Question 3" else [Fail(404, "gone")]

    asks = plan("ollama_chat/fake", concurrency=1)
    for digest, replies in (("sha256:a", breaking), (now, [Say("yes")])):
        with FakeOllama(replies, listed=(Listed("fake", 1, digest=digest),)) as server:
            monkeypatch.setenv("OLLAMA_API_BASE", server.url)
            result, _ = await run(asks, tmp_path)
    document = document_of(result)
    assert (result.resumed, result.complete) == (2, True)
    assert document["models"][0]["replaced"] == of_before
    told = (
        "ollama_chat/fake was pulled anew while this record was kept: 2 of its finished runs are of the model"
    )
    assert any(told in caveat for caveat in document["caveats"]) is bool(of_before)
    assert result_so_far(asks, tmp_path).kept.replaced == ({"ollama_chat/fake": 2} if of_before else {})


async def test_a_long_scenario_makes_the_window_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    long = [{"name": "long"}, {"id": "a", "prompt": "word " * 20_000, "checks": [{"exact": "x"}]}]
    with FakeOllama([Say("x")]) as server:
        monkeypatch.setenv("OLLAMA_API_BASE", server.url)
        small = await contender(plan("ollama_chat/fake"), "ollama_chat/fake")
        text = "\n".join(map(json.dumps, long))
        large = await contender(plan("ollama_chat/fake", text=text), "ollama_chat/fake")
    assert small.profile.context == 4096
    assert large.profile.context > 40_000


async def test_a_model_that_cannot_call_tools_fails_where_tools_are_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        {"name": "t", "tools": [{"name": "find"}]},
        {"id": "a", "prompt": "x", "checks": [{"tool_call": "find"}]},
        {"id": "b", "prompt": "x", "tools": [], "checks": [{"exact": "yes"}]},
    ]
    with FakeOllama([Say("yes")], capabilities=("completion",)) as server:
        monkeypatch.setenv("OLLAMA_API_BASE", server.url)
        result, _ = await run(plan("ollama_chat/fake", text="\n".join(map(json.dumps, rows))), tmp_path)
    assert [graded.reasons for graded in result.runs] == [["the model cannot call tools"], []]


async def test_settings_that_a_model_does_not_take_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-1234567890")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test-1234567890")
    monkeypatch.setenv("MISTRAL_API_KEY", "sk-test-1234567890")
    no, yes = "not taken by this model", "sent"
    for model, temperature, seed in (
        ("openai/o3", no, yes),
        ("openai/gpt-4.1-mini", yes, yes),
        ("anthropic/claude-sonnet-4-5", yes, no),
        ("mistral/mistral-small-latest", yes, yes),
    ):
        found = await contender(plan(model), model)
        assert found.honors == {"temperature": temperature, "seed": seed}, model


async def test_a_missing_key_is_told_before_any_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MISTRAL_API_KEY", raising=False)
    with pytest.raises(ModelError, match="MISTRAL_API_KEY is not set"):
        await contender(plan("mistral/mistral-small-latest"), "mistral/mistral-small-latest")


def test_a_bare_name_is_one_of_ollamas_unless_an_api_has_it() -> None:
    assert served_name("qwen3:8b") == "ollama_chat/qwen3:8b"
    assert served_name("gpt-4.1-mini") == "gpt-4.1-mini"
    assert served_name("ollama_chat/qwen3:8b") == "ollama_chat/qwen3:8b"
