"""The documents of `plan tokens`, `plan finetune` and `plan migration`."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from knowledge.errors import AdvisorError, NoAnswerError, UsageError
from knowledge.references import read_passage
from tools.commands.plan_finetune import FinetuneQuery, plan_finetune
from tools.commands.plan_migration import MigrationQuery, plan_migration, ram_bytes
from tools.commands.plan_tokens import TokensQuery, plan_tokens
from tools.commands.requests import parse
from tools.registry import run_tool

GIB = 1 << 30
TODAY = date(2026, 11, 20)


def _tokens(**values: object) -> dict[str, Any]:
    return plan_tokens(parse(TokensQuery, values))


def _finetune(**values: object) -> dict[str, Any]:
    return plan_finetune(parse(FinetuneQuery, values))


def _migration(**values: object) -> dict[str, Any]:
    return plan_migration(parse(MigrationQuery, values), today=TODAY)


def _documents() -> list[dict[str, Any]]:
    return [
        _tokens(model="qwen3-8b", exchanges=40, examples=100),
        _finetune(model="qwen3-4b", hardware="RTX 3090", base_pass_rate=0.4, tokens=1_000_000),
        _migration(base="qwen3-4b", adapters=3, switch_date="2027-09-01"),
    ]


def test_citations_point_at_sections_of_our_guides() -> None:
    for document in _documents():
        assert document["citations"]
        places = [*document["citations"], *(step["citation"] for step in document.get("steps", []))]
        for cited in places:
            assert cited["kind"] == "guide"
            passage = read_passage(cited["locator"])
            assert passage is not None, cited
            assert passage.notice is None


def test_documents_are_json_with_whole_bytes_and_sources() -> None:
    def walk(value: Any, key: str = "") -> None:
        if isinstance(value, dict):
            for name, part in value.items():
                walk(part, name)
        elif isinstance(value, list):
            for part in value:
                walk(part, key)
        elif key.endswith("_bytes") and value is not None:
            assert isinstance(value, int)

    for document in _documents():
        assert json.loads(json.dumps(document, allow_nan=False)) == document
        walk(document)
        for row in document["basis"]:
            assert set(row) - {"quote"} == {"kind", "source", "locator"}


def test_tokens_backward_and_forward() -> None:
    document = _tokens(budget="16k")
    assert document["budget"]["tokens"] == 16_384
    assert document["budget"]["tokens_with_k_of_1000"] == 16_000
    assert document["conversation"]["exchanges_at_most"] == 29
    assert document["conversation"]["recommended"] == {"low": 20, "high": 25}
    assert document["wanted"] is None
    wanted = _tokens(exchanges=40)["wanted"]
    assert wanted["needed_tokens"] == 21_500
    assert wanted["against_ceiling"] == "above"
    assert wanted["fits_budget"] is False


def test_a_window_gives_the_budget_and_a_data_set_its_tokens() -> None:
    document = _tokens(context=8192, examples=1000, epochs=2)
    assert document["budget"]["tokens"] == 4096
    assert document["data_set"]["tokens"] == 1000 * 2 * 4096
    assert document["data_set"]["cost_in_4k_examples"] == 2000
    assert document["data_set"]["computed_cost_in_4k_examples"] is None
    named = _tokens(model="qwen3-8b", budget=8192, examples=1000)
    assert named["data_set"]["computed_cost_in_4k_examples"] > 2000


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"budget": 1500}, NoAnswerError),
        ({"budget": "64k", "context": "32k"}, NoAnswerError),
        ({"model": "qwen3-8b", "context": "1M"}, NoAnswerError),
        ({"model": "bge-m3"}, UsageError),
        ({"budget": 0}, UsageError),
        ({"epochs": 0}, UsageError),
        ({"method": "magic"}, UsageError),
    ],
)
def test_token_plans_that_cannot_be(values: dict[str, Any], kind: type[AdvisorError]) -> None:
    with pytest.raises(kind) as found:
        _tokens(**values)
    assert found.value.message.endswith(".")
    assert found.value.hint


def test_a_plan_for_one_base_ticks_the_guides_six_points() -> None:
    document = _finetune(
        model="gemma-3-12b", hardware="A10G", use_hardware="MacBook Pro M3 Max 64 GB", base_pass_rate="80%",
        sequence_length=4096, examples=1000, epochs=3,
    )  # fmt: skip
    base = document["bases"][0]
    assert [item["status"] for item in base["checklist"]] == ["yes"] * 6
    assert base["method"] == "qlora"
    assert base["training"]["fused_cross_entropy"] is True
    assert document["worth"]["verdict"] == "open"
    assert document["request"]["tokens"] == 1000 * 3 * 4096
    assert document["request"]["steps"] == 375
    assert base["time"]["seconds"]["low"] < base["time"]["seconds"]["high"]
    assert any("tensor cores" in caveat for caveat in document["caveats"])


def test_what_was_not_said_stays_to_do() -> None:
    document = _finetune(model="qwen3-4b", hardware="RTX 3090")
    base = document["bases"][0]
    status = {item["item"]: item["status"] for item in base["checklist"]}
    assert status["base model evaluated on your rubric"] == "to do"
    assert status["token budget defined"] == "to do"
    assert base["time"] is None
    assert "was not said" in base["time_unknown"]
    assert document["worth"]["verdict"] == "to do"


def test_points_that_fail_are_told() -> None:
    document = _finetune(model="llama-3.1-70b", hardware="RTX 3060 12GB", sequence_length="32k", format="mlx")
    status = [item["status"] for item in document["bases"][0]["checklist"]]
    assert status == ["yes", "to do", "to do", "no", "no", "no"]
    assert document["bases"][0]["method"] is None


def test_a_method_that_was_asked_for_is_kept() -> None:
    base = _finetune(model="qwen3-0.6b", hardware="RTX 4090", method="full", sequence_length=1024)["bases"][0]
    assert base["method"] == "full"
    assert {row["name"]: row["value"] for row in base["hyperparameters"]}["learning rate"] == "2e-5"
    none = _finetune(model="qwen3-8b", hardware="RTX 4090", method="full")["bases"][0]
    assert none["method"] is None
    assert none["training"]["method"] == "full"


def test_bases_are_found_for_the_hardware_and_measured_ones_named() -> None:
    document = _finetune(hardware="RTX 3090", use_hardware="RTX 4060 8GB", count=2)
    assert len(document["bases"]) == 2
    for base in document["bases"]:
        assert base["method"] in ("lora", "qlora")
        assert base["use"]["memory"]["fits"] is True
    best = document["tunability"]["best_measured"]
    assert best["model"] == "Qwen3-8B"
    assert "Qwen/Qwen3-4B-Instruct-2507" in best["tied"]
    dates = [table["as_of"] for table in document["tunability"]["tables"]]
    assert dates == sorted(dates, reverse=True)


def test_hardware_on_which_no_base_trains_is_an_error_in_the_document() -> None:
    document = _finetune(hardware="GTX 1050", sequence_length="32k")
    assert document["error"]["code"] == "nothing_fits"
    assert document["bases"] == []
    assert document["tunability"]["best_measured"] is None


def test_a_pass_rate_is_read_in_every_way_of_writing() -> None:
    values = [
        _finetune(model="qwen3-4b", hardware="A100", base_pass_rate=v)["worth"] for v in (0.8, 80, "80 %")
    ]
    assert values[0] == values[1] == values[2]
    assert (
        "no whole number"
        in _finetune(model="qwen3-4b", hardware="A100", base_pass_rate=0.72)["worth"]["text"]
    )
    with pytest.raises(UsageError):
        parse(FinetuneQuery, {"base_pass_rate": 140})


def test_a_review_with_named_candidates_orders_those_that_pass_first() -> None:
    document = _migration(base="qwen3-4b-instruct", candidates="llama-3.2-3b, qwen3.5-4b, qwen2.5-7b")
    assert [each["meets_hard_requirements"] for each in document["candidates"]] == ["yes", "no", "no"]
    assert document["best"] == "Qwen3.5-4B"
    assert len(document["steps"]) == 5
    assert document["calendar"] is None


def test_adapters_by_number_and_by_name() -> None:
    number = _migration(base="qwen3-4b", candidates="qwen3-1.7b", adapters=12)["adapters"]
    assert (number["number"], number["for"][0]["to_retrain"]) == (12, 12)
    names = _migration(base="qwen3-4b", candidates="qwen3-1.7b", adapters="math, code, math")["adapters"]
    assert names["for"][0]["retrain"] == ["math", "code"]
    same = _migration(base="qwen3-4b", candidates="qwen3-4b-instruct-2507", adapters=12)["adapters"]["for"][0]
    assert (same["to_retrain"], same["to_test"]) == (0, 12)


def test_time_and_disk_of_the_change() -> None:
    document = _migration(
        base="qwen3-4b", candidates="qwen3-1.7b", adapters=10, training_hardware="RTX 3090",
        adapter_tokens=1_000_000, switch_date="2027-09-01",
    )  # fmt: skip
    each = document["adapters"]["for"][0]
    assert each["time_all_seconds"]["mid"] == pytest.approx(
        10 * each["time_each"]["seconds"]["mid"], rel=0.01
    )
    fallback = document["fallback"]
    assert fallback["disk_bytes"] == sum(
        row["file_bytes"] + row["adapters_bytes"] for row in fallback["bases"]
    )
    assert document["calendar"]["announce_by"] == "2027-03-01"
    assert document["review_date"] == "2026-11-20"


def test_adapters_of_unknown_number_are_unknown_and_not_none() -> None:
    document = _migration(base="qwen3-4b", candidates="qwen3-1.7b")
    adapters, fallback = document["adapters"], document["fallback"]
    assert adapters["number"] is None
    assert adapters["for"][0]["to_retrain"] is None
    assert all(row["adapters_bytes"] is None for row in fallback["bases"])
    assert fallback["disk_bytes"] == sum(row["file_bytes"] for row in fallback["bases"])
    assert "files of the bases only" in fallback["note"]
    none = _migration(base="qwen3-4b", candidates="qwen3-1.7b", adapters=0)["fallback"]
    assert all(row["adapters_bytes"] == 0 for row in none["bases"])


def test_the_steps_of_a_change_are_the_guides_with_what_was_computed() -> None:
    document = _migration(
        base="qwen3-4b", candidates="qwen3-1.7b, qwen3-4b-instruct-2507", adapters=10,
        training_hardware="RTX 3090", adapter_tokens=1_000_000, switch_date="2027-09-01",
    )  # fmt: skip
    steps = document["process"]
    assert [step["step"] for step in steps] == [*range(1, 9)]
    assert all(step["computed"] and step["to_do"] for step in steps)
    assert all(read_passage(step["citation"]["locator"]) is not None for step in steps)
    said = ["; ".join(step["computed"]) for step in steps]
    assert "by 2027-03-01 for a switch on 2027-09-01" in said[0]
    assert "meet every hard requirement" in said[1]
    assert said[2].startswith("10 adapters exist")
    assert "Qwen3-4B-Instruct-2507" in said[3]
    assert "Qwen3-1.7B" not in said[3]
    assert said[4].startswith("Qwen3-1.7B: 10 adapters, each in about")
    assert "hours for all" in said[4]
    assert "becomes" in said[5]
    assert said[6].startswith("until 2028-03-01")
    assert "2028-09-01 at the earliest" in said[7]


def test_the_steps_of_a_change_without_a_date_or_adapters_say_what_is_missing() -> None:
    said = [
        "; ".join(step["computed"])
        for step in _migration(base="qwen3-4b", candidates="qwen3-1.7b")["process"]
    ]
    assert "2027-05-20 is the earliest switch (6 months)" in said[0]
    assert "--adapters" in said[2]
    assert "every adapter" in said[4]
    assert "without adapters" in said[6]
    assert "12 months" in said[7]


def test_what_candidates_are_ordered_by_is_said() -> None:
    document = _migration(base="qwen3-4b-instruct-2507")
    assert document["candidates_ordered_by"] in " ".join(document["steps"][0]["computed"])
    kept = [each for each in document["candidates"] if each["kept_for"]]
    assert len(kept) == 1
    assert any(
        kept[0]["model"] in line and "measured best" in line for line in document["steps"][0]["computed"]
    )


def test_no_candidate_left_is_an_error_in_the_document() -> None:
    document = _migration(base="qwen3-4b", candidates="llama-3.1-8b")
    assert document["error"]["code"] == "no_candidate"
    assert document["verdict"]["change"] == "no"
    assert document["fallback"] is None


@pytest.mark.parametrize(
    "values",
    [
        {"base": "bge-m3"},
        {"base": "qwen3-4b", "candidates": "qwen3-4b"},
        {"base": "qwen3-4b", "adapters": "-3"},
        {"base": "qwen3-4b", "adapters": "3.5"},
        {"base": "qwen3-4b", "adapters": "999999999"},
        {"base": "qwen3-4b", "ram": "much"},
        {"base": "qwen3-4b", "ram": "1MB"},
        {"base": "qwen3-4b", "switch_date": "20270901"},
        {"base": "qwen3-4b", "switch_date": 5},
        {"base": "qwen3-4b", "switch_date": "2027-13-01"},
        {"base": "qwen3-4b", "switch_date": "0001-01-01"},
        {"base": "qwen3-4b", "switch_date": "9999-12-01"},
        {},
    ],
)
def test_reviews_that_cannot_be(values: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as found:
        _migration(**values)
    assert found.value.message.endswith(".")


@pytest.mark.parametrize("text", ["8", "8GB", "8 GiB", "8gb", "8589934592", "8192MB"])
def test_memory_in_every_way_of_writing(text: str) -> None:
    assert ram_bytes(text) == 8 * GIB


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("plan_tokens", {"budget": 8192}),
        ("plan_finetune", {"model": "qwen3-4b", "hardware": "RTX 3090"}),
        ("plan_migration", {"base": "qwen3-4b", "ram": 8, "adapters": 2, "candidates": ["qwen3-1.7b"]}),
    ],
)
def test_the_plans_are_tools(name: str, arguments: dict[str, Any]) -> None:
    assert "error" not in run_tool(name, arguments)
