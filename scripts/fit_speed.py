"""Fits the constants of `tools/speed.py` on published measurements and writes `tools/data/speed.json`.

    .venv/bin/python scripts/fit_speed.py TRUTH_FOLDER [--write]

TRUTH_FOLDER holds `speed_cases.csv` (model, quant, hardware, tokens_per_second, source) and `speeds.csv`,
whose notes give the depth of a measurement; `speed_more.csv` beside this script adds cards that those lack.
Prompt speeds are fitted by `fit_prompts.py` on the measurements that the product ships. Prints the error of
the fits, and of cross-validations that leave out one device after the other; the latter's figures are written
too, for `llm-advisor accuracy`. The fit itself needs scipy, which comes with sentence-transformers.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import json
import math
import re
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from knowledge.catalog.store import load_catalog
from scripts.fit_prompts import prompts
from tools.hardware import read_hardware
from tools.hardware_types import Device, Machine
from tools.speed import Load, rate_of, token_seconds
from tools.speed_constants import Constants, LeftOut, class_of, load_constants, quant_factor
from tools.speed_reads import Reads, reads_of

CLASS_FIELDS = ("efficiency", "step_us", "cache_efficiency", "bandwidth_power")
SHARED_FIELDS = ("expert_step", "state_step", "device_step_us")
FREE_QUANTS = ("Q", "F16")
START = {
    "NVIDIA Pascal with HBM (P100)": (0.32, 200.0, 0.3, 0.0),
    "NVIDIA Maxwell and Pascal": (0.55, 90.0, 0.4, 0.0),
    "NVIDIA with HBM (V100 to B300)": (0.75, 90.0, 0.5, 0.35),
    "NVIDIA with shared memory (GB10, Jetson)": (0.88, 40.0, 0.7, 0.0),
    "NVIDIA Turing": (0.75, 40.0, 0.6, 0.0),
    "NVIDIA with GDDR, Ampere and newer": (0.9, 50.0, 0.8, 0.0),
    "Apple M1": (0.8, 250.0, 0.4, 0.0),
    "Apple M2 and newer": (0.9, 150.0, 0.45, 0.0),
    "AMD and Intel GPUs": (0.75, 80.0, 0.6, 0.0),
    "system memory": (0.62, 100.0, 0.4, 0.0),
}
"""Where the fit of a class begins, in the order of `CLASS_FIELDS`; rough readings of the measurements."""
MANY = 10
"""Measurements of a class from which its interval may be narrow."""
DEFAULT_DEPTH = 512
"""Tokens in the cache where a source does not say: the mean of a short generation."""
PRIOR = 0.35
"""Spread of a constant's logarithm around where it starts; holds what few measurements pin down."""
MODEL_NAMES = {
    "Llama 3.2:3b": "meta-llama/Llama-3.2-3B-Instruct",
    "DeepSeek R1 14b": "deepseek-ai/DeepSeek-R1-Distill-Qwen-14B",
}
CPU_BOARDS = {
    "Pi 5 - 16GB [CPU]": 17.1,
    "Pi 5 - 8GB [CPU]": 17.1,
    "GMKtek G3 Plus (Intel N150) - 16GB [CPU]": 25.6,
    "GMKtec G3 Plus (Intel N150) - 16GB [CPU]": 25.6,
    "Pi 500+ - 16GB [CPU]": 17.1,
    "Framework 13 (Ryzen AI 5 340 16GB) [CPU]": 89.6,
    "Framework 13 (Ryzen AI 5 340) [CPU]": 89.6,
}
"""Boards of the CPU measurements whose memory is known, with GB/s."""


@dataclass(frozen=True)
class Case:
    """One measurement."""

    reads: Reads
    machine: Machine
    quant: str
    depth: int
    true: float
    device: str
    label: str


def depths(path: Path) -> dict[tuple[float, str], int]:
    """Depth of the measurements whose note gives one, by speed and source."""
    found = {}
    for row in csv.DictReader(path.open(encoding="utf-8")):
        match = re.match(r"depth (\d+)", row["note"])
        if match:
            found[(float(row["gen_tok_s"]), row["source"])] = int(match.group(1))
    return found


def load_cases(folder: Path) -> list[Case]:
    """Accelerator cases, and the CPU boards whose memory bandwidth is known."""
    catalog, deep, cases = load_catalog(), depths(folder / "speeds.csv"), []
    more = Path(__file__).with_name("speed_more.csv")
    rows = [*csv.DictReader((folder / "speed_cases.csv").open(encoding="utf-8"))]
    for row in [*rows, *csv.DictReader(more.open(encoding="utf-8"))]:
        model, machines = catalog.model(row["model"]), read_hardware(row["hardware"]).machines
        reads = reads_of(model, row["quant"], "f16") if model else None
        if reads is None or not machines:
            print("skipped:", row["model"], row["hardware"])
            continue
        true = float(row["tokens_per_second"])
        depth = deep.get((true, row["source"]), DEFAULT_DEPTH)
        device = machines[0].devices[0].name
        cases.append(
            Case(reads, machines[0], row["quant"], depth, true, device, f"{row['model']} {row['hardware']}")
        )
    for row in csv.DictReader((folder / "speeds.csv").open(encoding="utf-8")):
        bandwidth, name = CPU_BOARDS.get(row["device"]), MODEL_NAMES.get(row["model"])
        model = catalog.model(name) if name else None
        if bandwidth and model and row["gen_tok_s"]:
            reads = reads_of(model, "Q4_K_M", "f16")
            assert reads is not None
            machine = Machine(row["device"], ram_bandwidth_gbs=bandwidth)
            cases.append(
                Case(
                    reads,
                    machine,
                    "Q4_K_M",
                    DEFAULT_DEPTH,
                    float(row["gen_tok_s"]),
                    row["device"],
                    row["device"],
                )
            )
    return cases


def predict(case: Case, constants: Constants, depth: int | None = None) -> float:
    """Tokens per second."""
    devices = case.machine.devices
    rates = tuple(rate for device in devices if (rate := rate_of(device, constants)) is not None)
    host = None if devices else rate_of(device_of(case), constants)
    total = sum(device.memory_bytes for device in devices)
    shares = tuple(device.memory_bytes / total for device in devices)
    load = Load(quant_factor(case.quant, constants.quant_factors), case.depth if depth is None else depth)
    seconds = token_seconds(case.reads, rates, shares, host, constants, load)
    assert seconds is not None
    return 1 / seconds


def device_of(case: Case) -> Device:
    """The first device, or system memory as one."""
    if case.machine.devices:
        return case.machine.devices[0]
    return Device("", "cpu", 0, case.machine.ram_bandwidth_gbs)


def starting(constants: Constants) -> Constants:
    """The constants before any fit, so that a second fit gives what the first one gave."""
    begins = {name: dict(zip(CLASS_FIELDS, values, strict=True)) for name, values in START.items()}
    classes = tuple(item.model_copy(update=begins[item.name]) for item in constants.classes)
    quants = {**constants.quant_factors, "Q": 0.9, "F16": 0.95, "BF16": 0.95}
    shared = {"expert_step": 0.5, "state_step": 0.25, "device_step_us": 250.0}
    return constants.model_copy(update={"classes": classes, "quant_factors": quants, **shared})


def pack(constants: Constants) -> list[float]:
    """The free constants as logarithms."""
    values = [
        getattr(item, name) for item in constants.classes for name in CLASS_FIELDS if getattr(item, name) > 0
    ]
    values += [getattr(constants, name) for name in SHARED_FIELDS]
    values += [constants.quant_factors[name] for name in FREE_QUANTS]
    return [math.log(value) for value in values]


def unpack(vector: Sequence[float], start: Constants) -> Constants:
    """Constants with the free ones replaced; no efficiency above 1."""
    values = iter(math.exp(value) for value in vector)
    classes = []
    for item in start.classes:
        new = {name: next(values) for name in CLASS_FIELDS if getattr(item, name) > 0}
        for name in ("efficiency", "cache_efficiency"):
            new[name] = min(new[name], 1.0)
        classes.append(item.model_copy(update=new))
    shared = {name: next(values) for name in SHARED_FIELDS}
    quants = dict(start.quant_factors)
    for name in FREE_QUANTS:
        quants[name] = min(next(values), 1.1)
    quants["BF16"] = quants["F16"]
    return start.model_copy(update={"classes": tuple(classes), "quant_factors": quants, **shared})


def fit(cases: Sequence[Case], start: Constants) -> Constants:
    """Robust least squares on the logarithm of the speed."""
    from scipy.optimize import least_squares

    first = pack(start)

    def residuals(vector: Sequence[float]) -> list[float]:
        constants = unpack(vector, start)
        misses = [math.log(predict(case, constants) / case.true) / 0.15 for case in cases]
        return misses + [(value - begin) / PRIOR for value, begin in zip(vector, first, strict=True)]

    found = least_squares(residuals, first, loss="soft_l1")
    return unpack(list(found.x), start)


def report(title: str, pairs: Sequence[tuple[Case, float]], constants: Constants) -> list[float]:
    """Prints the scorer's figures; returns the misses as logarithms."""
    misses = [math.log(guess / case.true) for case, guess in pairs]
    size = sorted(abs(miss) for miss in misses)
    inside = sum(
        abs(miss) <= math.log(spread_of(case, constants))
        for (case, _), miss in zip(pairs, misses, strict=True)
    )
    middle, most = (math.exp(size[int(part * len(size))]) for part in (0.5, 0.9))
    bias, share = math.exp(statistics.mean(misses)), inside / len(misses)
    figures = f"median factor {middle:.3f}, p90 {most:.3f}, bias {bias:.3f}, inside {share:.0%}"
    print(f"{title}: {figures}, {len(misses)} cases")
    return misses


def spread_of(case: Case, constants: Constants) -> float:
    """Factor to either end of the interval."""
    return class_of(device_of(case), constants.classes).spread


def with_spreads(constants: Constants, by_class: dict[str, list[float]]) -> Constants:
    """Intervals that hold nine in ten of the left-out devices, wide where little was measured."""
    classes = []
    for item in constants.classes:
        size = sorted(abs(miss) for miss in by_class.get(item.name, []))
        least = 1.3 if len(size) >= MANY else 1.5
        spread = max(least, math.exp(size[int(0.9 * len(size))]) if size else 0.0)
        classes.append(item.model_copy(update={"spread": min(spread, 1.6)}))
    return constants.model_copy(update={"classes": tuple(classes)})


def with_error(constants: Constants, pairs: Sequence[tuple[Case, float]]) -> Constants:
    """Keeps the figures of the left-out devices, which the product's error report quotes."""
    size = sorted(abs(math.log(guess / case.true)) for case, guess in pairs)
    inside = sum(
        abs(math.log(guess / case.true)) <= math.log(spread_of(case, constants)) for case, guess in pairs
    )
    error = LeftOut(
        cases=len(pairs),
        devices=len({case.device for case, _ in pairs}),
        median=math.exp(size[len(size) // 2]),
        p90=math.exp(size[int(0.9 * len(size))]),
        coverage=inside / len(pairs),
    )
    return constants.model_copy(update={"left_out": {**constants.left_out, "generation": error}})


def cross_validate(cases: Sequence[Case], start: Constants) -> list[tuple[Case, float]]:
    """Each device's speeds from constants that never saw it."""
    found: list[tuple[Case, float]] = []
    for device in sorted({case.device for case in cases}):
        others = fit([case for case in cases if case.device != device], start)
        found += [(case, predict(case, others)) for case in cases if case.device == device]
    return found


def misses_by_class(pairs: Sequence[tuple[Case, float]], constants: Constants) -> dict[str, list[float]]:
    """Misses as logarithms, by class of device; printed."""
    by_class: dict[str, list[float]] = {}
    for case, guess in pairs:
        name = class_of(device_of(case), constants.classes).name
        by_class.setdefault(name, []).append(math.log(guess / case.true))
    for name, misses in by_class.items():
        size = sorted(abs(miss) for miss in misses)
        middle, most = (math.exp(size[int(part * len(size))]) for part in (0.5, 0.8))
        bias = math.exp(statistics.mean(misses))
        print(f"  {name}: {len(misses)} cases, median {middle:.2f}, p80 {most:.2f}, bias {bias:.2f}")
    for case, guess in sorted(pairs, key=lambda pair: -abs(math.log(pair[1] / pair[0].true)))[:10]:
        print(f"  off by {guess / case.true:.2f}: {case.label} {case.quant}, measured {case.true}")
    return by_class


def main() -> None:
    """Fits, validates, prints, and writes where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    cases, start = load_cases(options.folder), starting(load_constants())
    constants = fit(cases, start)
    left_out = cross_validate(cases, start)
    by_class = misses_by_class(left_out, constants)
    constants = prompts(with_spreads(constants, by_class))
    report("fit", [(case, predict(case, constants)) for case in cases], constants)
    report("leave one device out", left_out, constants)
    constants = with_error(constants, left_out)
    at_1024 = [(case, predict(case, constants, 1024)) for case in cases if case.machine.devices]
    report("fit at a depth of 1024, as the scorer asks", at_1024, constants)
    print(f"median width x{statistics.median(spread_of(case, constants) ** 2 for case in cases):.2f}")
    if options.write:
        document = rounded(constants.model_dump(mode="json", exclude_defaults=True))
        document["fitted_on"] = datetime.datetime.now(datetime.UTC).date().isoformat()
        path = Path(__file__).resolve().parent.parent / "tools" / "data" / "speed.json"
        path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def rounded(value: object) -> dict[str, object]:
    """Three significant digits: more would pretend a precision that is not there."""

    def walk(item: object) -> object:
        if isinstance(item, float):
            return float(f"{item:.3g}")
        if isinstance(item, dict):
            return {key: walk(inner) for key, inner in item.items()}
        return [walk(inner) for inner in item] if isinstance(item, (list, tuple)) else item

    found = walk(value)
    assert isinstance(found, dict)
    return found


if __name__ == "__main__":
    main()
