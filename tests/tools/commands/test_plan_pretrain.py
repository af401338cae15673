"""`plan pretrain`: memory, batch, rates, time, phases and scaling laws of a pretraining run."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from tests.tools.asking import machine
from tools.commands.plan_pretrain import PretrainQuery, plan_pretraining
from tools.commands.requests import parse
from tools.memory.pretrain import estimate_pretraining, pretrain_configs
from tools.memory.types import TrainingRequest
from tools.planning.pretrain import (
    domain_data,
    domain_iterations,
    learning_rates,
    warmup_iterations,
)
from tools.planning.pretrain_run import (
    batch_for,
    flops_per_token,
    hours_for,
    memory_of,
    place_of,
    stated_hours,
)
from tools.planning.pretrain_tables import plan_tables

GIB = 1 << 30
CONFIGS = pretrain_configs()


@cache
def _cached(items: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    return plan_pretraining(parse(PretrainQuery, dict(items)))


def _plan(**given: Any) -> dict[str, Any]:
    return _cached(tuple(sorted({"hardware": "RTX 3090", **given}.items())))


def _config(name: str) -> Any:
    return next(config for config in CONFIGS if config.name == name)


def _shell(document: dict[str, Any]) -> str:
    return "\n".join(command["shell"] for command in document["commands"]).replace(" \\\n   ", "")


def test_the_guides_first_example_blog_posts_on_a_small_card() -> None:
    document = _plan(hardware="GTX 1660 6GB", dataset="5 MB of blog posts", iterations=5000)
    assert document["config"]["name"] == "small"
    assert "--config_file configs/pretrain/small.json" in _shell(document)
    assert "--input_file data/corpus.txt" in _shell(document)
    assert "--max_iters 5000" in _shell(document)
    assert document["memory"]["fits"]
    assert document["batch"]["accumulation_steps"] > 1


def test_the_guides_second_example_company_documents_on_a_3090() -> None:
    document = _plan(dataset="500MB", use_case="company RAG", iterations=50_000)
    assert document["config"]["name"] == "350M_1024"
    shell = _shell(document)
    assert "python scripts/prepare_weighted_dataset.py" in shell
    assert "--dataset_dir data/corpus_shards" in shell
    assert "--max_iters 50000" in shell


def test_the_guides_third_example_a_security_expert_in_two_phases() -> None:
    document = _plan(
        hardware="A100 40GB PCIe",
        use_case="IT security domain expert",
        priority="quality",
        iterations=128_000,
        domain_iterations=45_000,
    )
    assert document["config"]["name"] == "750M_1024"
    first, second = document["phases"]
    assert (first["iterations"], second["iterations"]) == (128_000, 45_000)
    assert second["learning_rate"] == 5e-5
    assert second["init_from_model"] == "checkpoints/base_750M"
    shell = _shell(document)
    assert "configs/pretrain/750M_1024_domain_adapt.json" in shell
    assert "--init_from_model checkpoints/base_750M --learning_rate 5e-5 --max_iters 45000" in shell
    assert "--model_name base_750M" in shell
    assert first["tokens_seen"] == 128_000 * document["batch"]["tokens_per_iteration"]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: str(config.name))
def test_every_configuration_can_be_named_and_is_computed(config: Any) -> None:
    document = _plan(config=f"{config.name}.json")
    assert document["decision"]["decides"] == "config"
    assert document["config"]["name"] == config.name
    memory, batch = document["memory"], document["batch"]
    request = TrainingRequest(
        method="scratch",
        sequence_length=config.block_size,
        micro_batch_size=batch["micro_batch"],
        framework="pytorch",
    )
    assert memory["total_bytes"] == estimate_pretraining(config, request).total_bytes
    parts = ("weights", "gradient", "optimizer", "activation", "logits", "overhead")
    assert sum(memory[f"{part}_bytes"] for part in parts) == memory["total_bytes"]
    assert memory["low_bytes"] <= memory["total_bytes"] <= memory["high_bytes"]
    assert memory["fits"]
    assert batch["guide_low"] <= batch["effective_batch"]


@pytest.mark.parametrize("card", ["GTX 1660 6GB", "RTX 3060 12GB", "RTX 3090", "RTX 5090", "H100 SXM5 80GB"])
@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: str(config.name))
def test_the_largest_batch_fits_and_one_more_does_not(card: str, config: Any) -> None:
    room = machine(card).devices[0].usable_bytes
    batch = batch_for(config, config.block_size, room)
    if batch.largest == 0:
        assert memory_of(config, config.block_size, 1, checkpointing=True).total_bytes > room
        return
    taken = memory_of(config, config.block_size, batch.largest, checkpointing=batch.checkpointing)
    assert taken.total_bytes <= room
    if batch.largest < 512:
        more = memory_of(config, config.block_size, batch.largest + 1, checkpointing=batch.checkpointing)
        assert more.total_bytes > room
    assert batch.micro <= batch.largest
    assert batch.low <= batch.effective
    assert batch.steps == 1 or batch.micro * (batch.steps - 1) < batch.low


def test_operations_of_a_token_are_the_published_formula() -> None:
    config = _config("350M_1024")
    worked = config.params - 1024 * 1024  # without the position table
    assert flops_per_token(config, 1024) == 6 * worked + 12 * 24 * 1024 * 1024
    assert flops_per_token(config, 1024, checkpointing=True) == pytest.approx(
        flops_per_token(config, 1024) * 4 / 3
    )


def test_hours_are_operations_by_rate_and_the_interval_is_the_utilization() -> None:
    config, place = _config("150M"), place_of(machine("RTX 3090"))
    hours = hours_for(config, 256, 1e9, place)
    assert hours is not None
    share = plan_tables()["utilization"]
    work = flops_per_token(config, 256) * 1e9
    assert hours.mid == pytest.approx(work / (71.2e12 * share["mid"] * 3600))
    assert hours.low == pytest.approx(work / (71.2e12 * share["high"] * 3600))
    assert hours.high == pytest.approx(work / (71.2e12 * share["low"] * 3600))


def test_the_guides_time_is_its_own_on_its_own_card_and_scales() -> None:
    config, card = _config("350M_1024"), place_of(machine("RTX 3090"))
    same = stated_hours(config, 10_000, card)
    assert (same.low, same.high) == (8, 12)
    tenfold = stated_hours(config, 100_000, card)
    assert (tenfold.low, tenfold.high) == (80, 120)
    faster = stated_hours(config, 10_000, place_of(machine("A100 40GB PCIe")))
    assert faster.low == pytest.approx(8 * 71.2 / 312)
    assert same.implied_low is not None
    assert 0.05 < same.implied_low < 0.2
    assert stated_hours(_config("tiny"), 10_000, card).low is None


def test_a_card_without_fast_fp16_has_no_time_and_says_so() -> None:
    document = _plan(hardware="GTX 1080 Ti")
    assert document["time"]["computed_hours"] is None
    assert document["time"]["stated_hours_low"] is None
    assert any("not computed" in text and "FP16" in text for text in document["caveats"])


def test_without_an_accelerator_the_processor_computes() -> None:
    document = _plan(hardware="CPU only, 64 GB RAM", use_case="testing")
    assert document["config"]["name"] == "small"
    assert document["decision"]["tables"][0]["asked"] is None
    assert (
        document["time"]["computed_hours"]["mid"] > _plan(use_case="testing")["time"]["computed_hours"]["mid"]
    )
    assert "GFLOPS" in document["time"]["computed_basis"]


@pytest.mark.parametrize("row", plan_tables()["learning_rates"]["rows"], ids=lambda row: str(row["scenario"]))
def test_every_row_of_the_rates_is_shown_and_reached(row: dict[str, Any]) -> None:
    adaptation = row["scenario"] if row["scenario"] in ("cautious", "balanced", "aggressive") else "balanced"
    document = _plan(config="150M", phase="both", adaptation=adaptation)
    shown = next(rate for rate in document["learning_rates"] if rate["scenario"] == row["scenario"])
    assert (shown["low"], shown["high"]) == (row["low"], row["high"])
    assert (shown["chosen"] is None) is (row["scenario"] == "sft")
    if row["scenario"] == "scratch":
        assert document["phases"][0]["learning_rate"] == row["low"]
    elif shown["chosen"] is not None:
        assert document["phases"][1]["learning_rate"] == row["low"]


@pytest.mark.parametrize(
    ("name", "rate", "low", "high"),
    [
        ("small", 3e-4, 32, 64),
        ("150M", 3e-4, 24, 32),
        ("350M_1024", 2e-4, 12, 16),
        ("750M_1024", 3e-4, 8, 12),
    ],
)
def test_every_row_of_the_combinations_is_reached(name: str, rate: float, low: int, high: int) -> None:
    document = _plan(config=name, hardware="H100 SXM5 80GB")
    assert document["phases"][0]["learning_rate"] == rate
    assert (document["batch"]["guide_low"], document["batch"]["guide_high"]) == (low, high)
    assert document["batch"]["effective_batch"] == high  # 80 GB hold the upper end at once
    assert document["settings"]["dropout"] == 0.1


def test_the_table_by_size_decides_over_the_general_rate() -> None:
    rates = learning_rates(_config("350M_1024"), ("scratch",), "balanced")
    assert rates[0].chosen == 2e-4
    assert "decides" in rates[0].why


@pytest.mark.parametrize(
    ("name", "words", "verdict"),
    [
        ("150M", "5M tokens", "less than"),
        ("150M", "30M tokens", "inside"),
        ("350M_1024", "100M tokens", "inside"),
        ("350M_1024", "300M tokens", "more than"),
        ("750M_1024", "400M tokens", "inside"),
        ("small", "10M tokens", "begins at 150M"),
    ],
)
def test_every_row_of_the_domain_table_is_reached(name: str, words: str, verdict: str) -> None:
    document = _plan(config=name, domain_data=words)
    assert verdict in document["domain_data"]["verdict"]
    assert [phase["phase"] for phase in document["phases"]] == ["scratch", "domain"]


def test_domain_data_are_read_four_times_and_no_more() -> None:
    config = _config("350M_1024")
    batch = batch_for(config, 1024, 24 * GIB)
    count = domain_iterations(config, batch, 100_000_000)
    seen = count * batch.effective * 1024
    assert 4e8 <= seen < 4e8 + batch.effective * 1024
    assert domain_data(config, None).row is not None


@pytest.mark.parametrize(
    ("count", "warmup"), [(10, 5), (100, 50), (2000, 100), (10_000, 200), (128_000, 2000)]
)
def test_warmup_stays_inside_the_guides_range(count: int, warmup: int) -> None:
    assert warmup_iterations(count) == warmup


def test_iterations_come_from_the_priority_and_are_an_assumption() -> None:
    for priority, count in (("speed", 2000), ("balanced", 10_000), ("quality", 100_000)):
        document = _plan(priority=priority)
        assert document["phases"][0]["iterations"] == count
        assert any(a["slot"] == "iterations" for a in document["assumptions"])
    assert not any(a["slot"] == "iterations" for a in _plan(iterations=77)["assumptions"])
