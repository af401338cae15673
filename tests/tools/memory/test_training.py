"""Training estimates against measured peaks, and what must hold for any run."""

from __future__ import annotations

from dataclasses import replace
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.catalog.records import Architecture, ModelRecord
from knowledge.errors import UsageError
from tests.tools.memory.helpers import GIB, model, rows
from tools.memory.pretrain import PretrainConfig, estimate_pretraining, parameter_count, pretrain_configs
from tools.memory.training import estimate_training
from tools.memory.types import TrainingRequest

LLAMA = "meta-llama/Llama-3.1-8B-Instruct"
# Layers, hidden, heads, feed-forward, vocabulary of first-generation Qwen, which the catalog does not carry.
QWEN = {
    "Qwen-1.8B": (24, 2048, 16, 5504, 151936),
    "Qwen-7B": (32, 4096, 32, 11008, 151936),
    "Qwen-14B": (40, 5120, 40, 13696, 152064),
    "Qwen-72B": (80, 8192, 64, 24576, 152064),
}


def trained(name: str) -> ModelRecord:
    if name not in QWEN:
        return model(LLAMA)
    layers, hidden, heads, ff, vocab = QWEN[name]
    shape = Architecture(
        arch="qwen2",
        layers=layers,
        hidden=hidden,
        heads=heads,
        kv_heads=heads,
        head_dim=hidden // heads,
        ff=ff,
        vocab=vocab,
        tied=False,
        attention_bias=True,
    )
    return ModelRecord(
        id=f"Qwen/{name}",
        family="Qwen",
        kind="chat",
        params_total=None,
        context_length=8192,
        license=None,
        commercial_use="unknown",
        architecture=shape,
        as_of="2026-11-20",
    )


def test_measured_peaks() -> None:
    errors, inside = [], 0
    for row in rows("training.csv"):
        request = TrainingRequest(
            method=row["method"],  # type: ignore[arg-type]
            sequence_length=int(row["sequence_length"]),
            micro_batch_size=int(row["micro_batch_size"]),
            lora_rank=int(row["lora_rank"]),
            framework=row["framework"],
        )
        estimate, peak = estimate_training(trained(row["model"]), request), int(row["peak_bytes"])
        errors.append(abs(estimate.total_bytes - peak) / peak)
        inside += estimate.low_bytes <= peak <= estimate.high_bytes
    assert len(errors) >= 40
    assert median(errors) <= 0.12
    assert inside / len(errors) >= 0.8


def test_logits_of_a_large_vocabulary_are_named() -> None:
    estimate = estimate_training(model("google/gemma-3-12b-it"), TrainingRequest(sequence_length=4096))
    assert estimate.logits_bytes >= 2 * 4 * GIB
    assert "4.00 GiB" in estimate.formula
    assert any("vocabulary of 262,144" in caveat for caveat in estimate.caveats)
    assert estimate.total_bytes > 24e9
    fused = estimate_training(
        model("google/gemma-3-12b-it"), TrainingRequest(sequence_length=4096, fused_cross_entropy=True)
    )
    assert fused.logits_bytes == estimate.logits_bytes // 4
    assert fused.total_bytes < 24e9


REQUESTS = st.builds(
    TrainingRequest,
    method=st.sampled_from(["full", "lora", "qlora"]),
    sequence_length=st.integers(64, 32768),
    micro_batch_size=st.integers(1, 8),
    lora_rank=st.integers(1, 256),
    target_modules=st.sampled_from(["all-linear", "attention"]),
    optimizer=st.sampled_from(["adamw", "adamw_8bit", "adafactor", "sgd"]),
    gradient_checkpointing=st.booleans(),
    fused_cross_entropy=st.booleans(),
    framework=st.sampled_from(["transformers", "unsloth", "torchtune", "axolotl"]),
)


@settings(max_examples=60, deadline=None)
@given(REQUESTS)
def test_more_work_never_takes_less(asked: TrainingRequest) -> None:
    base = estimate_training(model(LLAMA), asked)
    assert base.low_bytes <= base.total_bytes <= base.high_bytes
    for more in (
        replace(asked, sequence_length=asked.sequence_length * 2),
        replace(asked, micro_batch_size=asked.micro_batch_size + 1),
        replace(asked, lora_rank=asked.lora_rank + 8),
        replace(asked, fused_cross_entropy=False),
        replace(asked, flash_attention=False),
    ):
        assert estimate_training(model(LLAMA), more).total_bytes >= base.total_bytes


@settings(max_examples=30, deadline=None)
@given(REQUESTS, st.integers(2, 8))
def test_sharding_divides_the_states(asked: TrainingRequest, gpus: int) -> None:
    alone = estimate_training(model(LLAMA), asked)
    sharded = estimate_training(model(LLAMA), replace(asked, sharding="zero3", gpus=gpus))
    assert sharded.weights_bytes == pytest.approx(alone.weights_bytes / gpus, abs=1)
    assert sharded.optimizer_bytes == pytest.approx(alone.optimizer_bytes / gpus, abs=1)
    assert sharded.activation_bytes == alone.activation_bytes


def test_methods_in_order() -> None:
    full, lora, qlora = (
        estimate_training(model(LLAMA), TrainingRequest(method=method)).total_bytes
        for method in ("full", "lora", "qlora")
    )
    assert full > 3 * lora > 3 * qlora


@pytest.mark.parametrize(
    "asked",
    [TrainingRequest(sequence_length=0), TrainingRequest(micro_batch_size=0), TrainingRequest(lora_rank=0)],
)
def test_senseless_runs_are_refused(asked: TrainingRequest) -> None:
    with pytest.raises(UsageError):
        estimate_training(model(LLAMA), asked)


def test_a_framework_nobody_measured_is_said() -> None:
    estimate = estimate_training(model(LLAMA), TrainingRequest(framework="mystery"))
    assert any("mystery" in caveat for caveat in estimate.caveats)


@pytest.mark.parametrize("config", pretrain_configs(), ids=lambda config: config.name)
def test_pretraining_shapes_have_the_size_their_name_says(config: PretrainConfig) -> None:
    stated = {"tiny": 11e6, "small": 40e6}.get(config.name)
    stated = stated or float(config.name.split("M")[0]) * 1e6
    assert config.params == parameter_count(config) == pytest.approx(stated, rel=0.03)
    assert config.n_embd % config.n_head == 0
    estimate = estimate_pretraining(config)
    assert estimate.low_bytes <= config.stated_vram_gb * 1e9 <= estimate.high_bytes * 1.1
    assert estimate.adapter_bytes == 0
    assert "checkpointing off" in estimate.formula


def test_pretraining_grows_with_the_model() -> None:
    sizes = {config.name: estimate_pretraining(config).total_bytes for config in pretrain_configs()}
    assert (
        sizes["tiny"]
        < sizes["small"]
        < sizes["150M"]
        < sizes["200M"]
        < sizes["350M_1024"]
        < sizes["750M_1024"]
    )
