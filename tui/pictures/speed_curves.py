"""Speed of one configuration by context and by users; calculates, so it is for a thread."""

from __future__ import annotations

from dataclasses import replace

from tools.timings import USERS, Setting, throughput
from tui.pictures.memory import Tuning
from tui.pictures.speed import CurvePoint

CONTEXTS = tuple(2048 << power for power in range(8))
"""Tokens of one conversation, 2k to 256k."""


def context_curve(tuning: Tuning) -> tuple[CurvePoint, ...]:
    """Speed with ever longer contexts; empty where it is not known."""
    machine, window = tuning.subject.machine, tuning.subject.window
    if machine is None:
        return ()
    found, most = [], tuning.limits.fits
    stops = {context for context in CONTEXTS if context < window} | {window, most or window}
    for context in sorted(stops):
        count = tuning.request.parallel
        curve = throughput(tuning.subject.model, machine, _setting(tuning, context), users=(count,))
        if curve:
            each = curve[0].per_user
            fits = None if most is None else context <= most
            found.append(CurvePoint(context, each.low, each.mid, each.high, fits))
    return tuple(found)


def crowd_curve(tuning: Tuning) -> tuple[CurvePoint, ...]:
    """Speed with several conversations at once; empty where it is not known."""
    machine, context = tuning.subject.machine, tuning.context
    if machine is None:
        return ()

    def holds(users: int) -> bool:
        return bool(tuning.shared(users - tuning.request.parallel).fits)

    curve = throughput(tuning.subject.model, machine, _setting(tuning, context), USERS, holds)
    return tuple(
        CurvePoint(one.users, one.per_user.low, one.per_user.mid, one.per_user.high, one.fits)
        for one in curve
    )


def _setting(tuning: Tuning, context: int) -> Setting:
    request = tuning.request
    return Setting(
        request.quant, request.engine, context, request.parallel, request.kv_cache_type, _gpu_share(tuning)
    )


def _gpu_share(tuning: Tuning) -> float:
    """Share of the weights on the accelerators, by bytes."""
    request = tuning.request
    if request.gpu_layers is None and not request.experts_away:
        return 1.0
    whole = replace(request, gpu_layers=None, cpu_moe=False, cpu_moe_layers=None)
    held, every = tuning.subject.held(request), tuning.subject.held(whole)
    return held.estimate.weights_bytes / max(1, every.estimate.weights_bytes)
