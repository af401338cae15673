"""What measured models say about others."""

from __future__ import annotations

from math import log
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.measured_here import Range
from tools.calibration.posterior import DOUBTFUL, MOST_INFLATION, Posterior, kernels_of, posterior
from tools.calibration.types import Calibration, Knot, Observation, Placement, Quantity, Subject

SPREAD = log(1.3)
PLACES: tuple[Placement, ...] = ("device", "part", "host")
GAINS = st.floats(-1.3, 1.3)


def subject(
    name: str = "asked", place: Placement = "device", engine: str = "ollama", *, experts: bool = False
) -> Subject:
    return Subject(name, "Q4_K_M", "f16", engine, place, experts)


def measured(gain: float, of: Subject, fade: float = 0.0) -> Observation:
    """One length, `exp(gain)` times as fast as estimated."""
    rate = Range(low=1, mid=1, high=1)
    knot = Knot(1, 1.0, pow(2.718281828459045, -gain), 0.02, rate)
    return Observation(of, of.model_id, "2026-11-20", (knot,), (), fade)


def calibration(*rows: Observation) -> Calibration:
    quantities: tuple[Quantity, ...] = ("generation", "prompt")
    spreads = tuple(((quantity, place), SPREAD) for quantity in quantities for place in PLACES)
    return Calibration(repr(rows), False, (), spreads, rows)


def asked(of: Subject, *rows: Observation) -> Posterior:
    found = posterior(calibration(*rows), "generation", of)
    assert found is not None
    return found


@given(GAINS, st.booleans(), st.sampled_from(PLACES))
def test_one_measurement_moves_others_toward_it_and_not_beyond(
    gain: float, experts: bool, place: Placement
) -> None:
    found = asked(subject(place=place, experts=experts), measured(gain, subject("other")))
    assert 0 <= found.mean / gain <= 1 if gain else found.mean == 0
    assert found.sd > 0
    assert found.inflation == 1.0


def test_the_more_is_shared_the_more_it_says() -> None:
    row = measured(log(2), subject("other"))
    alike = [
        asked(subject("other"), row),
        asked(subject(), row),
        asked(subject(experts=True), row),
        asked(subject(place="part"), row),
        asked(subject(place="part", experts=True), row),
        asked(subject(place="part", engine="llama.cpp", experts=True), row),
    ]
    means, sds = [found.mean for found in alike], [found.sd for found in alike]
    assert means == sorted(means, reverse=True)
    assert sds == sorted(sds)
    assert means[-1] > 0


@given(st.lists(GAINS, min_size=2, max_size=12))
def test_several_stay_within_what_was_measured(gains: list[float]) -> None:
    rows = [measured(gain, subject(f"model {place}")) for place, gain in enumerate(gains)]
    found = asked(subject(), *rows)
    assert min(0.0, *gains) - 1e-9 <= found.mean <= max(0.0, *gains) + 1e-9
    assert 1.0 <= found.inflation <= MOST_INFLATION


def test_more_models_that_agree_make_it_surer() -> None:
    rows = [measured(log(2), subject(f"model {place}")) for place in range(6)]
    one, six = asked(subject(), rows[0]), asked(subject(), *rows)
    assert one.mean < six.mean < log(2)
    assert six.sd < one.sd


def test_models_that_contradict_each_other_make_it_less_sure() -> None:
    agree = asked(subject(), measured(0.1, subject("a")), measured(0.12, subject("b")))
    apart = asked(subject(), measured(0.7, subject("a")), measured(-0.7, subject("b")))
    assert abs(apart.mean) < 0.01
    assert apart.sd > 2 * agree.sd


def test_old_and_wild_runs_count_less() -> None:
    plain = asked(subject(), measured(0.5, subject("a")))
    old = asked(subject(), measured(0.5, subject("a"), fade=0.3))
    assert old.mean < plain.mean
    wild = asked(subject(), measured(DOUBTFUL + 0.1, subject("a")))
    assert wild.mean < 0.15


@pytest.mark.parametrize("engine", ["vllm", "mlx", "transformers"])
def test_other_kernels_say_nothing(engine: Literal["vllm", "mlx", "transformers"]) -> None:
    rows = calibration(measured(log(2), subject("a")))
    assert posterior(rows, "generation", subject(engine=engine)) is None
    assert posterior(rows, "prompt", subject()) is None


def test_lm_studio_runs_two_kinds_of_kernels() -> None:
    gguf = subject(engine="lmstudio")
    assert kernels_of(gguf) == kernels_of(subject(engine="llama.cpp"))
    assert kernels_of(gguf._replace(quant="MLX-4bit")) != kernels_of(gguf)
