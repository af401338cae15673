"""`compare`: local and API models side by side."""

from __future__ import annotations

from typing import Any

import pytest

from knowledge.errors import AdvisorError, UnknownNameError, UsageError
from tools.commands.compare import CompareQuery, compare
from tools.commands.requests import parse

LLAMA, QWEN = "meta-llama/Llama-3.1-8B-Instruct", "Qwen/Qwen2.5-7B-Instruct"


def ask(*models: str, **values: Any) -> dict[str, Any]:
    return compare(parse(CompareQuery, {"models": models, **values}))


def test_local_models_have_memory_license_and_speed_on_named_hardware() -> None:
    document = ask(LLAMA, QWEN, hardware="RTX 3090", context="16k")
    assert [model["model_id"] for model in document["models"]] == [LLAMA, QWEN]
    for model in document["models"]:
        assert model["memory"]["context"] == 16384
        assert model["memory"]["fits"] is True
        assert model["license"]["id"]
        assert model["speed"]["tokens_per_second"]["low"] <= model["speed"]["tokens_per_second"]["high"]
    assert (
        document["models"][0]["memory"]["kv_cache_bytes"] > document["models"][1]["memory"]["kv_cache_bytes"]
    )


def test_an_api_model_has_a_price_and_no_memory() -> None:
    document = ask(LLAMA, "gpt-4o")
    api = document["models"][1]
    assert (api["kind"], api["memory"], api["license"]) == ("api", None, None)
    assert api["price"]["input_usd_per_mtok"] > 0
    assert "litellm" in api["price"]["source"]


def test_shared_benchmarks_have_a_score_of_two_models_in_one_setting() -> None:
    for row in ask(LLAMA, QWEN)["benchmarks"]:
        assert len(row["scores"]) == 2
        assert row["source"]
        assert row["setting"] is not None


def test_without_hardware_there_is_no_speed() -> None:
    assert all(model["speed"] is None for model in ask(LLAMA, QWEN)["models"])


def test_a_format_that_an_engine_does_not_read_is_said_of_each_model() -> None:
    document = ask(LLAMA, QWEN, engine="vllm", quant="Q4_K_M")
    assert all("error" in model["memory"] for model in document["models"])


@pytest.mark.parametrize(
    ("models", "error"),
    [
        ((LLAMA,), UsageError),
        ((LLAMA, "llama3.1:8b"), UsageError),
        ((LLAMA, "no such model xyz"), UnknownNameError),
        ((LLAMA,) * 13, UsageError),
    ],
)
def test_requests_that_are_off(models: tuple[str, ...], error: type[AdvisorError]) -> None:
    with pytest.raises(error):
        ask(*models)


def test_slots_share_the_context() -> None:
    models = ("qwen3-14b", "llama-3.1-8b-instruct")
    one = compare(CompareQuery(models=models, context=32768, hardware="RTX 4090"))
    four = compare(CompareQuery(models=models, context=32768, parallel=4, hardware="RTX 4090"))
    assert (one["parallel"], four["parallel"]) == (1, 4)
    for alone, shared in zip(one["models"], four["models"], strict=True):
        assert alone["memory"]["kv_cache_bytes"] == shared["memory"]["kv_cache_bytes"]
        mid = [model["speed"]["tokens_per_second"]["mid"] for model in (alone, shared)]
        assert mid[0] != mid[1]


def test_a_score_of_another_setting_is_shown_and_not_compared() -> None:
    document = ask("Qwen3.8-27B", "deepseek/deepseek-v4-flash", "claude-fable-5")
    rows = [row for row in document["benchmarks"] if "claude-fable-5" in row["elsewhere"]]
    assert rows
    for row in rows:
        other = row["elsewhere"]["claude-fable-5"]
        assert "claude-fable-5" not in row["scores"]
        assert (other["setting"], other["source"]) != (row["setting"], row["source"])
