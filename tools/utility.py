"""One number for "how good is this option for this person": quality, speed, headroom and freedom, weighted.

All parts are scores from 0 to 100; the weights come from the stated priority and stand in
`tools/data/utility.json`. Quality counts with caution: a part of its uncertainty is taken off, so that a
measured model beats an unmeasured one of the same expectation.
"""

from __future__ import annotations

import math
from functools import cache
from importlib import resources
from typing import Any

from pydantic import TypeAdapter

from tools.needs import Priority


@cache
def table() -> dict[str, Any]:
    """The weights and ladders of `tools/data/utility.json`."""
    data = resources.files("tools").joinpath("data/utility.json").read_bytes()
    return TypeAdapter(dict[str, Any]).validate_json(data)


def speed_score(tokens_per_second: float | None, minimum: float) -> float:
    """0 to 100: saturates where generation outruns what is wanted, or a reader.

    The scale follows the wanted minimum: to someone who is content with 10 tokens per second, 40 are hardly
    better than 25. An unknown speed scores as the minimum itself: neither a bonus nor a guess.
    """
    if tokens_per_second is None:
        tokens_per_second = max(minimum, 1.0)
    comfort = table()["comfortable_tokens_per_second"]
    scale = min(comfort["most"], max(comfort["least"], comfort["times_the_minimum"] * minimum))
    return 100.0 * (1.0 - math.exp(-tokens_per_second / float(scale)))


def speed_penalty(tokens_per_second: float | None, minimum: float) -> float:
    """Utility points off below the wanted minimum, whatever the priority: no one enjoys a crawl."""
    if tokens_per_second is None or tokens_per_second >= minimum:
        return 0.0
    return float(table()["below_minimum_penalty"]) * (1.0 - tokens_per_second / minimum)


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


def utility(
    priority: Priority,
    *,
    quality: float,
    speed: float,
    context: float,
    memory: float,
    license_: float,
    support: float,
) -> float:
    """The weighted sum; each part from 0 to 100."""
    w = table()["weights"][priority]
    return float(
        w["quality"] * quality
        + w["speed"] * speed
        + w["context"] * context
        + w["memory"] * memory
        + w["license"] * license_
        + w["support"] * support
    )


def size_factor(params: int | None) -> float:
    """How much more a small model suffers from quantization than one of 8B parameters.

    Perplexity tables of llama.cpp's quantize README show about twice the loss at 1B and half of it at 70B.
    """
    if not params:
        return 1.0
    return min(2.5, max(0.5, float((8e9 / params) ** 0.33)))
