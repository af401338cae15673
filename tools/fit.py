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
from tools.engines import ENCODER_KINDS, Option, native_quant, options_for
from tools.hardware_types import Machine
from tools.memory.estimate import CONTEXT_STEP, DeviceBytes, device_bytes, estimate_memory, max_context
from tools.memory.types import DeviceMemory, MemoryRequest
from tools.needs import Priority
from tools.projector import projector_bytes, with_projector
from tools.speed import estimate_speed
from tools.utility import memory_score, size_factor, speed_penalty, speed_score, table, utility

UNKNOWN_WINDOW = 8192
"""Tokens up to which a model of unknown window is still offered; nearly all of its age have that much."""
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
    vision: bool = False
    """Whether images are read: the projector then stands beside the model."""
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
    """Memory that is missing, together or on the device that is too full; 0 for other constraints."""


def quality_loss(model: ModelRecord, quant: str, kv_cache_type: str, task: str = "") -> float:
    """Expected points lost against full precision: larger for small models, and for code and reasoning."""
    record = load_catalog().quantizations.get(quant)
    weights = record.quality_loss if record else 0.0
    if native_quant(model) == quant:
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
    if model.kind in ENCODER_KINDS:
        return None  # reads texts, writes no tokens
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
    model: ModelRecord, machine: Machine, room: Room, ask: Ask, settled: set[Option]
) -> Iterator[tuple[Option, MemoryRequest, int, float]]:
    """Configurations that fit, as (option, request, bytes on the accelerators, share of the weights there).

    The caller puts an option into `settled` when it is fast enough: then its cache is not quantized further.
    System memory is used only where nothing fits on the accelerators alone: it is ten times slower.
    """
    fitted = False
    for option in options_for(model, machine, ask.parallel, quant=ask.quant, engine=ask.engine):
        for kv in _cache_types(option, ask):
            request = _request(option, kv, machine, ask)
            sizes = device_bytes(model, request)
            if _holds(model, request, room, sizes):
                fitted = True
                yield option, request, sizes.total, 1.0
            if option in settled:
                break
    if fitted or not ask.offload or not machine.devices or machine.devices[0].unified or not room.host_bytes:
        return
    for option in options_for(model, machine, ask.parallel, quant=ask.quant, engine=ask.engine, offload=True):
        yield from _offloaded(model, option, machine, room, ask)


def _holds(model: ModelRecord, request: MemoryRequest, room: Room, sizes: DeviceBytes) -> bool:
    """With several devices, the sum is not enough: each must hold its share."""
    if sizes.total > room.total_bytes:
        return False
    return len(room.device_bytes) < 2 or _overfull(model, request, room) is None


def _overfull(model: ModelRecord, request: MemoryRequest, room: Room) -> tuple[DeviceMemory, int] | None:
    """The device whose share exceeds its room the most, and that room; None where each holds its share."""
    shares = zip(estimate_memory(model, request).per_device, room.device_bytes, strict=False)
    share, size = max(shares, key=lambda pair: pair[0].total_bytes - pair[1])
    return (share, size) if share.total_bytes > size else None


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
        if sizes.host <= room.host_bytes and _holds(model, request, room, sizes):
            share = sizes.weights / max(1, sizes.weights + sizes.host)
            yield option, request, sizes.total, share
        return
    low, high, best = 1, arch.layers, None
    while low <= high:
        middle = (low + high) // 2
        request = replace(base, gpu_layers=middle)
        sizes = device_bytes(model, request)
        if _holds(model, request, room, sizes):
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
    if model.context_length is None and ask.context > UNKNOWN_WINDOW:
        return Refusal(f"its window is not known, {ask.context:,} tokens are needed", "context")
    taken = ask.beside_bytes + (projector_bytes(model) or 0 if ask.vision else 0)
    room = room_of(machine, server=ask.server, reserve=ask.reserve).less(taken)
    hopeless = _hopeless(model, machine, room, ask)
    if hopeless is not None:
        return hopeless
    best: Solution | None = None
    fastest = 0.0
    settled: set[Option] = set()
    for option, request, used, share in _tries(model, machine, room, ask, settled):
        speed = _speed(model, option, request.kv_cache_type, machine, ask, share)
        mid = speed.mid if speed else None
        fastest = max(fastest, mid or 0.0)
        if mid is None or mid >= ask.min_speed:
            settled.add(option)
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
    # Layers fill the devices on purpose; what the last one leaves over is no headroom.
    memory_part = (
        0.0 if request.gpu_layers is not None else memory_score(used, room.total_bytes, ask.priority)
    )
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
        device_room=room.device_bytes,
        gpu_layers=request.gpu_layers,
        cpu_moe=request.cpu_moe,
        speed=speed,
        caveats=option.caveats,
    )
    return Solution(configuration, loss, speed_part, memory_part, merit)


def _memory_refusal(model: ModelRecord, machine: Machine, room: Room, ask: Ask) -> Refusal:
    """The smallest configuration, and how far it is from fitting."""
    smallest: tuple[int, Option, MemoryRequest] | None = None
    for option in options_for(model, machine, ask.parallel, quant=ask.quant, engine=ask.engine):
        request = _request(option, _cache_types(option, ask)[-1], machine, ask)
        total = device_bytes(model, request).total
        if smallest is None or total < smallest[0]:
            smallest = (total, option, request)
    if smallest is None:
        return Refusal("no engine here is known to run it", "engine")
    total, option, request = smallest
    what = f"{option.quant} with {request.context:,} tokens ({request.kv_cache_type} cache)"
    there, where = room.total_bytes, ""
    crowded = _overfull(model, request, room) if total <= there and room.device_bytes else None
    if crowded is not None:
        total, there, where = crowded[0].total_bytes, crowded[1], f" on one {crowded[0].device}"
    usable = f"{there / GIB:.1f} GiB are usable" + (" there" if where else "")
    return Refusal(
        f"does not fit: {what} takes {total / GIB:.1f} GiB{where}, {usable}",
        "memory",
        shortfall_bytes=total - there,
    )


def longest_context(model: ModelRecord, machine: Machine, configuration: Configuration, ask: Ask) -> int:
    """Tokens that each conversation could hold at most in a configuration that fits, on every device."""
    request = _request_of(configuration, machine, ask)
    room = room_of(machine, server=ask.server, reserve=ask.reserve).less(ask.beside_bytes)

    def held(context: int) -> bool:
        asked = replace(request, context=context * request.parallel)
        sizes = device_bytes(model, asked)
        on_host = request.cpu_moe or request.gpu_layers is not None
        return _holds(model, asked, room, sizes) and not (on_host and sizes.host > (room.host_bytes or 0))

    most = max_context(model, request, room.total_bytes) // request.parallel
    if most <= configuration.context or held(most):
        return max(most, configuration.context)
    low, high = configuration.context // CONTEXT_STEP, most // CONTEXT_STEP
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if held(middle * CONTEXT_STEP) else (low, middle - 1)
    return max(low * CONTEXT_STEP, configuration.context)


def _request_of(configuration: Configuration, machine: Machine, ask: Ask) -> MemoryRequest:
    return MemoryRequest(
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


def with_memory(
    model: ModelRecord, machine: Machine, configuration: Configuration, ask: Ask
) -> Configuration:
    """Adds the full memory estimate (formula, devices, evidence) to a configuration."""
    memory = estimate_memory(model, _request_of(configuration, machine, ask))
    full = replace(configuration, memory=memory, caveats=configuration.caveats + memory.caveats)
    if not ask.vision:
        return full
    room = room_of(machine, server=ask.server, reserve=ask.reserve).less(ask.beside_bytes)
    return with_projector(model, full, memory, room)
