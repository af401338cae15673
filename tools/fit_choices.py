"""Why the solver chose as it did, where a person might have chosen otherwise.

Two choices surprise: a quantized cache beside larger weights, and weights one step smaller instead of a layer
in system memory. Both are solved again the other way, and the figures of both are told.
"""

from __future__ import annotations

from dataclasses import replace

from knowledge.catalog.records import ModelRecord
from tools.engines import options_for
from tools.fit import rated, room_for, solve
from tools.fit_types import Ask, Refusal, Solution
from tools.hardware_types import Machine
from tools.memory.estimate import device_bytes
from tools.memory.llama_cpp import plan_of, runs_gguf
from tools.placing import holds, may_spill, request_for, spilled
from tools.quant_loss import quality_loss


def choices(model: ModelRecord, machine: Machine, ask: Ask, best: Solution) -> tuple[str, ...]:
    """Sentences about the choices that were made, with what the other way would have given."""
    found = (_cache(model, machine, ask, best), _step_down(model, machine, ask, best), _spill(model, best))
    return tuple(text for text in found if text)


def _cache(model: ModelRecord, machine: Machine, ask: Ask, best: Solution) -> str | None:
    """Why the cache is quantized."""
    c = best.configuration
    if ask.kv_cache_type is not None or not c.cache_quantized:
        return None
    other = solve(model.id, machine, replace(ask, kv_cache_type="f16"))
    cost = quality_loss(model, c.quant, c.kv_cache_type, ask.task) - quality_loss(
        model, c.quant, "f16", ask.task
    )
    start = f"A {c.kv_cache_type} cache costs about {cost:.1f} points of quality"
    if isinstance(other, Refusal):
        return f"{start}; with an f16 cache nothing fits."
    o = other.configuration
    if o.quant != c.quant or o.spills != c.spills:
        more = other.quality_loss - (best.quality_loss - cost)
        how = "with a part in system memory" if o.spills and not c.spills else f"{more:.1f} points off"
        return f"{start} and keeps {c.quant}; an f16 cache would leave room for {o.quant}, {how}."
    return f"{start}; {best.speed:.0f} instead of {other.speed:.0f} tokens per second."


def _step_down(model: ModelRecord, machine: Machine, ask: Ask, best: Solution) -> str | None:
    """What the next larger quantization would have put into system memory."""
    room, plan = room_for(model, machine, ask), plan_of(model)
    if not runs_gguf(best.configuration.engine, best.configuration.quant):
        return None  # other engines have no rung of the same ladder to compare with
    if best.spills or ask.quant is not None or plan is None or not may_spill(machine, room, ask):
        return None
    c = best.configuration
    larger = None
    for option in options_for(model, machine, ask.parallel, engine=ask.engine, offload=True):
        if option.quant == c.quant:
            break
        if not holds(device_bytes(model, request_for(option, c.kv_cache_type, machine, ask)), room):
            larger = option
    placed = spilled(plan, model, larger, machine, room, ask) if larger is not None else None
    if larger is None or placed is None:
        return None
    other = rated(model, placed, machine, room, ask)
    if not other.speed or not best.speed:
        return None
    return (
        f"{larger.quant} would put {_away(model, other)} into system memory: about {other.speed:.0f} "
        f"instead of {best.speed:.0f} tokens per second, for "
        f"{best.quality_loss - other.quality_loss:.1f} points of quality."
    )


def _away(model: ModelRecord, solution: Solution) -> str:
    """What is in system memory, in words."""
    c, layers = solution.configuration, model.architecture.layers if model.architecture else 0
    if c.cpu_moe_layers:
        return f"the experts of {c.cpu_moe_layers} of {layers} layers"
    left = layers + 1 - (c.gpu_layers or 0)
    return f"{left} of {layers} layers"


def _spill(model: ModelRecord, best: Solution) -> str | None:
    """That a part is in system memory, and how much."""
    if not best.spills:
        return None
    return (
        f"Not all of it fits on the accelerators: {_away(model, best)} are in system memory "
        f"({best.host_bytes / (1 << 30):.1f} GiB), which is read far more slowly."
    )
