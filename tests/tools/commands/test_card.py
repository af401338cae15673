"""The card's document, and what `models show` tells beside the record."""

from __future__ import annotations

import pytest

from tools.commands.card import CardQuery, all_names, model_card
from tools.commands.catalog import ModelQuery, show_model
from tools.commands.memory import MemoryQuery, memory

LLAMA = "meta-llama/Llama-3.1-8B-Instruct"


def test_memory_is_that_of_the_memory_command() -> None:
    card = model_card(CardQuery(model=LLAMA, hardware="RTX 3090", context=16384))
    assert [row["context"] for row in card["memory"]] == [8192, 16384, 32768, 131072]
    assert [row["needed"] for row in card["memory"]] == [False, True, False, False]
    same = memory(MemoryQuery(model=LLAMA, hardware="RTX 3090", context=16384))
    told = card["memory"][1]
    assert {key: told[key] for key in same if key != "note"} == {k: v for k, v in same.items() if k != "note"}


def test_context_of_one_conversation_is_multiplied_by_how_many_are_held() -> None:
    card = model_card(CardQuery(model=LLAMA, context=8192, parallel=4))
    assert card["memory"][0]["context"] == 4 * 8192
    assert card["memory"][0]["needed"]


def test_quantization_costs_quality() -> None:
    small = model_card(CardQuery(model=LLAMA, quant="Q2_K", task="code"))["quality"]
    large = model_card(CardQuery(model=LLAMA, quant="Q8_0", task="code"))["quality"]
    assert small["score"] < large["score"]
    assert small["quantization_loss"] > large["quantization_loss"]


def test_benchmarks_that_say_most_about_the_task_come_first() -> None:
    code = model_card(CardQuery(model="deepseek-r1", task="code"))["benchmarks"]["results"]
    chat = model_card(CardQuery(model="deepseek-r1", task="math"))["benchmarks"]["results"]
    assert len(code) == len(chat) > 10
    assert [one["benchmark"] for one in code] != [one["benchmark"] for one in chat]


@pytest.mark.parametrize(
    ("model", "task"),
    [
        ("BAAI/bge-m3", "embedding"),
        ("Qwen3-Reranker-0.6B", "reranking"),
        ("ModernBERT-base", "classification"),
    ],
)
def test_specialists_are_judged_by_their_own_task(model: str, task: str) -> None:
    card = model_card(CardQuery(model=model, task="chat", context=1_000_000))
    assert card["task"] == task
    assert card["memory"]
    assert all(row["context"] < 1_000_000 for row in card["memory"])
    assert card["commands"][0]["shell"].startswith("pip install")


def test_a_model_behind_an_api_has_a_price_and_no_memory() -> None:
    card = model_card(CardQuery(model="gpt-4.1-mini", hardware="RTX 3090"))
    assert card["memory"] == []
    assert card["quality"]["score"] > 0
    assert card["maker"]["name"] == "OpenAI"
    assert "litellm" in card["commands"][0]["shell"]
    assert model_card(CardQuery(model="text-embedding-3-small"))["quality"] is None


def test_an_architecture_that_is_not_known_is_said() -> None:
    from knowledge.catalog.store import load_catalog

    bare = next(m for m in load_catalog().models if m.architecture is None and m.params_total is None)
    card = model_card(CardQuery(model=bare.id))
    assert card["memory"] == []
    assert card["memory_error"]["message"]


def test_models_show_tells_maker_kin_and_commands() -> None:
    shown = show_model(ModelQuery(model=LLAMA))
    assert shown["maker"]["name"] == "Meta"
    assert "meta-llama/Llama-3.1-8B" in shown["siblings"]
    assert LLAMA not in shown["siblings"]
    assert any(line["shell"] == "ollama run llama3.1:8b" for line in shown["commands"])


def test_names_to_choose_from_hold_local_and_api_models() -> None:
    names = all_names()
    assert {LLAMA, "gpt-4.1-mini", "BAAI/bge-m3"} <= set(names)
    assert len(names) == len(set(names))
