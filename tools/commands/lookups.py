"""From a person's words to a model, an accelerator or a machine, with a note where it was not exact."""

from __future__ import annotations

import re
from functools import lru_cache

from knowledge.catalog.accelerators import resolve_accelerator
from knowledge.catalog.names import resolve_model_verbose
from knowledge.catalog.records import Accelerator, ApiModel, ModelRecord
from knowledge.catalog.store import follows_models, load_catalog
from knowledge.errors import AmbiguousNameError, NoAnswerError, UnknownNameError, UsageError
from tools.calibrated import calibrated
from tools.hardware import detect_machine, read_hardware
from tools.hardware_types import Machine

THIS = re.compile(r"(?:this|my) (?:machine|computer|pc|laptop|mac|workstation|desktop|server)", re.IGNORECASE)
CHAT_MODES = ("chat", "responses", "completion")
"""Modes of API models that answer in words."""
EXAMPLE = 'For example "this machine", "RTX 4090", "2x RTX 3090 + 64 GB RAM" or "MacBook Pro M3 Max 64 GB".'


@follows_models
@lru_cache(maxsize=4096)
def model_named(name: str) -> tuple[ModelRecord, str]:
    """The model of a name, alias, hub id or Ollama tag, and how the name was read where it was not exact.

    Raises:
        UnknownNameError: No model has this name; carries the nearest.
        AmbiguousNameError: Several models could be meant.
        NoAnswerError: It is a model behind an API.
    """
    try:
        found = resolve_model_verbose(load_catalog(), name)
    except UnknownNameError:
        if (key := _api_key(name)) is not None:
            raise NoAnswerError(
                f"`{key}` is a model behind an API: its weights are not published.",
                hint="`llm-advisor compare` and `models show` tell its price and window.",
                code="api_model",
            ) from None
        if (gone := _retired(name)) is not None:
            raise gone from None
        raise
    return found.record, _sentence(found.note)


def _api_key(name: str) -> str | None:
    """The key of an API model; None where there is none of this name."""
    from knowledge.catalog.api_models import resolve_api_model

    try:
        return resolve_api_model(name).key
    except (UnknownNameError, AmbiguousNameError):
        return None


def _retired(name: str) -> NoAnswerError | None:
    """What became of an API model that its maker no longer serves; None for any other name."""
    from tools.price_claims import price_claim

    claim = price_claim(name)
    if claim is None or claim.now is not None:
        return None
    message, hint = claim.gone
    return NoAnswerError(message, hint=hint or claim.text, code="retired")


def any_model_named(name: str) -> tuple[ModelRecord | ApiModel, str]:
    """As `model_named`, API models included.

    A price map's own key with its provider (`gemini/gemini-3.7-flash`) comes first, then a local model of
    exactly this name.

    Raises:
        UnknownNameError: No model has this name; carries the nearest.
        AmbiguousNameError: Several models could be meant.
    """
    from knowledge.catalog.api_models import load_api_models, resolve_api_model

    sold = next((m for m in load_api_models() if m.key == name), None) if "/" in name else None
    if sold is not None and name not in {model.id for model in load_catalog().models}:
        return sold, ""
    local: UnknownNameError | AmbiguousNameError | None = None
    try:
        found = resolve_model_verbose(load_catalog(), name)
        if found.how in ("id", "alias", "name"):
            return found.record, _sentence(found.note)
    except (UnknownNameError, AmbiguousNameError) as error:
        local = error
    try:
        return resolve_api_model(name), ""
    except AmbiguousNameError:
        if isinstance(local, UnknownNameError):
            raise
    except UnknownNameError:
        pass
    if local is not None:
        raise _retired(name) or local
    return model_named(name)


def _sentence(note: str) -> str:
    """A note with a capital and a full stop."""
    return note[:1].upper() + note[1:].rstrip(".") + "." if note else ""


def accelerator_named(name: str) -> Accelerator:
    """The accelerator of a name, with or without its maker's words.

    Raises:
        UnknownNameError: None has this name; carries the nearest.
        AmbiguousNameError: Several could be meant.
    """
    return resolve_accelerator(load_catalog(), name)


def machine_named(text: str, *, train: bool = False) -> tuple[Machine, tuple[str, ...]]:
    """The machine that a text describes, and what the person should know of the reading.

    Where it has the accelerators of this computer, it comes with what was measured here. `this machine` is
    detected.

    Args:
        text: Hardware in words.
        train: Take the machine for training where the text names one for it.

    Raises:
        UnknownNameError: An accelerator that the catalog does not hold.
        UsageError: The text names no machine.
    """
    machine, notes = (detect_machine(), ()) if means_this(text) else _machine_named(text, train=train)
    return calibrated(machine), notes


def means_this(text: str) -> bool:
    """Whether hardware in words is the computer that this runs on."""
    return THIS.fullmatch(text.strip()) is not None


@lru_cache(maxsize=1024)
def _machine_named(text: str, *, train: bool) -> tuple[Machine, tuple[str, ...]]:
    reading = read_hardware(text)
    machines = reading.for_training() if train else reading.for_use()
    if reading.unknown:
        unknown = ", ".join(reading.unknown)
        raise UnknownNameError(
            f"`{unknown[:80]}` is not among the known accelerators.",
            hint=" ".join(map(_sentence, reading.notes))[:400] or "`llm-advisor gpus list` shows them.",
            code="unknown_gpu",
        )
    if not machines:
        raise UsageError(f"`{text[:80]}` names no machine.", hint=EXAMPLE)
    notes = [
        f"“{choice.mention}” could be {' or '.join(choice.options)}; the one with the least memory was taken."
        for choice in reading.ambiguous
    ]
    if len(machines) > 1:
        notes.append(f"Several machines are named; this is for {machines[0].name}.")
    return machines[0], (*notes, *map(_sentence, reading.notes))
