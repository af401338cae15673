"""`fit`: a model on a machine, the largest models for a machine, or the hardware for a model."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from knowledge.catalog.records import ModelRecord
from knowledge.errors import UsageError
from tools.calibrated import calibrated
from tools.commands.facts import with_facts
from tools.commands.lookups import machine_named, model_named
from tools.commands.memory import SERVING_KEYS, EngineRequest
from tools.commands.requests import RESERVE_FIELD, Name, Number, ReserveText, Tokens
from tools.fit_catalog import largest
from tools.fit_hardware import hardware_for
from tools.fit_model import FitWish, fit_model
from tools.hardware import detect_machine
from tools.memory.engine_data import engine_named
from tools.reserve import asked_reserve, reserved

Document = dict[str, Any]


class FitQuery(EngineRequest):
    """Request of `fit`; what is given is kept, not optimized away."""

    model: Name | None = Field(
        None,
        description="name, alias, hub id or Ollama tag; without one the largest models that fit are listed",
    )
    min_speed: Annotated[float, Number, Field(gt=0, le=1e6, allow_inf_nan=False)] | None = Field(
        None, description="tokens per second, at least"
    )
    reserve: ReserveText = RESERVE_FIELD
    find_hardware: bool = Field(False, description="the other way round: list what hardware the model needs")
    prompt_tokens: Tokens | None = Field(
        None,
        description="length of the prompt for the time to the first token; half of the context if not given",
    )


LAYOUT_KEYS = (
    "gpu_layers",
    "cpu_moe",
    "cpu_moe_layers",
    "swa_full",
    "kv_unified",
    "kv_offload",
    "tensor_split",
    "frontend",
)


def _not_kept(query: FitQuery) -> list[str]:
    """What was given and is chosen by the solver all the same."""
    given = [
        key
        for key in (*LAYOUT_KEYS, *sorted(SERVING_KEYS))
        if getattr(query, key) != FitQuery.model_fields[key].default
    ]
    if not given:
        return []
    return [f"`fit` chooses the layout itself, without {', '.join(given)}; `memory` computes a given one."]


def _wish(query: FitQuery) -> FitWish:
    if query.engine is not None:
        engine_named(query.engine, query.quant or "")  # says which there are
    return FitWish(
        quant=query.quant,
        # Asked for is the engine's setting, which the slots share; solved for is one conversation's.
        context=None if query.context is None else max(1, query.context // query.parallel),
        kv_cache_type=query.kv_cache_type,
        engine=query.engine,
        parallel=query.parallel,
        min_speed=query.min_speed,
        ubatch_size=query.ubatch_size,
        flash_attention=query.flash_attention,
        vision=query.vision,
        prompt_tokens=query.prompt_tokens,
    )


def fit(query: FitQuery) -> Document:
    """The best configuration of a model on a machine; the largest models; or the hardware for a model.

    Raises:
        NoAnswerError: The model or a device is not known.
        UsageError: The hardware text names no machine, the reserve is none, or
            `find_hardware` comes without a model.
    """
    with asked_reserve(query.reserve):
        return _hardware(query) if query.find_hardware else _on_machine(query)


def _sees(query: FitQuery, model: ModelRecord) -> None:
    if query.vision and not model.vision:
        raise UsageError(f"{model.name} reads no images.", hint="Leave `vision` out.")


def _on_machine(query: FitQuery) -> Document:
    machine, notes = (detect_machine(), ()) if query.hardware is None else machine_named(query.hardware)
    machine = reserved(machine)
    model: ModelRecord | None = None
    if query.model is None:
        document = largest(calibrated(machine), _wish(query).ask(None))
        note = None
    else:
        model, note = model_named(query.model)
        _sees(query, model)
        document = fit_model(model, machine, _wish(query)).as_json()
    document["caveats"] = [*document.get("caveats", []), *notes, *_not_kept(query)]
    if note:
        document["note"] = note
    return with_facts(document, *([] if model is None else [model]))


def _hardware(query: FitQuery) -> Document:
    if query.model is None:
        raise UsageError("`find_hardware` needs a model.", hint="For example: fit qwen3-32b --find-hardware.")
    if query.hardware is not None:
        raise UsageError(
            "`find_hardware` looks for hardware and takes none.", hint="Leave one of the two out."
        )
    model, note = model_named(query.model)
    _sees(query, model)
    document = hardware_for(model, _wish(query).ask(model))
    document["caveats"] = [*document.get("caveats", []), *_not_kept(query)]
    if note:
        document["note"] = note
    return with_facts(document, model)
