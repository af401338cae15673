"""What the pictures stand on: needs, machine and model of a recommendation, or as somebody typed them.

It loads the catalog and reads hardware: for a thread, never for the screen's own loop.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from knowledge.catalog.records import ModelRecord
from knowledge.errors import AdvisorError
from tools.brief import Brief, brief_of
from tools.commands.lookups import machine_named, model_named
from tools.commands.recommend import exact_slot
from tools.fit_types import Ask
from tools.hardware_types import Machine
from tools.memory_room import Subject
from tools.needs import Needs
from tools.roles.generator import ask_of
from tui.claims import line_of, map_of, maps_of
from tui.pictures.memory import Tuning
from tui.pictures.training import training_bar, training_words
from tui.plaintext import is_number

_ON = re.compile(r"\s+on\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Ground:
    """Needs with their gaps filled, and the machine; each None where nothing is known of it."""

    needs: Needs | None = None
    brief: Brief | None = None
    machine: Machine | None = None
    notes: tuple[str, ...] = ()
    """How the words for the hardware were read."""


def ground_of(raw: Mapping[str, Any]) -> Ground:
    """What a recommendation was made for; empty where there is none, or its needs cannot be read."""
    given = map_of(raw.get("needs"))
    if not given:
        return Ground()
    try:
        needs = Needs.model_validate(given)
        brief = brief_of(needs)
    except (ValidationError, AdvisorError):
        return Ground()
    return Ground(needs, brief, brief.machine)


def on_machine(ground: Ground, text: str) -> Ground:
    """The same with another machine.

    Raises:
        UnknownNameError: an accelerator that the catalog does not hold.
        UsageError: the text names no machine.
    """
    machine, notes = machine_named(text)
    if ground.needs is None:
        return Ground(machine=machine, notes=notes)
    needs = ground.needs.updated(hardware=exact_slot("hardware", text))
    return Ground(needs, brief_of(needs), machine, notes)


def split_words(text: str) -> tuple[str, str]:
    """`qwen3 8b on RTX 3090` as model and machine; the machine is empty where none is named."""
    parts = _ON.split(text.strip(), maxsplit=1)
    return parts[0], parts[1].strip() if len(parts) > 1 else ""


def tuning_named(text: str, ground: Ground) -> Tuning:
    """The memory of a model that was typed.

    Raises:
        AdvisorError: there is no such model, or nothing is known to compute its memory from.
    """
    model, note = model_named(text)
    brief = ground.brief
    context = min(brief.context if brief is not None else 8192, model.context_length or 8192)
    subject = Subject(model, ground.machine, _ask(ground))
    return _made(subject, (note, *ground.notes), context=context)


def tuning_of(entry: Mapping[str, Any], ground: Ground) -> Tuning | None:
    """The memory of a candidate as it was recommended; None for one that has no weights to hold here.

    Raises:
        AdvisorError: there is no such model, or nothing is known to compute its memory from.
    """
    name = line_of(entry.get("model_id"))
    if entry.get("kind") == "api" or not name:
        return None
    model, _ = model_named(name)
    found = _made(
        Subject(model, ground.machine, _ask(ground)),
        (*training_words(entry), *ground.notes),
        quant=line_of(entry.get("quant")) or None,
        engine=line_of(entry.get("engine")) or None,
        context=_whole(entry, "context") or 8192,
        kv_cache_type=line_of(entry.get("kv_cache_type")) or "f16",
        parallel=_whole(entry, "parallel") or 1,
        gpu_layers=_whole(entry, "gpu_layers"),
        cpu_moe_layers=_whole(entry, "cpu_moe_layers"),
    )
    return replace(found, training=training_bar(entry))


def _made(subject: Subject, notes: tuple[str, ...], **given: Any) -> Tuning:  # noqa: ANN401 - as `request`
    """A tuning that is ready: the tensors of every format are laid out now, not at the first key."""
    request = subject.request(**given)
    tuning = Tuning(subject, request, subject.quants(request), tuple(note for note in notes if note))
    for quant in tuning.quants:
        tuning.in_format(quant).picture()
    return tuning


def _ask(ground: Ground) -> Ask:
    return ask_of(ground.brief) if ground.brief is not None else Ask()


def _whole(entry: Mapping[str, Any], key: str) -> int | None:
    value = entry.get(key)
    return int(value) if is_number(value) else None


def model_of(entry: Mapping[str, Any]) -> ModelRecord | None:
    """The catalog's record of a local candidate; None where it has none."""
    name = line_of(entry.get("model_id"))
    if entry.get("kind") == "api" or not name:
        return None
    try:
        return model_named(name)[0]
    except AdvisorError:
        return None


def candidates_of(raw: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The options of a recommendation."""
    return tuple(maps_of(raw.get("candidates")))
