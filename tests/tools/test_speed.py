"""Expected speeds against measurements, and the laws they must obey."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.catalog.records import ModelRecord
from tests.tools.asking import machine as _machine
from tests.tools.asking import model as _model
from tools.hardware_types import Device, Machine
from tools.speed import estimate_speed
from tools.speed_constants import class_of, load_constants, quant_factor
from tools.speed_reads import reads_of
from tools.speed_types import Speed

LLAMA_8B = _model("meta-llama/Llama-3.1-8B-Instruct")
LLAMA_70B = _model("meta-llama/Llama-3.1-70B-Instruct")
QWEN_MOE = _model("Qwen/Qwen3-Coder-30B-A3B-Instruct")


def _speed(
    model: ModelRecord,
    text: str,
    quant: str = "Q4_K_M",
    *,
    engine: str = "llama.cpp",
    context: int = 8192,
    gpu_share: float = 1.0,
    parallel: int = 1,
    kv_cache_type: str = "f16",
) -> Speed:
    found = estimate_speed(
        model,
        quant,
        _machine(text),
        engine=engine,
        context=context,
        gpu_share=gpu_share,
        parallel=parallel,
        kv_cache_type=kv_cache_type,
    )
    assert found is not None
    return found


def test_reads_are_the_files_without_the_token_table() -> None:
    """Llama 3.1 8B in Q4_K_M: 4685 MiB on disk, 4403 MiB of it are read for a token."""
    reads = reads_of(LLAMA_8B, "Q4_K_M", "f16")
    assert reads is not None
    assert reads.exact
    assert reads.weights / 2**20 == pytest.approx(4403.5, rel=0.001)
    assert reads.cache(1000) == 1000 * 2 * 2 * 8 * 128 * 32


def test_experts_count_by_those_used() -> None:
    reads = reads_of(QWEN_MOE, "Q8_0", "f16")
    assert reads is not None
    assert reads.experts_held == pytest.approx(reads.experts * 16, rel=1e-6)
    assert reads.experts_of_batch(1) == reads.experts
    assert reads.experts < reads.experts_of_batch(8) < 8 * reads.experts
    assert reads.experts_of_batch(100_000) == pytest.approx(reads.experts_held)
    assert _speed(QWEN_MOE, "RTX 3090").mid > 1.2 * _speed(LLAMA_8B, "RTX 3090").mid


def test_windows_bound_the_cache() -> None:
    reads = reads_of(_model("google/gemma-3-4b-it"), "Q4_0", "f16")
    assert reads is not None
    assert reads.window == 1024
    assert reads.cache(4096) - reads.cache(2048) == 2048 * reads.cache_full


def test_quantized_cache_is_read_faster() -> None:
    slow = _speed(LLAMA_8B, "RTX 3090", context=65536)
    fast = _speed(LLAMA_8B, "RTX 3090", context=65536, kv_cache_type="q8_0")
    assert fast.mid > slow.mid


@given(st.sampled_from(["Q8_0", "Q4_K_M", "F16"]), st.integers(256, 100_000), st.integers(1, 30))
def test_longer_contexts_are_never_faster(quant: str, context: int, factor: int) -> None:
    near = _speed(LLAMA_8B, "RTX 3090", quant, context=context)
    far = _speed(LLAMA_8B, "RTX 3090", quant, context=context * factor)
    assert far.mid <= near.mid
    assert near.low < near.mid < near.high


@given(st.floats(0.0, 0.99), st.floats(0.0, 0.99), st.sampled_from([LLAMA_8B, LLAMA_70B, QWEN_MOE]))
def test_offloading_more_is_never_faster(one: float, other: float, model: ModelRecord) -> None:
    low, high = sorted((one, other))
    machine = "RTX 3090 + 64GB RAM"
    assert _speed(model, machine, gpu_share=low).mid <= _speed(model, machine, gpu_share=high).mid * (
        1 + 1e-9
    )
    assert _speed(model, machine, gpu_share=high).mid <= _speed(model, machine).mid


@given(
    st.integers(2, 128),
    st.sampled_from(["RTX 3090", "M3 Max 64GB", "H100", "16-core server, 64 GB RAM, no GPU"]),
)
def test_more_conversations_are_slower_each_and_faster_together(parallel: int, text: str) -> None:
    alone, many = _speed(LLAMA_8B, text), _speed(LLAMA_8B, text, parallel=parallel)
    assert many.mid < alone.mid
    assert many.aggregate == pytest.approx(parallel * many.mid)
    assert many.aggregate >= alone.mid * (1 - 1e-9)
    assert many.high / many.low > alone.high / alone.low


def test_several_cards_work_in_turn_unless_the_engine_splits_matrices() -> None:
    one, two = _speed(LLAMA_8B, "RTX 3090"), _speed(LLAMA_8B, "2x RTX 3090")
    assert 0.9 * one.mid < two.mid < one.mid
    alone = _speed(LLAMA_8B, "RTX 3090", "BF16", engine="vllm")
    both = _speed(LLAMA_8B, "2x RTX 3090", "BF16", engine="vllm")
    assert 1.4 * alone.mid < both.mid < 2 * alone.mid


def test_mixed_cards_share_by_memory() -> None:
    mixed = _speed(LLAMA_8B, "RTX 5090 + RTX 3090").mid
    assert _speed(LLAMA_8B, "2x RTX 3090").mid < mixed < _speed(LLAMA_8B, "2x RTX 5090").mid


def test_unknown_bandwidth_is_unknown_speed() -> None:
    card = Device("card", "cuda", 24 << 30, None)
    assert estimate_speed(LLAMA_8B, "Q4_K_M", Machine("box", (card,))) is None
    assert estimate_speed(LLAMA_8B, "Q4_K_M", Machine("box")) is None
    no_ram = _machine("RTX 3090")
    assert estimate_speed(LLAMA_8B, "Q4_K_M", no_ram, gpu_share=0.5) is None
    assert estimate_speed(LLAMA_8B, "Q4_K_M", no_ram) is not None


def test_model_of_unknown_size_has_no_speed() -> None:
    unknown = LLAMA_8B.model_copy(update={"id": "x/y", "params_total": None, "architecture": None})
    assert estimate_speed(unknown, "Q4_K_M", _machine("RTX 3090")) is None


def test_parameters_stand_in_for_unknown_tensors_with_a_wider_interval() -> None:
    bare = LLAMA_8B.model_copy(update={"id": "x/bare", "architecture": None})
    rough, exact = estimate_speed(bare, "Q4_K_M", _machine("RTX 3090")), _speed(LLAMA_8B, "RTX 3090")
    assert rough is not None
    assert rough.mid == pytest.approx(exact.mid, rel=0.35)
    assert rough.high / rough.low > exact.high / exact.low


def test_offload_says_so() -> None:
    speed = _speed(LLAMA_70B, "RTX 3090 + 64GB RAM", gpu_share=0.5)
    assert "50% of them at 51 GB/s of system memory" in speed.basis
    assert speed.evidence[0].kind == "measurement"
    whole = _speed(LLAMA_8B, "RTX 3090 + 64GB RAM")
    assert speed.high / speed.low > whole.high / whole.low


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("RTX 4090", "NVIDIA with GDDR, Ampere and newer"),
        ("L40S", "NVIDIA with GDDR, Ampere and newer"),
        ("RTX 5080", "NVIDIA with GDDR, Ampere and newer"),
        ("A100 80GB", "NVIDIA with HBM (V100 to B300)"),
        ("B300", "NVIDIA with HBM (V100 to B300)"),
        ("V100 32GB", "NVIDIA with HBM (V100 to B300)"),
        ("Tesla T4", "NVIDIA Turing"),
        ("Tesla P40", "NVIDIA Maxwell and Pascal"),
        ("Tesla P100 PCIe", "NVIDIA Pascal with HBM (P100)"),
        ("DGX Spark", "NVIDIA with shared memory (GB10, Jetson)"),
        ("Jetson Thor", "NVIDIA with shared memory (GB10, Jetson)"),
        ("M1 Max 32GB", "Apple M1"),
        ("M4 16GB", "Apple M2 and newer"),
        ("RX 7900 XTX", "AMD and Intel GPUs"),
        ("Arc B580", "AMD and Intel GPUs"),
    ],
)
def test_device_classes(text: str, name: str) -> None:
    assert class_of(_machine(text).devices[0], load_constants().classes).name == name


def test_quant_factors_take_the_longest_beginning() -> None:
    factors = load_constants().quant_factors
    assert quant_factor("Q8_0", factors) == 1.0
    assert quant_factor("Q5_K_M", factors) == factors["Q"]
    assert quant_factor("iq4_xs", factors) == factors["IQ"]
    assert quant_factor("AWQ", factors) == 1.0


def test_tables_that_do_not_describe_a_model_give_way_to_its_parameters() -> None:
    """Nemotron 3 Super stacks experts in a latent space; its table implies eight times its parameters."""
    reads = reads_of(_model("nvidia/NVIDIA-Nemotron-3-Super-120B-A12B-BF16"), "Q4_K_M", "f16")
    assert reads is not None
    assert not reads.exact
    assert reads.weights == pytest.approx(12e9 * 4.9 / 8, rel=0.1)


@given(st.floats(1.0, 8.0), st.sampled_from(["RTX 3090", "M3 Max 64GB", "H100", "RX 7900 XTX"]))
def test_more_bandwidth_is_never_slower(factor: float, text: str) -> None:
    machine = _machine(text)
    device = machine.devices[0]
    assert device.bandwidth_gbs is not None
    wider = replace(device, bandwidth_gbs=device.bandwidth_gbs * factor)
    slow = estimate_speed(LLAMA_8B, "Q4_K_M", machine)
    fast = estimate_speed(LLAMA_8B, "Q4_K_M", replace(machine, devices=(wider,)))
    assert slow is not None
    assert fast is not None
    assert fast.mid >= slow.mid


@given(st.sampled_from(["RTX 3090", "M3 Max 64GB", "H100", "16-core server, 64 GB RAM, no GPU"]))
def test_larger_formats_of_a_kind_are_never_faster(text: str) -> None:
    for ladder in (("Q4_K_M", "Q5_K_M", "Q6_K"), ("Q4_0", "Q8_0")):
        speeds = [_speed(LLAMA_8B, text, quant).mid for quant in ladder]
        assert speeds == sorted(speeds, reverse=True)


def test_unified_memory_is_no_faster_than_its_bandwidth() -> None:
    """No efficiency lets a machine read more than its memory gives."""
    for text in ("M2 Ultra 192GB", "RTX 4090", "H100 SXM", "DGX Spark"):
        machine = _machine(text)
        reads = reads_of(LLAMA_8B, "F16", "f16")
        assert reads is not None
        assert machine.devices[0].bandwidth_gbs is not None
        assert _speed(LLAMA_8B, text, "F16").mid < machine.devices[0].bandwidth_gbs * 1e9 / reads.weights


def test_a_call_is_quick() -> None:
    machine = replace(_machine("RTX 3090 + 64GB RAM"))
    estimate_speed(LLAMA_8B, "Q4_K_M", machine)
    rounds = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(200):
            estimate_speed(LLAMA_8B, "Q4_K_M", machine)
        rounds.append((time.perf_counter() - start) / 200)
    assert min(rounds) < 100e-6  # 8 to 15 microseconds on a free core
