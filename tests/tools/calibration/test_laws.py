"""Corrected estimates keep the order of what they estimate, and the solver's bounds stay bounds."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.catalog.store import load_catalog
from tests.tools.asking import model
from tests.tools.calibration.simulated import LLAMA, QWEN, detected, estimate, run
from tools.calibration.reading import calibration_of
from tools.candidates import PLAIN_CACHES
from tools.fit import solve
from tools.fit_types import Ask, Solution
from tools.frontier import frontier
from tools.hardware_types import Machine
from tools.roles.generator import fastest_speed
from tools.speed import estimate_speed
from tools.timings import Setting, throughput

HERE = detected()
FACTORS = st.floats(0.3, 3.5)
MODELS = (LLAMA, QWEN, "Qwen/Qwen3-14B", "openai/gpt-oss-20b", "Qwen/Qwen3-Coder-30B-A3B-Instruct")


def after(*factors: float, machine: Machine = HERE) -> Machine:
    """The machine after one run of each model."""
    runs = [
        run(machine, name, factor, quant="MXFP4" if "oss" in name else "Q4_K_M")
        for name, factor in zip(MODELS, factors, strict=False)
    ]
    return replace(machine, calibration=calibration_of(runs, machine))


@settings(max_examples=25)
@given(FACTORS, FACTORS, st.sampled_from(MODELS), st.sampled_from(["ollama", "llama.cpp"]))
def test_longer_contexts_and_larger_formats_are_never_faster(
    one: float, other: float, name: str, engine: str
) -> None:
    machine = after(one, other)
    contexts = [estimate(machine, name, engine=engine, context=2048 << power) for power in range(7)]
    assert contexts == sorted(contexts, reverse=True)
    formats = [estimate(machine, name, quant, engine) for quant in ("Q4_0", "Q8_0", "F16")]
    assert formats == sorted(formats, reverse=True)
    sizes = [estimate(machine, f"Qwen/Qwen3-{size}", engine=engine) for size in ("4B", "14B", "32B")]
    assert sizes == sorted(sizes, reverse=True)


@settings(max_examples=25)
@given(FACTORS, FACTORS, st.sampled_from(MODELS))
def test_a_further_conversation_never_makes_the_others_faster(one: float, other: float, name: str) -> None:
    curve = throughput(model(name), after(one, other), Setting("Q4_K_M", "ollama"))
    each = [point.per_user.mid for point in curve]
    together = [point.together.mid for point in curve]
    assert each == sorted(each, reverse=True)
    assert all(b >= a * (1 - 1e-9) for a, b in pairwise(together))


@pytest.mark.parametrize("name", MODELS)
def test_a_factor_of_one_changes_no_middle_and_never_widens(name: str) -> None:
    machine = after(1.0, 1.0)
    for engine, share in (("ollama", 1.0), ("llama.cpp", 1.0), ("ollama", 0.6)):
        plain, now = (
            estimate_speed(model(name), "Q4_K_M", each, engine=engine, gpu_share=share)
            for each in (HERE, machine)
        )
        assert plain is not None
        assert now is not None
        assert now.mid == pytest.approx(plain.mid, rel=1e-6)
        assert now.high / now.low <= plain.high / plain.low


@pytest.mark.parametrize("text", ["RTX 3060 12GB, 64 GB RAM", "RTX 5090 + RTX 3090", "64 GB RAM, no GPU"])
@pytest.mark.parametrize("factors", [(3.0,), (0.4, 2.5), (0.5, 0.5, 3.0)])
def test_the_solver_loses_nothing_by_its_bounds(text: str, factors: tuple[float, ...]) -> None:
    """Its best is as good as the best of all configurations, with or without what was measured."""
    base = detected(text)
    for machine in (base, after(*factors, machine=base)):
        for name in (*MODELS, "Qwen/Qwen3-32B", "meta-llama/Llama-3.1-70B-Instruct"):
            for ask in (Ask(), Ask(context=32768, min_speed=20.0, priority="speed")):
                found = solve(model(name).id, machine, ask)
                points = [
                    point
                    for point in frontier(model(name), machine, ask)
                    if point.configuration.kv_cache_type in PLAIN_CACHES
                    and point.configuration.context == ask.context
                ]
                if isinstance(found, Solution):
                    alike = [point.merit for point in points if point.spills == found.spills]
                    assert found.merit >= max(alike, default=0.0) - 1e-9, (name, ask)


@pytest.mark.parametrize("factors", [(3.0,), (0.4, 2.5)])
def test_no_model_is_faster_than_its_bound(factors: tuple[float, ...]) -> None:
    machine = after(*factors)
    for record in load_catalog().models[::9]:
        bound = fastest_speed(record, machine)
        found = solve(record.id, machine, Ask(context=1024, priority="speed"))
        if bound is not None and isinstance(found, Solution):
            assert found.speed <= bound * 1.001, record.id
