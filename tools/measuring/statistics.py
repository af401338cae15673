"""Medians with intervals that assume no distribution.

The interval of a median lies between two of the sorted values. How often such an interval holds the true
median follows from coin throws alone: the k-th smallest and the k-th largest of n values miss it with twice
the probability that at most k - 1 of n coins fall heads. The narrowest pair that holds it in at least 95 of
100 cases is taken; fewer than six values cannot do that, and the smallest and the largest are taken, with the
share that they do reach.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from knowledge.measured_here import Range

CONFIDENCE = 0.95
METHOD = "order statistics of the repeats around their median"


def confidence_of(count: int, rank: int = 1) -> float:
    """Share of cases in which the `rank`-th smallest and largest of `count` values hold the true median."""
    tail = sum(math.comb(count, heads) for heads in range(rank)) / 2.0**count
    return max(0.0, 1.0 - 2.0 * tail)


def rank_for(count: int, confidence: float = CONFIDENCE) -> int:
    """The rank from either end of the narrowest interval that reaches the confidence; 1 where none does."""
    rank = 1
    while 2 * (rank + 1) <= count and confidence_of(count, rank + 1) >= confidence:
        rank += 1
    return rank


def median_range(values: Sequence[float]) -> Range | None:
    """The median and its interval; None without values."""
    if not values:
        return None
    ordered = sorted(values)
    rank = rank_for(len(ordered))
    return Range(low=ordered[rank - 1], mid=statistics.median(ordered), high=ordered[-rank])


def reached(count: int) -> float:
    """The confidence of `median_range` with so many values."""
    return confidence_of(count, rank_for(count))
