"""Points of quality that a quantization of weights and cache costs.

The losses, the measurements that they rest on and the factors of task and size stand in
`tools/data/quant_loss.json`; docs/quality.md shows them as tables.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from statistics import median
from typing import Any

from pydantic import TypeAdapter

from knowledge.catalog.records import ModelRecord, Quantization
from knowledge.catalog.store import load_catalog
from tools.engines import native_quant, own_quant
from tools.memory.types import Evidence

LOSSES = "tools/data/quant_loss.json"
MEASURED_WITHIN = 0.06
"""Points by which a stated loss may differ from the median of its measurements: that of rounding."""


@cache
def loss_table() -> dict[str, Any]:
    """Losses with their measurements and sources: `tools/data/quant_loss.json`."""
    data = resources.files("tools").joinpath("data/quant_loss.json").read_bytes()
    return TypeAdapter(dict[str, Any]).validate_json(data)


@cache
def weight_rows() -> dict[str, dict[str, Any]]:
    """The rows of the weight formats by their ids."""
    return {row["format"]: row for row in loss_table()["weights"]}


@cache
def cache_rows() -> dict[str, dict[str, Any]]:
    """The rows of the cache types by their names."""
    return {row["type"]: row for row in loss_table()["caches"]}


def size_factor(params: int | None) -> float:
    """How much more a small model suffers from quantization than one of 8B parameters.

    A power of the size between two bounds, from `size` of the table, which names its sources.
    """
    if not params:
        return 1.0
    size = loss_table()["size"]
    power = float((size["params"] / params) ** size["power"])
    return min(float(size["most"]), max(float(size["least"]), power))


@cache
def _weight_loss(quant: str, params: int | None, task: str) -> float:
    """Points that a quantization costs a model of this size in a task."""
    row, factors = weight_rows().get(quant), loss_table()["tasks"]
    loss = row["points"] if row is not None else 0.0
    return float(loss * size_factor(params) * factors.get(task, factors["default"]))


@cache
def cache_loss(kv_cache_type: str) -> float:
    """Points that a cache type costs: those of the worse of keys and values.

    Errors of both do not add up: in the table's measurements both together lose what the keys lose alone.

    Args:
        kv_cache_type: one type for both, or `keys/values`.
    """
    keys, _, values = kv_cache_type.partition("/")
    rows = cache_rows()
    worst = [rows[part][of] for part, of in ((keys, "keys"), (values or keys, "values")) if part in rows]
    return float(max(worst, default=0.0))


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
    known = [q for q in load_catalog().quantizations.values() if _is_recipe(q)]
    below = [q for q in known if q.bits_per_weight <= bits]
    if below:
        return max(below, key=lambda q: q.bits_per_weight)
    return max(known, key=lambda q: float(weight_rows()[q.id]["points"]))


def _is_recipe(quantization: Quantization) -> bool:
    """Whether a GGUF format is one that files are mixed from; native formats are not."""
    return quantization.format == "gguf" and weight_rows()[quantization.id]["family"] != "FP4"


def difference(measurement: dict[str, Any]) -> float:
    """Points of the score that a measurement saw lost; a recovery is a share of the full score."""
    if "difference" in measurement:
        return float(measurement["difference"])
    if "recovery" in measurement:
        return float(measurement["full"] * (1.0 - measurement["recovery"]))
    return float(measurement["full"] - measurement["quantized"])


def measured_points(row: dict[str, Any]) -> list[float]:
    """What the measurements of a row, and of those pooled with it, say on the table's scale, in points.

    Of a weight format each is divided by the size factor of its model and by the factor of its test; the
    losses of a cache are taken as measured. Other tests than those of `tests` only bear witness.
    """
    tests, weights = loss_table()["tests"], "format" in row
    pooled = [row, *(weight_rows()[name] for name in row.get("with", ()))]
    counted = [m for one in pooled for m in one["measurements"] if m["test"] in tests]
    if not weights:
        return [difference(m) for m in counted]
    return [difference(m) / size_factor(m["params"]) / tests[m["test"]] for m in counted]


def derived(row: dict[str, Any]) -> float | None:
    """The loss that a row's derivation gives, in points; None where a person chose it."""
    if row["derivation"] == "reference":
        return 0.0
    if "like" in row:
        like = weight_rows()[row["like"]] if "format" in row else cache_rows()[row["like"]]
        return float(like.get("points", like.get("keys", 0.0)))
    if row["derivation"] != "measured":
        return None
    found = measured_points(row)
    return median(found) if "format" in row else max(found)


def loss_evidence(model: ModelRecord, quant: str, kv_cache_type: str) -> tuple[Evidence, ...]:
    """Where the losses of a quantization and a cache type come from, the first source of each that costs."""
    keys, _, values = kv_cache_type.partition("/")
    known = quantization_of(model, quant)
    native = native_quant(model) == quant
    rows = [] if native or known is None else [(known.id, weight_rows()[known.id])]
    parts = dict.fromkeys((keys, values or keys))
    rows += [(f"{part} cache", cache_rows()[part]) for part in parts if part in cache_rows()]
    return tuple(_evidence(name, row) for name, row in rows if row["derivation"] != "reference")


def _evidence(name: str, row: dict[str, Any]) -> Evidence:
    table = loss_table()
    scale = " of MMLU for a model of 8B" if "format" in row else ""
    points = f"{name}: {row.get('points', row.get('keys')):g} points{scale}"
    if row["derivation"] in ("assumed", "interpolated"):
        return Evidence("catalog", f"{points} ({row['derivation']}: {row['why']}; {table['as_of']})", LOSSES)
    first = row["measurements"][0]
    source = table["sources"][first["source"]]
    told = f"{points} ({row['derivation']}; {first['model']}, {source['date']})"
    return Evidence("measurement", told, f"{source['where']}; {LOSSES}")
