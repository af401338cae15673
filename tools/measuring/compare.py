"""What was measured, beside the estimate of the same and published rows of the same model and device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from knowledge.measured_here import MeasuredRun, Point, Range
from tools.accuracy.speed import Measured, measured_rows
from tools.hardware_types import Machine
from tools.speed import estimate_speed
from tools.speed_types import Interval
from tools.timings import Setting, prompt_interval

Document = dict[str, Any]
Quantity = Literal["generation", "prompt", "together"]
_KINDS: dict[Quantity, Literal["generation", "prompt", "batch"]] = {
    "generation": "generation",
    "prompt": "prompt",
    "together": "batch",
}
SERVED_BY = {"ollama": "llama.cpp"}
"""Engines whose published rows are those of another, which computes for them."""


@dataclass(frozen=True, slots=True)
class Beside:
    """One measured speed and what else is said of it, in tokens per second."""

    quantity: Quantity
    point: Point
    measured: Range
    estimate: Interval | None

    def as_json(self) -> Document:
        """JSON-plain; `factor` is the measured speed over the estimate's middle."""
        estimate = self.estimate
        return {
            "quantity": self.quantity,
            "prompt_tokens": self.point.prompt_tokens,
            "parallel": self.point.parallel,
            "measured": {name: round(value, 2) for name, value in self.measured.model_dump().items()},
            "estimate": estimate.as_json() if estimate is not None else None,
            "factor": round(self.measured.mid / estimate.mid, 3) if estimate and estimate.mid else None,
        }


def beside_estimates(run: MeasuredRun, machine: Machine) -> tuple[Beside, ...]:
    """Each measured speed with the estimate of the same; without one where the model or format is unknown."""
    model = load_catalog().model(run.model_id) if run.model_id and run.local else None
    found: list[Beside] = []
    for point in run.points:
        speeds: tuple[tuple[Quantity, Range | None], ...] = (
            ("generation", point.generation_tps),
            ("prompt", point.prompt_tps if point.parallel == 1 else None),
            ("together", point.total_tps if point.parallel > 1 else None),
        )
        for quantity, measured in speeds:
            if measured is not None:
                told = _estimate(run, model, machine, point, quantity) if model is not None else None
                found.append(Beside(quantity, point, measured, told))
    return tuple(found)


def _estimate(
    run: MeasuredRun, model: ModelRecord, machine: Machine, point: Point, quantity: Quantity
) -> Interval | None:
    if run.quant is None:
        return None
    share, cache = _gpu_share(run), run.kv_cache_type or "f16"
    # The estimate takes a conversation to be half full on average.
    context = max(1, 2 * point.prompt_tokens + point.output_tokens)
    if quantity == "prompt":
        setting = Setting(run.quant, run.engine, context, 1, cache, share)
        seconds = prompt_interval(model, machine, setting, point.prompt_tokens)
        return None if seconds is None else seconds.inverse(point.prompt_tokens)
    speed = estimate_speed(
        model,
        run.quant,
        machine,
        engine=run.engine,
        context=context,
        gpu_share=share,
        parallel=point.parallel,
        kv_cache_type=cache,
    )
    if speed is None:
        return None
    each = Interval(speed.low, speed.mid, speed.high)
    return each.times(point.parallel) if quantity == "together" else each


def _gpu_share(run: MeasuredRun) -> float:
    """Share of the model on the accelerators, as the server stated it; all where it does not."""
    if run.memory_bytes is None or run.host_memory_bytes is None or run.memory_from != "Ollama's ps":
        return 1.0
    whole = run.memory_bytes + run.host_memory_bytes
    return run.memory_bytes / whole if whole else 1.0


def published(run: MeasuredRun, machine: Machine) -> tuple[Measured, ...]:
    """Published rows of the same model on the same devices; those of the same format and engine first."""
    if run.model_id is None or not run.local:
        return ()
    names = sorted(device.name for device in machine.devices)
    engine = SERVED_BY.get(run.engine, run.engine)
    rows = [
        row
        for kind in _KINDS.values()
        for row in measured_rows(kind)
        if row.model.id == run.model_id and sorted(device.name for device in row.machine.devices) == names
    ]
    return tuple(sorted(rows, key=lambda row: (row.quant != run.quant, row.engine != engine)))


def comparison(run: MeasuredRun, machine: Machine) -> Document:
    """JSON-plain: `speeds` has measurement and estimate, `published` the rows of others.

    Args:
        run: what was measured on this machine.
        machine: this machine.
    """
    rows = published(run, machine)
    return {
        "model": run.served_as,
        "model_id": run.model_id,
        "measured_at": run.measured_at.isoformat(),
        "engine": run.engine,
        "quant": run.quant,
        "speeds": [beside.as_json() for beside in beside_estimates(run, machine)],
        "published": [
            {
                "quantity": next(name for name, kind in _KINDS.items() if kind == row.kind),
                "quant": row.quant,
                "engine": row.engine,
                "prompt_tokens": row.tokens or None,
                "depth": row.depth,
                "parallel": row.parallel,
                "tokens_per_second": row.tokens_per_second,
                "source": row.source,
            }
            for row in rows
        ],
        "note": _note(run, rows),
    }


def _note(run: MeasuredRun, rows: tuple[Measured, ...]) -> str:
    if not run.local:
        return "The server is another computer: estimates for this machine are not of it."
    if run.model_id is None:
        return "The catalog does not hold this model, so that there is no estimate and no published row."
    if run.quant is None:
        return "The server does not tell the format of the weights, so that there is no estimate."
    if not rows:
        return "No published row of this model on this device ships with the program."
    return ""
