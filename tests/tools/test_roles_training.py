"""Bases for fine-tuning: they must train on one machine and run on another."""

from __future__ import annotations

from typing import Any

import pytest

from knowledge.catalog.store import load_catalog
from tests.tools.asking import answer, brief, machine, model, needs, recommended
from tools.candidates import Recommendation
from tools.needs import HardwareNeed, Slot
from tools.roles.training import PRACTICAL_CEILING, plan, sequence_length, tunability

LORA = {"method": "qlora"}


def _on(use: str, train: str, **slots: Any) -> Recommendation:
    slot: Slot[HardwareNeed] = Slot(value=HardwareNeed(text=use, training_text=train))
    return recommended(needs("chat", slot, **({"training": LORA} | slots)).model_dump_json())


@pytest.mark.parametrize("method", ["qlora", "lora", "full"])
@pytest.mark.parametrize("card", ["RTX 3060 12GB", "RTX 3090", "A100 80GB"])
def test_what_is_offered_trains_and_runs(card: str, method: str) -> None:
    found = answer("chat", card, training={"method": method}, context=2048)
    assert found.candidates
    for candidate in found.candidates:
        training, configuration = candidate.training, candidate.configuration
        assert candidate.role == "finetune-base"
        assert training is not None
        assert configuration is not None
        assert configuration.memory is not None
        assert training.method == method
        assert training.fits
        assert training.estimate.total_bytes <= training.available_bytes
        device = machine(card).devices[0]
        assert training.available_bytes == device.memory_bytes - device.reserve_bytes
        assert configuration.memory.total_bytes <= configuration.available_bytes
        assert configuration.gpu_layers is None
        assert not configuration.spills


def test_full_training_takes_a_smaller_model_than_qlora() -> None:
    sizes = {}
    for method in ("full", "lora", "qlora"):
        found = answer("chat", "RTX 3090", training={"method": method}, context=2048)
        sizes[method] = max(c.params_total_b or 0 for c in found.candidates)
    assert sizes["full"] < sizes["lora"] <= sizes["qlora"]


def test_training_machine_and_machine_of_use() -> None:
    """Trained on a large card, used on a small one: both limits hold, each for its own."""
    found = _on("RTX 3060 12GB", "A100 80GB", context=4096)
    for candidate in found.candidates:
        assert candidate.training is not None
        assert candidate.configuration is not None
        assert candidate.configuration.memory is not None
        assert "A100" in candidate.training.hardware
        assert "3060" in str(candidate.hardware)
        assert candidate.configuration.memory.total_bytes < 12 << 30
    alone = answer("chat", "RTX 3060 12GB", training=LORA, context=4096)
    assert found.candidates[0].utility >= alone.candidates[0].utility


def test_a_laptop_as_the_machine_of_use_keeps_the_model_small() -> None:
    found = _on("laptop with 16 GB RAM", "RTX 3090", context=2048)
    assert found.candidates
    for candidate in found.candidates:
        assert candidate.configuration is not None
        assert candidate.configuration.memory is not None
        assert candidate.configuration.memory.total_bytes <= 10 << 30


def test_without_an_accelerator_the_run_is_planned_elsewhere() -> None:
    found = answer("chat", "laptop with 16 GB RAM, no GPU", training=LORA, context=1024)
    assert found.candidates
    for candidate in found.candidates:
        assert candidate.training is not None
        fits = candidate.training.fits
        assert ("rented" in candidate.training.in_words) is not fits


def test_sequence_length() -> None:
    assert sequence_length(brief(training=LORA, context=4096)) == 4096
    assert sequence_length(brief(training=LORA, context=65_536)) == PRACTICAL_CEILING
    assert sequence_length(brief(training=LORA | {"sequence_length": 32_768})) == 32_768
    assert sequence_length(brief(training=LORA, dataset={"tokens_per_example": 700})) == 700


def test_longer_examples_take_more() -> None:
    card, record = machine("RTX 3090"), model("Qwen/Qwen3-4B")
    small, long = (plan(record, brief(training=LORA, context=n), card) for n in (1024, 4096))
    assert small.estimate.total_bytes < long.estimate.total_bytes
    assert 4 * small.estimate.logits_bytes == pytest.approx(long.estimate.logits_bytes, rel=0.01)
    assert small.fits
    assert not small.fused_cross_entropy


def test_a_run_that_needs_a_fused_loss_says_so() -> None:
    """16K tokens of a vocabulary of 152K: the logits alone would take 28 GiB."""
    found = plan(model("Qwen/Qwen3-4B"), brief(training=LORA, context=16_384), machine("RTX 3090"))
    assert found.fits
    assert found.fused_cross_entropy
    assert found.as_json()["fused_cross_entropy"] is True
    assert "fused cross-entropy" in found.in_words
    large = plan(model("Qwen/Qwen3-4B"), brief(training=LORA, context=16_384), machine("H200"))
    assert not large.fused_cross_entropy
    assert "fused" not in large.in_words


def test_a_base_model_may_be_named_for_training() -> None:
    base = "Qwen/Qwen3-4B-Base"
    assert model(base).kind == "base"
    found = answer("chat", "RTX 3090", training=LORA, model={"named": (base,)}, context=2048)
    assert [c.model_id for c in found.candidates] == [base]
    unnamed = answer("chat", "RTX 3090", training=LORA, context=2048)
    assert all(load_catalog().by_id[str(c.model_id).lower()].kind != "base" for c in unnamed.candidates)


def test_measured_tunability_counts_and_is_cited() -> None:
    measured = [m.id for m in load_catalog().models if tunability(m.id)[1] is not None]
    assert measured
    for name in measured:
        points, evidence = tunability(name)
        assert 0 <= points <= 3
        assert evidence is not None
        assert evidence.kind == "benchmark"
    assert tunability("Qwen/no-such-model") == (0.0, None)


def test_the_logits_are_named_among_the_reasons() -> None:
    for candidate in answer("chat", "RTX 3090", training=LORA, context=2048).candidates:
        assert any("logits" in reason.text for reason in candidate.why)


def test_a_named_model_that_is_too_large_to_train_is_explained() -> None:
    big = "meta-llama/Llama-3.1-70B-Instruct"
    found = answer("chat", "RTX 3090 + 128 GB RAM", training=LORA, model={"named": (big,)})
    assert not found.candidates
    assert found.rejected[0].model_id == big
    assert found.error is not None
