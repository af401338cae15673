"""The yearly review of a shared base model: candidates, adapters to retrain, calendar and fallback."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from tools.hardware_types import Machine
from tools.memory.generic import is_encoder
from tools.memory.training_shape import TrainingShape, training_shape
from tools.memory.types import TrainingRequest
from tools.planning.base_review import (
    Check,
    Footprint,
    Target,
    adapter_values,
    footprint,
    hard_checks,
    line_of,
    soft_checks,
    table,
)
from tools.planning.rubric import standard_error
from tools.planning.training_fit import Way, training_room, way_of
from tools.planning.training_work import TrainingTime, training_time
from tools.planning.tunability import best_after_tuning, reviews
from tools.quality import quality_of
from tools.roles.common import cautious, stands_for
from tools.roles.training import tunability

SHARED_FIELDS = ("layers", "hidden", "query", "key", "ff")


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One base with everything that was checked."""

    model: ModelRecord
    held: Footprint | None
    hard: tuple[Check, ...]
    soft: tuple[Check, ...]
    kept: str = ""
    """Why it is among the candidates although its merit is not; empty where merit decides."""

    @property
    def passes(self) -> bool:
        return all(check.status == "yes" for check in self.hard)

    @property
    def fails(self) -> bool:
        return any(check.status == "no" for check in self.hard)

    @property
    def merit(self) -> float:
        """Expected quality less a part of its uncertainty, and up to 3 points for a measured rank."""
        points, _ = tunability(self.model.id)
        return cautious(quality_of(self.model.id, "chat")) + points

    def as_json(self) -> dict[str, Any]:
        quality = quality_of(self.model.id, "chat")
        return {
            "model": self.model.name,
            "model_id": self.model.id,
            "params_b": None if self.model.params_b is None else round(self.model.params_b, 3),
            "release_date": self.model.release_date,
            "meets_hard_requirements": "no" if self.fails else "yes" if self.passes else "unknown",
            "hard": [check.as_json() for check in self.hard],
            "soft": [check.as_json() for check in self.soft],
            "quality": quality.as_json(),
            "merit": round(self.merit, 1),
            "kept_for": self.kept or None,
            "memory": None if self.held is None else self.held.as_json(),
        }


def review(model: ModelRecord, target: Target, day: str) -> Reviewed:
    """Checks one base.

    Args:
        model: the base.
        target: the weakest machine.
        day: ISO date of the review.
    """
    held = footprint(model, target)
    return Reviewed(model, held, hard_checks(model, target, held, day), soft_checks(model))


def found_candidates(base: ModelRecord, target: Target, day: str, count: int) -> tuple[list[Reviewed], int]:
    """The best bases that meet every hard requirement, one a family, and how many were looked at.

    The one that was measured best after tuning is always among two or more, whatever its family.
    """
    most = target.file_limit * table()["most_parameters_per_file_byte"]
    looked: list[Reviewed] = []
    for model in load_catalog().models:
        small = model.params_total is not None and model.params_total <= most
        if model.id == base.id or not small or is_encoder(model) or model.kind in ("base", "vision"):
            continue
        if stands_for(model.id, model.kind, "chat"):
            looked.append(review(model, target, day))
    passed = sorted((each for each in looked if each.passes), key=lambda each: -each.merit)
    chosen: dict[tuple[str, str], Reviewed] = {}
    for each in passed:
        chosen.setdefault(line_of(each.model), each)
    return _with_measured(list(chosen.values())[:count], passed), len(looked)


def _with_measured(found: list[Reviewed], passed: list[Reviewed]) -> list[Reviewed]:
    """The candidates with the base that was measured best after tuning in the place of the last one.

    How well a base takes tuning matters more than how good it is untuned, and merit is for newer bases only
    an estimate of the latter. A single place stays with merit.
    """
    best = best_after_tuning(each.model.id for each in passed)
    if best is None or len(found) < 2:
        return found
    row, ranking = best
    words = f"measured best after tuning of those that pass: rank {row.rank:g}, {ranking.as_of}"
    kept = next(replace(each, kept=words) for each in passed if each.model.id == row.model_id)
    if kept.model.id in {each.model.id for each in found}:
        return [kept if each.model.id == kept.model.id else each for each in found]
    return [*found[:-1], kept]


@dataclass(frozen=True, slots=True)
class Transfer:
    """What becomes of the adapters of one base on another."""

    loads: bool | None
    """Whether the shapes are the same; None where one is not known."""
    differences: tuple[str, ...]

    @property
    def text(self) -> str:
        if self.loads is None:
            return "a shape is not known: assume that every adapter has to be retrained"
        if self.loads:
            return "same shapes: adapters load, but have to be tested, as the weights below them changed"
        return f"every adapter has to be retrained: {'; '.join(self.differences)}"


def transfer(base: ModelRecord, other: ModelRecord) -> Transfer:
    """Whether adapters load on another base: its layers and adapted matrices must be the same."""
    first, second = training_shape(base), training_shape(other)
    if not first.known or not second.known:
        return Transfer(None, ())
    found = [
        f"{name} {getattr(first, name):,} and {getattr(second, name):,}"
        for name in SHARED_FIELDS
        if getattr(first, name) != getattr(second, name)
    ]
    if not found and _matrices(first) != _matrices(second):
        found.append("other matrices in the layers")
    return Transfer(not found, tuple(found))


def _matrices(shape: TrainingShape) -> set[tuple[str, int, int, int]]:
    return {(m.name, m.rows, m.columns, m.count) for m in shape.matrices}


@dataclass(frozen=True, slots=True)
class Retraining:
    """Training one adapter on a base again."""

    way: Way
    device: str | None
    room: int | None
    time: TrainingTime | None
    adapter_bytes: int


def retraining(
    model: ModelRecord, trainer: Machine | None, rank: int, length: int, tokens: int | None
) -> Retraining:
    """Memory, and with tokens and a known device also the time, of one QLoRA adapter.

    Args:
        model: the base.
        trainer: where adapters are trained; None leaves room and time out.
        rank: rank of the adapters.
        length: tokens of an example.
        tokens: tokens of one adapter's training over all epochs.
    """
    request = TrainingRequest(method="qlora", sequence_length=length, lora_rank=rank)
    room, device = training_room(trainer) if trainer is not None else (None, None)
    way = way_of(model, request, room)
    if room is None:
        way = replace(way, fits="unknown")
    time = None
    if trainer is not None and tokens is not None:
        time = training_time(model, "qlora", length, tokens, trainer)
    return Retraining(way, device, room, time, 2 * adapter_values(model, rank))


def months_later(day: date, months: int) -> date:
    """The same day some months later (or earlier); the last day of a shorter month."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    first_of_next = date(year + (month == 11), 1 if month == 11 else month + 2, 1)
    return date(year, month + 1, min(day.day, (first_of_next - timedelta(days=1)).day))


@dataclass(frozen=True, slots=True)
class Calendar:
    """Announcement, switch and end of the fallback."""

    announce: date
    switch: date
    fallback_ends: date
    late: bool
    """The announcement should have been made already."""
    earliest: date
    """First switch that still leaves a semester from today."""

    def as_json(self) -> dict[str, Any]:
        return {
            "announce_by": self.announce.isoformat(),
            "switch": self.switch.isoformat(),
            "fallback_ends": self.fallback_ends.isoformat(),
            "announcement_is_late": self.late,
            "earliest_switch_from_today": self.earliest.isoformat(),
        }


def calendar(switch: date, today: date, months: int) -> Calendar:
    """One semester before and after the switch.

    Args:
        switch: first day of the new base.
        today: for whether the announcement is late.
        months: length of a semester.
    """
    announce = months_later(switch, -months)
    return Calendar(
        announce, switch, months_later(switch, months), announce < today, months_later(today, months)
    )


def meaningful_gain(cases: int) -> float:
    """Gain of the pass rate that is more than noise: twice the standard error at 70 %, as a share."""
    return 2 * standard_error(table()["pass_rate"], cases)


@dataclass(frozen=True, slots=True)
class StatedSize:
    """A row of a published review: the file size it states, and what we compute."""

    name: str
    model_id: str
    stated_gb: float
    file_bytes: int | None

    @property
    def difference(self) -> float | None:
        """Stated less computed, as a share of what is computed."""
        return None if self.file_bytes is None else self.stated_gb * 1e9 / self.file_bytes - 1

    def as_json(self) -> dict[str, Any]:
        off = self.difference
        return {
            "model": self.name,
            "model_id": self.model_id,
            "stated_gb": self.stated_gb,
            "computed_bytes": self.file_bytes,
            "difference": None if off is None else round(off, 3),
            "agrees": None
            if self.file_bytes is None
            else abs(self.stated_gb - self.file_bytes / 1e9) <= 0.0501,
        }


def stated_sizes(target: Target) -> Iterable[StatedSize]:
    """The sizes that the 2026 review states, held against ours; they agree within its one decimal."""
    by_id = load_catalog().by_id
    for published in reviews():
        for row in published["rows"]:
            model = by_id.get(row["model_id"].lower())
            held = footprint(model, target) if model is not None else None
            yield StatedSize(row["stated"], row["model_id"], row["stated_gb"], held.file if held else None)


def stated_memory(target: Target) -> Iterable[dict[str, Any]]:
    """What the review says that a base takes in memory, and what we compute for the same; in bytes."""
    by_id = load_catalog().by_id
    for published in reviews():
        for row in published["memory"]:
            held = footprint(by_id[row["model_id"].lower()], target)
            if held is None:
                continue
            system = table()["system_bytes"] if row["system"] else {"low": 0, "high": 0}
            own = held.model + held.adapter + table()["runtime_bytes"]
            yield {
                "what": row["stated"],
                "model_id": row["model_id"],
                "stated_low_gb": row["low_gb"],
                "stated_high_gb": row["high_gb"],
                "computed_low_bytes": own + system["low"],
                "computed_high_bytes": own + system["high"],
                "context": target.context,
            }


def disk(model: ModelRecord, adapters: int | None, held: Footprint | None) -> dict[str, Any]:
    """One base with its adapters on a disk, in bytes; without their number the base's file alone."""
    if held is None:
        return {"model": model.name, "file_bytes": None, "adapters_bytes": None, "total_bytes": None}
    size = None if adapters is None else adapters * held.adapter
    return {
        "model": model.name,
        "file_bytes": held.file,
        "adapters_bytes": size,
        "total_bytes": held.file + (size or 0),
        "memory_bytes": held.model + held.adapter,
    }


def cases_for(gain: float) -> int:
    """Cases with which a gain is twice the standard error at a rate of 70 %."""
    p = float(table()["pass_rate"])
    return math.ceil(4 * p * (1 - p) / gain**2)
