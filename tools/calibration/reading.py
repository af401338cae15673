"""From runs of `bench` to a calibration: which runs count, and what was estimated for the same."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from math import log, sqrt

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from knowledge.measured_here import MeasuredRun, Point, Range
from tools.calibration.applying import PLACEMENTS, placement_of
from tools.calibration.types import Calibration, Knot, Observation, Placement, Quantity, Subject
from tools.hardware_types import Machine
from tools.memory.estimate import device_bytes
from tools.memory.types import MemoryRequest
from tools.speed import estimate_speed, host_rate, rates_of
from tools.speed_constants import load_constants
from tools.speed_reads import reads_of
from tools.timings import Setting, prompt_interval

LEAST_OUTPUT = 8
"""Tokens that must have been written for a rate of generation to count."""
LEAST_PROMPT = 256
"""Tokens that must have been read: shorter prompts mostly measure what every request costs."""
LEAST_TOGETHER = 0.5
"""Share of all conversations' rates that must have come out at once; with less they stood in a queue."""
WHOLE = 0.97
"""Share of a model on the accelerators from which the rest are the token tables."""
NEARLY = 0.85
"""The same against an estimate of what the model takes."""
YEARLY = 0.10
"""What drivers and engines change in a year, as a standard deviation of the logarithm of a speed."""
OTHER_VERSION = 0.05
"""The same between two versions of an engine."""
_YEAR = 365.25 * 86400
_SAME_LENGTH = 1.1
_LEAST_SPREAD = 1.05


def calibration_of(runs: Sequence[MeasuredRun], machine: Machine) -> Calibration | None:
    """What counts of some runs on a machine; None where none does.

    Args:
        runs: Of this machine, oldest first; those that say nothing of it are left out.
        machine: As it was detected.
    """
    bare = replace(machine, calibration=None)
    usable = [(run, subject) for run in runs if (subject := subject_of(run, bare)) is not None]
    newest = {run.engine: run for run, _ in usable}
    found: dict[Subject, Observation] = {}
    for run, plain in reversed(usable):
        for parallel in sorted({point.parallel for point in run.points}):
            subject = plain._replace(parallel=parallel)
            kept = found.get(subject)
            if kept is not None and kept.complete:
                continue
            row = _observation(run, subject, bare, newest[run.engine])
            if row is not None:
                found[subject] = row if kept is None else _filled(kept, row)
    if not found:
        return None
    rows = tuple(found.values())
    devices = tuple((device.name, device.memory_bytes) for device in machine.devices)
    spreads = _spreads(bare)
    digest = hashlib.sha256(repr((rows, devices, spreads)).encode()).hexdigest()
    return Calibration(digest, False, devices, spreads, rows)


def subject_of(run: MeasuredRun, machine: Machine) -> Subject | None:
    """What a run measured; None where it says nothing of this machine's estimates.

    What another computer serves, or an unknown model, format or engine, cannot be held against an estimate.
    """
    model = model_of(run)
    if not run.local or not run.points or model is None or run.quant is None or run.engine == "unknown":
        return None
    cache_type = run.kv_cache_type or "f16"
    reads = reads_of(model, run.quant, cache_type)
    if reads is None:
        return None
    share = _share(run, model, machine)
    where = placement_of(machine, share)
    return Subject(model.id, run.quant, cache_type, run.engine, where, bool(reads.experts_held))


def model_of(run: MeasuredRun) -> ModelRecord | None:
    """The catalog's record of what was measured; None where it is not in it."""
    return load_catalog().by_id.get((run.model_id or "").lower())


def _share(run: MeasuredRun, model: ModelRecord, machine: Machine) -> float:
    """Part of the model that was on the accelerators: as the server said, else as much as they hold."""
    if not machine.devices:
        return 0.0
    on_device, beside = run.memory_bytes, run.host_memory_bytes
    if on_device is not None and beside is not None and on_device + beside > 0:
        share = on_device / (on_device + beside)
        return 1.0 if share >= WHOLE else share
    if on_device == 0:
        return 0.0
    context = run.context or max(point.prompt_tokens + point.output_tokens for point in run.points)
    request = MemoryRequest(run.quant or "", max(1, context), run.kv_cache_type or "f16", run.engine)
    needed = device_bytes(model, replace(request, hardware=machine)).total
    held = machine.accelerator_bytes if on_device is None else on_device
    share = min(1.0, held / max(1, needed))
    return 1.0 if share >= NEARLY else share


def _observation(
    run: MeasuredRun, subject: Subject, machine: Machine, newest: MeasuredRun
) -> Observation | None:
    model = model_of(run)
    assert model is not None
    share = _share(run, model, machine)
    points = [point for point in run.points if point.parallel == subject.parallel]
    generation = [_generated(point, model, subject, share, machine) for point in points]
    alone = points if subject.parallel == 1 else ()  # prompts of others take their time from one's own
    prompts = [_read(point, model, subject, share, machine) for point in alone]
    kept = tuple(knot for knot in generation if knot is not None)
    read = tuple(knot for knot in prompts if knot is not None)
    if not kept and not read:
        return None
    day = run.measured_at.date().isoformat()
    return Observation(subject, model.name, day, kept, read, _fade(run, newest), run.complete)


def _generated(
    point: Point, model: ModelRecord, subject: Subject, share: float, machine: Machine
) -> Knot | None:
    rate = point.generation_tps
    if rate is None or rate.low <= 0 or point.output_tokens < LEAST_OUTPUT or _queued(point, rate):
        return None
    depth = point.prompt_tokens + point.output_tokens // 2
    speed = estimate_speed(
        model,
        subject.quant,
        machine,
        engine=subject.engine,
        context=2 * depth,  # the estimate is for one that is half full
        gpu_share=share,
        parallel=subject.parallel,
        kv_cache_type=subject.kv_cache_type,
    )
    return None if speed is None else _knot(depth, 1 / speed.mid, 1 / rate.mid, rate)


def _queued(point: Point, rate: Range) -> bool:
    """Whether the requests waited for each other, so that the rate of one says nothing of many at once."""
    together = point.total_tps
    return point.parallel > 1 and (
        together is None or together.mid < LEAST_TOGETHER * point.parallel * rate.mid
    )


def _read(point: Point, model: ModelRecord, subject: Subject, share: float, machine: Machine) -> Knot | None:
    rate = point.prompt_tps
    if rate is None or rate.low <= 0 or point.prompt_tokens < LEAST_PROMPT:
        return None
    setting = Setting(subject.quant, subject.engine, kv_cache_type=subject.kv_cache_type, gpu_share=share)
    seconds = prompt_interval(model, machine, setting, point.prompt_tokens)
    if seconds is None:
        return None
    return _knot(point.prompt_tokens, seconds.mid, point.prompt_tokens / rate.mid, rate)


def _knot(tokens: int, estimated: float, measured: float, rate: Range) -> Knot:
    return Knot(tokens, estimated, measured, log(rate.high / rate.low) / 2, rate)


def _fade(run: MeasuredRun, newest: MeasuredRun) -> float:
    """Uncertainty of a run for what has changed until the newest one; no clock is asked."""
    years = max(0.0, _stamp(newest.measured_at) - _stamp(run.measured_at)) / _YEAR
    other = OTHER_VERSION if run.engine_version != newest.engine_version else 0.0
    return YEARLY * sqrt(years) + other


def _stamp(moment: datetime) -> float:
    return moment.timestamp()


def _filled(kept: Observation, older: Observation) -> Observation:
    """A run that was interrupted, with the lengths that only an older one reached."""

    def more(quantity: Quantity) -> tuple[Knot, ...]:
        have = kept.knots(quantity)
        new = (
            knot
            for knot in older.knots(quantity)
            if all(max(knot.tokens, own.tokens) > _SAME_LENGTH * min(knot.tokens, own.tokens) for own in have)
        )
        return (*have, *new)

    return replace(kept, generation=more("generation"), prompt=more("prompt"), complete=older.complete)


def _spreads(machine: Machine) -> tuple[tuple[tuple[Quantity, Placement], float], ...]:
    """How far the estimates of a machine are trusted, by what is estimated and where the weights lie."""
    constants, rates, host = load_constants(), rates_of(machine) or (), host_rate(machine)
    device = max([rate.spread for rate in rates], default=1.5)
    reading = max([rate.prompt_spread for rate in rates], default=2.0)
    cores = constants.host_compute
    found: dict[tuple[Quantity, Placement], float] = {}
    for place in PLACEMENTS:
        held = host.spread if host is not None else device
        part = {"device": device, "part": device * constants.offload_spread, "host": held}[place]
        prompt = {"device": reading, "part": reading * constants.pcie_spread, "host": cores.high / cores.mid}[
            place
        ]
        found["generation", place] = log(max(part, _LEAST_SPREAD))
        found["prompt", place] = log(max(prompt, _LEAST_SPREAD))
    return tuple(found.items())
