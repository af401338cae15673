"""The Pareto set, the choices that are told, the largest models, and the hardware for a model."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from tests.tools.asking import GIB, box, machine, model
from tools.fit import room_for, solve
from tools.fit_catalog import largest, solve_all
from tools.fit_choices import choices
from tools.fit_hardware import hardware_for, needs_by_quant
from tools.fit_model import FitWish, fit_model
from tools.fit_types import Ask, Refusal, Solution
from tools.frontier import dominates, frontier, undominated
from tools.hardware_types import Machine
from tools.placing import most

SAMPLE = (
    "meta-llama/Llama-3.1-8B-Instruct",
    "meta-llama/Llama-3.1-70B-Instruct",
    "Qwen/Qwen3-30B-A3B",
    "google/gemma-3-27b-it",
    "openai/gpt-oss-20b",
    "openai/gpt-oss-120b",
)
QUICK = settings(max_examples=40, deadline=None)
sizes = st.sampled_from([8, 12, 16, 24, 48])
machines = st.one_of(
    st.builds(lambda gib, ram: box(*gib, ram=ram), st.lists(sizes, min_size=1, max_size=2), sizes),
    st.builds(lambda gib: box(gib * 0.7, ram=gib, unified=True), sizes),
    st.builds(lambda ram: box(ram=ram), sizes),
)
models = st.sampled_from(SAMPLE).map(model)
asks = st.builds(
    Ask,
    context=st.sampled_from([2048, 8192, 32_768]),
    parallel=st.sampled_from([1, 4]),
    min_speed=st.sampled_from([0.0, 10.0]),
    speed_is_hard=st.booleans(),
    priority=st.sampled_from(["quality", "balanced", "speed", "small"]),
)


def solved(model_id: str, place: Machine, ask: Ask) -> Solution:
    found = solve(model_id, place, ask)
    assert isinstance(found, Solution), found
    return found


@given(st.integers(-5, 40), st.integers(0, 20), st.integers(0, 20), st.integers(-10, 60))
def test_the_search_finds_the_largest_that_fits(limit: int, low: int, width: int, guess: int) -> None:
    high = low + width
    found = most(lambda count: count <= limit, low, high, guess)
    assert found == (min(limit, high) if limit >= low else None)


@QUICK
@given(models, machines, asks)
def test_no_point_of_the_set_beats_another_or_the_answer(
    found: ModelRecord, place: Machine, ask: Ask
) -> None:
    points = frontier(found, place, ask)
    assert not any(dominates(a, b) for a in points for b in points)
    best = solve(found.id, place, ask)
    if isinstance(best, Refusal):
        return
    assert points
    assert not any(dominates(point, best) for point in points)
    room = room_for(found, place, ask)
    for point in points:
        assert point.used_bytes <= room.total_bytes
        assert point.configuration.context >= ask.context
        assert not ask.speed_is_hard or point.speed >= ask.min_speed or not point.speed


def test_undominated_keeps_what_is_best_in_something() -> None:
    ask = Ask()
    large, small = (
        solved("meta-llama/Llama-3.1-8B-Instruct", box(24), replace(ask, quant=quant))
        for quant in ("Q8_0", "Q4_K_M")
    )
    worse = replace(small, quality_loss=small.quality_loss + 5)
    assert set(undominated([large, small, worse])) == {large, small}


def test_four_bits_with_a_quantized_cache_come_before_two_bits_and_it_is_said() -> None:
    """With an f16 cache only a much smaller quantization would leave room for this context."""
    found, ask = model("meta-llama/Llama-3.1-8B-Instruct"), Ask(context=81_920, offload=False)
    place = box(12)
    best = solved(found.id, place, ask)
    plain = (
        solved(found.id, place, replace(ask, kv_cache_type="f16")) if _fits_plain(found, place, ask) else None
    )
    assert best.configuration.kv_cache_type == "q8_0"
    assert best.configuration.quant not in ("Q3_K_M", "Q2_K")
    assert plain is None or plain.merit < best.merit
    told = choices(found, place, ask, best)
    assert any("q8_0 cache costs about 0.3 points" in text for text in told), told


def _fits_plain(found: ModelRecord, place: Machine, ask: Ask) -> bool:
    return isinstance(solve(found.id, place, replace(ask, kv_cache_type="f16")), Solution)


def test_one_step_down_comes_before_a_layer_in_system_memory_and_it_is_said() -> None:
    found, ask = model("google/gemma-3-27b-it"), Ask(context=8192)
    place = machine("RTX 3090 + 64GB RAM")
    best = solved(found.id, place, ask)
    assert not best.spills
    (told,) = [text for text in choices(found, place, ask, best) if "into system memory" in text]
    larger = told.split()[0]
    assert isinstance(solve(found.id, place, replace(ask, quant=larger, offload=False)), Refusal)
    slow = solved(found.id, place, replace(ask, quant=larger, kv_cache_type="f16"))
    assert slow.spills
    assert slow.speed < best.speed
    assert f"about {slow.speed:.0f} instead of {best.speed:.0f} tokens per second" in told


def test_experts_spill_before_the_weights_fall_to_two_bits() -> None:
    found, ask = model("Qwen/Qwen3-30B-A3B"), Ask()
    best = solved(found.id, machine("RTX 3060 12GB + 32GB RAM"), ask)
    away = best.configuration.cpu_moe_layers
    assert away is not None
    assert found.architecture is not None
    assert 0 < away < found.architecture.layers
    assert best.configuration.quant not in ("Q3_K_M", "Q2_K")
    fewer = replace(best.configuration, cpu_moe_layers=away - 1)
    assert fewer != best.configuration
    told = choices(found, machine("RTX 3060 12GB + 32GB RAM"), ask, best)
    assert any(f"experts of {away} of" in text for text in told)


def test_no_listed_alternative_beats_the_answer() -> None:
    place = machine("RTX 3090 + 64GB RAM")
    for name in SAMPLE:
        answer = fit_model(model(name), place, FitWish())
        assert answer.candidate is not None
        top = answer.as_json()
        assert top["pareto"]
        for other in answer.alternatives:
            better = other["quality_loss_points"] < next(
                p["quality_loss_points"] for p in top["pareto"] if p["quant"] == top["quant"]
            )
            faster = other["speed"]["tokens_per_second"]["mid"] > top["speed"]["tokens_per_second"]["mid"]
            smaller = other["memory"]["total_bytes"] < top["memory"]["total_bytes"]
            assert not (better and faster and smaller)


def test_the_largest_models_fit_and_come_in_order() -> None:
    place, ask = machine("RTX 3090 + 64GB RAM"), Ask()
    document = largest(place, ask)
    sizes_b = [row["params_b"] for row in document["models"]]
    assert sizes_b == sorted(sizes_b, reverse=True)
    assert document["fitting"] > 100
    for row in document["models"]:
        assert row["memory_bytes"] <= row["available_bytes"]
        assert row["gpu_layers"] is row["cpu_moe_layers"] is None
    for row in document["with_system_memory"]:
        assert row["gpu_layers"] is not None or row["cpu_moe_layers"]
    everything = {found.id for found, _ in solve_all(place, ask)}
    assert {row["model_id"] for row in document["models"]} <= everything


def test_of_a_tiny_machine_nothing_is_listed() -> None:
    document = largest(box(ram=1), Ask(context=131_072))
    assert (document["fitting"], document["models"], document["with_system_memory"]) == (0, [], [])


def test_the_hardware_found_holds_the_model_and_half_of_it_does_not() -> None:
    found, ask = model("meta-llama/Llama-3.3-70B-Instruct"), Ask(context=16_384)
    document = hardware_for(found, ask)
    assert [row["quant"] for row in document["needs"]][:2] == ["Q8_0", "Q6_K"]
    totals = [row["total_bytes"] for row in document["needs"]]
    assert totals == sorted(totals, reverse=True)
    assert document["hardware"]
    for row in document["hardware"]:
        assert row["memory_bytes"] <= row["accelerator_bytes"]
        assert row["accelerator_bytes"] >= totals[-1]
        place = machine(f"{row['count']}x {row['name']}" if row["count"] > 1 else row["name"])
        assert place.devices
    assert {row["class"] for row in document["hardware"]} >= {"consumer", "datacenter"}


def test_a_minimum_speed_leaves_slow_hardware_out() -> None:
    found = model("meta-llama/Llama-3.3-70B-Instruct")
    slow = hardware_for(found, Ask(context=8192))["hardware"]
    fast = hardware_for(found, Ask(context=8192, min_speed=20.0, speed_is_hard=True))["hardware"]
    assert min(row["tokens_per_second"] for row in slow) < 20 <= min(r["tokens_per_second"] for r in fast)


def test_more_than_the_window_needs_no_hardware() -> None:
    document = hardware_for(model("meta-llama/Llama-3.3-70B-Instruct"), Ask(context=500_000))
    assert document["error"]["code"] == "context"
    assert document["hardware"] == []


def test_the_native_format_is_the_only_need_of_a_model_published_in_it() -> None:
    (row,) = needs_by_quant(model("openai/gpt-oss-20b"), Ask())
    assert row["quant"] == "MXFP4"
    assert 10 * GIB < row["total_bytes"] < 16 * GIB


@pytest.mark.parametrize("name", ["deepseek-ai/deepseek-llm-67b-chat"])
def test_a_model_of_unknown_size_is_refused_and_not_raised(name: str) -> None:
    record = load_catalog().model(name)
    assert record is not None
    assert record.params_total is None
    found = solve(record.id, box(80), Ask(context=2048))
    assert isinstance(found, Refusal)
    assert found.constraint == "unknown"
