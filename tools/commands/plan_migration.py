"""`plan migration`: the yearly review of a shared base model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from knowledge import today as clock
from knowledge.catalog.records import ModelRecord
from knowledge.errors import UsageError
from tools.candidates import evidence_json
from tools.citing import plan_citations, plan_guides
from tools.commands.facts import with_facts
from tools.commands.lookups import machine_named, model_named
from tools.commands.requests import Name, Number, Request, Text, Tokens, figure_text
from tools.hardware import describe
from tools.hardware_types import Machine
from tools.memory.generic import is_encoder
from tools.memory.training_shape import training_shape
from tools.memory.types import Evidence
from tools.planning import migration as plan
from tools.planning.base_review import Target, table
from tools.planning.evaluation import steps, verdict
from tools.planning.migration import Calendar, Retraining, Reviewed
from tools.planning.migration_process import process
from tools.planning.tunability import disagreements, distil_tables
from tools.reserve import reserved

Document = dict[str, Any]
GIB = 1 << 30
_SIZE = re.compile(r"([0-9]{1,13}(?:\.[0-9]{1,3})?)\s*([mgt])?(?:i?b)?", re.IGNORECASE)
_UNITS = {"m": 1 << 20, "g": GIB, "t": 1 << 40}
LEAST_BYTES = 1 << 20
"""A bare number from here on is bytes; a smaller one is GiB, as memory is sold."""
MOST_RAM = 1 << 44


def ram_bytes(text: str) -> int:
    """Reads `8GB`, `8 GiB`, 8 and 8589934592 as bytes.

    Raises:
        UsageError: it is no size, or none that a computer has.
    """
    found = _SIZE.fullmatch(text.strip())
    size = 0.0
    if found is not None:
        number = float(found[1])
        unit = _UNITS[found[2].lower()] if found[2] else 1 if number >= LEAST_BYTES else GIB
        size = number * unit
    if not GIB <= size <= MOST_RAM:
        raise UsageError(f"`{text[:40]}` is no memory of a computer.", hint='Write it as "8GB" or "16GB".')
    return int(size)


def _day(value: object) -> object:
    """Only ISO dates: a bare number would be read as seconds since 1970."""
    if isinstance(value, date) or (
        isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value.strip())
    ):
        return value
    raise ValueError("should be a date such as 2027-09-01")


def _names(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


Figure = Annotated[str, BeforeValidator(figure_text), Field(min_length=1, max_length=2000)]
"""Text, or a plain number as JSON has it."""
Day = Annotated[date, BeforeValidator(_day)]
Names = Annotated[tuple[Name, ...], BeforeValidator(_names), Field(max_length=20)]


class MigrationQuery(Request):
    """Request of `plan migration`."""

    base: Name = Field(description="the base model in use now")
    candidates: Names | None = Field(
        None,
        description="models to review, separated by commas; found by the hard requirements where missing",
        json_schema_extra={"metavar": "NAME,NAME"},
    )
    ram: Figure | None = Field(
        None,
        description="memory of the weakest machine, such as 8GB (the default)",
        json_schema_extra={"metavar": "SIZE"},
    )
    context: Tokens | None = Field(None, description="tokens of a conversation (4096 where missing)")
    adapters: Figure | None = Field(
        None,
        description="how many adapters exist, or their names separated by commas",
        json_schema_extra={"metavar": "N|NAME,NAME"},
    )
    lora_rank: Annotated[int, Number, Field(ge=1, le=8192)] = Field(16, description="rank of the adapters")
    sequence_length: Tokens = Field(2048, description="tokens of one training example")
    adapter_tokens: Annotated[int, Number, Field(ge=1, le=10**12)] | None = Field(
        None, description="tokens that training one adapter takes, over all epochs"
    )
    training_hardware: Text | None = Field(
        None,
        description='machine that trains the adapters, such as "RTX 3090"',
        json_schema_extra={"metavar": "TEXT"},
    )
    switch_date: Day | None = Field(
        None, description="day of the switch, such as 2027-09-01", json_schema_extra={"metavar": "DATE"}
    )
    semester_months: Annotated[int, Number, Field(ge=1, le=24)] = Field(
        6, description="length of a semester in months"
    )
    cases: Annotated[int, Number, Field(ge=1, le=1_000_000)] = Field(
        100, description="cases of your own benchmark suite"
    )
    count: Annotated[int, Number, Field(ge=1, le=20)] = Field(
        4, description="candidates to find where none are named"
    )


def plan_migration(query: MigrationQuery, *, today: date | None = None) -> Document:
    """The review.

    Args:
        query: the request.
        today: the day of the review; the real one where missing.

    Raises:
        NoAnswerError: a model or a device is not known, or no candidate meets the hard requirements.
        UsageError: a model that does not write, or adapters that are no number and no names.
    """
    day = today or clock.today()
    base, note = _writer(query.base)
    target = Target(ram_bytes(query.ram or "8GB"), query.context or table()["context"], query.lora_rank)
    trainer, notes = _trainer(query.training_hardware)
    current = plan.review(base, target, day.isoformat())
    found, looked = _candidates(query, base, target, day)
    number, names = _adapters(query.adapters)
    best = _best(found)
    document: Document = {
        "model": base.name,
        "model_id": base.id,
        "review_date": day.isoformat(),
        "target": target.as_json(),
        "current": current.as_json(),
        "candidates": [each.as_json() for each in found],
        "candidates_found_among": looked,
        "candidates_ordered_by": table()["ordered_by"],
        "best": None if best is None else best.model.name,
        "verdict": verdict(current, best, query.cases),
        "steps": _steps(query, [current, *found], target, looked, trainer),
        "adapters": _retraining(query, current, found, number, names, trainer),
        "calendar": _calendar(query, day),
        "fallback": _fallback(current, best, number),
        "stated_sizes": [row.as_json() for row in plan.stated_sizes(Target(8 * GIB, 4096, 16))],
        "stated_memory": list(plan.stated_memory(Target(8 * GIB, 4096, 16))),
        "disagreements": list(disagreements()),
        "caveats": [*_caveats(current, best, target), *notes],
        "basis": [evidence_json(evidence) for evidence in _basis(current, found)],
        "citations": plan_citations("migration"),
    }
    document["process"] = process(document, query.semester_months)
    if best is None:
        document["error"] = _none_left(found)
    return with_facts(document, base, *(each.model for each in found)) | ({"note": note} if note else {})


def _writer(name: str) -> tuple[ModelRecord, str]:
    model, note = model_named(name)
    if is_encoder(model):
        raise UsageError(f"{model.name} writes no text.", hint="Name a model that generates text.")
    return model, note


def _trainer(text: str | None) -> tuple[Machine | None, tuple[str, ...]]:
    if text is None:
        return None, ()
    machine, notes = machine_named(text, train=True)
    return reserved(machine), notes


def _candidates(
    query: MigrationQuery, base: ModelRecord, target: Target, day: date
) -> tuple[list[Reviewed], int]:
    if query.candidates is None:
        return plan.found_candidates(base, target, day.isoformat(), query.count)
    models = dict.fromkeys(_writer(name)[0].id for name in query.candidates)
    found = [plan.review(_writer(name)[0], target, day.isoformat()) for name in models if name != base.id]
    if not found:
        raise UsageError(
            "The candidates hold no model but the current base.", hint="Name at least one other."
        )
    # What meets the requirements comes first, then what may, each by merit.
    found.sort(key=lambda each: (each.fails, not each.passes, -each.merit))
    return found, len(found)


def _best(found: list[Reviewed]) -> Reviewed | None:
    return next((each for each in found if not each.fails), None)


def _adapters(text: str | None) -> tuple[int | None, tuple[str, ...]]:
    """The number of adapters, None where it was not said, and their names."""
    if text is None:
        return None, ()
    if text.isdecimal():
        number = int(text)
        if number > 100_000:
            raise UsageError(f"{number:,} adapters make no sense.", hint="Give the number that exists now.")
        return number, ()
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not names or any(part.lstrip("+-").replace(".", "").isdigit() for part in names):
        raise UsageError(
            f"`adapters` is a number or names, not {text[:40]!r}.", hint='For example 12, or "math, code".'
        )
    return len(names), names


def _steps(
    query: MigrationQuery, reviewed: list[Reviewed], target: Target, looked: int, trainer: Machine | None
) -> list[Document]:
    found = steps(
        reviewed,
        target,
        looked=looked if query.candidates is None else None,
        cases=query.cases,
        retrain=lambda model: _retrained(query, model, trainer),
    )
    return [step.as_json() for step in found]


def _retrained(query: MigrationQuery, model: ModelRecord, trainer: Machine | None) -> Retraining:
    return plan.retraining(model, trainer, query.lora_rank, query.sequence_length, query.adapter_tokens)


def _retraining(
    query: MigrationQuery,
    current: Reviewed,
    found: list[Reviewed],
    number: int | None,
    names: tuple[str, ...],
    trainer: Machine | None,
) -> Document:
    return {
        "number": number,
        "names": list(names),
        "lora_rank": query.lora_rank,
        "training_hardware": None if trainer is None else describe(trainer),
        "bound_to": _bound(current.model),
        "for": [_for(query, current, each, number, names, trainer) for each in found],
    }


def _bound(model: ModelRecord) -> str:
    shape = training_shape(model)
    if not shape.known:
        return "the base's shape is not known"
    return f"{shape.layers} layers of width {shape.hidden:,}, with the adapted matrices of {model.name}"


def _for(
    query: MigrationQuery,
    current: Reviewed,
    each: Reviewed,
    number: int | None,
    names: tuple[str, ...],
    trainer: Machine | None,
) -> Document:
    moved, run = plan.transfer(current.model, each.model), _retrained(query, each.model, trainer)
    again = 0 if moved.loads else number
    e, spent = run.way.estimate, run.time
    return {
        "model": each.model.name,
        "model_id": each.model.id,
        "adapters_load": moved.loads,
        "text": moved.text,
        "to_retrain": again,
        "to_test": number,
        "retrain": list(names) if again else [],
        "memory_each": {
            "total_bytes": e.total_bytes,
            "low_bytes": e.low_bytes,
            "high_bytes": e.high_bytes,
            "available_bytes": run.room,
            "fits": run.way.fits,
            "fused_cross_entropy": bool(run.way.request.fused_cross_entropy),
        },
        "adapter_bytes": run.adapter_bytes,
        "time_each": None if spent is None else spent.as_json(),
        "time_all_seconds": None
        if spent is None or again is None
        else {
            "low": round(again * spent.low),
            "mid": round(again * spent.mid),
            "high": round(again * spent.high),
        },
    }


def _calendar(query: MigrationQuery, today: date) -> Document | None:
    if query.switch_date is None:
        return None
    found: Calendar
    try:
        found = plan.calendar(query.switch_date, today, query.semester_months)
    except (ValueError, OverflowError):
        raise UsageError(
            f"A semester around {query.switch_date} is outside the calendar.",
            hint="Give a date such as 2027-09-01.",
        ) from None
    return found.as_json() | {"semester_months": query.semester_months}


def _fallback(current: Reviewed, best: Reviewed | None, number: int | None) -> Document | None:
    if best is None:
        return None
    rows = [plan.disk(each.model, number, each.held) for each in (current, best)]
    known = all(row["total_bytes"] is not None for row in rows)
    return {
        "bases": rows,
        "disk_bytes": sum(row["total_bytes"] for row in rows) if known else None,
        "memory_bytes": max(row["memory_bytes"] for row in rows) if known else None,
        "note": (
            "the files of the bases only, as the number of adapters was not said; " if number is None else ""
        )
        + "both stay on disk for the semester; only one is loaded at a time",
    }


def _caveats(current: Reviewed, best: Reviewed | None, target: Target) -> list[str]:
    found = [
        "Whether a maker answers to issues is not known to the catalog; look before you decide.",
        "Sizes are tensor data of the file; metadata adds a few MB. GB are 10**9 bytes, GiB 2**30.",
    ]
    if best is not None and any(check.status == "unknown" for check in best.hard):
        unsure = ", ".join(check.name for check in best.hard if check.status == "unknown")
        found.append(f"Not known of {best.model.name}: {unsure}.")
    if current.model.context_length and target.context > current.model.context_length:
        found.append(f"{current.model.name} reads {current.model.context_length:,} tokens only.")
    return found


def _basis(current: Reviewed, found: list[Reviewed]) -> list[Evidence]:
    rows = list(plan_guides("migration")[:3])
    rows += [table.evidence for table in distil_tables()]
    for each in (current, *found):
        rows.append(Evidence("catalog", f"license, release and files of {each.model.id}", each.model.as_of))
        rows += each.held.estimate.basis if each.held is not None else ()
    return list(dict.fromkeys(rows))


def _none_left(found: list[Reviewed]) -> Mapping[str, str]:
    why = ""
    if found:
        missed = next(check for check in found[0].hard if check.status == "no")
        why = f": {found[0].model.name} fails `{missed.name}` ({missed.figure})"
    return {
        "code": "no_candidate",
        "message": f"No candidate meets the hard requirements{why}.",
        "hint": "Keep the base, raise `ram`, or name other candidates.",
    }
