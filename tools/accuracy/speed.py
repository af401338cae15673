"""How far the speed estimates are from published measurements."""

from __future__ import annotations

import csv
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from tools.accuracy.table import Cell, Table
from tools.hardware import read_hardware
from tools.hardware_types import Machine
from tools.speed import estimate_speed
from tools.speed_constants import FULL_PRECISION, Constants, class_of, load_constants
from tools.speed_types import Interval
from tools.timings import Setting, prompt_interval

Kind = Literal["generation", "prompt", "batch"]
OLD_SOURCE = "May 2024"
"""In the source of rows from before llama.cpp pull request 7676 (June 2024)."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One published measurement."""

    kind: Kind
    model: ModelRecord
    quant: str
    machine: Machine
    engine: str
    depth: int
    """Tokens in the cache before."""
    tokens: int
    """Length of the prompt; 0 for generation."""
    micro_batch: int | None
    parallel: int
    tokens_per_second: float
    """Of all conversations together."""
    source: str
    label: str

    @property
    def old_kernels(self) -> bool:
        """Prompts with quantized weights that are older than llama.cpp's tensor-core kernels for them."""
        cuda = bool(self.machine.devices) and self.machine.devices[0].kind == "cuda"
        quantized = self.quant not in FULL_PRECISION
        return self.kind == "prompt" and cuda and quantized and OLD_SOURCE in self.source


@cache
def _machine(text: str) -> Machine:
    return read_hardware(text).machines[0]


@cache
def _rows() -> tuple[Measured, ...]:
    text = files("tools").joinpath("data/measured/speed_cases.csv").read_text(encoding="utf-8")
    found = []
    for row in csv.DictReader(text.splitlines()):
        model = load_catalog().model(row["model"])
        assert model is not None, row["model"]
        kind: Kind = (
            "prompt" if row["kind"] == "prompt" else "batch" if row["kind"] == "batch" else "generation"
        )
        found.append(
            Measured(
                kind,
                model,
                row["quant"],
                _machine(row["hardware"]),
                row["engine"],
                int(row["depth"]),
                int(row["tokens"] or 0),
                int(row["ubatch"]) if row["ubatch"] else None,
                int(row["parallel"]),
                float(row["tokens_per_second"]),
                row["source"],
                f"{model.name} {row['quant']} on {row['hardware']}",
            )
        )
    return tuple(found)


def measured_rows(kind: Kind) -> tuple[Measured, ...]:
    """The shipped measurements of a kind."""
    return tuple(row for row in _rows() if row.kind == kind)


def predicted(row: Measured, constants: Constants | None = None) -> Interval | None:
    """What the product says, in tokens per second of all conversations; None where it says nothing."""
    if row.kind == "prompt":
        setting = Setting(row.quant, row.engine, micro_batch=row.micro_batch)
        seconds = prompt_interval(row.model, row.machine, setting, row.tokens, row.depth, constants)
        return seconds.inverse(row.tokens) if seconds is not None else None
    speed = estimate_speed(
        row.model,
        row.quant,
        row.machine,
        engine=row.engine,
        context=max(1, 2 * row.depth),
        parallel=row.parallel,
    )
    if speed is None:
        return None
    return Interval(speed.low, speed.mid, speed.high).times(row.parallel)


@dataclass(frozen=True, slots=True)
class Errors:
    """How a set of estimates met its measurements; factors, so 1.10 is off by 10 % either way."""

    rows: int
    median: float
    p90: float
    inside: float
    """Share of measurements inside the stated interval, 0 to 1."""
    width: float
    """Median of high / low."""


WORST = 8
_NAMES: dict[Kind, str] = {
    "generation": "Generation",
    "prompt": "Prompts",
    "batch": "Several conversations at once",
}


def errors_of(pairs: Sequence[tuple[Measured, Interval]]) -> Errors:
    """The figures of some measured rows and what the product says of them; there must be at least one."""
    misses = sorted(abs(math.log(said.mid / row.tokens_per_second)) for row, said in pairs)
    inside = sum(said.low <= row.tokens_per_second <= said.high for row, said in pairs)
    return Errors(
        len(pairs),
        math.exp(statistics.median(misses)),
        math.exp(misses[min(len(misses) - 1, int(0.9 * len(misses)))]),
        inside / len(pairs),
        statistics.median(said.high / said.low for _, said in pairs),
    )


def compared(kind: Kind) -> list[tuple[Measured, Interval]]:
    """The shipped rows of a kind with what the product says; rows it says nothing of are left out."""
    return [(row, said) for row in measured_rows(kind) if (said := predicted(row)) is not None]


def report() -> tuple[Table, ...]:
    """The error report: by class of device, on devices that the fit never saw, and the worst rows."""
    constants = load_constants()
    pairs = {kind: compared(kind) for kind in _NAMES}
    tables = [_by_class(kind, pairs[kind], constants) for kind in _NAMES]
    return (_left_out(constants), *tables, _worst([pair for found in pairs.values() for pair in found]))


def _by_class(kind: Kind, pairs: list[tuple[Measured, Interval]], constants: Constants) -> Table:
    groups: dict[str, list[tuple[Measured, Interval]]] = {}
    for row, said in pairs:
        devices = row.machine.devices
        name = class_of(devices[0], constants.classes).name if devices else "system memory"
        if row.engine != "llama.cpp":
            name += f", {row.engine}"
        if row.old_kernels:
            name += ", kernels of May 2024"
        groups.setdefault(name, []).append((row, said))
    rows = [_cells(name, errors_of(found)) for name, found in sorted(groups.items())]
    missing = len(measured_rows(kind)) - len(pairs)
    note = "These rows are among those that the constants were fitted on."
    if kind == "batch":
        note = "Only held against the estimates, not fitted; rows with prompts in them come out too fast."
    if kind == "prompt":
        factors = ", ".join(f"{name}: {value:.2f}" for name, value in constants.old_kernels.items())
        note += (
            " Rows of May 2024 with quantized weights on NVIDIA cards are older than llama.cpp's tensor-core "
            "kernels for them (pull request 7676): the fit gives them a factor of their own, which today's "
            f"estimates leave out ({factors}); the table shows them without it."
        )
    if missing:
        note += f" Of {missing} more rows the product says nothing."
    return Table(_NAMES[kind], COLUMNS, (*rows, _cells("all", errors_of(pairs))), note)


COLUMNS = ("device class", "rows", "median factor", "p90 factor", "inside", "high/low")


def _cells(name: str, errors: Errors) -> tuple[Cell, ...]:
    inside = f"{errors.inside:.0%}"
    return (name, errors.rows, errors.median, errors.p90, inside, errors.width)


def _left_out(constants: Constants) -> Table:
    rows = tuple(
        (_NAMES[kind], found.cases, found.devices, found.median, found.p90, f"{found.coverage:.0%}")
        for kind in _NAMES
        if (found := constants.left_out.get(kind)) is not None
    )
    return Table(
        "Devices that the fit never saw (one device left out after the other)",
        ("estimate", "rows", "devices", "median factor", "p90 factor", "inside"),
        rows,
        f"Fitted {constants.fitted_on}. {constants.source}.",
    )


def _worst(pairs: list[tuple[Measured, Interval]]) -> Table:
    ordered = sorted(pairs, key=lambda pair: -abs(math.log(pair[1].mid / pair[0].tokens_per_second)))
    rows = tuple(
        (
            row.label + (f", {row.parallel} at once" if row.parallel > 1 else ""),
            row.kind,
            f"{row.tokens_per_second:,.0f}",
            f"{said.mid:,.0f}",
            said.mid / row.tokens_per_second,
            row.source,
        )
        for row, said in ordered[:WORST]
    )
    return Table(
        "Worst rows",
        ("measurement", "kind", "measured tok/s", "estimate", "factor", "source"),
        rows,
        "Rows far below the rest of their kind point at the measurement: 16-bit weights at a tenth of the "
        "quantized speed on the same card, a card on a Raspberry Pi.",
    )
