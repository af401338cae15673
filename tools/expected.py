"""What a ranking needs of quality, for every model and task: computed once and kept as data.

`tools/data/expected.json` holds what `tools.quality` computes from the fitted constants and the scores;
scripts/fit_quality.py writes it, and a test holds the two together. What a refresh touched is not taken from
it but computed anew (`tools.expected_anew`). Full figures with their evidence are made for what is
shown only.
"""

from __future__ import annotations

from functools import cache, lru_cache
from importlib import resources
from typing import Any, NamedTuple, get_args

from pydantic import TypeAdapter

from knowledge.catalog.store import follows_models, load_catalog
from tools.candidates import Grade, QualityFigure
from tools.expected_anew import refreshed_rows
from tools.needs import Task
from tools.quality import api_quality_of, quality_of

GRADES: tuple[Grade, ...] = get_args(Grade)


class Expected(NamedTuple):
    """Expected score, 0 to 100, its standard deviation in points, and what they rest on."""

    score: float
    spread: float
    grade: Grade

    @property
    def figure(self) -> QualityFigure:
        """The figure without its evidence, for what is compared and not shown."""
        return QualityFigure(self.score, self.spread, self.grade in ("exact", "vendor"), grade=self.grade)


@cache
def _table() -> dict[str, Any]:
    data = resources.files("tools").joinpath("data/expected.json").read_bytes()
    return TypeAdapter(dict[str, Any]).validate_json(data)


def _found(table: dict[str, Any], group: str, name: str, task: str) -> Expected | None:
    row = table.get(group, {}).get(name)
    if row is None:
        return None
    tasks = table["tasks"]
    at = 3 * tasks.index(task) if len(row) > 3 else 0
    return Expected(row[at], row[at + 1], GRADES[row[at + 2]])


@follows_models
@lru_cache(maxsize=32768)
def expected_of(model_id: str, task: Task) -> Expected:
    """What is expected of a model of the catalog at a task."""
    model = load_catalog().by_id[model_id.lower()]
    found = _kept_row("models", model.id, task) if model.added is None else None
    if found is None:
        figure = quality_of(model_id, task)
        found = Expected(figure.score, figure.spread, figure.grade)
    return found


@follows_models
@lru_cache(maxsize=16384)
def api_expected_of(key: str, task: Task) -> Expected:
    """What is expected of an API model at a task."""
    found = _kept_row("apis", key, task)
    if found is None:
        figure = api_quality_of(key, task)
        found = Expected(figure.score, figure.spread, figure.grade)
    return found


def _kept_row(group: str, name: str, task: str) -> Expected | None:
    """The row of the shipped table; of what a refresh touched, the one that was computed anew."""
    newer = refreshed_rows()
    if name in newer.touched[group]:
        return _found(newer.rows, group, name, task)
    return _found(_table(), group, name, task)
