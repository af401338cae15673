"""The ceiling of cost is never passed, whatever runs at once; estimates come before."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.model_script import Pause, Reply, Say
from tests.tools.evaluation.scripted import FakeModels, passing, rubric_text, run
from tools.evaluation.document import document_of
from tools.evaluation.forecast import forecast
from tools.evaluation.plan import Plan, Settings
from tools.evaluation.reading import parse_rubric, read_rubric
from tools.evaluation.spending import CeilingError, Purse
from tools.token_price import price_of

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
MODEL = "openai/gpt-4.1-mini"


@pytest.fixture
def paid(monkeypatch: pytest.MonkeyPatch) -> FakeModels:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-1234567890")
    return FakeModels(**{"gpt-4.1-mini": passing(lambda n, r: True)})


def plan(scenarios: int, **settings: Any) -> Plan:
    rubric = parse_rubric(rubric_text(scenarios, max_tokens=100), "r.jsonl")
    return Plan(rubric, (MODEL,), Settings(**settings))


async def test_it_stops_before_the_ceiling_and_goes_on_with_a_higher_one(
    tmp_path: Path, paid: FakeModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    price = price_of(MODEL)
    assert price is not None
    each = price.usd(*(paid.usage or (0, 0)))
    with paid:
        monkeypatch.setenv("OPENAI_API_BASE", paid.base)
        result, _ = await run(plan(40, max_cost=10 * each, concurrency=8), tmp_path)
        document = document_of(result)
        assert 0 < len(result.runs) < 40
        assert result.usd <= 10 * each
        assert result.usd == pytest.approx(each * len(result.runs))
        assert document["error"]["code"] == "cost"
        assert document["cost"]["stopped"] == document["error"]["message"]
        whole, _ = await run(plan(40, max_cost=100 * each), tmp_path)
    assert whole.complete
    assert whole.usd == pytest.approx(40 * each)
    assert len(paid.requests) == 40


async def test_a_ceiling_needs_a_price(tmp_path: Path) -> None:
    rubric = parse_rubric(rubric_text(2), "r.jsonl")
    unknown = Plan(rubric, ("m",), Settings(max_cost=1.0), endpoint="http://models.example/v1")
    result, _ = await run(unknown, tmp_path)
    assert document_of(result)["error"]["code"] == "no_price"


async def test_what_is_under_way_is_set_aside() -> None:
    purse = Purse(1.0)
    order: list[str] = []

    async def spend(name: str, worst: float, actual: float, wait: float) -> None:
        async with purse.request(worst) as kept:
            order.append(name)
            await asyncio.sleep(wait)
            kept.actual = actual

    async with asyncio.TaskGroup() as group:
        group.create_task(spend("a", 0.6, 0.1, 0.02))
        group.create_task(spend("b", 0.6, 0.1, 0.0))  # waits until the first has cost less than it could
    assert order == ["a", "b"]
    assert purse.spent == pytest.approx(0.2)
    with pytest.raises(CeilingError, match="is reached"):
        async with purse.request(0.9):
            pass


async def test_an_interrupted_request_counts_with_its_worst_case() -> None:
    purse = Purse(1.0)

    async def spend() -> None:
        async with purse.request(0.4):
            await asyncio.sleep(10)

    task = asyncio.create_task(spend())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert purse.spent == pytest.approx(0.4)


async def test_lost_requests_stay_on_the_bill(
    tmp_path: Path, paid: FakeModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hangs(body: dict[str, Any]) -> Reply:
        return [Pause(30.0), Say("yes")]

    paid.scripts["gpt-4.1-mini"] = hangs
    with paid:
        monkeypatch.setenv("OPENAI_API_BASE", paid.base)
        task = asyncio.create_task(run(plan(1), tmp_path))
        assert await asyncio.to_thread(paid.waiting.wait, 20)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        paid.scripts["gpt-4.1-mini"] = passing(lambda n, r: True)
        result, _ = await run(plan(1), tmp_path)
    price = price_of(MODEL)
    assert price is not None
    assert result.usd > price.usd(*(paid.usage or (0, 0)))


def test_the_forecast_counts_requests_tokens_and_dollars() -> None:
    found = forecast(plan(20, repeats=3))
    assert found.requests == 60
    assert found.usd is not None
    assert found.most_usd is not None
    assert 0 < found.usd <= found.most_usd
    assert found.seconds > 0
    local = forecast(Plan(read_rubric("classification"), ("ollama_chat/qwen3:8b",)))
    assert local.requests == 21
    assert local.usd == 0
    assert "assumed" in local.shares[0].basis


def test_what_is_finished_is_not_forecast() -> None:
    whole = plan(20)
    assert forecast(whole, whole.work()[:5]).requests == 15


def test_models_of_one_server_are_asked_in_turn_and_of_several_side_by_side() -> None:
    rubric = read_rubric("classification")
    one, two = "ollama_chat/qwen3:8b", "ollama_chat/llama3.1:8b"
    alone = forecast(Plan(rubric, (one,))).seconds
    assert forecast(Plan(rubric, (one, two))).seconds == pytest.approx(2 * alone)
    beside = forecast(Plan(rubric, (one, MODEL))).seconds
    assert beside == pytest.approx(max(alone, forecast(Plan(rubric, (MODEL,))).seconds))
    slow = forecast(Plan(rubric, (one, two), Settings(requests_per_minute=1.0)))
    assert slow.seconds == pytest.approx(60 * slow.requests)
