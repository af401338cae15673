"""The guides say the same numbers as the tables that the program computes with."""

from __future__ import annotations

import re

import pytest

from knowledge.references import find_section
from tools.quant_loss import cache_rows, loss_table, measured_points, weight_rows
from tools.scores import benchmark_table


def _section(file: str, heading: str) -> str:
    section = find_section(file, heading)
    assert section is not None
    return section.text


LOSSES = _section("quantization.md", "How much quality each quantization loses")
SERVED = _section("quantization.md", "Loss of AWQ, GPTQ, FP8, NVFP4, MLX and bitsandbytes")
CACHES = _section("quantization.md", "Loss of a quantized KV cache; keys need more bits than values")
WEIGHING = _section("benchmarks.md", "How the advisor weighs a score")


@pytest.mark.parametrize("quant", ["Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "IQ4_XS", "Q3_K_M", "Q3_K_S", "Q2_K"])
def test_losses_of_gguf_formats(quant: str) -> None:
    said = re.search(rf"\b{quant} (none|[\d.]+[\d])", LOSSES)
    assert said is not None
    assert (0.0 if said[1] == "none" else float(said[1])) == weight_rows()[quant]["points"]


@pytest.mark.parametrize(
    ("words", "quant"),
    [
        ("FP8", "FP8"),
        ("INT8 with 8-bit activations", "INT8"),
        ("bitsandbytes INT8", "BNB-INT8"),
        ("NF4", "BNB-NF4"),
        ("AWQ and GPTQ in 4 bits", "AWQ"),
        ("AWQ and GPTQ in 4 bits", "GPTQ"),
        ("NVFP4 with 4-bit activations", "NVFP4"),
        ("MLX 8-bit", "MLX-8bit"),
        ("and 4-bit", "MLX-4bit"),
    ],
)
def test_losses_of_other_formats(words: str, quant: str) -> None:
    assert f"{words} {weight_rows()[quant]['points']:g}" in SERVED


def test_losses_of_caches_and_the_factors() -> None:
    qwen, gemma = cache_rows()["q4_0"]["measurements"][:2]
    assert f"{qwen['full']:.1f} with an f16 cache" in CACHES
    assert f"{qwen['quantized']:.1f} with q4_0" in CACHES
    assert gemma["model"] == "Gemma 3 4B"
    assert measured_points(cache_rows()["q4_0"])[1] == pytest.approx(0.3, abs=0.05)
    factors = loss_table()["tasks"]
    assert f"lose {factors['default']:g} to {factors['code']:g} times that" in LOSSES


def test_how_scores_are_weighed() -> None:
    table = benchmark_table()
    assert f"halved every {table['half_life_months']} months" in WEIGHING
    assert table["vendor_factor"] == 0.5
    assert "a maker's own figure counts half" in WEIGHING
    factors = {name: doubt["factor"] for name, doubt in table["doubts"].items()}
    assert {factors[name] for name in ("contaminated", "saturated", "closed")} == {0.5}
    assert {factors[name] for name in ("noisy", "judged", "self-ranked")} == {0.7}
