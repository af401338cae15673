"""An estimate corrected by what was measured on the same machine.

A model that was measured itself is corrected by its own curve, in other formats and at other lengths by the
ratio of the estimates. Others are corrected by what all measurements say together (`posterior.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import product
from math import exp, hypot, log, sqrt
from typing import NamedTuple

from tools.calibration.curve import Curve, curve_of
from tools.calibration.posterior import (
    DISAGREE,
    GGML,
    gain_of,
    is_doubtful,
    kernels_of,
    posterior,
    rows_for,
)
from tools.calibration.types import Calibration, Here, Knot, Observation, Placement, Quantity, Subject
from tools.calibration.words import note_for_all, worded
from tools.hardware_types import Machine

OTHER_FORMAT, OTHER_CACHE, OTHER_NUMBER = 0.08, 0.04, 0.2
"""Uncertainty added where another format, cache type or number of conversations was measured."""
MOST_WIDER = 1.5
"""Factor on half of an interval, as a logarithm, that a surprise elsewhere widens it by at the most."""
PLACEMENTS: tuple[Placement, ...] = ("device", "part", "host")


class At(NamedTuple):
    """A place on a model's curve."""

    tokens: int
    """In the cache, or in the prompt."""
    seconds: float
    """As estimated: of one token, or of the prompt."""


class Corrected(NamedTuple):
    """What an estimate is multiplied by, and its new uncertainty."""

    factor: float
    """On the speed."""
    spread: float
    """Factor between the middle and either end of the interval."""
    here: Here


class _Own(NamedTuple):
    row: Observation
    """The nearest measurement, which is shown."""
    parts: tuple[tuple[Curve, float], ...]
    """Curves with their shares: two where a number of conversations lies between two that were measured."""
    width: float
    """Uncertainty for what differs from what was measured."""

    def at(self, seconds: float) -> tuple[float, float, bool]:
        """Logarithm of the factor on a speed, its width, and whether it was measured there."""
        found = [(*curve.at(seconds), share) for curve, share in self.parts]
        gain = sum(gain * share for gain, _, _, share in found)
        return gain, max(width for _, width, _, _ in found), found[0][2]


def applies(machine: Machine) -> Calibration | None:
    """The calibration of a machine, while it has the accelerators that were measured.

    What is asked about other hardware ("with a larger card") is derived from the same machine.
    """
    calibration = machine.calibration
    if calibration is None or machine.rented or machine.nodes > 1:
        return None
    if len(machine.devices) != len(calibration.devices):
        return None
    for device, (name, size) in zip(machine.devices, calibration.devices, strict=True):
        if device.name != name or device.memory_bytes != size:
            return None
    return calibration


def note_on(machine: Machine) -> str:
    """For a list of speeds on a machine: what they are corrected by; empty where nothing was measured."""
    calibration = applies(machine)
    return note_for_all(calibration) if calibration is not None else ""


def placement_of(machine: Machine, gpu_share: float) -> Placement:
    """Where the weights lie."""
    if not machine.devices or gpu_share <= 0.0:
        return "host"
    return "device" if gpu_share >= 1.0 else "part"


def corrected(
    calibration: Calibration,
    subject: Subject,
    quantity: Quantity,
    at: At,
    spread: float,
) -> Corrected | None:
    """What measurements make of an estimate; None where none speaks for it.

    Args:
        calibration: What was measured on this machine.
        subject: What is estimated.
        quantity: Generation or prompts.
        at: What is estimated of it.
        spread: Factor between the estimate and either end of its interval.
    """
    known = subject.model_id in _measured(calibration)
    own = _own(calibration, quantity, subject) if known else None
    if own is not None:
        gain, width, within = own.at(at.seconds)
        sd = min(hypot(width, own.width), log(spread))
        exact = within and not own.width
        return Corrected(
            exp(gain), exp(sd), _own_words(calibration, quantity, own, at, exp(gain), exact=exact)
        )
    found = _others(calibration, quantity, _plain(calibration, subject))
    if found is None:
        return None
    factor, width, prior, here = found
    rest = max(0.0, log(spread) ** 2 - prior**2)
    here = _with_own(calibration, quantity, subject, at, here) if known else here
    return Corrected(factor, exp(sqrt(width**2 + rest)), here)


def _with_own(calibration: Calibration, quantity: Quantity, subject: Subject, at: At, here: Here) -> Here:
    """With what was measured of the very model elsewhere: with another engine, or in another placement."""
    rows = rows_for(calibration, quantity, subject)
    row = next((row for row in rows if row.subject.model_id == subject.model_id), None)
    if row is None:
        return here
    knot = _nearest(row.knots(quantity), at.tokens)
    own = replace(here, engine=row.subject.engine, day=row.day, quant=row.subject.quant)
    return worded(replace(own, rate=knot.rate, tokens=knot.tokens))


@lru_cache(maxsize=64)
def _measured(calibration: Calibration) -> frozenset[str]:
    """Ids of the models that were measured."""
    return frozenset(row.subject.model_id for row in calibration.observations)


def most_gain(machine: Machine, model_id: str, engine: str | None = None) -> float:
    """A factor of at least 1 that no estimate of a model grows by, in any format and placement.

    Args:
        machine: Where it runs.
        model_id: What runs.
        engine: Of one engine alone; all of them where None.
    """
    calibration = applies(machine)
    return 1.0 if calibration is None else _most_gain(calibration, model_id, engine)


@lru_cache(maxsize=8192)
def _most_gain(calibration: Calibration, model_id: str, engine: str | None) -> float:
    most = 0.0
    engines = {row.subject.engine for row in calibration.observations}
    names = [engine] if engine is not None else sorted(engines | GGML)
    for quant, name, placement, experts in product(("", "MLX"), names, PLACEMENTS, (False, True)):
        subject = _plain(calibration, Subject(model_id, quant, "", name, placement, experts))
        found = posterior(calibration, "generation", subject)
        most = max(most, found.mean if found is not None else 0.0)
    for row in calibration.observations:
        if row.subject.model_id == model_id and row.generation:
            most = max(most, curve_of(row.generation).most_gain)
    return exp(most)


@lru_cache(maxsize=8192)
def _plain(calibration: Calibration, subject: Subject) -> Subject:
    """Without what plays no part for other models' measurements, so that many share one computation."""
    kind = "MLX" if subject.quant.upper().startswith("MLX") else ""
    name = subject.model_id if subject.model_id in _measured(calibration) else ""
    return subject._replace(model_id=name, quant=kind, kv_cache_type="", parallel=1)


@lru_cache(maxsize=4096)
def _own(calibration: Calibration, quantity: Quantity, subject: Subject) -> _Own | None:
    """The model's own measurement that is nearest: the same format, then the same cache, then the newest."""
    rows = [
        row
        for row in calibration.observations
        if row.knots(quantity)
        and row.subject.model_id == subject.model_id
        and row.subject.engine == subject.engine
        and row.subject.placement == subject.placement
        and kernels_of(row.subject) == kernels_of(subject)
    ]
    alone = [row for row in rows if row.subject.parallel == 1]
    if not alone:
        return None
    best = min(alone, key=lambda row: _differs(row.subject, subject))  # the newest come first
    if subject.parallel == 1:
        return _Own(best, ((curve_of(best.knots(quantity)), 1.0),), _differs(best.subject, subject))
    same = best.subject._replace(parallel=1)
    batches = [row for row in rows if row.subject._replace(parallel=1) == same]
    near = min(batches, key=lambda row: abs(log(row.subject.parallel / subject.parallel)))
    parts = _between(batches, quantity, subject.parallel)
    width = _differs(best.subject, subject)
    if near.subject.parallel != subject.parallel:
        width = hypot(width, OTHER_NUMBER)
    return _Own(near, parts, width)


def _differs(one: Subject, other: Subject) -> float:
    """Uncertainty of one model's measurement for another format or cache type of it."""
    formats = OTHER_FORMAT if one.quant.upper() != other.quant.upper() else 0.0
    return hypot(formats, OTHER_CACHE if one.kv_cache_type != other.kv_cache_type else 0.0)


def _between(
    batches: Sequence[Observation], quantity: Quantity, parallel: int
) -> tuple[tuple[Curve, float], ...]:
    """The curves of the nearest numbers of conversations below and above, with their shares."""
    rows = sorted(batches, key=lambda row: row.subject.parallel)
    below = next((row for row in reversed(rows) if row.subject.parallel <= parallel), rows[0])
    above = next((row for row in rows if row.subject.parallel >= parallel), below)
    low, high = below.subject.parallel, above.subject.parallel
    if low == high:
        return ((curve_of(below.knots(quantity)), 1.0),)
    share = log(parallel / low) / log(high / low)
    return ((curve_of(below.knots(quantity)), 1.0 - share), (curve_of(above.knots(quantity)), share))


def _own_words(
    calibration: Calibration, quantity: Quantity, own: _Own, at: At, factor: float, *, exact: bool
) -> Here:
    row = own.row
    knot = _nearest(row.knots(quantity), at.tokens)
    doubtful = is_doubtful(row, quantity)
    here = Here(
        quantity,
        "measured" if exact else "scaled",
        factor,
        row.subject.engine,
        (row.subject.engine,),
        row.day,
        (row.name,),
        row.subject.quant,
        doubtful=doubtful,
        gain=exp(gain_of(row, quantity)) if doubtful else 1.0,
        same_accelerators=calibration.same_accelerators,
        rate=knot.rate,
        tokens=knot.tokens,
        parallel=row.subject.parallel,
    )
    return worded(here)


def _nearest(knots: Sequence[Knot], tokens: int) -> Knot:
    return min(knots, key=lambda knot: abs(log(max(1, knot.tokens) / max(1, tokens))))


@lru_cache(maxsize=4096)
def _others(
    calibration: Calibration, quantity: Quantity, subject: Subject
) -> tuple[float, float, float, Here] | None:
    """Factor, half of its interval as a logarithm, the same before, and what it rests on."""
    found = posterior(calibration, quantity, subject)
    if found is None:
        return None
    rows = rows_for(calibration, quantity, subject)
    doubtful = next((row for row in rows if is_doubtful(row, quantity)), None)
    engines = tuple(dict.fromkeys(row.subject.engine for row in rows))
    same = [row for row in rows if row.subject.engine == subject.engine]
    here = Here(
        quantity,
        "others",
        exp(found.mean),
        rows[0].subject.engine,
        engines,
        rows[0].day,
        tuple(dict.fromkeys(row.name for row in rows)),
        rows[0].subject.quant if len(rows) == 1 else "",
        across=not same,
        disagree=found.inflation >= DISAGREE,
        same_accelerators=calibration.same_accelerators,
    )
    if doubtful is not None:
        here = replace(here, doubtful=True, gain=exp(gain_of(doubtful, quantity)))
    prior = dict(calibration.spreads)[quantity, subject.placement]
    # Two standard deviations to either side: a surprise in one place makes the others less sure, too.
    most = max(found.inflation, MOST_WIDER if found.surprise else 1.0)
    width = min(2 * found.sd, prior * most)
    return exp(found.mean), width, prior, worded(here)
