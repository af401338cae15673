"""Points of quality that a quantization of weights and cache costs."""

from __future__ import annotations

from functools import cache

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from tools.engines import native_quant
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
    weights = 0.0 if native_quant(model) == quant else _weight_loss(quant, model.params_total, task)
    return weights + cache_loss(kv_cache_type)
