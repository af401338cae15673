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
from tools.memory.types import TrainingEstimate, TrainingRequest
from tools.planning.pretrain_tables import by_size, plan_tables
from tools.planning.rates import Compute, compute_of, widest
from tools.speed_types import Interval

MOST_BATCH = 512
"""Sequences in one step above which nothing is gained."""


@dataclass(frozen=True, slots=True)
class Place:
    """The device that trains."""

    name: str
    room_bytes: int
    """Memory after the reserve."""
    sold_gb: float
    """Memory as sold, GiB; the guide's table is in it."""
    compute: Compute
    cards: int = 1


def place_of(machine: Machine) -> Place:
    """The accelerator of a machine with the most room, or its processor and system memory."""
    found = compute_of(machine, plan_tables()["utilization"])
    device = widest(machine) if machine.devices else None
    return Place(
        name=device.name if device is not None else machine.name,
        room_bytes=device.usable_bytes if device is not None else room_of(machine).total_bytes,
        sold_gb=(device.memory_bytes if device is not None else machine.ram_bytes or 0) / (1 << 30),
        compute=found,
        cards=max(1, len(machine.devices)),
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
    if place.compute.rate is None:
        return None
    work = flops_per_token(config, context, checkpointing=checkpointing) * tokens
    return place.compute.rate.times(3600.0).inverse(work)


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
    peak = place.compute.peak_tflops
    if peak is None:
        return StatedTime(
            None, None, min(implied), max(implied), f"{said}; not scaled: {place.compute.basis}"
        )
    factor = iterations / table["iterations"] * rate / peak
    return StatedTime(
        stated[0] * factor,
        stated[1] * factor,
        min(implied),
        max(implied),
        f"{said}; scaled by {iterations:,} iterations and {rate:g} / {peak:g} TFLOPS FP16",
    )


def with_context(config: PretrainConfig, context: int) -> PretrainConfig:
    """The configuration trained at another length; its position table changes with it."""
    changed = replace(config, block_size=context)
    return replace(changed, params=parameter_count(changed))
