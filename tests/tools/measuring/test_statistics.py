"""Medians and their intervals."""

from __future__ import annotations

import random

import pytest

from tools.measuring.statistics import CONFIDENCE, confidence_of, median_range, rank_for, reached


@pytest.mark.parametrize(
    ("count", "rank", "confidence"),
    [(1, 1, 0.0), (2, 1, 0.5), (5, 1, 0.9375), (6, 1, 0.96875), (9, 2, 0.961)],
)
def test_the_confidence_is_that_of_coin_throws(count: int, rank: int, confidence: float) -> None:
    assert rank_for(count) == rank
    assert reached(count) == pytest.approx(confidence, abs=0.001)


def test_the_narrowest_interval_that_reaches_the_confidence_is_taken() -> None:
    for count in range(6, 60):
        rank = rank_for(count)
        assert confidence_of(count, rank) >= CONFIDENCE > confidence_of(count, rank + 1)


def test_intervals_hold_the_true_median_as_often_as_they_say() -> None:
    """Of a skewed distribution, which no interval around a mean would fit."""
    dice = random.Random(1)
    for count in (6, 10, 25):
        held = 0
        for _ in range(2000):
            found = median_range([dice.expovariate(1.0) for _ in range(count)])
            assert found is not None
            held += found.low <= 0.6931 <= found.high
        assert held / 2000 == pytest.approx(reached(count), abs=0.02)


def test_a_single_value_is_its_own_interval_and_none_has_none() -> None:
    found = median_range([3.0])
    assert found is not None
    assert (found.low, found.mid, found.high) == (3.0, 3.0, 3.0)
    assert median_range([]) is None


def test_an_outlier_moves_neither_the_median_nor_a_long_interval() -> None:
    found = median_range([1.0] * 11 + [100.0])
    assert found is not None
    assert (found.low, found.mid, found.high) == (1.0, 1.0, 1.0)
