"""One number for "how good is this for this person": quality, speed, headroom, freedom, cost, weighted.

All parts are scores from 0 to 100; the weights come from the stated priority and stand in
`tools/data/utility.json`. Quality counts with caution: a part of its uncertainty is taken off, so that a
measured model beats an unmeasured one of the same expectation.
"""

from __future__ import annotations

import math
from functools import cache
from importlib import resources
from operator import mul
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from tools.needs import Priority


@cache
def table() -> dict[str, Any]:
    """The weights and ladders of `tools/data/utility.json`."""
    data = resources.files("tools").joinpath("data/utility.json").read_bytes()
    return TypeAdapter(dict[str, Any]).validate_json(data)


def speed_score(tokens_per_second: float | None, minimum: float, priority: Priority = "balanced") -> float:
    """0 to 100: rises to full marks where generation is comfortable, and is flat from there.

    The scale follows the wanted minimum: to someone who is content with 10 tokens per second, 40 are hardly
    better than 25. Only where speed is what was asked for is faster always better. An unknown speed scores as
    the minimum itself: neither a bonus nor a guess.
    """
    if tokens_per_second is None:
        tokens_per_second = max(minimum, 1.0)
    comfort = table()["comfortable_tokens_per_second"]
    enough = float(min(comfort["most"], max(comfort["least"], comfort["times_the_minimum"] * minimum)))
    if priority == "speed":
        return 100.0 * (1.0 - math.exp(-tokens_per_second / (enough * comfort["faster"])))
    missing = max(0.0, 1.0 - tokens_per_second / enough)
    return 100.0 * (1.0 - missing * missing)


def speed_penalty(tokens_per_second: float | None, minimum: float) -> float:
    """Utility points off below the wanted minimum, whatever the priority: no one enjoys a crawl."""
    if tokens_per_second is None or tokens_per_second >= minimum:
        return 0.0
    return float(table()["below_minimum_penalty"]) * (1.0 - tokens_per_second / minimum)


def weakness_penalty(quality: float, priority: Priority) -> float:
    """Utility points off below the expected quality (0 to 100) at which an answer is of use.

    A priority on speed, cost or size ranks useful models; it does not make a toy useful. Where quality counts
    most its own weight does the same.
    """
    floor = table()["useful_quality"]
    if priority not in floor["priorities"]:
        return 0.0
    return float(floor["points_each"]) * max(0.0, float(floor["least"]) - quality)


def memory_score(used: int, available: int, priority: Priority) -> float:
    """0 to 100: the share of the memory that stays free, up to what is enough for the priority.

    Free memory beyond a reserve is worth nothing by itself, unless a small footprint is what was asked for.
    """
    if available <= 0:
        return 0.0
    enough = float(table()["enough_free_share"][priority])
    return 100.0 * min(1.0, max(0.0, 1.0 - used / available) / enough)


def context_score(window: int | None, needed: int) -> float:
    """0 to 100: how often the wanted context fits into the model's window, on a log scale up to 8 times."""
    if not window or window < needed:
        return 0.0
    return 100.0 * min(1.0, math.log2(window / needed) / 3.0)


def cost_score(usd_per_month: float | None, budget: float | None) -> float:
    """0 to 100 on a log scale: full marks at a hundredth of the budget, none at the whole of it.

    Without a budget a usual one stands in. An unknown cost is that of hardware one has: full marks.
    """
    if usd_per_month is None:
        return 100.0
    scale = table()["cost_scale"]
    most = budget if budget else float(scale["usual_usd_per_month"])
    decades = -math.log10(float(scale["free_share"]))
    return 100.0 * min(1.0, max(0.0, math.log10(most / max(usd_per_month, 0.01)) / decades))


class Scores(NamedTuple):
    """The parts of an option's utility, each from 0 to 100, and what is added to the sum or taken off."""

    quality: float
    """Expected task score with caution, less the loss of the quantization."""
    speed: float
    context: float
    memory: float
    license: float
    support: float
    cost: float = 100.0
    adjustments: tuple[tuple[str, float], ...] = ()
    """Points added or, below zero, taken off, each with its reason."""


PARTS = Scores._fields[:-1]
"""The weighted parts, in the order in which they are shown."""


def utility(priority: Priority, scores: Scores) -> float:
    """The weighted sum of the parts with the adjustments."""
    total: float = sum(map(mul, _weights(priority), scores))
    return total + sum(points for _, points in scores.adjustments)


@cache
def _weights(priority: Priority) -> tuple[float, ...]:
    """The weights in the order of the parts."""
    weights = table()["weights"][priority]
    return tuple(float(weights[name]) for name in PARTS)


def is_tie(priority: Priority, gap: float, *spreads: float) -> bool:
    """Whether two options differ by less than the uncertainty of their qualities.

    Args:
        priority: decides what a point of quality is worth.
        gap: difference of the utilities, in points.
        spreads: standard deviations of the two qualities, in points.
    """
    deviation = float(table()["weights"][priority]["quality"]) * math.hypot(*spreads)
    return abs(gap) <= float(table()["tie_deviations"]) * deviation
