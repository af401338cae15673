"""Pass rates with their uncertainty against the guide's thresholds."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.planning.rubric import rubric_of, standard_error, verdict_of, wilson


def test_the_interval_of_published_examples() -> None:
    # Values of R's prop.test without continuity correction.
    assert wilson(16, 20) == pytest.approx((0.58398, 0.91933), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0.0, 0.16113), abs=1e-4)
    assert wilson(20, 20) == pytest.approx((0.83887, 1.0), abs=1e-4)


@given(st.integers(1, 2000), st.data())
def test_the_interval_holds_the_rate_and_is_symmetric_in_passing_and_failing(
    n: int, data: st.DataObject
) -> None:
    passed = data.draw(st.integers(0, n))
    low, high = wilson(passed, n)
    assert 0 <= low <= passed / n + 1e-12
    assert passed / n - 1e-12 <= high <= 1
    mirrored = wilson(n - passed, n)
    assert mirrored[0] == pytest.approx(1 - high, abs=1e-9)
    assert mirrored[1] == pytest.approx(1 - low, abs=1e-9)


@given(st.integers(1, 500), st.integers(2, 20))
def test_more_scenarios_narrow_it(n: int, times: int) -> None:
    few, many = wilson(n, 2 * n), wilson(n * times, 2 * n * times)
    assert many[1] - many[0] < few[1] - few[0]


def test_eighty_percent_of_twenty_is_not_surely_above_seventy() -> None:
    found = rubric_of(0.8, 20)
    assert (found.passed, found.verdict) == (16, "open")
    assert "includes 70%" in found.text
    assert found.settled_with is not None
    assert 60 < found.settled_with < 110
    assert rubric_of(0.8, found.settled_with).verdict == "above"


@pytest.mark.parametrize(
    ("rate", "scenarios", "verdict"),
    [
        (1.0, 20, "above"),
        (0.8, 200, "above"),
        (0.1, 20, "below"),
        (0.6, 400, "between"),
        (0.6, 20, "open"),
        (0.7, 20, "open"),
        (0.0, 1, "open"),
    ],
)
def test_verdicts_are_given_only_when_they_hold(rate: float, scenarios: int, verdict: str) -> None:
    assert rubric_of(rate, scenarios).verdict == verdict


@pytest.mark.parametrize("rate", [0.5, 0.7])
def test_a_rate_on_a_threshold_is_settled_by_no_number(rate: float) -> None:
    assert rubric_of(rate, 20).settled_with is None


@given(st.floats(0, 1), st.floats(0, 1))
def test_an_interval_across_a_threshold_says_nothing(first: float, second: float) -> None:
    low, high = sorted((first, second))
    verdict = verdict_of(low, high)
    assert verdict == "open" or not (low < 0.5 < high or low < 0.7 < high)


@given(st.floats(0, 1), st.integers(1, 10_000))
def test_rates_become_whole_scenarios(rate: float, scenarios: int) -> None:
    found = rubric_of(rate, scenarios)
    assert 0 <= found.passed <= scenarios
    assert abs(found.passed - rate * scenarios) <= 0.5


def test_the_guides_standard_error() -> None:
    assert standard_error(0.7, 20) == pytest.approx(0.1025, abs=1e-4)
    assert math.isclose(standard_error(0.5, 100), 0.05)
