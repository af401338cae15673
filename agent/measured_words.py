"""What was measured in a conversation, in words: measurement and estimate side by side."""

from __future__ import annotations

from typing import Any

from knowledge.measured_here import MeasuredRun, Range
from tools.calibration.types import Observation
from tools.calibration.words import SOURCE

_WHOLE = 100.0
"""Tokens per second from which no decimals are told."""


def measured_words(model: str, run: MeasuredRun, seen: Observation | None) -> str:
    """One model: what was measured, what was estimated for the same, and how long the first token takes.

    Args:
        model: its name for people.
        run: what was measured.
        seen: the same beside its estimate; None where there is none to compare with.
    """
    point = run.points[0]
    how = ", ".join(
        part for part in (run.engine, run.quant, f"a prompt of {point.prompt_tokens:,} tokens") if part
    )
    parts = [f"- **{model}**, measured here now ({how}): {_speed(point.generation_tps)}"]
    estimate = _estimate(seen)
    parts.append(
        "no estimate to set beside it" if estimate is None else f"the estimate alone was {_rate(estimate)}"
    )
    first = f"First token after {point.first_token_s.mid:.2f} s"
    first += f", cold load {run.load_s:.1f} s" if run.load_s is not None else ""
    broken = "" if run.complete else " Not all of it was measured."
    return f"{'; '.join(parts)}. {first}.{broken}"


def _estimate(seen: Observation | None) -> float | None:
    """Estimated tokens per second of the same configuration and length."""
    return 1 / seen.generation[0].estimated if seen is not None and seen.generation else None


def _speed(found: Range | None) -> str:
    if found is None:
        return "its answers were too short to tell a speed"
    return f"{_rate(found.mid)} tokens per second ({_rate(found.low)} to {_rate(found.high)})"


def _rate(value: float) -> str:
    return f"{value:.1f}" if value < _WHOLE else f"{value:,.0f}"


def measured_citation(run: MeasuredRun) -> dict[str, str]:
    """The source of what was measured."""
    what = f"{run.served_as}, {run.engine}, {run.measured_at.date().isoformat()}"
    return {"kind": "measurement", "source": SOURCE, "locator": what}


def run_json(run: MeasuredRun, seen: Observation | None) -> dict[str, Any]:
    """The same for the evidence and for JSON lines."""
    estimate = _estimate(seen)
    return {
        **run.model_dump(mode="json", exclude={"machine"}),
        "estimate": None if estimate is None else {"generation_tps": round(estimate, 1)},
    }
