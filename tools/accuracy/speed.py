"""How far the speed estimates are from published measurements."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from tools.hardware import read_hardware
from tools.hardware_types import Machine
from tools.speed import estimate_speed
from tools.speed_constants import Constants
from tools.speed_types import Interval
from tools.timings import Setting, prompt_interval

Kind = Literal["generation", "prompt", "batch"]


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
        kind: Kind = "prompt" if row["kind"] == "prompt" else "batch" if row["kind"] == "batch" else "generation"
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
