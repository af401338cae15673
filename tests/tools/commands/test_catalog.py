"""`models`, `gpus` and `benchmarks` on the catalog."""

from __future__ import annotations

from typing import Any

import pytest

from knowledge.errors import AdvisorError, AmbiguousNameError, NoAnswerError, UnknownNameError, UsageError
from tools.commands.benchmarks import BenchmarksQuery, benchmarks
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
from tools.commands.requests import parse


def models(**filters: Any) -> dict[str, Any]:
    return list_models(parse(ModelsQuery, filters))


def test_all_models_are_listed_by_id() -> None:
    document = models()
    ids = [model["model_id"] for model in document["models"]]
    assert document["count"] == len(ids) > 900
    assert ids == sorted(ids, key=str.lower)


@pytest.mark.parametrize(
    ("filters", "holds"),
    [
        ({"text": "QWEN3"}, lambda m: "qwen3" in (m["model_id"] + m["family"]).lower()),
        ({"kind": "reranker"}, lambda m: m["kind"] == "reranker"),
        ({"license": "MIT"}, lambda m: m["license"] == "mit"),
        ({"commercial": True}, lambda m: m["commercial_use"] in ("yes", "conditional")),
        ({"min_params": 60, "max_params": 80}, lambda m: 60 <= m["params_b"] <= 80),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_filters_narrow_the_list(filters: dict[str, Any], holds: Any) -> None:
    document = models(**filters)
    assert 0 < document["count"] < models()["count"]
    assert all(holds(model) for model in document["models"])


def test_filters_that_nothing_passes_have_no_answer() -> None:
    with pytest.raises(NoAnswerError):
        models(text="no such model xyz")


def test_a_model_is_shown_with_its_sources() -> None:
    document = show_model(parse(ModelQuery, {"model": "llama3.1:8b"}))
    assert document["model_id"] == "meta-llama/Llama-3.1-8B-Instruct"
    assert document["architecture"]["layers"] == 32
    assert document["license_terms"]["commercial_use"] == "conditional"
    assert "*" in document["sources"]


def test_an_api_model_is_shown_with_its_price() -> None:
    document = show_model(parse(ModelQuery, {"model": "gpt-4o"}))
    assert document["model_id"] == "gpt-4o"
    assert document["input_usd_per_mtok"] > 0
    assert "litellm" in document["sources"]["*"]


def test_accelerators_are_listed_and_shown() -> None:
    document = list_gpus(parse(GpusQuery, {"text": "apple", "min_memory": 64}))
    assert document["count"] > 0
    assert all(gpu["vendor"] == "Apple" for gpu in document["gpus"])
    assert show_gpu(parse(GpuQuery, {"gpu": "3090"}))["memory_gb"] == 24


@pytest.mark.parametrize(("gpu", "error"), [("RTX 9099", UnknownNameError), ("A100", AmbiguousNameError)])
def test_accelerators_that_are_not_known_or_not_clear(gpu: str, error: type[AdvisorError]) -> None:
    with pytest.raises(error) as caught:
        show_gpu(parse(GpuQuery, {"gpu": gpu}))
    assert caught.value.hint


def test_scores_come_with_source_date_and_who_ran_them() -> None:
    document = benchmarks(parse(BenchmarksQuery, {"model": "Qwen2.5-Coder-32B-Instruct"}))
    assert document["results"]
    for result in document["results"]:
        assert result["source"]
        assert result["as_of"]
        assert result["run_by"] in ("independent", "vendor")
    some = benchmarks(parse(BenchmarksQuery, {"model": "Qwen2.5-Coder-32B-Instruct", "benchmark": "AIDER"}))
    assert 0 < len(some["results"]) < len(document["results"])


def test_scores_of_an_api_model() -> None:
    assert benchmarks(parse(BenchmarksQuery, {"model": "gpt-4o"}))["results"]


def test_no_score_is_no_answer_and_not_a_zero() -> None:
    with pytest.raises(NoAnswerError) as caught:
        benchmarks(parse(BenchmarksQuery, {"model": "distilbert/distilgpt2", "benchmark": "no such board"}))
    assert caught.value.code == "no_benchmarks"


def test_filters_are_checked() -> None:
    with pytest.raises(UsageError):
        models(kind="toaster")
