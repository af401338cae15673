"""What measured models say about others on the same machine: a Bayesian update of the estimates.

The logarithm of the factor between true and estimated speed is normal around 0. Factors of two configurations
go together, the more the more they share: a part is the machine's with an engine, a part belongs to where the
weights lie, a part to dense or mixture-of-experts models; each model has a small part of its own. How far
machines are from their estimates has two answers, weighed by what was measured: about as far as the class of
device is (most machines), or far more (a machine that is not what it was taken for). So a small difference,
which may be the one model's, moves others little, and a large one nearly in full. Engines with the same
kernels share most of it, others nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import exp, log, sqrt
from typing import NamedTuple

from tools.calibration.types import Calibration, Observation, Quantity, Subject

SHARED, OF_PLACEMENT, OF_KIND = 0.55, 0.3, 0.15
"""Shares of a machine's variance; they add up to 1."""
OF_MODEL = 0.08
"""What a single model differs by from the others, as a standard deviation of the logarithm."""
ALIKE, OTHERWISE = 0.5, 2.0
"""A machine's standard deviation in spreads of its class: as its class is, or not what it was taken for."""
MOSTLY = 0.8
"""Share of the machines that are as their class is."""
SAME_KERNELS = 0.8
"""Correlation between engines that run the same kernels."""
GGML = frozenset({"llama.cpp", "ollama", "lmstudio"})
NOISE = 0.05
"""What a repeated run on another day differs by, as a standard deviation of the logarithm."""
DOUBTFUL = log(4.0)
"""A run this far from its estimate is more likely a mistake than a machine."""
DOUBT = 2.0
"""Noise of such a run."""
MOST_OBSERVATIONS = 30
MOST_INFLATION = 3.0
"""Factor that disagreement widens the uncertainty by at the most."""
DISAGREE = 2.0
"""Widening from which it is said."""


class Posterior(NamedTuple):
    """Of the logarithm of the factor on a speed."""

    mean: float
    sd: float
    inflation: float
    """How much further the measurements are apart than they should be; 1 where they agree."""
    surprise: bool
    """The machine is probably not what it was taken for."""


class _View(NamedTuple):
    """The measurements under one answer to how far machines are from their estimates."""

    scale: float
    inverse: tuple[tuple[float, ...], ...]
    weights: tuple[float, ...]
    chance: float


class _Solved(NamedTuple):
    rows: tuple[Observation, ...]
    sds: tuple[float, ...]
    views: tuple[_View, ...]
    inflation: float


def kernels_of(subject: Subject) -> str:
    """What computes: engines that share it are alike."""
    gguf = subject.engine in GGML and not subject.quant.upper().startswith("MLX")
    return "ggml" if gguf else f"{subject.engine} {'mlx' if subject.engine in GGML else ''}".strip()


def gain_of(observation: Observation, quantity: Quantity) -> float:
    """Logarithm of measured over estimated speed, over all lengths.

    Long prompts count more: what every request costs beside its prompt slows the short ones down.
    """
    knots = observation.knots(quantity)
    weights = [float(knot.tokens) if quantity == "prompt" else 1.0 for knot in knots]
    return sum(knot.gain * weight for knot, weight in zip(knots, weights, strict=True)) / sum(weights)


def is_doubtful(observation: Observation, quantity: Quantity) -> bool:
    """Whether a run is too far from its estimate to be trusted for others."""
    return abs(gain_of(observation, quantity)) > DOUBTFUL


@lru_cache(maxsize=8192)
def posterior(calibration: Calibration, quantity: Quantity, subject: Subject) -> Posterior | None:
    """What all measurements together say of a configuration; None where none speaks for it.

    Args:
        calibration: What was measured.
        quantity: Generation or prompts.
        subject: What is asked about; its format and cache type play no part.
    """
    solved = _solved(calibration, quantity, kernels_of(subject))
    if solved is None:
        return None
    own = dict(calibration.spreads)[quantity, subject.placement]
    found = [_under(view, solved, subject, own) for view in solved.views]
    mean = sum(view.chance * each for view, (each, _) in zip(solved.views, found, strict=True))
    square = sum(
        view.chance * (each**2 + variance) for view, (each, variance) in zip(solved.views, found, strict=True)
    )
    surprise = solved.views[-1].chance > 0.5
    return Posterior(mean, sqrt(max(square - mean**2, 1e-6)) * solved.inflation, solved.inflation, surprise)


def _under(view: _View, solved: _Solved, subject: Subject, sd: float) -> tuple[float, float]:
    """Mean and variance of a configuration's logarithm."""
    covariances = [
        _covariance(subject, row.subject, view.scale**2 * sd * its)
        for row, its in zip(solved.rows, solved.sds, strict=True)
    ]
    mean = sum(c * w for c, w in zip(covariances, view.weights, strict=True))
    known = sum(
        c * sum(a * b for a, b in zip(line, covariances, strict=True))
        for c, line in zip(covariances, view.inverse, strict=True)
    )
    return mean, max((view.scale * sd) ** 2 + OF_MODEL**2 - known, 0.0)


def rows_for(calibration: Calibration, quantity: Quantity, subject: Subject) -> tuple[Observation, ...]:
    """The measurements that speak for a configuration, the newest first."""
    solved = _solved(calibration, quantity, kernels_of(subject))
    return solved.rows if solved is not None else ()


@lru_cache(maxsize=64)
def _solved(calibration: Calibration, quantity: Quantity, kernels: str) -> _Solved | None:
    rows = [
        row
        for row in calibration.observations
        if row.subject.parallel == 1 and row.knots(quantity) and kernels_of(row.subject) == kernels
    ][:MOST_OBSERVATIONS]
    if not rows:
        return None
    spreads = dict(calibration.spreads)
    sds = [spreads[quantity, row.subject.placement] for row in rows]
    gains = [gain_of(row, quantity) for row in rows]
    views = [_view(rows, sds, gains, scale, quantity) for scale in (ALIKE, OTHERWISE)]
    chances = [MOSTLY * exp(min(300.0, views[0][1] - views[1][1])), 1.0 - MOSTLY]
    found = tuple(
        view._replace(chance=chance / sum(chances)) for (view, _), chance in zip(views, chances, strict=True)
    )
    likely = max(found, key=lambda view: view.chance)
    return _Solved(tuple(rows), tuple(sds), found, _inflation(likely.inverse, likely.weights))


def _view(
    rows: list[Observation], sds: list[float], gains: list[float], scale: float, quantity: Quantity
) -> tuple[_View, float]:
    """The measurements under one answer, and the logarithm of how well it explains them."""
    matrix = [
        [
            _covariance(one.subject, other.subject, scale**2 * sds[i] * sds[j])
            + (_noise(one, quantity) if i == j else 0.0)
            for j, other in enumerate(rows)
        ]
        for i, one in enumerate(rows)
    ]
    inverse, volume = _inverted(matrix)
    weights = tuple(sum(a * b for a, b in zip(line, gains, strict=True)) for line in inverse)
    fit = -0.5 * (sum(a * b for a, b in zip(weights, gains, strict=True)) + volume)
    return _View(scale, tuple(tuple(line) for line in inverse), weights, 0.0), fit


def _noise(observation: Observation, quantity: Quantity) -> float:
    """Variance of a measured mean beside the truth."""
    knots = observation.knots(quantity)
    width = sum(knot.width**2 for knot in knots) / len(knots) ** 2
    doubt = DOUBT**2 if is_doubtful(observation, quantity) else 0.0
    return NOISE**2 + width + observation.fade**2 + doubt


def _covariance(one: Subject, other: Subject, variance: float) -> float:
    """How far the factors of two configurations go together; both have the same kernels."""
    shared = SHARED
    shared += OF_PLACEMENT if one.placement == other.placement else 0.0
    shared += OF_KIND if one.experts == other.experts else 0.0
    found = shared * variance + (OF_MODEL**2 if one.model_id == other.model_id else 0.0)
    return found * (1.0 if one.engine == other.engine else SAME_KERNELS)


def _inflation(inverse: Sequence[Sequence[float]], weights: Sequence[float]) -> float:
    """How much further each measurement is from what the others say of it than it should be."""
    if len(weights) < 2:
        return 1.0
    squares = [weight**2 / line[i] for i, (weight, line) in enumerate(zip(weights, inverse, strict=True))]
    return min(MOST_INFLATION, max(1.0, sqrt(sum(squares) / len(squares))))


def _inverted(matrix: list[list[float]]) -> tuple[list[list[float]], float]:
    """The inverse of a covariance matrix (Gauss and Jordan), and the logarithm of its determinant."""
    size, volume = len(matrix), 0.0
    rows = [[*line, *(1.0 if i == j else 0.0 for j in range(size))] for i, line in enumerate(matrix)]
    for i in range(size):
        pivot = rows[i][i]
        volume += log(pivot)
        rows[i] = [value / pivot for value in rows[i]]
        for j in range(size):
            if j != i and rows[j][i]:
                by = rows[j][i]
                rows[j] = [a - by * b for a, b in zip(rows[j], rows[i], strict=True)]
    return [line[size:] for line in rows], volume
