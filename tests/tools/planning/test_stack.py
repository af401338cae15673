"""`plan stack`: the arrangement that fits, its memory, index, times and prompt."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from knowledge.errors import AdvisorError, UsageError
from knowledge.references import read_passage
from tests.tools.asking import answer, machine
from tools.budget import room_of
from tools.commands.plan_stack import StackQuery, plan_stack
from tools.commands.requests import parse
from tui.plans.stack import _alternative

GIB = 1 << 30
DESK = "RTX 3090 + 64 GB RAM"
PLACES = (
    DESK,
    "RTX 3060 12GB + 32 GB RAM",
    "RTX 3060 Laptop 6GB + 16 GB RAM",
    "2x RTX 3090 + 64 GB RAM",
    "M3 Max 64GB",
    "laptop with 16 GB RAM, no GPU",
)


@cache
def _cached(items: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    return plan_stack(parse(StackQuery, dict(items)))


def _plan(**given: Any) -> dict[str, Any]:
    return _cached(tuple(sorted({"hardware": DESK, **given}.items())))


def test_all_parts_share_the_card_and_add_up() -> None:
    document = _plan(corpus="10,000 pages")
    (row,) = document["memory"]["devices"]
    parts = [document[role]["memory"]["total_bytes"] for role in ("generator", "embedder", "reranker")]
    assert row["total_bytes"] == sum(parts)
    assert row["total_bytes"] <= row["available_bytes"] == room_of(machine(DESK)).total_bytes
    host = document["memory"]["host"]
    assert host["index_bytes"] == document["index"]["total_bytes"]
    assert document["memory"]["total_bytes"] == row["total_bytes"] + host["total_bytes"]
    assert document["memory"]["fits"] is True
    assert document["does_not_fit"] == []


@pytest.mark.parametrize("hardware", PLACES)
def test_what_is_planned_fits_everywhere(hardware: str) -> None:
    document = _plan(hardware=hardware, corpus="20,000 pages")
    assert document["memory"]["fits"] is True
    for row in document["memory"]["devices"]:
        assert row["total_bytes"] <= row["available_bytes"]
        held = sum(row[f"{part}_bytes"] for part in ("generator", "embedder", "reranker", "index"))
        assert held == row["total_bytes"]
    companions = [document[role] for role in ("embedder", "reranker") if document[role]]
    on_devices = sum(row["embedder_bytes"] + row["reranker_bytes"] for row in document["memory"]["devices"])
    assert on_devices in (0, sum(item["memory"]["total_bytes"] for item in companions))


def test_without_an_accelerator_the_index_shares_the_memory() -> None:
    document = _plan(hardware="laptop with 16 GB RAM, no GPU", corpus="1 GB")
    (row,) = document["memory"]["devices"]
    assert document["memory"]["host"] is None
    assert row["index_bytes"] == document["index"]["total_bytes"] > 0
    assert (
        document["alternative"] is None or document["alternative"]["arrangement"] != document["arrangement"]
    )


def test_a_large_index_takes_a_smaller_type_and_then_the_disk() -> None:
    laptop = "laptop with 16 GB RAM, no GPU"
    usual = _plan(hardware=laptop, corpus="1 GB")
    assert (usual["index"]["type"], usual["index"]["place"]) == ("float32", "system memory")
    large = _plan(hardware=laptop, corpus="10 GB")
    assert large["index"]["type"] in ("float16", "int8", "binary")
    assert large["index"]["total_bytes"] < large["index"]["variants"][0]["total_bytes"]
    assert any("planned as" in text for text in large["caveats"])
    huge = _plan(hardware=laptop, corpus="10 TB")
    assert huge["index"]["place"] == "disk"
    assert huge["memory"]["devices"][0]["index_bytes"] == 0
    assert huge["query"]["exact_search_seconds"] is None
    assert huge["memory"]["fits"] is True


def test_the_generator_gives_way_to_its_companions() -> None:
    stack = _plan(hardware="RTX 3060 12GB + 32 GB RAM", corpus="10,000 pages", priority="quality")
    beside = sum(stack[r]["memory"]["total_bytes"] for r in ("embedder", "reranker") if stack[r])
    assert (
        stack["generator"]["memory"]["total_bytes"] <= room_of(machine("RTX 3060 12GB")).total_bytes - beside
    )


def test_the_index_follows_corpus_chunk_and_dimensions() -> None:
    document = _plan(corpus="3500050 tokens", chunk_tokens=400, overlap_tokens=50)
    assert document["corpus"]["chunks"] == 10_000
    index = document["index"]
    assert index["vector_bytes"] == 10_000 * index["dimensions"] * 4
    assert index["dimensions"] == document["embedder"]["dimensions"]
    halves = {each["type"]: each["vector_bytes"] for each in index["variants"]}
    assert halves["float32"] == 2 * halves["float16"] == 4 * halves["int8"] == 32 * halves["binary"]
    hours = document["embedding"]["hours"]
    assert hours["low"] < hours["mid"] < hours["high"]
    rate = document["embedding"]["tokens_per_second"]
    assert rate["mid"] * document["embedding"]["seconds"]["mid"] == pytest.approx(
        document["embedding"]["tokens"], rel=0.02
    )


def test_a_reranker_pays_only_while_its_wait_is_bearable() -> None:
    usual = _plan(corpus="10,000 pages")
    assert usual["reranking"]["pays"] is True
    assert usual["reranker"] is not None
    assert usual["reranking"]["seconds"]["mid"] <= 1.0
    flops = usual["reranking"]["flops_per_question"]
    # 50 pairs of chunk and question, at least two operations a weight beyond the tables
    assert flops >= 50 * (400 + 50) * 2 * 20e6
    many = _plan(corpus="10,000 pages", candidates=10_000)
    assert many["reranking"]["pays"] is False
    assert many["reranker"] is None
    assert "more than the 1 s" in many["reranking"]["why"]
    assert _plan(corpus="10,000 pages", priority="small")["reranker"] is None
    patient = _plan(corpus="10,000 pages", priority="quality", candidates=100)
    assert patient["reranking"]["pays"] is True


def test_a_corpus_that_fits_the_context_needs_no_retrieval() -> None:
    small = _plan(corpus="10 pages")
    assert small["retrieval_needed"] is False
    assert small["prompt"]["whole_corpus_fits"] is True
    assert any("No retrieval is needed" in text for text in small["caveats"])
    assert _plan(corpus="10,000 pages")["retrieval_needed"] is True


def test_so_few_chunks_that_all_are_read_need_no_order() -> None:
    tiny = _plan(corpus="1000 tokens")
    assert tiny["reranker"] is None
    assert "nothing to order" in tiny["reranking"]["why"]


def test_the_prompt_is_held_by_the_context() -> None:
    prompt = _plan(corpus="10,000 pages")["prompt"]
    assert prompt["prompt_tokens"] == 5 * 400 + 50 + 200
    assert prompt["needed_tokens"] <= prompt["context"]
    grown = _plan(corpus="10,000 pages", kept=50, candidates=50)
    assert grown["prompt"]["fits"] is True
    assert grown["prompt"]["context"] >= grown["prompt"]["needed_tokens"] > 16384
    assert any(a["slot"] == "context" for a in grown["assumptions"])


def test_languages_license_and_users_reach_every_part() -> None:
    document = _plan(corpus="10,000 pages", languages="de,en", license="commercial", users=4)
    assert document["generator"]["parallel"] == 4
    for role in ("generator", "embedder"):
        assert document[role]["license"]["commercial_use"] in ("yes", "conditional")
    assert "multilingual" in document["embedder"]["features"]


def test_a_chunk_longer_than_most_embedders_read_gets_one_that_does() -> None:
    document = _plan(corpus="10,000 pages", chunk_tokens=4096, kept=2)
    assert document["embedder"]["context_length"] >= 4096


def test_the_alternative_moves_the_encoders_to_the_processor() -> None:
    document = _plan(corpus="10,000 pages")
    other = document["alternative"]
    assert other["arrangement"] == "embedder and reranker on the processor"
    assert other["freed_bytes"] > 0 or not other["same_generator"]
    assert other["host_bytes"] > document["memory"]["host"]["total_bytes"]


def test_where_the_card_is_too_small_for_all_the_next_arrangement_is_taken_and_said() -> None:
    document = _plan(hardware="GTX 1050 2GB + 32 GB RAM", corpus="10,000 pages", context=4096)
    assert document["does_not_fit"]
    assert document["does_not_fit"][0] == "all parts on the accelerator"
    assert document["arrangement"] not in document["does_not_fit"]
    assert document["memory"]["fits"] is True


def test_the_way_of_a_question_is_the_sum_of_its_parts() -> None:
    query = _plan(corpus="10,000 pages")["query"]
    keys = ("embed_question", "exact_search", "rerank", "first_token")
    for end in ("low", "mid", "high"):
        parts = sum(query[f"{key}_seconds"][end] for key in keys)
        assert query["until_first_token_seconds"][end] == pytest.approx(parts, rel=0.02)


def test_unknown_system_memory_is_said() -> None:
    document = _plan(hardware="RTX 3090", corpus="10,000 pages")
    assert document["memory"]["host"]["fits"] is None
    assert any("System memory was not stated" in text for text in document["caveats"])


def test_commands_start_each_part_and_citations_open() -> None:
    document = _plan(corpus="10,000 pages")
    shells = "\n".join(command["shell"] for command in document["commands"])
    for role in ("embedder", "reranker"):
        assert document[role]["model_id"] in shells
    assert "chroma run" in shells
    assert len({command["shell"] for command in document["commands"]}) == len(document["commands"])
    for item in document["citations"]:
        assert read_passage(item["locator"]) is not None


def test_without_anything_said_the_corpus_is_an_assumption() -> None:
    document = _plan()
    assert any(a["slot"] == "corpus" and a["value"] == "10,000 pages" for a in document["assumptions"])


@pytest.mark.parametrize(
    "given",
    [
        {"corpus": "lots"},
        {"hardware": "toaster"},
        {"chunk_tokens": 100, "overlap_tokens": 100},
        {"kept": 60, "candidates": 50},
        {"context": 2048, "corpus": "10,000 pages"},
        {"languages": "english"},
        {"users": 0},
    ],
)
def test_mistakes_are_one_sentence_with_a_hint(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as error:
        _plan(**given)
    assert error.value.message.endswith(".")
    assert error.value.hint


def test_where_nothing_fits_it_is_said() -> None:
    with pytest.raises(AdvisorError) as error:
        _plan(hardware="CPU only, 1 GB RAM", corpus="10,000 pages", context=32768)
    assert error.value.exit_status == 1


def test_recommend_shows_the_index_of_a_stated_corpus_beside_the_generator() -> None:
    first = answer("rag", DESK, dataset={"bytes": 2_000_000_000}).candidates[0]
    embedder = next(item for item in first.companions if item.role == "embedder").as_json()
    assert embedder["index"]["stated_corpus"] is True
    assert embedder["index"]["total_bytes"] > GIB
    assert embedder["embedding"]["hours"]["mid"] > 0
    assert any("chunks" in reason["text"] and reason["evidence"] for reason in embedder["why"])


def test_an_alternative_that_drops_the_reranker_says_so_and_what_the_generator_gains() -> None:
    document = _plan()
    other = document["alternative"]
    assert document["reranker"] is not None
    assert (other["reranker"], other["instead_of_reranker"]) == (None, document["reranker"]["model"])
    assert other["quant"] != other["instead_of_quant"] == document["generator"]["quant"]
    (line,) = _alternative(other)
    assert "without a reranker" in line
    assert f"as {other['quant']} instead of {other['instead_of_quant']}" in line
    kept = {**other, "reranker": "bge-reranker-v2-m3", "quant": other["instead_of_quant"]}
    assert "without" not in _alternative(kept)[0]
    assert "instead of" not in _alternative(kept)[0]


@pytest.mark.parametrize("codes", ["xx", "en,zz", ["qq"]])
def test_a_code_of_no_language_is_refused(codes: object) -> None:
    with pytest.raises(UsageError, match="ISO 639-1"):
        _cached((("hardware", DESK), ("languages", tuple(codes) if isinstance(codes, list) else codes)))
    assert _plan(languages="en,de")["embedder"]
    assert _plan(languages="multi")["embedder"]


@pytest.mark.parametrize("priority", ["balanced", "quality", "speed"])
@pytest.mark.parametrize("hardware", PLACES)
def test_recommend_and_the_stack_choose_the_same_parts(hardware: str, priority: str) -> None:
    """One chooser of companions; only an index in shared memory may leave the generator less room."""
    stack = _plan(hardware=hardware, priority=priority)
    first = answer("rag", hardware, priority=priority).candidates[0]
    parts = [stack[role]["model_id"] for role in ("embedder", "reranker") if stack[role]]
    assert [item.model_id for item in first.companions] == parts
    assert first.model_id == stack["generator"]["model_id"]
    assert first.configuration is not None
    shared = [text for text in stack["caveats"] if "memory that the models share" in text]
    assert bool(shared) is ("M3" in hardware or "no GPU" in hardware)
    if not shared:
        assert first.configuration.quant == stack["generator"]["quant"]
