"""The whole catalog against one machine: the largest models that fit it, each in its best configuration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from knowledge.catalog.records import Kind, ModelRecord
from knowledge.catalog.store import load_catalog
from tools.calibration.applying import note_on
from tools.fit import solve
from tools.fit_types import Ask, Solution
from tools.frontier import point_json
from tools.hardware import describe
from tools.hardware_types import Machine

WRITERS: tuple[Kind, ...] = ("chat", "code", "reasoning", "vision", "base")
MOST_LISTED = 8
LEAST_SPEED = 1.0
"""Tokens per second below which a model that spills into system memory is not worth listing."""


def solve_all(machine: Machine, ask: Ask) -> Iterator[tuple[ModelRecord, Solution]]:
    """Every model of the catalog that writes and fits a machine, in the catalog's order."""
    for model in load_catalog().models:
        if model.kind in WRITERS and model.params_total is not None and (model.vision or not ask.vision):
            found = solve(model.id, machine, ask)
            if isinstance(found, Solution):
                yield model, found


def largest(machine: Machine, ask: Ask, count: int = MOST_LISTED) -> dict[str, Any]:
    """The models with the most parameters that fit, as the document of `fit` without a model.

    Args:
        machine: where they should run.
        ask: what each must hold.
        count: how many are listed of those that fit on the accelerators alone, and of those that spill.
    """
    found = list(solve_all(machine, ask))
    newest = _one_of_a_kind(found)
    whole = [_row(*item) for item in newest if not item[1].spills]
    spilled = [_row(*item) for item in newest if item[1].spills and not 0 < item[1].speed < LEAST_SPEED]
    return {
        "hardware": describe(machine),
        "context": ask.context,
        "parallel": ask.parallel,
        "fitting": len(found),
        "models": whole[:count],
        "with_system_memory": spilled[:count],
        "caveats": [
            "Largest is not best: `recommend` ranks by measured quality for a task.",
            *machine.assumptions,
            *filter(None, [note_on(machine)]),
        ],
    }


def _one_of_a_kind(found: list[tuple[ModelRecord, Solution]]) -> list[tuple[ModelRecord, Solution]]:
    """The newest of each size that a family has, the largest first: its siblings fit alike."""
    kinds: dict[tuple[str, float], tuple[ModelRecord, Solution]] = {}
    for item in sorted(found, key=lambda item: (item[0].release_date or "", item[0].id), reverse=True):
        kinds.setdefault((item[0].family, round(item[0].params_b or 0.0, 1)), item)
    return sorted(kinds.values(), key=lambda item: (-(item[0].params_total or 0), item[0].id))


def _row(model: ModelRecord, solution: Solution) -> dict[str, Any]:
    return {
        "model": model.name,
        "model_id": model.id,
        "params_b": model.params_b,
        "active_b": model.params_active / 1e9 if model.params_active else None,
        "release_date": model.release_date,
        "available_bytes": solution.configuration.available_bytes,
        **point_json(solution),
    }
