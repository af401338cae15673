"""Points of quality that a quantization of weights and cache costs."""

from __future__ import annotations

from functools import cache

from knowledge.catalog.records import ModelRecord, Quantization
from knowledge.catalog.store import load_catalog
from tools.engines import native_quant, own_quant
from tools.utility import size_factor, table


@cache
def _weight_loss(quant: str, params: int | None, task: str) -> float:
    """Points that a quantization costs a model of this size in a task."""
    record = load_catalog().quantizations.get(quant)
    sensitivity = table()["quant_sensitivity"]
    loss = record.quality_loss if record else 0.0
    return float(loss * size_factor(params) * sensitivity.get(task, sensitivity["default"]))


@cache
def cache_loss(kv_cache_type: str) -> float:
    """Points that a cache type costs: those of the worse of keys and values."""
    losses: dict[str, float] = table()["cache_loss"]
    return max(losses.get(part, 0.0) for part in kv_cache_type.split("/"))


def quality_loss(model: ModelRecord, quant: str, kv_cache_type: str, task: str = "") -> float:
    """Expected points lost against full precision: larger for small models, and for code and reasoning."""
    if native_quant(model) == quant:
        return cache_loss(kv_cache_type)
    known = quantization_of(model, quant)
    weights = _weight_loss(known.id if known is not None else quant, model.params_total, task)
    return weights + cache_loss(kv_cache_type)


def nominal_bits(model: ModelRecord, quant: str) -> float:
    """Bits per weight: those of the file that a person added, else the nominal ones; 16 where unknown."""
    added = model.added
    if own_quant(model) == quant and added is not None and added.file_bytes and model.params_total:
        return 8 * added.file_bytes / model.params_total
    record = load_catalog().quantizations.get(quant)
    return record.bits_per_weight if record else 16.0


def quantization_of(model: ModelRecord, quant: str) -> Quantization | None:
    """The record of a quantization.

    A recipe that nobody measured (a dynamic one, one of 1 to 3 bits) counts as the known one next below it in
    bits.
    """
    found = load_catalog().quantizations.get(quant)
    if found is not None or own_quant(model) != quant:
        return found
    bits = nominal_bits(model, quant)
    known = [q for q in load_catalog().quantizations.values() if q.format == "gguf"]
    below = [q for q in known if q.bits_per_weight <= bits]
    return max(below, key=lambda q: q.bits_per_weight) if below else max(known, key=lambda q: q.quality_loss)
