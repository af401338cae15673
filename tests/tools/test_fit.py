"""The joint solver: what it says fits does fit, on every device, and it keeps what was fixed."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from tests.tools.asking import GIB, MACHINES, box, machine, model
from tools.budget import room_of
from tools.candidates import Configuration
from tools.fit import solve, with_memory
from tools.fit_model import NO_RESERVE, FitWish, fit_model
from tools.fit_types import Ask, Refusal, Solution
from tools.hardware_types import Machine
from tools.quant_loss import quality_loss
from tools.roles.generator import GENERATOR_KINDS

SAMPLE = (
    "meta-llama/Llama-3.1-8B-Instruct",
    "meta-llama/Llama-3.1-70B-Instruct",
    "Qwen/Qwen3-Coder-30B-A3B-Instruct",
    "Qwen/Qwen3-0.6B",
    "google/gemma-3-27b-it",
    "google/gemma-3n-E4B-it",
    "deepseek-ai/DeepSeek-V2-Lite-Chat",
    "openai/gpt-oss-20b",
    "openai/gpt-oss-120b",
    "mistralai/Mistral-7B-Instruct-v0.3",
)
QUICK = settings(max_examples=60, deadline=None)

sizes = st.sampled_from([4, 6, 8, 10, 12, 16, 20, 24, 32, 48, 80])
rams = st.sampled_from([None, 8, 16, 32, 64, 128])
machines = st.one_of(
    st.builds(lambda gib, ram: box(*gib, ram=ram), st.lists(sizes, min_size=1, max_size=4), rams),
    st.builds(lambda gib: box(gib * 0.7, ram=gib, unified=True), sizes),
    st.builds(lambda ram: box(ram=ram), st.sampled_from([4, 8, 16, 32, 64])),
    st.sampled_from(MACHINES).map(machine),
)
asks = st.builds(
    Ask,
    context=st.sampled_from([512, 4096, 8192, 20_000, 32_768, 131_072]),
    parallel=st.sampled_from([1, 1, 2, 4, 16]),
    min_speed=st.sampled_from([0.0, 10.0, 40.0]),
    speed_is_hard=st.booleans(),
    priority=st.sampled_from(["quality", "balanced", "speed", "cost", "small"]),
    server=st.booleans(),
    task=st.sampled_from(["chat", "code"]),
    beside_bytes=st.sampled_from([0, GIB]),
)
models = st.sampled_from(SAMPLE).map(model)


def _holds(found: ModelRecord, place: Machine, configuration: Configuration, ask: Ask) -> None:
    """Holds a configuration against the full estimate, device by device."""
    room = room_of(place, server=ask.server, reserve=ask.reserve).less(ask.beside_bytes)
    memory = with_memory(found, place, configuration, ask).memory
    assert memory is not None
    assert configuration.available_bytes <= room.total_bytes
    assert configuration.engine in ("vllm", "sglang") or configuration.available_bytes == room.total_bytes
    assert memory.total_bytes <= room.total_bytes
    if not place.devices:
        assert room.host_bytes is not None
        return
    assert len(memory.per_device) <= len(room.device_bytes)
    for row, size in zip(memory.per_device, room.device_bytes, strict=False):
        assert row.total_bytes <= size
    if _spills(configuration):
        assert ask.offload
        assert not any(device.unified for device in place.devices)
        assert room.host_bytes is not None
        assert memory.host_bytes <= room.host_bytes


@QUICK
@given(models, machines, asks)
def test_what_fits_fits_on_every_device(found: ModelRecord, place: Machine, ask: Ask) -> None:
    solution = solve(found.id, place, ask)
    if isinstance(solution, Refusal):
        assert solution.constraint in ("memory", "context", "min_speed", "engine")
        assert (solution.shortfall_bytes > 0) == (solution.constraint == "memory")
        return
    configuration = solution.configuration
    assert configuration.fits
    assert (configuration.context, configuration.parallel) == (ask.context, ask.parallel)
    assert found.context_length is None or ask.context <= found.context_length
    if ask.speed_is_hard and configuration.speed is not None:
        assert configuration.speed.mid >= ask.min_speed
    _holds(found, place, configuration, ask)


def _spills(configuration: Configuration) -> bool:
    return configuration.spills


def _better(one: Solution | Refusal, other: Solution | Refusal) -> None:
    """Holds the solution on the larger machine against the one on the smaller.

    What moves onto the devices whole stays there, even where a finer quantization could spill over; and where
    a cache has room unquantized, the same weights are not offered with a quantized one, even if it is faster.
    """
    if isinstance(one, Refusal):
        return
    assert isinstance(other, Solution)
    small, large = one.configuration, other.configuration
    moved = _spills(small) and not _spills(large)
    packed = small.kv_cache_type != "f16"
    assert moved or packed or other.merit >= one.merit - 0.05


@QUICK
@given(models, st.lists(sizes, min_size=1, max_size=2), st.sampled_from([2, 4, 8, 24]), rams, asks)
def test_more_memory_of_the_same_kind_never_hurts(
    found: ModelRecord, gib: list[int], more: int, ram: int | None, ask: Ask
) -> None:
    small, large = box(*gib, ram=ram), box(*(size + more for size in gib), ram=ram)
    _better(solve(found.id, small, ask), solve(found.id, large, ask))


@QUICK
@given(models, sizes, st.sampled_from([8, 16, 32]), st.sampled_from([8, 32, 96]), asks)
def test_more_system_memory_never_hurts(found: ModelRecord, gib: int, ram: int, more: int, ask: Ask) -> None:
    for small, large in ((box(gib, ram=ram), box(gib, ram=ram + more)), (box(ram=ram), box(ram=ram + more))):
        _better(solve(found.id, small, ask), solve(found.id, large, ask))


@QUICK
@given(models, sizes, asks)
def test_nothing_goes_to_a_system_memory_that_is_unknown_or_shared(
    found: ModelRecord, gib: int, ask: Ask
) -> None:
    for place in (box(gib), box(gib * 0.7, ram=gib, unified=True)):
        solution = solve(found.id, place, ask)
        if isinstance(solution, Solution):
            assert solution.configuration.gpu_layers is None
            assert not solution.configuration.spills


def test_offload_is_used_where_the_memory_is_known() -> None:
    ask = Ask(context=8192)
    dense = solve("meta-llama/Llama-3.1-70B-Instruct", box(24, ram=64), ask)
    experts = solve("openai/gpt-oss-120b", box(24, ram=128), ask)
    assert isinstance(dense, Solution)
    assert isinstance(experts, Solution)
    assert 0 < (dense.configuration.gpu_layers or 0) < 80
    assert dense.configuration.engine == "llama.cpp"
    assert experts.configuration.cpu_moe_layers
    assert isinstance(solve("meta-llama/Llama-3.1-70B-Instruct", box(24), ask), Refusal)
    assert isinstance(
        solve("meta-llama/Llama-3.1-70B-Instruct", box(24, ram=64), replace(ask, offload=False)), Refusal
    )


@pytest.mark.parametrize("text", MACHINES)
def test_every_model_of_the_catalog_has_an_answer(text: str) -> None:
    """No model breaks the solver, and a refusal says what is missing."""
    place, ask = machine(text), Ask(context=8192, task="chat")
    room = room_of(place).total_bytes / GIB
    for found in load_catalog().models:
        if found.kind not in GENERATOR_KINDS or found.params_total is None:
            continue
        answer = solve(found.id, place, ask)
        if isinstance(answer, Refusal) and answer.constraint == "memory":
            figures = [float(n) for n in re.findall(r"([\d.]+) GiB", answer.reason)]
            assert figures[0] + 0.05 >= figures[-1], (found.id, answer.reason)
            assert figures[-1] <= room + 0.05


def test_what_spills_over_must_fit_the_system_memory() -> None:
    """About 58 GiB of experts, or at least 3 GiB of layers, beside a card of 24 GiB."""
    for name, little, enough in (
        ("openai/gpt-oss-120b", 40, 96),
        ("meta-llama/Llama-3.1-70B-Instruct", 4, 64),
    ):
        ask = Ask(context=8192)
        refusal = solve(name, box(24, ram=little), ask)
        assert isinstance(refusal, Refusal)
        assert refusal.constraint == "memory"
        assert isinstance(solve(name, box(24, ram=enough), ask), Solution)


def test_a_refusal_names_the_window() -> None:
    refusal = solve("mistralai/Mistral-7B-Instruct-v0.3", box(80), Ask(context=100_000))
    assert isinstance(refusal, Refusal)
    assert refusal.constraint == "context"
    assert "32,768" in refusal.reason
    assert "100,000" in refusal.reason


def test_a_hard_speed_refuses_and_says_how_fast() -> None:
    slow = box(ram=64)
    ask = Ask(context=4096, min_speed=50, speed_is_hard=True)
    refusal = solve("meta-llama/Llama-3.1-70B-Instruct", slow, ask)
    assert isinstance(refusal, Refusal)
    assert refusal.constraint == "min_speed"
    assert "50 are needed" in refusal.reason
    soft = solve("meta-llama/Llama-3.1-70B-Instruct", slow, replace(ask, speed_is_hard=False))
    assert isinstance(soft, Solution)


def test_uneven_cards_must_each_hold_their_share() -> None:
    """Layers go by memory: 24 and 8 GiB hold less than 32 GiB would where one share spills over."""
    for gib in ((24, 4), (8, 24), (6, 6, 6)):
        place = box(*gib)
        found = solve("google/gemma-3-27b-it", place, Ask(context=16_384))
        if isinstance(found, Solution):
            _holds(model("google/gemma-3-27b-it"), place, found.configuration, Ask(context=16_384))


def test_quantization_costs_more_for_small_models_and_for_code() -> None:
    small, large = model("Qwen/Qwen3-0.6B"), model("meta-llama/Llama-3.1-70B-Instruct")
    assert quality_loss(small, "Q4_K_M", "f16") > quality_loss(large, "Q4_K_M", "f16") > 0
    assert quality_loss(large, "Q4_K_M", "f16", "code") > quality_loss(large, "Q4_K_M", "f16", "chat")
    assert quality_loss(large, "Q4_K_M", "q8_0") > quality_loss(large, "Q4_K_M", "f16")
    assert quality_loss(large, "Q4_K_M", "q4_0/f16") == quality_loss(large, "Q4_K_M", "q4_0")
    assert quality_loss(large, "Q4_K_M", "f16/q4_0") < quality_loss(large, "Q4_K_M", "q4_0")
    native = model("openai/gpt-oss-20b")
    assert quality_loss(native, "MXFP4", "f16") == 0


@QUICK
@given(models, machines, st.sampled_from([None, 2048, 16_384]), st.sampled_from([1, 3]))
def test_the_longest_context_holds_and_the_next_does_not(
    found: ModelRecord, place: Machine, context: int | None, parallel: int
) -> None:
    answer = fit_model(found, place, FitWish(context=context, parallel=parallel))
    assume(answer.candidate is not None)
    assert answer.candidate is not None
    configuration = answer.candidate.configuration
    assert configuration is not None
    assert answer.max_context >= configuration.context
    assert found.context_length is None or answer.max_context <= found.context_length
    ask = Ask(
        context=answer.max_context,
        parallel=parallel,
        reserve=NO_RESERVE not in answer.candidate.as_json()["caveats"],
    )
    longest = replace(configuration, context=answer.max_context)
    _holds(found, place, longest, ask)
