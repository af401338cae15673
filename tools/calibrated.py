"""What was measured on this machine, as answers use it.

`calibrated` gives a machine what `bench` measured on it; from then on every estimate for it is corrected
(`tools.speed`, `tools.timings`). Without a run nothing is detected, read or changed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from math import exp
from pathlib import Path
from statistics import median

from knowledge.catalog.store import follows_models
from knowledge.home import home
from knowledge.measured_here import FILE, FOLDER, MeasuredRun, load_runs
from tools.calibration.types import Calibration, Observation
from tools.hardware_types import Machine, same_accelerators


def calibrated(machine: Machine, this: Callable[[], Machine] | None = None) -> Machine:
    """The machine with what was measured on it; unchanged where nothing was.

    A machine that was named is taken for this computer where it has the very accelerators that this one has;
    then what was measured whole on them counts, and the answer says where it comes from.

    Args:
        machine: Where something is to run.
        this: Detects this computer; asked only where something was measured and the machine was named.
    """
    found, stamp = None, _stamp()
    if stamp is not None and _runs(stamp):
        if machine.detected:
            found = _of(stamp, _plain(machine))
        elif machine.devices:
            here = _plain((this or _this)())
            found = _named(_of(stamp, here), machine) if same_accelerators(machine, here) else None
    return machine if found == machine.calibration else replace(machine, calibration=found)


def measurements_of(model_id: str, machine: Machine | None = None) -> tuple[Observation, ...]:
    """What was measured of a model on this machine, the newest first; empty where nothing was.

    Args:
        model_id: Hub id.
        machine: As it was detected; it is detected where None, if anything was measured.
    """
    stamp = _stamp()
    if stamp is None or not any((run.model_id or "").lower() == model_id.lower() for run in _runs(stamp)):
        return ()
    found = _of(stamp, _plain(machine or _this()))
    rows = found.observations if found is not None else ()
    return tuple(row for row in rows if row.subject.model_id == model_id)


@dataclass(frozen=True, slots=True)
class EngineSummary:
    """What was measured with one engine."""

    engine: str
    models: int
    newest: str
    """ISO date."""
    factor: float | None
    """Measured over estimated generation speed, the median; None where only prompts were measured."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What was measured here, for `doctor`."""

    runs: int
    """All that are kept."""
    usable: int
    """Those that are of this machine, and can be held against an estimate."""
    newest: str | None
    """ISO date of the newest usable one."""
    engines: tuple[EngineSummary, ...]


def summary(machine: Machine | None = None) -> Summary:
    """What was measured on this machine, and how far from the estimates it is.

    Args:
        machine: As it was detected; it is detected where None, if anything was measured.
    """
    from tools.calibration.posterior import gain_of

    stamp = _stamp()
    runs = _runs(stamp) if stamp is not None else ()
    if stamp is None or not runs:
        return Summary(0, 0, None, ())
    machine = _plain(machine or _this())
    calibration = _of(stamp, machine)
    rows = calibration.observations if calibration is not None else ()
    engines = []
    for engine in dict.fromkeys(row.subject.engine for row in rows):
        own = [row for row in rows if row.subject.engine == engine]
        gains = [gain_of(row, "generation") for row in own if row.generation]
        models = len({row.subject.model_id for row in own})
        engines.append(
            EngineSummary(engine, models, max(row.day for row in own), exp(median(gains)) if gains else None)
        )
    return Summary(
        len(runs), _usable(runs, machine), max((row.day for row in rows), default=None), tuple(engines)
    )


def _usable(runs: tuple[MeasuredRun, ...], machine: Machine) -> int:
    from tools.calibration.reading import subject_of
    from tools.measuring.machine import machine_key

    key = machine_key(machine)
    return sum(run.machine == key and subject_of(run, machine) is not None for run in runs)


def _this() -> Machine:
    from tools.hardware import detect_machine

    return detect_machine()


def _plain(machine: Machine) -> Machine:
    """Without what changes from moment to moment, so that one calibration serves."""
    devices = tuple(replace(device, free_bytes=None, reserve=None) for device in machine.devices)
    return replace(machine, devices=devices, ram_reserve=None, calibration=None, assumptions=())


Stamp = tuple[Path, int, int, int]
"""The file of the runs, with what changes when it is written."""


def _stamp() -> Stamp | None:
    """The runs that are kept, as far as that tells them from others; None where there are none."""
    place = home() / FOLDER / FILE
    try:
        state = os.stat(place)
    except OSError:
        return None
    return place, state.st_mtime_ns, state.st_size, state.st_ino


@lru_cache(maxsize=4)
def _runs(stamp: Stamp) -> tuple[MeasuredRun, ...]:
    """The runs of a file; a run that is added is another stamp, so that it counts at once."""
    return load_runs(stamp[0].parent.parent)


@follows_models
@lru_cache(maxsize=16)
def _of(stamp: Stamp, machine: Machine) -> Calibration | None:
    """What counts on a machine as it was detected."""
    # What speed rests on is loaded only where something was measured.
    from tools.calibration.reading import calibration_of
    from tools.measuring.machine import machine_key

    key = machine_key(machine)
    return calibration_of([run for run in _runs(stamp) if run.machine == key], machine)


def _named(calibration: Calibration | None, machine: Machine) -> Calibration | None:
    """The same for a machine that was named: its memory beside the accelerators is another one's."""
    if calibration is None:
        return None
    rows = tuple(row for row in calibration.observations if row.subject.placement == "device")
    if not rows:
        return None
    # The reader counts a card's memory as sold, the driver as it is.
    devices = tuple((device.name, device.memory_bytes) for device in machine.devices)
    return replace(
        calibration,
        digest=f"named {calibration.digest}",
        same_accelerators=True,
        devices=devices,
        observations=rows,
    )
