"""The joint solver: quantization, cache type, context, engine and offload of one model on one machine.

Every configuration that the engines offer is priced by the memory engine and the speed model; the best by
utility wins. Nothing is rounded up to "fits": a configuration holds when every device has room for its share.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from tools.budget import GIB, Room, room_of
from tools.candidates import Configuration, SpeedFigure
from tools.engines import Option, options_for
from tools.hardware_types import Machine
from tools.memory.estimate import device_bytes, estimate_memory
from tools.memory.types import MemoryRequest
from tools.needs import Priority
from tools.speed import estimate_speed
from tools.utility import memory_score, size_factor, speed_penalty, speed_score, table, utility

LEAST_BITS = 3.4
"""Bits per weight of the smallest quantization on the ladders (Q3_K blocks: 110 bytes for 256 weights)."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a configuration must hold, and what is fixed by the person."""

    context: int = 8192
    """Tokens of one conversation."""
    parallel: int = 1
    min_speed: float = 0.0
    speed_is_hard: bool = False
    priority: Priority = "balanced"
    server: bool = False
    quant: str | None = None
    kv_cache_type: str | None = None
    engine: str | None = None
    ubatch_size: int = 512
    flash_attention: bool = True
    offload: bool = True
    """Whether layers or experts may go to system memory."""
    task: str = ""
    """Decides how much a quantization hurts."""
    reserve: bool = True
    """Keep memory free for desktop and driver."""
    beside_bytes: int = 0
    """Memory that companions (an embedder, a reranker) take on the same devices."""


@dataclass(frozen=True, slots=True)
class Solution:
    """The best configuration and its scores."""

    configuration: Configuration
    quality_loss: float
    """Points lost to quantization of weights and cache."""
    speed_score: float
    memory_score: float
    merit: float
    """The configuration's share of the utility; comparable between configurations of one model only."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a model has no configuration here, with the constraint's name in the contract."""

    reason: str
    constraint: str
    shortfall_bytes: int = 0
    without_reserve: bool = False
    """True where it would fit if nothing were kept back for desktop and driver."""


def quality_loss(model: ModelRecord, quant: str, kv_cache_type: str, task: str = "") -> float:
    """Expected points lost against full precision: larger for small models, and for code and reasoning."""
    record = load_catalog().quantizations.get(quant)
    weights = record.quality_loss if record else 0.0
    native = table()["native"].get(model.architecture.arch) if model.architecture else None
    if native == quant:
        weights = 0.0
    losses = table()["cache_loss"]
    cache = max(losses.get(part, 0.0) for part in kv_cache_type.split("/"))
    sensitivity = table()["quant_sensitivity"]
    return float(
        weights * size_factor(model.params_total) * sensitivity.get(task, sensitivity["default"]) + cache
    )


def _request(option: Option, kv: str, machine: Machine, ask: Ask) -> MemoryRequest:
    return MemoryRequest(
        quant=option.quant,
        context=ask.context * ask.parallel,
        kv_cache_type=kv,
        engine=option.engine,
        parallel=ask.parallel,
        ubatch_size=ask.ubatch_size,
        flash_attention=ask.flash_attention,
        hardware=machine,
    )


def _cache_types(option: Option, ask: Ask) -> tuple[str, ...]:
    if ask.kv_cache_type is not None:
        return (ask.kv_cache_type,)
    return tuple(table()["cache_ladder"]) if option.format == "gguf" and ask.flash_attention else ("f16",)


def _speed(
    model: ModelRecord, option: Option, kv: str, machine: Machine, ask: Ask, gpu_share: float
) -> SpeedFigure | None:
    speed = estimate_speed(
        model,
        option.quant,
        machine,
        engine=option.engine,
        context=ask.context,
        gpu_share=gpu_share,
        parallel=ask.parallel,
        kv_cache_type=kv,
    )
    if speed is None:
        return None
    return SpeedFigure(speed.low, speed.mid, speed.high, speed.basis)


def _tries(
    model: ModelRecord, machine: Machine, room: Room, ask: Ask
) -> Iterator[tuple[Option, MemoryRequest, int, float]]:
    """Configurations that fit, as (option, request, bytes on the accelerators, share of the weights there).

    System memory is used only where nothing fits on the accelerators alone: it is ten times slower.
    """
    fitted = False
    for option in options_for(model, machine, ask.parallel, quant=ask.quant, engine=ask.engine):
        for kv in _cache_types(option, ask):
            request = _request(option, kv, machine, ask)
            sizes = device_bytes(model, request)
            if sizes.total <= room.total_bytes and _every_device_holds(model, request, room):
                fitted = True
                yield option, request, sizes.total, 1.0
                break
    if fitted or not ask.offload or not machine.devices or machine.devices[0].unified or not room.host_bytes:
        return
    for option in options_for(model, machine, ask.parallel, quant=ask.quant, engine=ask.engine, offload=True):
        yield from _offloaded(model, option, machine, room, ask)


def _every_device_holds(model: ModelRecord, request: MemoryRequest, room: Room) -> bool:
    """With several devices, the sum is not enough: each must hold its share."""
    if len(room.device_bytes) < 2:
        return True
    estimate = estimate_memory(model, request)
    return all(d.total_bytes <= size for d, size in zip(estimate.per_device, room.device_bytes, strict=False))


def _offloaded(
    model: ModelRecord, option: Option, machine: Machine, room: Room, ask: Ask
) -> Iterator[tuple[Option, MemoryRequest, int, float]]:
    """Experts, or else the last layers, in system memory."""
    arch = model.architecture
    if arch is None or room.host_bytes is None:
        return
    base = _request(option, "f16" if ask.kv_cache_type is None else ask.kv_cache_type, machine, ask)
    if arch.experts is not None:
        request = replace(base, cpu_moe=True)
        sizes = device_bytes(model, request)
        if sizes.total <= room.total_bytes and sizes.host <= room.host_bytes:
            share = sizes.weights / max(1, sizes.weights + sizes.host)
            yield option, request, sizes.total, share
        return
    low, high, best = 1, arch.layers, None
    while low <= high:
        middle = (low + high) // 2
        request = replace(base, gpu_layers=middle)
        sizes = device_bytes(model, request)
        if sizes.total <= room.total_bytes:
            best, low = (request, sizes), middle + 1
        else:
            high = middle - 1
    if best is not None and best[1].host <= room.host_bytes:
        share = best[1].weights / max(1, best[1].weights + best[1].host)
        yield option, best[0], best[1].total, share


@lru_cache(maxsize=65536)
def solve(model_id: str, machine: Machine, ask: Ask) -> Solution | Refusal:
    """The best configuration of a model on a machine.

    Args:
        model_id: hub id of a catalog model.
        machine: where it runs.
        ask: what it must hold.

    Returns:
        The solution, or the reason why there is none.
    """
    model = load_catalog().by_id[model_id.lower()]
    if model.context_length is not None and ask.context > model.context_length:
        return Refusal(
            f"its window is {model.context_length:,} tokens, {ask.context:,} are needed", "context"
        )
    room = room_of(machine, server=ask.server, reserve=ask.reserve).less(ask.beside_bytes)
    hopeless = _hopeless(model, machine, room, ask)
    if hopeless is not None:
        return hopeless
    best: Solution | None = None
    fastest = 0.0
    for option, request, used, share in _tries(model, machine, room, ask):
        speed = _speed(model, option, request.kv_cache_type, machine, ask, share)
        mid = speed.mid if speed else None
        fastest = max(fastest, mid or 0.0)
        if ask.speed_is_hard and mid is not None and mid < ask.min_speed:
            continue
        found = _scored(model, option, request, room, used, speed, ask)
        if best is None or found.merit > best.merit:
            best = found
    if best is not None:
        return best
    if fastest:
        return Refusal(f"about {fastest:.0f} tokens/s here, {ask.min_speed:g} are needed", "min_speed")
    return _memory_refusal(model, machine, room, ask)


def _hopeless(model: ModelRecord, machine: Machine, room: Room, ask: Ask) -> Refusal | None:
    """Refuses without laying out tensors where even the smallest quantization of the blocks cannot fit.

    A lower bound: embeddings and output, which may stay in system memory, are not counted, nor is any cache.
    """
    arch, params = model.architecture, model.params_total
    if ask.quant is not None or params is None:
        return None
    tables = (2 * arch.hidden + arch.per_layer_embedding * arch.layers) * arch.vocab if arch else params // 2
    least = int(max(0, params - tables) * LEAST_BITS / 8)
    host = (room.host_bytes or 0) if ask.offload and machine.devices and not machine.devices[0].unified else 0
    if least <= room.total_bytes + host:
        return None
    return Refusal(
        f"does not fit: its weights take more than {least / GIB:.0f} GiB at {LEAST_BITS:g} bits, "
        f"{room.total_bytes / GIB:.1f} GiB are usable",
        "memory",
        shortfall_bytes=least - room.total_bytes,
    )


def _scored(
    model: ModelRecord,
    option: Option,
    request: MemoryRequest,
    room: Room,
    used: int,
    speed: SpeedFigure | None,
    ask: Ask,
) -> Solution:
    """Rates one configuration that fits."""
    loss = quality_loss(model, option.quant, request.kv_cache_type, ask.task)
    speed_part = speed_score(speed.mid if speed else None, ask.min_speed)
    memory_part = memory_score(used, room.total_bytes)
    merit = utility(
        ask.priority,
        quality=-loss,
        speed=speed_part,
        context=0.0,
        memory=memory_part,
        license_=0.0,
        support=float(option.support),
    ) - speed_penalty(speed.mid if speed else None, ask.min_speed)
    configuration = Configuration(
        quant=option.quant,
        engine=option.engine,
        context=ask.context,
        parallel=ask.parallel,
        kv_cache_type=request.kv_cache_type,
        memory=None,
        available_bytes=room.total_bytes,
        fits=True,
        gpu_layers=request.gpu_layers,
        cpu_moe=request.cpu_moe,
        speed=speed,
        caveats=option.caveats,
    )
    return Solution(configuration, loss, speed_part, memory_part, merit)


def _memory_refusal(model: ModelRecord, machine: Machine, room: Room, ask: Ask) -> Refusal:
    """The smallest configuration, and how far it is from fitting."""
    smallest: tuple[int, Option, str] | None = None
    for option in options_for(model, machine, ask.parallel, quant=ask.quant, engine=ask.engine):
        kv = _cache_types(option, ask)[-1]
        total = device_bytes(model, _request(option, kv, machine, ask)).total
        if smallest is None or total < smallest[0]:
            smallest = (total, option, kv)
    if smallest is None:
        return Refusal("no engine here is known to run it", "engine")
    total, option, kv = smallest
    whole = room_of(machine, server=ask.server, reserve=False).total_bytes
    return Refusal(
        f"does not fit: {option.quant} with {ask.context * ask.parallel:,} tokens ({kv} cache) takes "
        f"{total / GIB:.1f} GiB, {room.total_bytes / GIB:.1f} GiB are usable",
        "memory",
        shortfall_bytes=total - room.total_bytes,
        without_reserve=total <= whole,
    )


def with_memory(
    model: ModelRecord, machine: Machine, configuration: Configuration, ask: Ask
) -> Configuration:
    """Adds the full memory estimate (formula, devices, evidence) to a configuration."""
    request = MemoryRequest(
        quant=configuration.quant,
        context=configuration.context * configuration.parallel,
        kv_cache_type=configuration.kv_cache_type,
        engine=configuration.engine,
        parallel=configuration.parallel,
        ubatch_size=ask.ubatch_size,
        flash_attention=ask.flash_attention,
        hardware=machine,
        gpu_layers=configuration.gpu_layers,
        cpu_moe=configuration.cpu_moe,
    )
    memory = estimate_memory(model, request)
    return replace(configuration, memory=memory, caveats=configuration.caveats + memory.caveats)
