"""What `doctor` says of measurements on this machine."""

from __future__ import annotations

from datetime import date
from typing import Literal

from knowledge.today import today
from tools.calibrated import EngineSummary, summary

OLD_DAYS = 183
"""Drivers and engines have changed since."""
State = Literal["ok", "warning", "skipped"]


def calibration() -> tuple[State, str, str]:
    """State, finding and next step: runs, their newest date, and how far they are from the estimates."""
    found = summary()
    if not found.runs:
        return "skipped", "nothing was measured on this machine", "llm-advisor bench MODEL"
    if not found.usable:
        return (
            "warning",
            f"{found.runs} runs are kept, none of which counts for this machine: its parts have changed, or "
            "model, format or engine are not known",
            "llm-advisor bench MODEL",
        )
    engines = "; ".join(_engine(one) for one in found.engines)
    told = f"{found.usable} of {found.runs} runs count, the newest of {found.newest}; {engines}"
    if found.newest and (today() - date.fromisoformat(found.newest)).days > OLD_DAYS:
        return "warning", f"{told}; older than half a year", "llm-advisor bench MODEL"
    return "ok", told, ""


def _engine(one: EngineSummary) -> str:
    models = f"{one.models} model{'s' if one.models != 1 else ''}"
    if one.factor is None:
        return f"{one.engine}: prompts of {models} alone"
    return f"{one.engine}: {one.factor:.2f} times the estimated speed ({models})"
