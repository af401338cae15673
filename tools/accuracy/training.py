"""Training estimates beside published peaks: error and coverage, and what is left out and why."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from tools.accuracy.placements import SAMPLES, percentile
from tools.accuracy.table import Table
from tools.memory.training import estimate_training
from tools.memory.training_models import training_model
from tools.memory.types import TrainingRequest

METHODS = {"full": "Full", "lora": "LoRA", "qlora": "QLoRA"}


@dataclass(frozen=True, slots=True)
class Row:
    """One published peak; an empty setting is the framework's default, `left_out` why it is not compared."""

    model: str
    method: str
    framework: str
    sequence_length: str
    micro_batch_size: str
    lora_rank: str
    target_modules: str
    optimizer: str
    gradient_checkpointing: str
    fused_cross_entropy: str
    double_quantization: str
    peak_bytes: str
    source: str
    left_out: str


def read_rows(path: Path) -> list[Row]:
    """Rows as `write_rows` wrote them."""
    with path.open(encoding="utf-8") as file:
        return [Row(**row) for row in csv.DictReader(file)]


@dataclass(frozen=True, slots=True)
class Compared:
    """One measured row beside its estimate."""

    row: Row
    given: int
    low: int
    high: int

    @property
    def ratio(self) -> float:
        """Estimate over measurement."""
        return self.given / int(self.row.peak_bytes)

    @property
    def error(self) -> float:
        return abs(self.ratio - 1)

    @property
    def inside(self) -> bool:
        return self.low <= int(self.row.peak_bytes) <= self.high


def measured_model(name: str) -> ModelRecord | None:
    """A model of the catalog, or an older one that was measured; None where neither knows it."""
    return training_model(name) or load_catalog().model(name)


def request_of(row: Row) -> TrainingRequest:
    """The row's run; what it does not say is the framework's default."""
    switch = {"on": True, "off": False, "": None}
    return TrainingRequest(
        method=row.method,  # type: ignore[arg-type]
        sequence_length=int(row.sequence_length),
        micro_batch_size=int(row.micro_batch_size),
        lora_rank=int(row.lora_rank or 16),
        target_modules=row.target_modules or None,
        optimizer=row.optimizer or None,  # type: ignore[arg-type]
        gradient_checkpointing=switch[row.gradient_checkpointing],
        fused_cross_entropy=switch[row.fused_cross_entropy],
        double_quantization=switch[row.double_quantization],
        framework=row.framework,
    )


def compare(rows: Iterable[Row]) -> tuple[list[Compared], Counter[str]]:
    """The rows that can be compared with their estimates, and the reasons why the others are left out."""
    found, left = [], Counter[str]()
    for row in rows:
        model = None if row.left_out else measured_model(row.model)
        if model is None:
            left[row.left_out or "shape of the model not known"] += 1
            continue
        e = estimate_training(model, request_of(row))
        found.append(Compared(row, e.total_bytes, e.low_bytes, e.high_bytes))
    return found, left


def _line(name: str, found: Sequence[Compared]) -> tuple[str | int, ...]:
    errors = [item.error for item in found]
    inside = sum(item.inside for item in found) / len(found)
    return (
        name,
        len(found),
        f"{percentile(errors, 0.5):.1%}",
        f"{percentile(errors, 0.9):.1%}",
        f"{inside:.0%}",
    )


def report() -> tuple[Table, ...]:
    """Errors by method and framework, and the rows left out."""
    found, left = compare(read_rows(SAMPLES / "training.csv"))
    lines = [_line("all", found)]
    lines += [
        _line(name, [item for item in found if item.row.method == method]) for method, name in METHODS.items()
    ]
    lines += [
        _line(name, [item for item in found if item.row.framework == name])
        for name in sorted({item.row.framework for item in found})
    ]
    note = (
        "Published peaks on one device (QwenLM, litgpt, torchtune, LLaMA-Factory, Unsloth; each row's source "
        "is in data/measured/training.csv). The constants were chosen on these rows: with the rows of a "
        "model left out, `make bench` shows larger errors."
    )
    columns = ("runs", "rows", "median error", "90 % within", "inside interval")
    reasons = tuple((reason, count) for reason, count in left.most_common())
    return (
        Table("Training: peak memory against published runs", columns, tuple(lines), note),
        Table("Published runs that are not compared", ("reason", "rows"), reasons),
    )
