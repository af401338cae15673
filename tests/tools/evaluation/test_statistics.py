"""Intervals cover what they claim, tests are exact, and repeats are no new scenarios."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from tools.evaluation.statistics import (
    Tally,
    compare,
    estimate,
    holm,
    kappa,
    pass_at,
    pass_hat,
    sign_test,
    swap_test,
    t_quantile,
    wilson_of,
)

RUNS = 500
TRUE_RATES = (0.1, 0.3, 0.5, 0.7, 0.9)
LEAST = 0.93
"""Of 500 runs; 95 % less two standard errors."""
Draw = Callable[[random.Random, float], float]


def _coverage(rate: float, scenarios: int, repeats: int, draw: Draw, seed: int = 1) -> float:
    chance = random.Random(seed)
    covered = 0
    for _ in range(RUNS):
        tallies = []
        for _ in range(scenarios):
            own = draw(chance, rate)
            tallies.append(Tally(sum(chance.random() < own for _ in range(repeats)), repeats))
        found = estimate(tallies)
        covered += found.low <= rate <= found.high
    return covered / RUNS


def _same(chance: random.Random, rate: float) -> float:
    """Every scenario is passed as often as every other."""
    return rate


def _spread(chance: random.Random, rate: float) -> float:
    """Scenarios differ: two answers to one resemble each other with a correlation of one half."""
    return chance.betavariate(rate, 1 - rate)


def _settled(chance: random.Random, rate: float) -> float:
    """A scenario is passed always or never: repeats tell nothing new."""
    return float(chance.random() < rate)


@pytest.mark.parametrize("rate", TRUE_RATES)
def test_without_repeats_the_interval_covers(rate: float) -> None:
    assert _coverage(rate, 20, 1, _same) >= LEAST


@pytest.mark.parametrize("draw", [_same, _spread, _settled])
@pytest.mark.parametrize("rate", TRUE_RATES)
def test_with_repeats_the_interval_covers_however_alike_answers_are(rate: float, draw: Draw) -> None:
    assert _coverage(rate, 20, 4, draw) >= LEAST


def test_repeats_that_differ_make_the_interval_narrower_and_others_do_not() -> None:
    once = estimate([Tally(1, 1)] * 12 + [Tally(0, 1)] * 8)
    alike = estimate([Tally(4, 4)] * 12 + [Tally(0, 4)] * 8)
    mixed = estimate([Tally(2, 4), Tally(3, 4)] * 8 + [Tally(2, 4)] * 4)
    assert once.cases == 20
    assert alike.cases == pytest.approx(20)
    assert 40 < mixed.cases <= 80
    assert mixed.high - mixed.low < once.high - once.low


def test_all_passed_is_no_certainty() -> None:
    found = estimate([Tally(4, 4)] * 20)
    assert found.rate == found.high == 1.0
    assert found.low < 0.87


@pytest.mark.parametrize(
    ("freedom", "value"), [(1, 12.706), (5, 2.571), (6, 2.447), (9, 2.262), (19, 2.093), (49, 2.010)]
)
def test_the_quantile_of_t(freedom: int, value: float) -> None:
    assert t_quantile(freedom) == pytest.approx(value, abs=2e-3)


def test_pass_hat_and_pass_at_are_the_chances_of_draws_without_return() -> None:
    tallies = [Tally(3, 4), Tally(0, 4), Tally(4, 4)]
    assert pass_hat(tallies, 1) == pass_at(tallies, 1) == pytest.approx(7 / 12)
    assert pass_hat(tallies, 2) == pytest.approx((3 / 6 + 0 + 1) / 3)
    assert pass_at(tallies, 2) == pytest.approx((1 + 0 + 1) / 3)
    assert pass_hat(tallies, 4) == pytest.approx(1 / 3)
    assert pass_hat(tallies, 5) is None


def test_pass_hat_is_without_bias() -> None:
    chance = random.Random(2)
    tallies = [Tally(sum(chance.random() < 0.8 for _ in range(6)), 6) for _ in range(4000)]
    assert pass_hat(tallies, 3) == pytest.approx(0.8**3, abs=0.015)
    assert pass_at(tallies, 3) == pytest.approx(1 - 0.2**3, abs=0.005)


def test_the_exact_mcnemar_test() -> None:
    assert sign_test(0, 0) == 1.0
    assert sign_test(5, 0) == pytest.approx(2 / 32)
    assert sign_test(8, 2) == pytest.approx(2 * (1 + 10 + 45) / 1024)
    assert sign_test(3, 3) == 1.0
    assert 0 < sign_test(900, 1100) < 1e-4


def test_a_difference_needs_the_scenarios_on_which_two_disagree() -> None:
    found = compare([(Tally(1, 1), Tally(1, 1))] * 10 + [(Tally(1, 1), Tally(0, 1))] * 8)
    assert (found.only_first, found.only_second, found.method) == (8, 0, "exact McNemar test")
    assert found.difference == pytest.approx(8 / 18)
    assert found.p == pytest.approx(2 / 256)
    assert found.low < found.difference < found.high


def test_with_repeats_the_two_are_swapped_within_each_scenario() -> None:
    pairs = [(Tally(4, 4), Tally(1, 4))] * 6 + [(Tally(2, 4), Tally(2, 4))] * 6
    found = compare(pairs)
    assert found.method == "permutation test within scenarios"
    assert found.p == pytest.approx(2 / 64)
    many = compare(pairs * 3)
    assert many.p < 0.001


def test_the_swap_test_keeps_its_level() -> None:
    chance = random.Random(3)
    wrong = sum(
        swap_test([chance.choice((-0.5, -0.25, 0.25, 0.5)) for _ in range(9)]) < 0.05 for _ in range(400)
    )
    assert wrong / 400 <= 0.075


def test_holm_corrects_for_several_pairs() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []
    assert holm([0.6, 0.9]) == [1.0, 1.0]


def test_kappa_is_agreement_beyond_chance() -> None:
    assert kappa(20, 5, 10, 15) == pytest.approx(0.4)
    assert kappa(10, 0, 0, 0) is None
    assert kappa(0, 0, 0, 0) is None
    assert kappa(5, 0, 0, 5) == 1.0
    found = kappa(0, 5, 5, 0)
    assert found is not None
    assert math.isclose(found, -1.0)


def _exact_coverage(rate: float, scenarios: int) -> float:
    """The chance that Wilson's interval holds the true rate, over all numbers that may pass."""
    inside = [n for n in range(scenarios + 1) if _holds(wilson_of(n / scenarios, scenarios), rate)]
    return sum(math.comb(scenarios, n) * rate**n * (1 - rate) ** (scenarios - n) for n in inside)


def _holds(interval: tuple[float, float], rate: float) -> bool:
    return interval[0] <= rate <= interval[1]


def test_wilsons_interval_covers_what_the_documentation_says_of_it() -> None:
    """Passes are whole numbers, so that no interval covers exactly 95 % at every rate."""
    rates = [at / 100 for at in range(10, 91)]
    for scenarios in (20, 30, 50, 100, 200):
        found = [_exact_coverage(rate, scenarios) for rate in rates]
        assert min(found) >= 0.915
        assert sum(found) / len(found) >= 0.948
    assert all(_exact_coverage(rate, 20) >= 0.955 for rate in (0.3, 0.5, 0.7, 0.85))


@pytest.mark.parametrize("scenarios", [20, 50])
@pytest.mark.parametrize("repeats", [1, 3])
def test_over_several_rates_the_interval_covers(scenarios: int, repeats: int) -> None:
    found = [
        _coverage(rate, scenarios, repeats, _same, seed=11 + place)
        for place, rate in enumerate((0.3, 0.5, 0.7, 0.85))
    ]
    assert sum(found) / len(found) >= 0.945
    assert min(found) >= 0.92
