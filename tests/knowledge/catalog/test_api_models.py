from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from knowledge.catalog import api_models
from knowledge.catalog.api_models import (
    api_benchmarks,
    current_api_models,
    find_api_names,
    is_retired,
    load_api_models,
    read_price_map,
    resolve_api_model,
)
from knowledge.catalog.store import load_catalog
from knowledge.errors import UnknownNameError

ROW = {
    "litellm_provider": "openai",
    "mode": "chat",
    "input_cost_per_token": 2e-6,
    "output_cost_per_token": 1e-5,
    "max_input_tokens": 1000,
    "supports_vision": True,
}
ROWS = {
    "sample_spec": {"mode": "one of: chat, embedding"},
    "gpt-plain": {**ROW, "deprecation_date": "2026-10-23"},
    "gpt-long": {
        **ROW,
        "input_cost_per_token_above_200k_tokens": 4e-6,
        "output_cost_per_token_above_200k_tokens": 2e-5,
        "input_cost_per_token_above_272k_tokens": 8e-6,
    },
    "gpt-zero": {**ROW, "input_cost_per_token": 0.0, "output_cost_per_token": None},
    "gpt-audio": ROW,
    "ft:gpt-plain": ROW,
    "gpt-picture": {**ROW, "mode": "image_generation"},
    "embed-wrong": {**ROW, "litellm_provider": "cohere", "mode": "embedding", "input_cost_per_token": 1e-4},
    "rerank-one": {"litellm_provider": "cohere", "mode": "rerank", "input_cost_per_query": 0.002},
    "dashscope/qwen-tiers": {
        "litellm_provider": "dashscope",
        "mode": "chat",
        "tiered_pricing": [
            {"range": [0, 256000.0], "input_cost_per_token": 4e-7, "output_cost_per_token": 1.6e-6},
            {"range": [256000.0, 1e6], "input_cost_per_token": 1.2e-6, "output_cost_per_token": 4.8e-6},
        ],
    },
    "dashscope/glm-hosted": {**ROW, "litellm_provider": "dashscope"},
    "azure/gpt-plain": {**ROW, "litellm_provider": "azure"},
    "deepseek-chat": {**ROW, "litellm_provider": "deepseek"},
    "deepseek/deepseek-chat": {**ROW, "litellm_provider": "deepseek"},
    "ollama/llama3": {"litellm_provider": "ollama", "mode": "chat", "input_cost_per_token": 0.0},
}


@pytest.fixture
def prices(tmp_path: Path) -> api_models.PriceMap:
    path = tmp_path / "prices.json"
    path.write_text(json.dumps(ROWS), encoding="utf-8")
    return read_price_map(path)


def test_only_the_makers_own_text_models_are_listed_once(prices: api_models.PriceMap) -> None:
    keys = [model.key for model in prices.models]
    assert keys == [
        "gpt-plain",
        "gpt-long",
        "gpt-zero",
        "deepseek/deepseek-chat",
        "embed-wrong",
        "rerank-one",
        "dashscope/qwen-tiers",
    ]


def test_the_traps_of_the_map(prices: api_models.PriceMap) -> None:
    rows = {model.key: model for model in prices.models}
    assert (rows["gpt-plain"].input_usd_per_mtok, rows["gpt-plain"].output_usd_per_mtok) == (2.0, 10.0)
    assert (rows["gpt-zero"].input_usd_per_mtok, rows["gpt-zero"].output_usd_per_mtok) == (None, None)
    assert rows["embed-wrong"].input_usd_per_mtok is None
    assert rows["rerank-one"].query_usd == 0.002
    long = rows["gpt-long"]
    assert (long.long_context_above, long.long_input_usd_per_mtok) == (200_000, 4.0)
    tiers = rows["dashscope/qwen-tiers"]
    assert (tiers.input_usd_per_mtok, tiers.long_context_above, tiers.long_output_usd_per_mtok) == (
        0.4,
        256_000,
        4.8,
    )
    local = prices.record("ollama/llama3")
    assert local is not None
    assert local.input_usd_per_mtok == 0.0
    assert prices.record("gpt-picture") is None


def test_a_past_end_date_means_retired(prices: api_models.PriceMap) -> None:
    plain = prices.models[0]
    assert is_retired(plain, date(2026, 11, 20))
    assert not is_retired(plain, date(2026, 10, 1))
    assert not is_retired(prices.models[1], date(2026, 11, 20))


def test_a_missing_or_broken_map_is_empty_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{", encoding="utf-8")
    assert read_price_map(broken).models == ()
    assert "cannot be read" in read_price_map(broken).missing
    monkeypatch.setattr(api_models, "price_map_path", lambda: None)
    read_price_map.cache_clear()
    api_models._index.cache_clear()
    try:
        assert load_api_models() == ()
        with pytest.raises(UnknownNameError, match="not installed"):
            resolve_api_model("gpt-5")
    finally:
        read_price_map.cache_clear()
        api_models._index.cache_clear()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("gpt-4o", "gpt-4o"),
        ("GPT-4o mini", "gpt-4o-mini"),
        ("Claude Sonnet 4.5", "claude-sonnet-4-5"),
        ("claude 4.5 sonnet", "claude-sonnet-4-5"),
        ("gemini 2.5 pro", "gemini/gemini-2.5-pro"),
        ("gemini/gemini-2.5-pro", "gemini/gemini-2.5-pro"),
        ("text-embedding-3-small", "text-embedding-3-small"),
    ],
)
def test_names_resolve(text: str, key: str) -> None:
    assert resolve_api_model(text).key == key


def test_an_unknown_model_offers_the_nearest_and_is_not_replaced() -> None:
    with pytest.raises(UnknownNameError) as caught:
        resolve_api_model("claude 3.5 sonnet")
    assert caught.value.nearest


def test_names_in_a_sentence() -> None:
    text = "GPT-4o or Claude Sonnet 4.5, on my 3090?"
    found = find_api_names(text)
    assert [model.key for _, _, model in found] == ["gpt-4o", "claude-sonnet-4-5"]
    assert text[found[0][0] : found[0][1]] == "GPT-4o"


def test_prices_name_their_version_and_boards_their_effort() -> None:
    models = load_api_models()
    assert len(models) > 300
    assert all(model.source.startswith("litellm ") for model in models)
    assert len(current_api_models(date(2026, 11, 20))) < len(models)
    scores = api_benchmarks(load_catalog(), resolve_api_model("gpt-5"))
    assert any(name.lower() == "gpt-5 (high)" for name, _ in scores)


def test_litellm_is_not_imported() -> None:
    program = (
        "import sys; from knowledge.catalog.api_models import load_api_models; load_api_models()\n"
        "print('litellm' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("board", "key"),
    [
        ("gpt-5.5-xhigh", "gpt-5.5"),
        ("claude-opus-5-max-effort", "claude-opus-5"),
        ("claude-opus-4-6-thinking-auto-high-effort", "claude-opus-4-6"),
        ("qwen3.8-max", "dashscope/qwen3.8-max"),
        ("gpt-5 (high)", "gpt-5"),
    ],
)
def test_a_board_name_with_an_effort_leads_to_its_model(board: str, key: str) -> None:
    """An effort is taken off a name only where a model of the price map is left."""
    model = next(m for m in load_api_models() if m.key == key)
    names = {name.lower() for name, _ in api_benchmarks(load_catalog(), model)}
    assert board.lower() in names
