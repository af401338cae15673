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
from tools.fit_model import NO_RESERVE, FitAnswer, FitWish, fit_model
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


def _fit(model_id: str, place: Machine, **wish: object) -> FitAnswer:
    return fit_model(model(model_id), place, FitWish(**wish))  # type: ignore[arg-type]


@QUICK
@given(
    models,
    machines,
    st.sampled_from([None, "Q8_0", "Q4_K_M", "Q3_K_M"]),
    st.sampled_from([None, 3000, 65_536]),
    st.sampled_from([None, "llama.cpp", "ollama"]),
    st.sampled_from([None, "f16", "q8_0", "q8_0/q4_0"]),
)
def test_fit_keeps_what_is_given_or_says_why_not(
    found: ModelRecord,
    place: Machine,
    quant: str | None,
    context: int | None,
    engine: str | None,
    kv: str | None,
) -> None:
    wish = FitWish(quant=quant, context=context, engine=engine, kv_cache_type=kv)
    answer = fit_model(found, place, wish)
    document = answer.as_json()
    if answer.candidate is None:
        assert answer.error is not None
        assert answer.error["message"].startswith(found.name)
        assert document["memory"]["fits"] is False
        assert document["memory"]["available_bytes"] > 0
        return
    assert "error" not in document
    assert quant in (None, document["quant"])
    assert context in (None, document["context"])
    assert engine in (None, document["engine"])
    assert kv in (None, document["kv_cache_type"])


def test_without_the_reserve_comes_with_a_caveat() -> None:
    """The smallest card that holds a configuration holds it only without what is kept for the desktop."""
    found = model("meta-llama/Llama-3.1-8B-Instruct")
    wish = FitWish(quant="Q8_0", context=8192, engine="llama.cpp", kv_cache_type="f16")
    roomy = fit_model(found, box(24), wish)
    assert roomy.candidate is not None
    assert roomy.candidate.configuration is not None
    assert roomy.candidate.configuration.memory is not None
    need = roomy.candidate.configuration.memory.total_bytes
    tight = fit_model(found, box((need + (50 << 20)) / GIB, ram=64), wish)
    assert tight.candidate is not None
    assert NO_RESERVE in tight.as_json()["caveats"]
    assert tight.candidate.configuration is not None
    assert tight.candidate.configuration.gpu_layers is None
    enough = fit_model(found, box(need * 24 / 23 / GIB + 0.05), wish)
    assert NO_RESERVE not in enough.as_json()["caveats"]
    assert enough.error is None
    assert fit_model(found, box((need - (50 << 20)) / GIB), wish).error is not None


@pytest.mark.parametrize(
    ("model_id", "place", "wish", "constraint"),
    [
        ("meta-llama/Llama-3.1-70B-Instruct", box(8), {}, "does_not_fit"),
        ("meta-llama/Llama-3.1-70B-Instruct", box(24), {"quant": "Q8_0"}, "does_not_fit"),
        ("meta-llama/Llama-3.1-8B-Instruct", box(8), {"quant": "F16"}, "does_not_fit"),
        ("meta-llama/Llama-3.1-8B-Instruct", box(6), {"context": 131_072}, "does_not_fit"),
        ("meta-llama/Llama-3.1-8B-Instruct", box(24), {"context": 200_000}, "context"),
        ("meta-llama/Llama-3.1-8B-Instruct", box(24), {"min_speed": 5000.0}, "min_speed"),
    ],
)
def test_what_does_not_fit_has_an_error_and_a_way_out(
    model_id: str, place: Machine, wish: dict[str, object], constraint: str
) -> None:
    answer = _fit(model_id, place, **wish)
    assert answer.candidate is None
    assert answer.error is not None
    assert answer.error["code"] == constraint
    assert answer.would_change
    assert answer.error["hint"]


def test_ways_out_are_true() -> None:
    """Each change that `fit` names makes it fit as it says."""
    llama = model("meta-llama/Llama-3.1-8B-Instruct")
    answer = _fit(llama.id, box(8), quant="F16")
    assert answer.would_change[0].condition == "the quantization were free"
    freed = _fit(llama.id, box(8))
    assert freed.candidate is not None
    assert freed.candidate.configuration is not None
    assert f"it fits as {freed.candidate.configuration.quant} " in answer.would_change[0].outcome
    larger = answer.would_change[-1]
    size = int(re.findall(r"(\d+) GiB", larger.condition)[0])
    assert _fit(llama.id, box(size), quant="F16").candidate is not None
    long = _fit(llama.id, box(8), context=131_072, quant="Q4_K_M", kv_cache_type="q4_0")
    words = long.would_change[0].condition
    tokens = int(re.findall(r"[\d,]+", words)[0].replace(",", ""))
    assert _fit(llama.id, box(8), context=tokens, quant="Q4_K_M", kv_cache_type="q4_0").candidate is not None


def test_a_larger_device_is_larger_than_every_device_there_is() -> None:
    answer = _fit("meta-llama/Llama-3.1-70B-Instruct", box(8, 16), quant="Q8_0")
    size = int(re.findall(r"(\d+) GiB", answer.would_change[-1].condition)[0])
    assert size > 16


def test_alternatives_fit_and_differ() -> None:
    answer = _fit("meta-llama/Llama-3.1-8B-Instruct", box(24))
    assert answer.candidate is not None
    quants = [document["quant"] for document in answer.alternatives]
    assert len(set(quants)) == len(quants) == 3
    assert answer.candidate.as_json()["quant"] not in quants
    assert all(document["memory"]["fits"] for document in answer.alternatives)
    assert all(
        document["memory"]["total_bytes"] <= document["memory"]["available_bytes"]
        for document in answer.alternatives
    )


@pytest.mark.parametrize(
    ("model_id", "role", "window"),
    [
        ("BAAI/bge-m3", "embedder", 8192),
        ("sentence-transformers/all-MiniLM-L6-v2", "embedder", 256),
        ("Qwen/Qwen3-Reranker-4B", "reranker", 8192),
        ("microsoft/deberta-v3-base", "classifier", 512),
    ],
)
def test_models_that_read_fit_in_the_library_they_are_made_for(model_id: str, role: str, window: int) -> None:
    for place, quant in ((box(24), "F16"), (box(ram=32), "F32")):
        answer = _fit(model_id, place)
        document = answer.as_json()
        assert (document["role"], document["engine"], document["quant"]) == (role, "transformers", quant)
        assert document["context"] == window
        assert document["memory"]["kv_cache_bytes"] == 0
        assert document["speed"]["tokens_per_second"] is None
        assert document["commands"]
    assert _fit(model_id, box(24), quant="F32").as_json()["quant"] == "F32"


def test_a_missing_engine_is_not_mended_by_memory() -> None:
    """A model without a file that llama.cpp reads is served from its own weights, where that runs."""
    ask, found = Ask(), []
    for record in load_catalog().models:
        if record.kind == "chat" and record.params_total is not None and record.params_total < 2e10:
            refusal = solve(record.id, box(80), ask)
            if isinstance(refusal, Refusal) and refusal.constraint == "engine":
                found.append(record)
    assert found
    for record in found[:10]:
        answer = fit_model(record, box(80), FitWish())
        assert answer.error is not None
        assert answer.error["code"] == "engine"
        assert not any("GiB" in change.condition for change in answer.would_change)
        for change in answer.would_change:
            engine = change.condition.removeprefix("you served it with ")
            served = fit_model(record, box(80), FitWish(engine=engine)).as_json()
            assert served["engine"] == engine
            assert f"it fits as {served['quant']} " in change.outcome


def test_room_takes_from_the_widest_device_and_never_below_nothing() -> None:
    room = room_of(box(24, 12))
    assert room.device_bytes == (23 * GIB, 12 * GIB - 12 * GIB // 24)
    assert room.less(GIB).device_bytes == (22 * GIB, 12 * GIB - 12 * GIB // 24)
    assert room.less(100 * GIB).device_bytes == (0, 12 * GIB - 12 * GIB // 24)
    assert room_of(box(24, 24)).less(GIB).device_bytes == (23 * GIB, 22 * GIB)
    assert room.less(0) is room
    host = room_of(box(ram=16))
    assert host.device_bytes == ()
    assert host.total_bytes == 10 * GIB
    assert room_of(box(ram=16), server=True).total_bytes == 14 * GIB
    assert room_of(box(ram=4)).total_bytes == 2 * GIB
    assert room_of(box(ram=16), reserve=False).total_bytes == 16 * GIB
    assert room_of(box()).host_bytes is None
