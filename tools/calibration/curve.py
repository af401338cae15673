"""One model's own measurements as a map from estimated to measured seconds.

The map never falls and is a constant factor outside of what was measured. So whatever was estimated to be
slower (a longer context, a larger format) never comes out faster for having been measured.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from tools.calibration.types import Knot

LEAST_WIDTH = 0.03
"""Half of an interval at the least, as a difference of logarithms: runs of another day differ so much."""
BEYOND = 0.15
"""Uncertainty added for each unit of the logarithm outside of what was measured."""
_SAME = 1e-3
"""Difference of logarithms of estimated seconds below which two knots are one place."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Logarithms of seconds, ascending: estimated, and of the measured ones what lies above the estimate."""

    places: tuple[float, ...]
    excess: tuple[float, ...]
    widths: tuple[float, ...]

    def at(self, seconds: float) -> tuple[float, float, bool]:
        """Logarithm of the factor on a speed, its width, and whether it was measured there."""
        where = log(seconds)
        first, last = self.places[0], self.places[-1]
        beyond = max(first - where, where - last, 0.0)
        if where <= first or where >= last:
            at = 0 if where <= first else -1
            return -self.excess[at], self.widths[at] + BEYOND * beyond, beyond <= 2 * LEAST_WIDTH
        right = bisect_right(self.places, where)
        left = right - 1
        part = (where - self.places[left]) / (self.places[right] - self.places[left])
        excess = self.excess[left] + part * (self.excess[right] - self.excess[left])
        width = self.widths[left] + part * (self.widths[right] - self.widths[left])
        return -excess, width, True

    @property
    def most_gain(self) -> float:
        """Logarithm of the largest factor that it gives anywhere."""
        return -min(self.excess)


def curve_of(knots: Sequence[Knot]) -> Curve:
    """The map through measured lengths; where measured seconds fall though more was to do, they are pooled.

    Args:
        knots: At least one.
    """
    rows = sorted((log(knot.estimated), log(knot.measured), max(LEAST_WIDTH, knot.width)) for knot in knots)
    places: list[list[tuple[float, float, float]]] = []
    for row in rows:
        if places and row[0] - places[-1][0][0] < _SAME:
            places[-1].append(row)
        else:
            places.append([row])
    at = [_mean([row[0] for row in place]) for place in places]
    measured = _rising(
        [_mean([row[1] for row in place]) for place in places], [float(len(place)) for place in places]
    )
    widths = [max(row[2] for row in place) for place in places]
    excess = tuple(seconds - place for place, seconds in zip(at, measured, strict=True))
    return Curve(tuple(at), excess, tuple(widths))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _rising(values: list[float], weights: list[float]) -> list[float]:
    """The nearest values that never fall (pooled adjacent violators)."""
    pools: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        mean, held, count = value, weight, 1
        while pools and pools[-1][0] > mean:
            before, its, many = pools.pop()
            mean = (before * its + mean * held) / (its + held)
            held, count = held + its, count + many
        pools.append((mean, held, count))
    return [mean for mean, _, count in pools for _ in range(count)]
