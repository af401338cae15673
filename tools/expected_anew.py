"""Expectations of what a refresh touched: computed once when it is taken, and kept beside the overlay.

The shipped table knows nothing of refreshed scores and sizes. A file that is missing, damaged or of another
state of the facts is not used: the expectations are then computed as they are asked for.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, get_args

from knowledge.catalog.api_models import api_benchmarks, load_api_models
from knowledge.catalog.overlay import Overlay, overlay_path
from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import follows_models, load_catalog
from knowledge.files import json_digest, replace_text
from tools.candidates import Grade, QualityFigure
from tools.kin import group_of, original_of
from tools.needs import Task
from tools.quality import api_quality_of, quality_of
from tools.scores import benchmark_table

FILE = "expected.json"
MAX_BYTES = 8 << 20
MOVING = frozenset({"params_total", "params_active", "architecture"})
"""Fields that a hub may change and that an expectation rests on."""
_OWN: dict[str, list[Task]] = {"embedder": ["embedding"], "reranker": ["reranking"]}


@dataclass(frozen=True, slots=True)
class Anew:
    """Rows in place of the shipped ones."""

    touched: dict[str, frozenset[str]]
    """Hub ids under `models` and keys under `apis` whose shipped rows are not used."""
    rows: dict[str, Any]
    """A table like the shipped one; empty where nothing is kept."""


_NOTHING = Anew({"models": frozenset(), "apis": frozenset()}, {})


@follows_models
@cache
def refreshed_rows() -> Anew:
    """What stands in the place of the shipped rows; nothing where no refresh touches an expectation."""
    overlay = load_catalog().overlay
    if not _moving(overlay) and not overlay.scores:
        return _NOTHING
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        with _place().open("rb") as file:
            stored = json.loads(file.read(MAX_BYTES))
        if stored["key"] == _key(overlay) and stored["digest"] == json_digest(stored["rows"]):
            rows = stored["rows"]
            return Anew({group: frozenset(rows[group]) for group in ("models", "apis")}, rows)
    return Anew({"models": _models(overlay), "apis": _apis(overlay)}, {})


def keep_expectations() -> int:
    """Computes what the present overlay touches and keeps it; how many rows. A full disk keeps none."""
    overlay = load_catalog().overlay
    tasks = tasks_of_table()
    by_id = load_catalog().by_id
    rows = {
        "tasks": tasks,
        "models": {name: model_row(by_id[name.lower()], tasks) for name in sorted(_models(overlay))},
        "apis": {
            key: row_of([api_quality_of(key, task) for task in tasks]) for key in sorted(_apis(overlay))
        },
    }
    count = len(rows["models"]) + len(rows["apis"])
    stored = {"key": _key(overlay), "digest": json_digest(rows), "rows": rows}
    with contextlib.suppress(OSError):
        if count:
            replace_text(_place(), json.dumps(stored, separators=(",", ":")))
        else:
            _place().unlink(missing_ok=True)
    refreshed_rows.cache_clear()
    return count


def tasks_of_table() -> list[Task]:
    """Tasks of generators, in the order of a row."""
    return [task for task in benchmark_table()["tasks"] if task not in ("embedding", "reranking")]


def model_row(model: ModelRecord, tasks: Sequence[Task]) -> list[float]:
    """The row of a model: three numbers a task, or three in all where every task gives the same."""
    return row_of([quality_of(model.id, task) for task in _OWN.get(group_of(model), tasks)])


def row_of(figures: Iterable[QualityFigure]) -> list[float]:
    """Score, spread and grade of each figure; once where they are all the same."""
    grades = get_args(Grade)
    rows = [[round(f.score, 3), round(f.spread, 3), grades.index(f.grade)] for f in figures]
    rows = rows[:1] if all(row == rows[0] for row in rows) else rows
    return [value for row in rows for value in row]


def _place() -> Path:
    return overlay_path().with_name(FILE)


def _moving(overlay: Overlay) -> list[str]:
    """Models with a changed field that an expectation rests on."""
    return [row.id for row in overlay.models if MOVING & {one.field for one in row.changes}]


def _key(overlay: Overlay) -> str:
    """Changes with the refreshed scores and sizes, and with the shipped table."""
    shipped = resources.files("tools").joinpath("data/expected.json").read_bytes()
    scores = [[r.model, r.hf_id, r.benchmark, r.setting, r.source, r.score, r.as_of] for r in overlay.scores]
    names = set(_moving(overlay))
    moved = [row.model_dump(mode="json") for row in overlay.models if row.id in names]
    return json_digest([shipped.decode(), scores, moved])


def _models(overlay: Overlay) -> frozenset[str]:
    """Those with a refreshed score or size, their siblings (of their family), and what was made from one."""
    catalog = load_catalog()
    changed = {*_moving(overlay), *(row.hf_id for row in overlay.scores if row.hf_id)}
    records = [catalog.by_id[name.lower()] for name in changed if name.lower() in catalog.by_id]
    if not records:
        return frozenset()
    kin = {(group_of(record), record.family) for record in records}
    rated = [m for m in catalog.models if m.added is None and m.kind != "encoder"]
    found = {m.id for m in rated if (group_of(m), m.family) in kin}
    made = {m.id for m in rated if (origin := original_of(m.id)) is not None and origin.id in found}
    return frozenset(found | made)


def _apis(overlay: Overlay) -> frozenset[str]:
    """API models with a refreshed score."""
    named = {row.model.lower() for row in overlay.scores}
    if not named:
        return frozenset()
    catalog = load_catalog()
    return frozenset(
        model.key
        for model in load_api_models()
        if any(name.lower() in named for name, _ in api_benchmarks(catalog, model))
    )
