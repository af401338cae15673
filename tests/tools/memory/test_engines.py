"""Engines beside llama.cpp, and models that only read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from knowledge.errors import UsageError
from tests.tools.memory.helpers import GIB, cards, model
from tools.hardware_types import Device, Machine
from tools.memory.engines import default_quant, engine_named
from tools.memory.estimate import device_bytes, estimate_memory
from tools.memory.types import MemoryRequest

LLAMA = "meta-llama/Llama-3.1-8B-Instruct"


@pytest.mark.parametrize(
    ("model_id", "quant", "gib"),
    [
        (LLAMA, "BF16", 14.96),
        ("Qwen/Qwen2.5-7B-Instruct", "AWQ", 5.20),
        ("Qwen/Qwen3-30B-A3B", "BF16", 56.99),
    ],
)
def test_weights_that_vllm_logged(model_id: str, quant: str, gib: float) -> None:
    found = device_bytes(model(model_id), MemoryRequest(engine="vllm", quant=quant))
    assert found.weights == pytest.approx(gib * GIB, rel=0.01)


def test_cache_tokens_that_vllm_logged() -> None:
    """5,691 blocks of 16 tokens of Llama-3-8B were 11.12 GiB (vllm-project/vllm issue #12330)."""
    asked = MemoryRequest(engine="vllm", quant="BF16", context=5691 * 16, kv_cache_type="auto")
    assert device_bytes(model(LLAMA), asked).kv_cache == pytest.approx(11.12 * GIB, rel=0.001)


def test_tensor_parallel_divides_weights_and_cache() -> None:
    one = device_bytes(model(LLAMA), MemoryRequest(engine="vllm", quant="BF16", hardware=cards(1)))
    two = estimate_memory(model(LLAMA), MemoryRequest(engine="vllm", quant="BF16", hardware=cards(2)))
    assert len(two.per_device) == 2
    assert one.weights < two.weights_bytes < 1.01 * one.weights  # norms and rotary tables are on both
    assert two.kv_cache_bytes == pytest.approx(one.kv_cache, rel=1e-6)


def test_latent_attention_is_repeated_on_every_tensor_parallel_device() -> None:
    one = device_bytes(
        model("deepseek-ai/DeepSeek-V3"), MemoryRequest(engine="vllm", quant="FP8", hardware=cards(1))
    )
    eight = device_bytes(
        model("deepseek-ai/DeepSeek-V3"), MemoryRequest(engine="vllm", quant="FP8", hardware=cards(8))
    )
    assert eight.kv_cache == pytest.approx(8 * one.kv_cache, rel=1e-6)


def test_the_pool_is_said() -> None:
    estimate = estimate_memory(
        model(LLAMA), MemoryRequest(engine="vllm", quant="BF16", hardware=cards(1, gib=24))
    )
    assert not estimate.exact
    assert any("claims 92%" in caveat for caveat in estimate.caveats)
    assert estimate.low_bytes < estimate.total_bytes < estimate.high_bytes


def test_two_engines_give_two_numbers() -> None:
    apple = Machine("Mac", (Device("M4 Max", "metal", 48 * GIB, 546.0, unified=True),))
    gguf = device_bytes(model(LLAMA), MemoryRequest(hardware=apple))
    mlx = device_bytes(model(LLAMA), MemoryRequest(engine="mlx", quant="MLX-4bit", hardware=apple))
    assert mlx.weights == pytest.approx(8.03e9 * 4.5 / 8, rel=0.01)
    assert gguf.weights != mlx.weights
    assert mlx.overhead == 0


@pytest.mark.parametrize(("name", "quant"), [("ollama", "Q4_K_M"), ("vllm", "BF16"), ("mlx", "MLX-4bit")])
def test_every_engine_has_a_default_format(name: str, quant: str) -> None:
    assert default_quant(name) == quant
    assert device_bytes(model(LLAMA), MemoryRequest(engine=name, quant=default_quant(name))).weights > 4 * GIB


def test_lm_studio_runs_both_formats() -> None:
    assert engine_named("lmstudio", "Q4_K_M") is None
    mlx = engine_named("lmstudio", "MLX-4bit")
    assert mlx is not None
    assert mlx.id == "mlx"


def test_sliding_windows_are_cached_as_windows() -> None:
    gemma = model("google/gemma-3-12b-it")
    windows = device_bytes(gemma, MemoryRequest(engine="vllm", quant="BF16", context=131072)).kv_cache
    whole = device_bytes(gemma, MemoryRequest(engine="tgi", quant="BF16", context=131072)).kv_cache
    assert windows < 0.25 * whole


def test_an_embedder_keeps_no_cache() -> None:
    estimate = estimate_memory(
        model("BAAI/bge-m3"),
        MemoryRequest(engine="transformers", quant="F16", context=8192, hardware=cards(1)),
    )
    assert estimate.kv_cache_bytes == 0
    assert estimate.weights_bytes == pytest.approx(2 * 568e6, rel=0.02)
    assert estimate.compute_bytes > 0


def test_an_embedder_at_full_precision_takes_twice() -> None:
    half, full = (
        device_bytes(model("BAAI/bge-m3"), MemoryRequest(engine="transformers", quant=quant)).weights
        for quant in ("F16", "F32")
    )
    assert full == 2 * half


def test_formats_an_engine_does_not_read() -> None:
    with pytest.raises(UsageError, match="MLX does not read"):
        device_bytes(model(LLAMA), MemoryRequest(engine="mlx", quant="AWQ"))


def test_eager_attention_holds_the_scores_of_a_layer() -> None:
    asked = MemoryRequest(engine="transformers", quant="BF16", context=16384)
    fused, eager = (
        device_bytes(model(LLAMA), replace(asked, flash_attention=flag)).compute for flag in (True, False)
    )
    assert eager - fused == 6 * 32 * 16384**2


def test_old_transformers_keep_logits_and_windows_of_the_whole_prompt() -> None:
    estimate = estimate_memory(
        model("google/gemma-3-12b-it"), MemoryRequest(engine="transformers", quant="BF16", context=32768)
    )
    logits = 32768 * 262_208 * 6
    full = 32768 * 48 * 2 * 8 * 256 * 2
    assert estimate.high_bytes > estimate.weights_bytes + logits + full


@pytest.mark.parametrize(("quant", "bits"), [("BNB-NF4", 4.127), ("BNB-INT8", 8.02), ("BF16", 16)])
def test_only_linear_layers_are_quantized(quant: str, bits: float) -> None:
    """Llama-3.1-8B has 6.98e9 linear parameters and 1.05e9 in embeddings and output."""
    found = device_bytes(model(LLAMA), MemoryRequest(engine="transformers", quant=quant)).weights
    assert found == pytest.approx(6.98e9 * bits / 8 + 1.05e9 * 2, rel=0.005)


def test_more_context_never_takes_less_on_any_engine() -> None:
    for engine in ("vllm", "sglang", "tgi", "tensorrt-llm", "transformers", "mlx"):
        asked = MemoryRequest(engine=engine, quant=default_quant(engine), kv_cache_type="auto")
        sizes = [
            device_bytes(model("google/gemma-3-12b-it"), replace(asked, context=context)).total
            for context in (1, 300, 4096, 40_000, 131_072)
        ]
        assert sizes == sorted(sizes), engine
