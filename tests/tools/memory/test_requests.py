"""Requests that no engine takes, models of which too little is known, and what an answer says of itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from knowledge.catalog.records import Architecture, ModelRecord
from knowledge.catalog.store import load_catalog
from knowledge.errors import NoAnswerError, UsageError
from tests.tools.memory.helpers import GIB, cards, model
from tools.hardware_types import Device, Machine
from tools.memory.estimate import device_bytes, estimate_memory
from tools.memory.types import MemoryRequest

LLAMA = "meta-llama/Llama-3.1-8B-Instruct"
UNKNOWN = ModelRecord(
    id="someone/new-7b",
    family="new",
    kind="chat",
    params_total=7_000_000_000,
    context_length=32768,
    license=None,
    commercial_use="unknown",
    as_of="2026-11-20",
)


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        (MemoryRequest(context=0), "context"),
        (MemoryRequest(context=-5), "context"),
        (MemoryRequest(context=10**9), "context"),
        (MemoryRequest(quant="Q9_X"), "Q9_X"),
        (MemoryRequest(kv_cache_type="q3_0"), "q3_0"),
        (MemoryRequest(kv_cache_type="f16/f16/f16"), "f16/f16/f16"),
        (MemoryRequest(kv_cache_type="q8_0", flash_attention=False), "flash attention"),
        (MemoryRequest(parallel=0), "parallel"),
        (MemoryRequest(ubatch_size=0), "ubatch_size"),
        (MemoryRequest(engine="nonesuch"), "nonesuch"),
        (MemoryRequest(engine="vllm", quant="Q4_K_M"), "Q4_K_M"),
        (MemoryRequest(engine="vllm", quant="BF16", kv_cache_type="q4_0"), "q4_0"),
        (MemoryRequest(tensor_split=(0.0, 0.0)), "tensor_split"),
    ],
)
def test_bad_requests_are_refused_with_a_hint(asked: MemoryRequest, word: str) -> None:
    with pytest.raises(UsageError, match=word) as caught:
        estimate_memory(model(LLAMA), asked)
    assert caught.value.hint


def test_keys_alone_may_be_quantized_without_flash_attention() -> None:
    asked = MemoryRequest(kv_cache_type="q8_0/f16", flash_attention=False)
    assert device_bytes(model(LLAMA), asked).kv_cache < device_bytes(model(LLAMA), MemoryRequest()).kv_cache


def test_exact_figures_say_how_they_come_about() -> None:
    estimate = estimate_memory(model("google/gemma-3-12b-it"), MemoryRequest(context=131072))
    assert estimate.exact
    assert "40 windowed layers x 1,536 cells" in estimate.formula
    assert "8 full layers x 131,072 cells" in estimate.formula
    assert {evidence.kind for evidence in estimate.basis} == {"measurement", "tool", "catalog"}
    overhead = estimate.high_bytes - estimate.low_bytes
    assert overhead == 600 << 20


def test_latent_attention_is_cached_once() -> None:
    estimate = estimate_memory(model("deepseek-ai/DeepSeek-V3"), MemoryRequest(context=8192))
    assert estimate.kv_cache_bytes == 61 * 8192 * 576 * 2


@pytest.mark.parametrize("kind", ["metal", "rocm", "vulkan"])
def test_other_backends_are_not_called_exact(kind: str) -> None:
    machine = Machine("m", (Device("d", kind, 64 * GIB, 400.0),))  # type: ignore[arg-type]
    estimate = estimate_memory(model(LLAMA), MemoryRequest(hardware=machine))
    assert not estimate.exact
    assert any(kind in caveat for caveat in estimate.caveats)
    assert (estimate.overhead_bytes == 0) == (kind == "metal")


def test_without_an_accelerator_everything_is_in_system_memory() -> None:
    estimate = estimate_memory(model(LLAMA), MemoryRequest(hardware=Machine("pc", ram_bytes=64 * GIB)))
    assert estimate.per_device[0].device == "system memory"
    assert estimate.overhead_bytes == 0
    assert estimate.weights_bytes >= estimate.file_bytes
    assert estimate.host_bytes == 0


def test_layers_follow_the_given_split() -> None:
    estimate = estimate_memory(model(LLAMA), MemoryRequest(hardware=cards(2), tensor_split=(3.0, 1.0)))
    first, second = (device.kv_cache_bytes for device in estimate.per_device)
    assert (first, second) == (25 * 32 << 20, 7 * 32 << 20)


def test_a_model_known_by_its_parameters_gets_a_wide_interval() -> None:
    estimate = estimate_memory(UNKNOWN, MemoryRequest())
    assert not estimate.exact
    assert estimate.caveats
    assert 3.9 * GIB < estimate.weights_bytes < 4.2 * GIB
    assert estimate.high_bytes > 1.3 * estimate.low_bytes


def test_a_shape_without_a_tensor_table_keeps_its_token_table_in_system_memory() -> None:
    shape = Architecture(
        arch=None,
        layers=32,
        hidden=4096,
        heads=32,
        kv_heads=8,
        head_dim=128,
        ff=14336,
        vocab=128256,
        tied=False,
    )
    known = UNKNOWN.model_copy(update={"params_total": 8_030_261_248, "architecture": shape})
    estimate, exact = (estimate_memory(record, MemoryRequest()) for record in (known, model(LLAMA)))
    assert not estimate.exact
    assert estimate.kv_cache_bytes == exact.kv_cache_bytes
    assert estimate.weights_bytes == pytest.approx(exact.weights_bytes, rel=0.03)
    assert estimate.low_bytes <= exact.total_bytes <= estimate.high_bytes
    assert 0 < estimate.host_bytes < 0.1 * estimate.file_bytes
    several = estimate_memory(known, MemoryRequest(hardware=cards(2)))
    assert several.weights_bytes == pytest.approx(estimate.weights_bytes, abs=2)


def test_short_names_of_quantizations() -> None:
    assert device_bytes(model(LLAMA), MemoryRequest(quant="q4_k")) == device_bytes(
        model(LLAMA), MemoryRequest()
    )


def test_a_model_of_which_nothing_is_known_has_no_answer() -> None:
    nothing = UNKNOWN.model_copy(update={"params_total": None})
    for asked in (MemoryRequest(), MemoryRequest(engine="vllm", quant="BF16")):
        with pytest.raises(NoAnswerError, match="parameter count"):
            device_bytes(nothing, asked)


def test_every_model_of_the_catalog_is_answered_or_says_why() -> None:
    answered = 0
    for record in load_catalog().models:
        try:
            found = device_bytes(record, MemoryRequest(quant="Q4_K_M"))
        except NoAnswerError:
            assert record.params_total is None
            continue
        answered += 1
        assert found.total > 0
        if record.params_total and record.kind == "chat":
            bits = 8 * (found.weights + found.host) / record.params_total
            assert 2.5 < bits < 20, record.id
    assert answered > 1000


def test_assumed_shapes_name_their_assumptions() -> None:
    for record in load_catalog().models:
        arch = record.architecture
        if arch is None or not arch.approximations or record.kind != "chat":
            continue
        estimate = estimate_memory(record, MemoryRequest())
        assert not estimate.exact
        assert any(arch.approximations[0][1:20] in caveat for caveat in estimate.caveats)
        assert estimate.high_bytes > estimate.low_bytes
        break
    else:
        pytest.fail("no approximated model in the catalog")


def test_ollama_is_llama_cpp() -> None:
    asked = MemoryRequest(context=16384)
    assert device_bytes(model(LLAMA), asked) == device_bytes(model(LLAMA), replace(asked, engine="ollama"))
