"""What would change the answer: the same ranking with one need relaxed or one piece of hardware changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

from tools.brief import Brief, defaults
from tools.budget import GIB
from tools.candidates import Candidate, Change, Rejected
from tools.hardware_types import Device, Machine
from tools.needs import ModelWish
from tools.roles.common import Ranked

Ranker = Callable[[Brief, int], Ranked]
CARD_STEPS_GIB = (8, 12, 16, 24, 32, 48, 80, 96, 141, 192)
WORTH_SAYING = 2.0
"""Points of expected quality below which a change is not worth a line."""
MOST = 5


def _bigger(machine: Machine) -> tuple[str, Machine] | None:
    """The same machine with the next larger memory size per device."""
    if not machine.devices:
        ram = machine.ram_bytes
        if ram is None:
            return None
        return f"{2 * ram / GIB:.0f} GiB of system memory", replace(machine, ram_bytes=2 * ram)
    largest = max(device.memory_bytes for device in machine.devices)
    step = next((s for s in CARD_STEPS_GIB if s * GIB > largest * 1.2), None)
    if step is None:
        return None
    larger: tuple[Device, ...] = tuple(
        replace(d, memory_bytes=step * GIB, free_bytes=None) for d in machine.devices
    )
    word = "a device" if len(larger) == 1 else f"{len(larger)} devices"
    return f"{word} with {step} GiB", replace(machine, devices=larger)


def _doubled(machine: Machine) -> tuple[str, Machine] | None:
    """Every device twice."""
    if not machine.devices or machine.devices[0].unified or len(machine.devices) > 4:
        return None
    counts = Counter(device.name for device in machine.devices)
    words = " and ".join(f"{2 * count} x {name}" for name, count in counts.items())
    return words, replace(machine, devices=machine.devices * 2)


def _machines(brief: Brief) -> Iterator[tuple[str, Brief]]:
    """The same needs on other machines."""
    if brief.machine is None:
        bandwidth = float(defaults()["generic_bandwidth_gbs"])
        computer = Machine("computer", ram_bytes=16 * GIB, ram_bandwidth_gbs=bandwidth)
        device = Device("device with 24 GiB", "cuda", 24 * GIB, None)
        yield "you had a computer with 16 GiB of system memory", replace(brief, machine=computer)
        yield "you had a device with 24 GiB", replace(brief, machine=replace(computer, devices=(device,)))
        return
    for change in (_bigger(brief.machine), _doubled(brief.machine)):
        if change is not None:
            words, machine = change
            trainer = machine if brief.training_machine == brief.machine else brief.training_machine
            yield f"you had {words}", replace(brief, machine=machine, training_machine=trainer)
    if brief.training_machine not in (None, brief.machine):
        assert brief.training_machine is not None
        larger = _bigger(brief.training_machine)
        if larger is not None:
            yield f"you trained on {larger[0]}", replace(brief, training_machine=larger[1])


def _variants(brief: Brief) -> Iterator[tuple[str, Brief]]:
    """Briefs with one thing changed, each with its condition in words."""
    if brief.mode != "api":
        yield from _machines(brief)
    if brief.context >= 8192:
        yield (
            f"{brief.context // 2:,} tokens of context were enough",
            replace(brief, context=brief.context // 2),
        )
    if brief.speed_is_hard or brief.min_speed > 10:
        slower = brief.min_speed / 3
        yield (
            f"{slower:.0f} tokens per second were enough",
            replace(brief, min_speed=slower, speed_is_hard=brief.speed_is_hard),
        )
    if brief.license.permissive_only or brief.license.use == "commercial":
        loose = brief.license.model_copy(
            update={"permissive_only": False, "use": "personal", "redistribute": False}
        )
        yield "the license did not matter (private use)", replace(brief, license=loose)
    if brief.wish != ModelWish(excluded=brief.wish.excluded):
        yield (
            "another model or size were welcome",
            replace(brief, wish=ModelWish(excluded=brief.wish.excluded)),
        )
    assumed = any(assumption.slot == "deployment" for assumption in brief.assumptions)
    if brief.mode == "local" and assumed and brief.role == "generator":  # who said "local" meant it
        yield "an API were allowed", replace(brief, mode="either")
    if brief.budget.usd_per_month is not None and brief.mode != "local":
        more = brief.budget.model_copy(update={"usd_per_month": 3 * brief.budget.usd_per_month})
        yield f"the budget were ${3 * brief.budget.usd_per_month:,.0f} a month", replace(brief, budget=more)


def _outcome(found: Candidate, best: Candidate | None) -> str | None:
    """What the changed brief gives, or None where it is not worth saying."""
    c = found.configuration
    detail = f" {c.quant}" if c and found.kind == "local" and c.quant else ""
    if best is None:
        return f"{found.model}{detail} would be possible"
    gap = found.quality.score - best.quality.score
    if found.model == best.model and found.kind == best.kind:
        mine, its = found.configuration, best.configuration
        if mine and its and (mine.quant, mine.kv_cache_type) != (its.quant, its.kv_cache_type):
            how, now = (f"{c.quant} with a {c.kv_cache_type} cache" for c in (mine, its))
            return f"{found.model} could run as {how} instead of {now}"
        return None
    if gap < WORTH_SAYING:
        return None
    return f"{found.model}{detail} would lead, about {gap:.0f} points more expected quality"


def what_would_change(
    brief: Brief, candidates: tuple[Candidate, ...], rejected: tuple[Rejected, ...], ranker: Ranker
) -> tuple[Change, ...]:
    """The few changes that would give another answer.

    Args:
        brief: the needs as they stand.
        candidates: what was recommended, best first; empty where nothing fits.
        rejected: what was excluded.
        ranker: ranks a changed brief.
    """
    best = candidates[0] if candidates else None
    found: list[Change] = []
    for condition, variant in _variants(brief):
        ranked = ranker(variant, 1)
        if not ranked.candidates:
            continue
        outcome = _outcome(ranked.candidates[0], best)
        if outcome is not None:
            found.append(Change(condition, outcome))
        if len(found) >= MOST:
            break
    if best is None and not found:
        found.append(Change("a smaller model or shorter context were acceptable", _smallest(rejected)))
    return tuple(found)


def _smallest(rejected: tuple[Rejected, ...]) -> str:
    first = rejected[0] if rejected else None
    return f"the nearest miss is {first.model}: {first.reason}" if first else "see the excluded models"
