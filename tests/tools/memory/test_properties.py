"""What must hold for any request, whatever the figures."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from tests.tools.memory.helpers import GIB, cards, model
from tools.memory.estimate import device_bytes, estimate_memory, max_context
from tools.memory.tensors import has_table
from tools.memory.types import MemoryRequest

MODELS = st.sampled_from(
    [
        "meta-llama/Llama-3.1-8B-Instruct",
        "google/gemma-3-12b-it",
        "openai/gpt-oss-20b",
        "deepseek-ai/DeepSeek-V3",
        "Qwen/Qwen3-Next-80B-A3B-Instruct",
        "ibm-granite/granite-4.0-h-small",
        "google/gemma-4-E4B-it",
        "mistralai/Mixtral-8x7B-Instruct-v0.1",
    ]
).map(model)
QUANTS = ("Q2_K", "Q3_K_M", "Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0", "F16")
REQUESTS = st.builds(
    MemoryRequest,
    quant=st.sampled_from(QUANTS),
    context=st.integers(1, 1 << 20),
    kv_cache_type=st.sampled_from(["f16", "q8_0", "q4_0", "q8_0/q4_0", "f32"]),
    parallel=st.integers(1, 16),
    ubatch_size=st.sampled_from([128, 256, 512, 1024, 2048]),
    kv_unified=st.booleans(),
    swa_full=st.booleans(),
    frontend=st.sampled_from(["server", "api"]),
)
FEW = settings(max_examples=60, deadline=None)


@FEW
@given(MODELS, REQUESTS, st.integers(1, 1 << 20))
def test_more_context_never_takes_less(record: ModelRecord, asked: MemoryRequest, more: int) -> None:
    larger = replace(asked, context=asked.context + more)
    assert device_bytes(record, larger).total >= device_bytes(record, asked).total
    assert device_bytes(record, larger).kv_cache >= device_bytes(record, asked).kv_cache


@FEW
@given(MODELS, REQUESTS, st.integers(1, 8))
def test_more_slots_never_take_less(record: ModelRecord, asked: MemoryRequest, more: int) -> None:
    unified = replace(asked, kv_unified=True)
    assert (
        device_bytes(record, replace(unified, parallel=asked.parallel + more)).total
        >= device_bytes(record, unified).total
    )


@FEW
@given(MODELS, REQUESTS)
def test_a_larger_micro_batch_never_takes_less(record: ModelRecord, asked: MemoryRequest) -> None:
    larger = replace(asked, ubatch_size=asked.ubatch_size * 2)
    assert device_bytes(record, larger).total >= device_bytes(record, asked).total


@FEW
@given(MODELS, st.integers(0, len(QUANTS) - 2))
def test_more_bits_take_more(record: ModelRecord, index: int) -> None:
    low, high = (
        estimate_memory(record, MemoryRequest(quant=quant)) for quant in (QUANTS[index], QUANTS[index + 1])
    )
    assert low.weights_bytes < high.weights_bytes
    assert low.file_bytes < high.file_bytes


@FEW
@given(MODELS, REQUESTS)
def test_wider_cache_types_take_more(record: ModelRecord, asked: MemoryRequest) -> None:
    sizes = [
        device_bytes(record, replace(asked, kv_cache_type=kind)).kv_cache
        for kind in ("q4_0", "q8_0/q4_0", "q8_0", "f16", "f32")
    ]
    assert sizes == sorted(sizes)


@FEW
@given(
    MODELS,
    REQUESTS,
    st.integers(1, 4),
    st.one_of(st.none(), st.integers(0, 70)),
    st.booleans(),
    st.booleans(),
)
def test_parts_add_up(
    record: ModelRecord,
    asked: MemoryRequest,
    count: int,
    gpu_layers: int | None,
    cpu_moe: bool,
    kv_offload: bool,
) -> None:
    split = replace(
        asked, hardware=cards(count), gpu_layers=gpu_layers, cpu_moe=cpu_moe, kv_offload=kv_offload
    )
    estimate, lean = estimate_memory(record, split), device_bytes(record, split)
    assert estimate.total_bytes == sum(device.total_bytes for device in estimate.per_device) == lean.total
    assert estimate.low_bytes <= estimate.total_bytes <= estimate.high_bytes
    assert lean.host == estimate.host_bytes
    assert all(
        size >= 0 for device in estimate.per_device for size in (device.weights_bytes, device.compute_bytes)
    )


@FEW
@given(MODELS, REQUESTS, st.integers(2, 4))
def test_several_cards_hold_what_one_holds(record: ModelRecord, asked: MemoryRequest, count: int) -> None:
    one, several = device_bytes(record, asked), device_bytes(record, replace(asked, hardware=cards(count)))
    assert (one.weights, one.kv_cache) == (several.weights, several.kv_cache)


@FEW
@given(MODELS, REQUESTS, st.integers(0, 70))
def test_what_leaves_the_card_is_in_system_memory(
    record: ModelRecord, asked: MemoryRequest, gpu_layers: int
) -> None:
    whole = device_bytes(record, asked)
    part = device_bytes(record, replace(asked, gpu_layers=gpu_layers))
    assert part.weights <= whole.weights
    assert part.kv_cache <= whole.kv_cache
    # Padding and the tied copy of the token table exist on the device only.
    assert part.weights + part.kv_cache + part.host >= 0.9 * (whole.weights + whole.kv_cache)


@FEW
@given(MODELS, REQUESTS, st.integers(1, 1 << 40))
def test_largest_context_fits_and_the_next_does_not(
    record: ModelRecord, asked: MemoryRequest, budget: int
) -> None:
    found = max_context(record, asked, budget)
    window = (record.context_length or 0) * asked.parallel
    assert found % 256 == 0
    assert found <= max(window, 256)
    if found:
        assert device_bytes(record, replace(asked, context=found)).total <= budget
    if found + 256 <= window:
        assert device_bytes(record, replace(asked, context=found + 256)).total > budget


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(load_catalog().models, key=lambda record: record.id)), st.sampled_from(QUANTS))
def test_untied_files_hold_at_least_what_the_card_does(record: ModelRecord, quant: str) -> None:
    arch = record.architecture
    assume(has_table(arch) and arch is not None and arch.tied is False)
    estimate = estimate_memory(record, MemoryRequest(quant=quant))
    # The device pads rows; nothing else may make it larger than the file.
    assert estimate.weights_bytes <= estimate.file_bytes * 1.01
    assert estimate.weights_bytes < 2000 * GIB
