"""Fits how fast prompts are read, and what a batch of conversations costs; called by `fit_speed.py`.

The measurements are the rows of kind `prompt` and `batch` in `tools/data/measured/speed_cases.csv`. Those of
May 2024 are older than llama.cpp's tensor-core kernels for quantized weights (pull request 7676, June 2024);
a factor of their own, which the product does not use, keeps them from slowing down today's estimates.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from tools.accuracy.speed import Measured, measured_rows, predicted
from tools.speed_constants import Constants, DeviceClass, LeftOut, class_of

SHARED = ("expert_fill", "state_work", "pipeline_cost")
MANY = 3
"""Devices of a class from which its interval is what they show; below, it stays wide."""
PRIOR = 0.5
"""Spread of a constant's logarithm around where it starts."""
WIDE = 2.0
"""Least interval of a class of which few devices were measured."""
START = {
    "NVIDIA Maxwell and Pascal": {"prompt_per_byte": 34.0},
    "NVIDIA with HBM (V100 to B300)": {"prompt_efficiency": 0.22},
    "NVIDIA with shared memory (GB10, Jetson)": {"prompt_efficiency": 1.3},
    "NVIDIA Turing": {"prompt_efficiency": 1.4},
    "NVIDIA with GDDR, Ampere and newer": {"prompt_efficiency": 1.9},
    "Apple M1": {"prompt_per_byte": 14.0},
    "Apple M2 and newer": {"prompt_per_byte": 24.0},
    "AMD and Intel GPUs": {"prompt_efficiency": 0.4},
}
"""Where a class begins; rough readings of the measurements. A class that is not named has no prompt speed."""
START_SHARED = {"expert_fill": 8.0, "state_work": 0.7, "pipeline_cost": 1.2}


@dataclass(frozen=True)
class Case:
    """One measured prompt."""

    row: Measured
    item: str
    """Name of the device's class."""

    @property
    def device(self) -> str:
        return self.row.machine.devices[0].name


def prompt_cases(constants: Constants) -> list[Case]:
    """The measured prompts whose device has a rate."""
    cases = []
    for row in measured_rows("prompt"):
        item = class_of(row.machine.devices[0], constants.classes)
        if predicted(row, constants) is not None:
            cases.append(Case(row, item.name))
    return cases


def _field(item: DeviceClass) -> str | None:
    if item.prompt_per_byte is not None:
        return "prompt_per_byte"
    return "prompt_efficiency" if item.prompt_efficiency is not None else None


def _pack(constants: Constants, old: dict[str, float]) -> list[float]:
    values = []
    for item in constants.classes:
        if (field := _field(item)) is not None:
            values += [getattr(item, field), item.attention_share, item.full_factor]
    values += [getattr(constants, name) for name in SHARED]
    return [math.log(value) for value in (*values, *old.values())]


def _unpack(
    vector: Sequence[float], start: Constants, old: dict[str, float]
) -> tuple[Constants, dict[str, float]]:
    values = iter([math.exp(value) for value in vector])
    classes = []
    for item in start.classes:
        if (field := _field(item)) is not None:
            new = {
                field: next(values),
                "attention_share": min(next(values), 1.5),
                "full_factor": next(values),
            }
            classes.append(item.model_copy(update=new))
        else:
            classes.append(item)
    shared: dict[str, float] = {name: next(values) for name in SHARED}
    shared["pipeline_cost"] = max(shared["pipeline_cost"], 1.0)
    found = start.model_copy(update={"classes": tuple(classes), **shared})
    return found, dict(zip(old, values, strict=True))


def _miss(case: Case, constants: Constants, old: dict[str, float]) -> float:
    guess = predicted(case.row, constants)
    assert guess is not None
    factor = old.get(case.item, 1.0) if case.row.old_kernels else 1.0
    return math.log(guess.mid * factor / case.row.tokens_per_second)


def fit_prompts(cases: Sequence[Case], start: Constants) -> tuple[Constants, dict[str, float]]:
    """Robust least squares on the logarithm of the speed; also the factors of the old rows by class."""
    from scipy.optimize import least_squares

    old = dict.fromkeys(sorted({case.item for case in cases if case.row.old_kernels}), 0.7)
    first = _pack(start, old)

    def residuals(vector: Sequence[float]) -> list[float]:
        constants, factors = _unpack(vector, start, old)
        misses = [_miss(case, constants, factors) / 0.2 for case in cases]
        return misses + [(value - begin) / PRIOR for value, begin in zip(vector, first, strict=True)]

    found = least_squares(residuals, first, loss="soft_l1")
    return _unpack(list(found.x), start, old)


def leave_out(cases: Sequence[Case], start: Constants) -> list[tuple[Case, float]]:
    """Misses of each device under constants that never saw it."""
    found: list[tuple[Case, float]] = []
    for device in sorted({case.device for case in cases}):
        constants, factors = fit_prompts([case for case in cases if case.device != device], start)
        found += [(case, _miss(case, constants, factors)) for case in cases if case.device == device]
    return found


def with_prompt_spreads(constants: Constants, misses: Sequence[tuple[Case, float]]) -> Constants:
    """Intervals that hold nine in ten of the left-out devices; wide where few devices were measured."""
    classes = []
    for item in constants.classes:
        mine = [(case, abs(miss)) for case, miss in misses if case.item == item.name]
        size = sorted(miss for _, miss in mine)
        spread = math.exp(size[int(0.9 * len(size))]) if size else 0.0
        devices = len({case.device for case, _ in mine})
        least = 1.3 if devices >= MANY else WIDE
        classes.append(item.model_copy(update={"prompt_spread": max(least, min(spread, 3.0))}))
    return constants.model_copy(update={"classes": tuple(classes)})


def figures(misses: Sequence[tuple[Case, float]], constants: Constants) -> tuple[float, float, float]:
    """Median factor, 90th percentile and share inside the interval."""
    size = sorted(abs(miss) for _, miss in misses)
    spreads = {item.name: item.prompt_spread for item in constants.classes}
    inside = sum(abs(miss) <= math.log(spreads[case.item]) for case, miss in misses)
    return math.exp(statistics.median(size)), math.exp(size[int(0.9 * len(size))]), inside / len(size)


def report_prompts(title: str, misses: Sequence[tuple[Case, float]], constants: Constants) -> None:
    """Prints the figures, by class too, and the worst rows."""
    median, p90, inside = figures(misses, constants)
    print(
        f"prompts, {title}: median factor {median:.2f}, p90 {p90:.2f}, inside {inside:.0%}, "
        f"{len(misses)} rows"
    )
    for name in sorted({case.item for case, _ in misses}):
        mine = [(case, miss) for case, miss in misses if case.item == name]
        median, p90, inside = figures(mine, constants)
        devices, bias = len({case.device for case, _ in mine}), statistics.mean(miss for _, miss in mine)
        print(
            f"  {name}: {len(mine)} rows of {devices} devices, {median:.2f}, {p90:.2f}, "
            f"bias {math.exp(bias):.2f}"
        )
    for case, miss in sorted(misses, key=lambda pair: -abs(pair[1]))[:12]:
        print(f"  off by {math.exp(miss):.2f}: {case.row.label}, measured {case.row.tokens_per_second:g}")


def _starting(constants: Constants) -> Constants:
    """The constants before any fit, so that a second fit gives what the first one gave."""
    begins = {"attention_share": 0.5, "full_factor": 1.0}
    classes = tuple(
        item.model_copy(update={**begins, **START[item.name]}) if item.name in START else item
        for item in constants.classes
    )
    return constants.model_copy(update={"classes": classes, **START_SHARED})


def prompts(constants: Constants) -> Constants:
    """Fits, leaves devices out, prints, and returns the constants with their intervals and their error."""
    start = _starting(constants)
    cases = prompt_cases(start)
    constants, old = fit_prompts(cases, start)
    missed = leave_out(cases, start)
    constants = with_prompt_spreads(constants, missed)
    median, p90, inside = figures(missed, constants)
    error = LeftOut(
        cases=len(missed),
        devices=len({case.device for case in cases}),
        median=median,
        p90=p90,
        coverage=inside,
    )
    constants = constants.model_copy(
        update={"left_out": {**constants.left_out, "prompt": error}, "old_kernels": old}
    )
    print("old rows by class", {name: round(value, 2) for name, value in old.items()})
    report_prompts("fit", [(case, _miss(case, constants, old)) for case in cases], constants)
    report_prompts("leave one device out", missed, constants)
    return constants
