"""Operations of training by formula, against published speeds and against the textbook rule."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from tools.commands.lookups import machine_named
from tools.memory.training_models import training_model
from tools.planning.training_work import (
    measured_lengthening,
    slow_rate,
    training_time,
    training_work,
    utilization,
)

DATA = json.loads(files("tools.planning").joinpath("data/training_speed.json").read_text(encoding="utf-8"))
RATES = {card.name: card.fp16_tflops for card in load_catalog().accelerators}


def _model(name: str) -> ModelRecord:
    return training_model(name) or load_catalog().by_id[name.lower()]


@pytest.mark.parametrize(
    "row", DATA["rows"], ids=lambda row: f"{row['model'].split('/')[1]}-{row['method']}-{row['length']}"
)
def test_published_runs_lie_in_the_stated_utilization(row: dict[str, Any]) -> None:
    work = training_work(_model(row["model"]), row["method"], row["length"])
    rate = RATES[row["device"]]
    assert work is not None
    assert rate
    reached = work.total * row["tokens_per_second"] / (rate * 1e12)
    share = utilization(row["method"])
    assert share.low <= reached <= share.high


def test_the_time_of_a_published_run_lies_in_the_interval() -> None:
    machine, _ = machine_named("A100 80GB")
    model = _model("Qwen/Qwen-7B")
    found = training_time(model, "lora", 4096, 3_244_400, machine)
    assert found is not None
    assert found.low < 1000 < found.high
    assert found.low < found.mid < found.high


def test_a_trained_weight_costs_six_operations_and_a_frozen_one_four() -> None:
    model = load_catalog().by_id["meta-llama/llama-3.1-8b-instruct"]
    full, lora = training_work(model, "full", 2048), training_work(model, "lora", 2048)
    assert full is not None
    assert lora is not None
    assert full.weights == pytest.approx(1.5 * lora.weights)
    assert full.attention == lora.attention
    # All but the token table are multiplied: 8.03e9 parameters less 128,256 x 4,096.
    assert full.weights == pytest.approx(6 * (8.03e9 - 128_256 * 4096), rel=0.01)
    # 32 layers x 4,096 wide x 4 operations x half of the tokens x 3 passes.
    assert full.attention == pytest.approx(32 * 4096 * 4 * 1024.5 * 3, rel=1e-6)


def test_routed_experts_count_only_where_a_token_passes() -> None:
    by_id = load_catalog().by_id
    sparse = training_work(by_id["qwen/qwen3-30b-a3b"], "lora", 2048)
    assert sparse is not None
    assert 4 * 2.5e9 < sparse.weights < 4 * 4e9


def test_doubling_the_length_took_about_twice_as_long_in_published_runs() -> None:
    low, high, runs = measured_lengthening(4096, 8192)
    assert runs >= 6
    assert 1.8 < low < 2 < high < 2.2


def test_no_time_without_an_accelerator_or_its_rate() -> None:
    model = _model("Qwen/Qwen-7B")
    assert training_time(model, "lora", 2048, 1_000_000, machine_named("CPU only, 32 GB")[0]) is None
    assert training_time(model, "lora", 2048, 1_000_000, machine_named("M3 Max 64 GB")[0]) is None


def test_a_card_of_which_only_the_vector_rate_is_known_is_named() -> None:
    assert slow_rate(machine_named("A10G")[0]) is not None
    assert slow_rate(machine_named("RTX 4090")[0]) is None
    assert slow_rate(machine_named("CPU only, 32 GB")[0]) is None
