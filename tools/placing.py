"""Where a configuration can live on a machine: whole on the accelerators, or partly in system memory.

Of an expert model the experts of the first layers go to system memory (llama.cpp's `--n-cpu-moe`), of a dense
one the first layers (`-ngl` counts from the last): as few as the accelerators make necessary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from knowledge.catalog.records import ModelRecord
from tools.budget import Room, room_of
from tools.engines import Option
from tools.fit_types import Ask
from tools.hardware_types import Machine
from tools.memory.estimate import DeviceBytes, device_bytes
from tools.memory.llama_cpp import Plan, runs_gguf
from tools.memory.types import MemoryRequest
from tools.memory.weights import Weights
from tools.utility import table


@dataclass(frozen=True, slots=True)
class Placed:
    """A configuration that fits."""

    option: Option
    request: MemoryRequest
    sizes: DeviceBytes
    share: float = 1.0
    """Share of the layers and the output, by bytes, on the accelerators."""

    @property
    def spills(self) -> bool:
        """Whether layers or experts are in system memory."""
        return self.request.gpu_layers is not None or self.request.experts_away > 0


def request_for(option: Option, kv: str, machine: Machine, ask: Ask) -> MemoryRequest:
    """The memory engine's request for an option with a cache type."""
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


def cache_types_for(option: Option, ask: Ask) -> tuple[str, ...]:
    """Cache types to try, the unquantized first."""
    if ask.kv_cache_type is not None:
        return (ask.kv_cache_type,)
    return tuple(table()["cache_ladder"]) if option.format == "gguf" and ask.flash_attention else ("f16",)


def engine_room(engine: str, quant: str, machine: Machine, room: Room, ask: Ask) -> Room:
    """The room as an engine sees it: a server claims its share of each card, however much more is free.

    Args:
        engine: the engine.
        quant: the weight format.
        machine: where it runs.
        room: what llama.cpp has beside a projector; others load the vision tower with the weights.
        ask: what is asked.
    """
    if runs_gguf(engine, quant) or not machine.devices:
        return room
    room = room_of(machine, server=ask.server, reserve=ask.reserve).less(ask.beside_bytes)
    from tools.memory.engine_data import engine_named
    from tools.memory.pool import claimed_bytes

    model = engine_named(engine, quant)
    if model is None:
        return room
    claimed = (claimed_bytes(model, device) for device in machine.devices)
    return replace(room, device_bytes=tuple(map(min, room.device_bytes, claimed)))


def holds(sizes: DeviceBytes, room: Room) -> bool:
    """Whether every device has room for its share: with several, the sum is not enough."""
    if sizes.total > room.total_bytes:
        return False
    return all(held <= there for held, there in zip(sizes.devices, room.device_bytes, strict=False))


def overfull(sizes: DeviceBytes, room: Room) -> int | None:
    """Index of the device whose share exceeds its room the most; None where each holds its share."""
    over = [held - there for held, there in zip(sizes.devices, room.device_bytes, strict=False)]
    worst = max(range(len(over)), key=over.__getitem__, default=None)
    return None if worst is None or over[worst] <= 0 else worst


def may_spill(machine: Machine, room: Room, ask: Ask) -> bool:
    """Whether there is a system memory beside the accelerators that the model may use."""
    return bool(ask.offload and machine.devices and not machine.devices[0].unified and room.host_bytes)


def most(fits: Callable[[int], bool], low: int, high: int, guess: int) -> int | None:
    """Largest number from `low` to `high` that fits, where a smaller one fits always; None without one.

    The search starts at a guess, because a check lays out the whole model.
    """
    guess, step = min(max(guess, low), high), 1
    if fits(guess):
        low = guess
        while low + step <= high and fits(low + step):
            low, step = low + step, 2 * step
        high = min(high, low + step - 1)
    else:
        high = guess - 1
        while high - step + 1 >= low and not fits(high - step + 1):
            high, step = high - step, 2 * step
        low = max(low, high - step + 1)
        if high < low or not fits(low):
            return None
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def _guess(plan: Plan, weights: Weights, whole: DeviceBytes, room: Room) -> int:
    """About how many layers, or the experts of how many, the accelerators hold, counted from the last one."""
    layers, experts = plan.arch.layers, plan.arch.experts is not None
    held = weights.experts if experts else weights.layers
    beside = 0 if experts else whole.kv_cache // layers
    fixed = whole.total - sum(held) - beside * layers
    left = room.total_bytes - fixed - (weights.largest_experts or weights.largest_tensor)
    kept = 0
    while kept < layers and left >= (size := held[layers - 1 - kept] + beside):
        left, kept = left - size, kept + 1
    return kept + (0 if experts else 1)


def spilled(
    plan: Plan, model: ModelRecord, option: Option, machine: Machine, room: Room, ask: Ask
) -> Placed | None:
    """The option with as much on the accelerators as they hold, the rest in system memory.

    Returns:
        None where the rest does not fit there.
    """
    layers, experts = plan.arch.layers, plan.arch.experts is not None
    base = request_for(option, ask.kv_cache_type or "f16", machine, ask)

    def request_of(kept: int) -> MemoryRequest:
        """The request with so many layers, or the experts of so many, on the accelerators."""
        return replace(base, cpu_moe_layers=layers - kept) if experts else replace(base, gpu_layers=kept)

    low, high = (0, layers - 1) if experts else (1, layers)
    guess = _guess(plan, plan.weights_in(option.quant), device_bytes(model, base), room)
    kept = most(lambda count: holds(device_bytes(model, request_of(count)), room), low, high, guess)
    if kept is None:
        return None
    request = request_of(kept)
    sizes = device_bytes(model, request)
    if sizes.host > (room.host_bytes or 0):
        return None
    weights = plan.weights_in(option.quant)
    away = sum(weights.experts[: layers - kept]) if experts else sum(weights.layers[: layers + 1 - kept])
    return Placed(option, request, sizes, 1 - away / max(1, weights.device))
