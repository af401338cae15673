"""A model's own measurements as a map that never falls."""

from __future__ import annotations

from itertools import pairwise
from math import exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.measured_here import Range
from tools.calibration.curve import LEAST_WIDTH, curve_of
from tools.calibration.types import Knot

SECONDS = st.floats(1e-4, 10)
PAIRS = st.lists(st.tuples(SECONDS, st.floats(0.1, 10)), min_size=1, max_size=8)


def knot(estimated: float, factor: float, width: float = 0.0) -> Knot:
    """A length that took `estimated / factor` seconds."""
    rate = factor / estimated
    return Knot(1, estimated, estimated / factor, width, Range(low=rate, mid=rate, high=rate))


@given(PAIRS, st.lists(SECONDS, min_size=2, max_size=6))
def test_what_was_estimated_to_be_slower_is_never_faster(
    pairs: list[tuple[float, float]], asked: list[float]
) -> None:
    curve = curve_of([knot(*pair) for pair in pairs])
    found = [seconds / exp(curve.at(seconds)[0]) for seconds in sorted(asked)]
    assert all(second >= first * (1 - 1e-9) for first, second in pairwise(found))


@given(PAIRS, SECONDS)
def test_no_factor_is_above_the_most(pairs: list[tuple[float, float]], seconds: float) -> None:
    curve = curve_of([knot(*pair) for pair in pairs])
    assert curve.at(seconds)[0] <= curve.most_gain + 1e-12


@given(st.floats(0.2, 5), st.lists(SECONDS, min_size=1, max_size=6), SECONDS)
def test_one_factor_everywhere_is_that_factor(factor: float, places: list[float], seconds: float) -> None:
    curve = curve_of([knot(place, factor) for place in places])
    assert exp(curve.at(seconds)[0]) == pytest.approx(factor)


def test_measured_lengths_are_met_and_between_them_it_is_between() -> None:
    curve = curve_of([knot(0.01, 2.0, 0.05), knot(0.04, 1.0)])
    assert exp(curve.at(0.01)[0]) == pytest.approx(2.0)
    assert curve.at(0.01)[1] == pytest.approx(0.05)
    assert curve.at(0.01)[2]
    assert exp(curve.at(0.04)[0]) == pytest.approx(1.0)
    assert 1.0 < exp(curve.at(0.02)[0]) < 2.0


def test_outside_it_is_less_sure_and_says_that_it_was_not_measured() -> None:
    curve = curve_of([knot(0.01, 2.0)])
    gain, width, within = curve.at(0.1)
    assert exp(gain) == pytest.approx(2.0)
    assert width > LEAST_WIDTH
    assert not within


def test_where_a_longer_context_was_measured_faster_both_are_pooled() -> None:
    curve = curve_of([knot(0.010, 1.0), knot(0.011, 1.2)])
    short, long = (seconds / exp(curve.at(seconds)[0]) for seconds in (0.010, 0.011))
    assert short == pytest.approx(long)
    assert log(short) == pytest.approx((log(0.010) + log(0.011 / 1.2)) / 2)
