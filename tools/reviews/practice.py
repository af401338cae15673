"""What `bench` measured on this machine of the models of a review."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from knowledge.measured_here import MeasuredRun, Point, Range, load_runs
from tools.reviews.asking import Contender

Document = dict[str, Any]


def measured_here(who: Sequence[Contender]) -> dict[str, Document]:
    """The newest run of each model on this machine, by hub id; those that were not measured are left out."""
    runs = [run for run in load_runs() if run.local and run.points and any(_is_of(run, one) for one in who)]
    if not runs:
        return {}
    from tools.hardware import detect_machine
    from tools.measuring.machine import machine_key

    key = machine_key(detect_machine())
    return {one.model_id: _row(run) for one in who for run in runs if run.machine == key and _is_of(run, one)}


def _is_of(run: MeasuredRun, who: Contender) -> bool:
    served = who.served_as.removeprefix("ollama_chat/").removesuffix(":latest")
    return (run.model_id or "").lower() == who.model_id.lower() or run.served_as.removesuffix(
        ":latest"
    ) == served


def _row(run: MeasuredRun) -> Document:
    """The point of one conversation with the longest prompt: the nearest to a long conversation."""
    point = max(run.points, key=lambda one: (-one.parallel, one.prompt_tokens))
    return {
        "on": run.measured_at.date().isoformat(),
        "served_as": run.served_as,
        "engine": run.engine,
        "quant": run.quant,
        "prompt_tokens": point.prompt_tokens,
        "first_token_s": _figures(point.first_token_s),
        "tokens_per_second": _speed(point),
        "memory_bytes": run.memory_bytes,
        "host_memory_bytes": run.host_memory_bytes,
        "complete": run.complete,
    }


def _speed(point: Point) -> Document | None:
    return _figures(point.generation_tps) if point.generation_tps is not None else None


def _figures(found: Range) -> Document:
    return {"low": round(found.low, 3), "mid": round(found.mid, 3), "high": round(found.high, 3)}
