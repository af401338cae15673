"""`fit`: whether a model fits a machine, and in which configuration best."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from tools.commands.lookups import machine_named, model_named
from tools.commands.memory import EngineRequest
from tools.commands.requests import Number
from tools.fit_model import FitWish, fit_model
from tools.hardware import detect_machine

Document = dict[str, Any]


class FitQuery(EngineRequest):
    """Request of `fit`; what is given is kept, not optimized away."""

    min_speed: Annotated[float, Number, Field(gt=0, le=1e6, allow_inf_nan=False)] | None = Field(
        None, description="tokens per second, at least"
    )


LAYOUT_KEYS = ("gpu_layers", "cpu_moe", "swa_full", "kv_unified", "kv_offload", "tensor_split", "frontend")


def _not_kept(query: FitQuery) -> list[str]:
    """What was given and is chosen by the solver all the same."""
    given = [key for key in LAYOUT_KEYS if getattr(query, key) != FitQuery.model_fields[key].default]
    if not given:
        return []
    return [f"`fit` chooses the layout itself, without {', '.join(given)}; `memory` computes a given one."]


def fit(query: FitQuery) -> Document:
    """The best configuration of a model on a machine, and its alternatives.

    Raises:
        NoAnswerError: The model or a device is not known.
        UsageError: The hardware text names no machine.
    """
    model, note = model_named(query.model)
    machine, notes = (detect_machine(), ()) if query.hardware is None else machine_named(query.hardware)
    wish = FitWish(
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
    )
    document: Document = fit_model(model, machine, wish).as_json()
    document["caveats"] = [*document.get("caveats", []), *notes, *_not_kept(query)]
    if note:
        document["note"] = note
    return document
