"""Every answer says how old its facts are, and past six months which command mends it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agent.dated import age_of
from agent.explanation import recommendation_text
from knowledge.catalog.store import load_catalog
from knowledge.today import DAY_VARIABLE
from tools.commands.benchmarks import BenchmarksQuery, benchmarks
from tools.commands.card import CardQuery, model_card
from tools.commands.catalog import (
    GpuQuery,
    GpusQuery,
    ModelQuery,
    ModelsQuery,
    list_gpus,
    list_models,
    show_gpu,
    show_model,
)
from tools.commands.compare import CompareQuery, compare
from tools.commands.fit import FitQuery, fit
from tools.commands.memory import MemoryQuery, memory
from tools.commands.plan_cost import PlanCostQuery, cost
from tools.commands.plan_finetune import FinetuneQuery, plan_finetune
from tools.commands.plan_migration import MigrationQuery, plan_migration
from tools.commands.plan_pretrain import PretrainQuery, plan_pretraining
from tools.commands.plan_stack import StackQuery, plan_stack
from tools.commands.plan_tokens import TokensQuery, plan_tokens
from tools.commands.recommend import RecommendQuery, recommend
from tools.needs import HardwareNeed, Needs, Slot, TaskNeed
from tools.recommend import recommend as decide

MACHINE = "RTX 3060 12GB + 32 GB RAM"
ANSWERS: dict[str, Callable[[], dict[str, Any]]] = {
    "recommend": lambda: recommend(RecommendQuery(task="code", hardware=MACHINE)),
    "fit": lambda: fit(FitQuery(model="qwen3-8b", hardware=MACHINE)),
    "fit, all models": lambda: fit(FitQuery(hardware=MACHINE)),
    "fit, hardware": lambda: fit(FitQuery(model="qwen3-8b", find_hardware=True)),
    "memory": lambda: memory(MemoryQuery(model="qwen3-8b")),
    "compare": lambda: compare(CompareQuery(models=("qwen3-8b", "gpt-4o"))),
    "benchmarks": lambda: benchmarks(BenchmarksQuery(model="qwen3-8b")),
    "models show": lambda: show_model(ModelQuery(model="gpt-4o")),
    "models list": lambda: list_models(ModelsQuery(text="qwen3")),
    "gpus list": lambda: list_gpus(GpusQuery(text="5090")),
    "gpus show": lambda: show_gpu(GpuQuery(gpu="rtx 5090")),
    "the card": lambda: model_card(CardQuery(model="qwen3-8b")),
    "plan tokens": lambda: plan_tokens(TokensQuery(model="qwen3-8b")),
    "plan cost": lambda: cost(PlanCostQuery(model="qwen3-8b", hardware=MACHINE)),
    "plan finetune": lambda: plan_finetune(FinetuneQuery(model="qwen3-8b", hardware="RTX 3090")),
    "plan pretrain": lambda: plan_pretraining(PretrainQuery(hardware="RTX 3090")),
    "plan stack": lambda: plan_stack(StackQuery(hardware="RTX 3090")),
    "plan migration": lambda: plan_migration(MigrationQuery(base="gemma-2-9b-it", candidates=("qwen3-8b",))),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_tells_the_days_and_the_age(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DAY_VARIABLE, "2026-11-21")
    facts = ANSWERS[name]()["facts"]
    assert {"catalog", "prices", "scores", "age_months", "stale"} <= set(facts)
    assert facts["stale"] is False
    assert facts["warning"] is None
    assert facts["age_months"] == 2
    monkeypatch.setenv(DAY_VARIABLE, "2027-08-23")
    document = ANSWERS[name]()
    assert document["facts"]["stale"] is True
    caveats = document["candidates"][0]["caveats"] if name == "recommend" else document["caveats"]
    assert sum("`llm-advisor models refresh`" in caveat for caveat in caveats) == 1


def test_a_reply_has_the_age_of_the_facts_that_it_cites() -> None:
    cited = {"kind": "catalog", "source": "x", "locator": "Qwen/Qwen3-8B"}
    facts = age_of([{"kind": "guide", "source": "x", "locator": "y"}, cited])
    assert facts is not None
    assert facts["catalog"] == load_catalog().by_id["qwen/qwen3-8b"].as_of
    assert age_of([{"kind": "guide", "source": "x", "locator": "y"}]) is None
    assert age_of([]) is None


def test_the_message_of_the_conversation_warns(monkeypatch: pytest.MonkeyPatch) -> None:
    needs = Needs(
        task=Slot(value=TaskNeed(name="code")), hardware=Slot(value=HardwareNeed(text="RTX 3060 12GB"))
    )
    monkeypatch.setenv(DAY_VARIABLE, "2026-11-21")
    assert "models refresh" not in recommendation_text(decide(needs))[0]
    monkeypatch.setenv(DAY_VARIABLE, "2027-08-23")
    assert recommendation_text(decide(needs))[0].count("- Mind: These facts are up to 12 months old") == 1
