"""Memory, batch and time of one pretraining configuration on one device."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from knowledge.catalog.store import load_catalog
from tools.budget import room_of
from tools.hardware_types import Machine
from tools.memory.pretrain import (
    FRAMEWORK,
    PretrainConfig,
    estimate_pretraining,
    parameter_count,
)
from tools.memory.types import Evidence, TrainingEstimate, TrainingRequest
from tools.planning.pretrain_tables import by_size, plan_tables
from tools.speed_constants import load_constants
from tools.speed_types import Interval

MOST_BATCH = 512
"""Sequences in one step above which nothing is gained."""
HALF_PRECISION = 7.0
"""CUDA compute capability from which FP16 is fast; before it, the catalog's FP16 rate says nothing."""


@dataclass(frozen=True, slots=True)
class Place:
    """The device that trains."""

    name: str
    room_bytes: int
    """Memory after the reserve."""
    sold_gb: float
    """Memory as sold, GiB; the guide's table is in it."""
    tflops: Interval | None
    """FP16 operations per second that training reaches, in 10**12; None where the rate is unknown."""
    peak_tflops: float | None
    """The catalog's FP16 rate."""
    rate_basis: str
    cards: int = 1


def place_of(machine: Machine) -> Place:
    """The largest device of a machine, or its processor and system memory."""
    if not machine.devices:
        host = load_constants().host_compute
        cores = machine.cpu_cores or host.cores
        room = room_of(machine).total_bytes
        return Place(
            name=machine.name,
            room_bytes=room,
            sold_gb=(machine.ram_bytes or 0) / (1 << 30),
            tflops=Interval(host.low * cores / 1e3, host.mid * cores / 1e3, host.high * cores / 1e3),
            peak_tflops=None,
            rate_basis=f"{cores} cores at {host.low:g} to {host.high:g} GFLOPS each (tools/data/speed.json)",
        )
    at = max(range(len(machine.devices)), key=lambda i: machine.devices[i].usable_bytes)
    device = machine.devices[at]
    peak, share = device.fp16_tflops, plan_tables()["utilization"]
    slow = (
        device.kind == "cuda"
        and device.compute_capability is not None
        and device.compute_capability < HALF_PRECISION
    )
    rates = None
    if peak is not None and not slow:
        rates = Interval(*(peak * share[part] for part in ("low", "mid", "high")))
    basis = (
        f"{peak:g} TFLOPS FP16 of the catalog at {share['low']:.0%} to {share['high']:.0%} utilization"
        if rates is not None
        else "the card has no fast FP16, and its FP32 rate is not in the catalog"
        if slow
        else "the catalog has no FP16 rate for it"
    )
    return Place(
        name=device.name,
        room_bytes=device.usable_bytes,
        sold_gb=device.memory_bytes / (1 << 30),
        tflops=rates,
        peak_tflops=peak if rates is not None else None,
        rate_basis=basis,
        cards=len(machine.devices),
    )


def flops_per_token(config: PretrainConfig, context: int, *, checkpointing: bool = False) -> float:
    """Operations to train on one token: 6 x parameters + 12 x layers x width x context.

    Chowdhery et al. 2022 (PaLM), appendix B; the position table is looked up and costs nothing. Computing
    activations again is one more forward pass: a third more.
    """
    worked = parameter_count(config) - config.block_size * config.n_embd
    each = 6.0 * worked + 12.0 * config.n_layer * config.n_embd * context
    return each * (4.0 / 3.0 if checkpointing else 1.0)


@dataclass(frozen=True, slots=True)
class Batch:
    """How a step is put together."""

    micro: int
    """Sequences computed at once."""
    steps: int
    """Gradients added up before the weights change."""
    checkpointing: bool
    largest: int
    """The largest micro batch that fits; 0 where not even one sequence does."""
    low: int
    high: int
    """The guide's range for this size."""

    @property
    def effective(self) -> int:
        return self.micro * self.steps


def _request(context: int, batch: int, *, checkpointing: bool, flash: bool = True) -> TrainingRequest:
    return TrainingRequest(
        method="scratch",
        sequence_length=context,
        micro_batch_size=batch,
        gradient_checkpointing=checkpointing or None,
        flash_attention=flash,
        framework=FRAMEWORK,
    )


def memory_of(
    config: PretrainConfig, context: int, batch: int, *, checkpointing: bool = False, flash: bool = True
) -> TrainingEstimate:
    """What one step takes with so many sequences at once."""
    return estimate_pretraining(config, _request(context, batch, checkpointing=checkpointing, flash=flash))


@cache
def largest_batch(config: PretrainConfig, context: int, room_bytes: int, checkpointing: bool) -> int:
    """The largest number of sequences at once that fits the room; 0 where none does."""

    def fits(batch: int) -> bool:
        return memory_of(config, context, batch, checkpointing=checkpointing).total_bytes <= room_bytes

    if not fits(1):
        return 0
    low, high = 1, MOST_BATCH + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def batch_for(config: PretrainConfig, context: int, room_bytes: int) -> Batch:
    """The guide's batch for this size, in as few parts as the memory allows.

    What fits at once is taken, up to the upper end of the guide's range; where that is below the lower end,
    gradients are accumulated to reach it. Activations are computed again only where not one sequence fits
    otherwise.
    """
    row = by_size(plan_tables()["combinations"]["rows"], config.params)
    assert row is not None
    low, high = row["batch_low"], row["batch_high"]
    checkpointing = False
    largest = largest_batch(config, context, room_bytes, False)
    if largest == 0:
        checkpointing, largest = True, largest_batch(config, context, room_bytes, True)
    if largest >= low:
        return Batch(min(largest, high), 1, checkpointing, largest, low, high)
    steps = -(-low // max(1, largest))
    return Batch(-(-low // steps), steps, checkpointing, largest, low, high)


def hours_for(
    config: PretrainConfig, context: int, tokens: float, place: Place, *, checkpointing: bool = False
) -> Interval | None:
    """Hours of computing on so many tokens; None where the device's rate is unknown."""
    if place.tflops is None:
        return None
    work = flops_per_token(config, context, checkpointing=checkpointing) * tokens
    return place.tflops.times(1e12 * 3600.0).inverse(work)


@dataclass(frozen=True, slots=True)
class StatedTime:
    """The guide's time, scaled; hours."""

    low: float | None
    """None where the guide says no number (`minutes`)."""
    high: float | None
    implied_low: float | None
    """Share of the reference card's FP16 rate that the guide's time means, with the guide's own batch."""
    implied_high: float | None
    note: str


def stated_hours(config: PretrainConfig, iterations: int, place: Place) -> StatedTime:
    """The guide's hours for 10,000 iterations on an RTX 3090, by iterations and FP16 rate."""
    table = plan_tables()["stated_time"]
    stated = table["hours"].get(config.name)
    reference = next((card for card in load_catalog().accelerators if card.name == table["card"]), None)
    rate = reference.fp16_tflops if reference is not None else None
    if stated is None or rate is None:
        return StatedTime(None, None, None, None, f"the guide says {config.stated_time}")
    tokens = table["iterations"] * config.batch_size * config.block_size
    work = flops_per_token(config, config.block_size) * tokens
    implied = [work / (hours * 3600.0 * rate * 1e12) for hours in stated]
    said = f"the guide says {config.stated_time} for {table['iterations']:,} iterations on an RTX 3090"
    if place.peak_tflops is None:
        return StatedTime(None, None, min(implied), max(implied), f"{said}; not scaled: {place.rate_basis}")
    factor = iterations / table["iterations"] * rate / place.peak_tflops
    return StatedTime(
        stated[0] * factor,
        stated[1] * factor,
        min(implied),
        max(implied),
        f"{said}; scaled by {iterations:,} iterations and {rate:g} / {place.peak_tflops:g} TFLOPS FP16",
    )


def with_context(config: PretrainConfig, context: int) -> PretrainConfig:
    """The configuration trained at another length; its position table changes with it."""
    changed = replace(config, block_size=context)
    return replace(changed, params=parameter_count(changed))


def utilization_evidence() -> Evidence:
    """Where the range of utilization comes from."""
    return Evidence("measurement", plan_tables()["utilization"]["source"])
