"""Configurations of one model on one machine that no other one beats: the Pareto set.

Compared are quality (points lost to weights, and to the cache), speed, context, memory and how surely the
combination exists. What is worse in one of them and better in none is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from knowledge.catalog.records import ModelRecord
from tools.budget import Room
from tools.engines import Option, options_for
from tools.fit import longest_context, rated, room_for
from tools.fit_types import Ask, Solution
from tools.hardware_types import Machine
from tools.memory.estimate import device_bytes
from tools.memory.llama_cpp import plan_of
from tools.placing import Placed, cache_types_for, engine_room, holds, may_spill, request_for, spilled

Axes = tuple[float, ...]


def _axes(solution: Solution) -> Axes:
    """What counts, each so that more is better."""
    return (
        solution.cache_loss - solution.quality_loss,
        -solution.cache_loss,
        solution.speed,
        float(solution.configuration.context),
        -float(solution.used_bytes + solution.host_bytes),
        float(solution.support),
    )


def dominates(one: Solution, other: Solution) -> bool:
    """Whether `one` is nowhere worse than `other`, and somewhere better."""
    mine, its = _axes(one), _axes(other)
    return mine != its and all(a >= b for a, b in zip(mine, its, strict=True))


def undominated(solutions: Iterable[Solution]) -> tuple[Solution, ...]:
    """Those that no other one dominates, the better quality first."""
    found = list(dict.fromkeys(solutions))
    kept = [one for one in found if not any(dominates(other, one) for other in found)]
    return tuple(sorted(kept, key=lambda s: (s.quality_loss, s.configuration.context)))


def _whole(model: ModelRecord, option: Option, machine: Machine, room: Room, ask: Ask) -> Iterator[Solution]:
    """Everything on the accelerators, with the context asked for and with the longest one."""
    room = engine_room(option.engine, option.quant, machine, room, ask)
    for kv in cache_types_for(option, ask):
        request = request_for(option, kv, machine, ask)
        sizes = device_bytes(model, request)
        if not holds(sizes, room):
            continue
        found = rated(model, Placed(option, request, sizes), machine, room, ask)
        yield found
        longest = longest_context(model, machine, found.configuration, ask)
        if longest > ask.context:
            request = replace(request, context=longest * request.parallel)
            yield rated(model, Placed(option, request, device_bytes(model, request)), machine, room, ask)


def frontier(model: ModelRecord, machine: Machine, ask: Ask) -> tuple[Solution, ...]:
    """The Pareto set over quantization, cache type, context and placement.

    Args:
        model: the model.
        machine: where it runs.
        ask: what is fixed, and the context that is wanted at the least.
    """
    room, plan = room_for(model, machine, ask), plan_of(model)
    found: list[Solution] = []
    for option in options_for(model, machine, ask.parallel, quant=ask.quant, engine=ask.engine):
        found += _whole(model, option, machine, room, ask)
    if plan is not None and may_spill(machine, room, ask):
        for option in options_for(
            model, machine, ask.parallel, quant=ask.quant, engine=ask.engine, offload=True
        ):
            placed = spilled(plan, model, option, machine, room, ask)
            if placed is not None:
                found.append(rated(model, placed, machine, room, ask))
    fast = [s for s in found if not ask.speed_is_hard or not s.speed or s.speed >= ask.min_speed]
    return undominated(fast)


def point_json(solution: Solution) -> dict[str, Any]:
    """One point of the set: bytes, tokens per second, points of quality lost."""
    c = solution.configuration
    return {
        "quant": c.quant,
        "engine": c.engine,
        "kv_cache_type": c.kv_cache_type,
        "context": c.context,
        "parallel": c.parallel,
        "gpu_layers": c.gpu_layers,
        "cpu_moe_layers": c.cpu_moe_layers,
        "memory_bytes": solution.used_bytes,
        "host_bytes": solution.host_bytes,
        "tokens_per_second": round(solution.speed, 1) if c.speed else None,
        "quality_loss_points": round(solution.quality_loss, 2),
    }
