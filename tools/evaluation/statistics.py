"""How sure a measured pass rate is, and whether two models differ.

Without repeats every scenario is one observation. With repeats the answers to one scenario resemble each
other, so that scenarios, not answers, are what the scatter is taken from.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from tools.planning.rubric import Z95, wilson

CAUTION = 4
"""Scenarios' worth of the belief that repeats tell nothing new: with few scenarios their scatter is itself
uncertain, and an interval that took it at its word would be too narrow (simulated in the tests)."""
EXACT_SCENARIOS = 12
"""Up to so many scenarios with a difference all swaps are counted; else a sample of them."""
SWAPS = 20_000
SWAP_SEED = 20_261_121
LEVEL = 0.05


class Tally(NamedTuple):
    """One scenario with one model: `passed` of `runs`."""

    passed: int
    runs: int

    @property
    def rate(self) -> float:
        """Share that passed."""
        return self.passed / self.runs


@dataclass(frozen=True, slots=True)
class Estimate:
    """A pass rate with its interval of 95 %."""

    rate: float
    low: float
    high: float
    cases: float
    """Independent cases that would scatter as much."""
    method: str


def estimate(tallies: Sequence[Tally]) -> Estimate:
    """The pass rate over scenarios, each with the same weight.

    Args:
        tallies: at least one, each with at least one run.
    """
    n = len(tallies)
    rate = sum(tally.rate for tally in tallies) / n
    runs = sum(tally.runs for tally in tallies)
    if runs == n or n == 1:
        low, high = wilson_of(rate, n, Z95)
        return Estimate(rate, low, high, n, "Wilson")
    cases = _independent(tallies, rate, runs)
    low, high = wilson_of(rate, cases, t_quantile(n - 1))
    return Estimate(rate, low, high, cases, "Wilson, clustered by scenario")


def _independent(tallies: Sequence[Tally], rate: float, runs: int) -> float:
    """The number of independent cases whose mean would scatter as the mean over these scenarios does."""
    n = len(tallies)
    spread = rate * (1 - rate)
    variance = sum((tally.rate - rate) ** 2 for tally in tallies) / (n - 1) / n
    share = variance / spread if spread > 0 else 1 / n
    share = min(1 / n, max(1 / runs, share))
    return (n - 1 + CAUTION) / ((n - 1) * share + CAUTION / n)


def wilson_of(rate: float, cases: float, quantile: float = Z95) -> tuple[float, float]:
    """The Wilson score interval of a rate over a number of cases that need not be whole."""
    return wilson(rate * cases, cases, quantile)


def t_quantile(freedom: int) -> float:
    """The quantile of Student's t for a two-sided interval of 95 %; within 0.002 of tables from 3 degrees on.

    Args:
        freedom: degrees of freedom, at least 1.
    """
    if freedom <= len(_FEW):
        return _FEW[freedom - 1]
    z, v = Z95, freedom  # Abramowitz and Stegun, 26.7.5
    return (
        z
        + (z**3 + z) / (4 * v)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
    )


_FEW = (12.7062, 4.3027, 3.1824, 2.7764, 2.5706)


def pass_hat(tallies: Sequence[Tally], k: int) -> float | None:
    """pass^k: the chance that k runs of a scenario all pass; None where no scenario has k runs."""
    rates = [math.comb(t.passed, k) / math.comb(t.runs, k) for t in tallies if t.runs >= k]
    return sum(rates) / len(rates) if rates else None


def pass_at(tallies: Sequence[Tally], k: int) -> float | None:
    """pass@k: the chance that at least one of k runs passes; None where no scenario has k runs."""
    rates = [1 - math.comb(t.runs - t.passed, k) / math.comb(t.runs, k) for t in tallies if t.runs >= k]
    return sum(rates) / len(rates) if rates else None


@dataclass(frozen=True, slots=True)
class Difference:
    """Two models on the same scenarios; positive where the first one passes more."""

    difference: float
    low: float
    high: float
    p: float
    scenarios: int
    only_first: int
    """Scenarios where the first one did better."""
    only_second: int
    method: str


def compare(pairs: Sequence[tuple[Tally, Tally]]) -> Difference:
    """The difference of two models on the scenarios that both have run; at least one."""
    gaps = [first.rate - second.rate for first, second in pairs]
    better, worse = sum(gap > 0 for gap in gaps), sum(gap < 0 for gap in gaps)
    once = all(first.runs == second.runs == 1 for first, second in pairs)
    if once:
        p, method = sign_test(better, worse), "exact McNemar test"
        low, high = _adjusted_wald(better, worse, len(pairs))
    else:
        p, method = swap_test(gaps), "permutation test within scenarios"
        low, high = _mean_interval(gaps)
    return Difference(sum(gaps) / len(gaps), low, high, p, len(gaps), better, worse, method)


def sign_test(better: int, worse: int) -> float:
    """The exact McNemar test: p of at least so unequal a split of the scenarios that the two disagree on."""
    n = better + worse
    if n == 0:
        return 1.0
    tail = sum(math.comb(n, i) for i in range(min(better, worse) + 1))
    # Whole numbers: 2 to the power of two thousand is no float.
    return min(1.0, 2 * tail / (1 << n))


def swap_test(gaps: Sequence[float]) -> float:
    """p of so large a mean gap, if it were chance which of the two models is which in each scenario."""
    apart = [gap for gap in gaps if abs(gap) > 1e-12]
    seen = abs(sum(apart)) - 1e-9
    if not apart:
        return 1.0
    if len(apart) <= EXACT_SCENARIOS:
        sums = (sum(map(_times, signs, apart)) for signs in product((1, -1), repeat=len(apart)))
        return sum(abs(each) >= seen for each in sums) / (1 << len(apart))
    chance = random.Random(SWAP_SEED)
    as_far = 0
    for _ in range(SWAPS):
        bits = chance.getrandbits(len(apart))
        total = sum(gap if bits >> at & 1 else -gap for at, gap in enumerate(apart))
        as_far += abs(total) >= seen
    return (as_far + 1) / (SWAPS + 1)


def _times(sign: int, gap: float) -> float:
    return sign * gap


def _adjusted_wald(better: int, worse: int, n: int) -> tuple[float, float]:
    """Bonett and Price 2012 (J. Educ. Behav. Stat. 37): holds for small samples of pairs."""
    a, b = (better + 1) / (n + 2), (worse + 1) / (n + 2)
    half = Z95 * math.sqrt(max(0.0, a + b - (a - b) ** 2) / (n + 2))
    return max(-1.0, a - b - half), min(1.0, a - b + half)


def _mean_interval(gaps: Sequence[float]) -> tuple[float, float]:
    """Student's interval of the mean gap, with one scenario of each kind of full disagreement added."""
    more = [*gaps, 1.0, -1.0]
    n, mean = len(more), sum(more) / len(more)
    half = t_quantile(n - 1) * math.sqrt(sum((gap - mean) ** 2 for gap in more) / (n - 1) / n)
    return max(-1.0, mean - half), min(1.0, mean + half)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's correction for several comparisons (Holm 1979), in the order given."""
    order = sorted(range(len(p_values)), key=lambda at: p_values[at])
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for rank, at in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[at]))
        corrected[at] = highest
    return corrected


def kappa(both: int, first: int, second: int, neither: int) -> float | None:
    """Cohen's kappa of two graders: passed by both, by the first alone, by the second alone, by neither.

    None where it is not defined, because both always say the same one thing.
    """
    n = both + first + second + neither
    if n == 0:
        return None
    by_first, by_second = (both + first) / n, (both + second) / n
    by_chance = by_first * by_second + (1 - by_first) * (1 - by_second)
    if by_chance >= 1 - 1e-12:
        return None
    return ((both + neither) / n - by_chance) / (1 - by_chance)
