"""The same model on two engines: two numbers, and the words for why."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tools.memory.helpers import cards, model
from tools.memory.difference import Difference, differences
from tools.memory.estimate import estimate_memory
from tools.memory.types import MemoryRequest, Serving


def between(model_id: str, **values: Any) -> dict[str, Difference]:
    fields = {"engine": "vllm", "quant": "AWQ", "kv_cache_type": "auto", "hardware": cards(1), **values}
    record, request = model(model_id), MemoryRequest(**fields)
    found = differences(record, request, estimate_memory(record, request))
    return {item.part: item for item in found}


def test_the_parts_add_up_to_the_difference_of_the_needs() -> None:
    record = model("meta-llama/Llama-3.1-8B-Instruct")
    one = MemoryRequest(engine="vllm", quant="AWQ", kv_cache_type="auto", hardware=cards(1))
    other = MemoryRequest(hardware=cards(1))
    found = differences(record, one, estimate_memory(record, one))
    needed = sum(item.bytes for item in found if item.part != "pool")
    exact = estimate_memory(record, one).total_bytes - estimate_memory(record, other).total_bytes
    assert needed == pytest.approx(exact, abs=40 << 20)


@pytest.mark.parametrize(
    ("model_id", "values", "part", "words"),
    [
        ("meta-llama/Llama-3.1-8B-Instruct", {}, "weights", "keeps embeddings and output at 16 bits"),
        ("meta-llama/Llama-3.1-8B-Instruct", {}, "compute", "CUDA graphs"),
        ("meta-llama/Llama-3.1-8B-Instruct", {}, "pool", "fills 92% of each card"),
        ("openai/gpt-oss-20b", {"quant": "MXFP4"}, "weights", "padded to the widths"),
        ("google/gemma-3-12b-it", {"context": 65536}, "cache", "beside the window"),
        (
            "google/gemma-3-12b-it",
            {"context": 65536, "serving": Serving(hybrid_kv_manager=False)},
            "cache",
            "cached in full",
        ),
        (
            "deepseek-ai/DeepSeek-V3",
            {"quant": "FP8", "hardware": cards(8), "context": 65536},
            "cache",
            "repeated on every tensor-parallel device",
        ),
        ("google/gemma-3-12b-it", {}, "weights", "vision tower"),
        (
            "meta-llama/Llama-3.1-8B-Instruct",
            {"engine": "transformers", "quant": "BNB-NF4", "context": 16384},
            "compute",
            "a step of 16,384 tokens",
        ),
    ],
)
def test_each_part_says_why(model_id: str, values: dict[str, Any], part: str, words: str) -> None:
    found = between(model_id, **values)
    assert words in found[part].text
    assert "GiB" in found[part].text


def test_llama_cpp_differs_in_nothing_from_itself() -> None:
    record, request = model("Qwen/Qwen3-8B"), MemoryRequest()
    assert differences(record, request, estimate_memory(record, request)) == ()


def test_without_hardware_there_is_no_pool() -> None:
    assert "pool" not in between("Qwen/Qwen3-8B", hardware=None)
