"""How well quality predicts what it has not seen: models left out of the fit, and whole benchmarks.

    python -m bench.quality

A prediction by parameter count alone, as most calculators rank, stands beside it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, cast
from unittest import mock

import numpy as np
from pydantic import TypeAdapter

from knowledge.catalog.records import BenchmarkResult, ModelRecord
from knowledge.catalog.store import Catalog, load_catalog
from scripts.fit_quality import REFERENCE, Fit, LeftOut, left_out
from scripts.quality_rows import Row, rows_of
from tools import kin, quality
from tools.needs import Task
from tools.scores import benchmark_table, board_key, logit_of, measure_of

FEWEST_MODELS = 12
"""Groups with fewer measured models say nothing when one is left out; nor do boards."""
CACHED = (quality.prior_of, quality._rows, kin._families, quality.ability_of, quality.quality_of)


@dataclass(frozen=True, slots=True)
class Board:
    """One benchmark that the fit has not seen, and how well the order of its models was foretold."""

    publisher: str
    name: str
    axis: str
    models: int
    ours: float
    """Spearman's rank correlation, -1 to 1."""
    by_size: float
    scored: int
    """Of the models, those with scores of other publishers."""


@dataclass(frozen=True, slots=True)
class Results:
    """What the measurement found, on which day and of which fit (ISO dates)."""

    day: str
    fit_date: str
    left_out: tuple[LeftOut, ...]
    boards: tuple[Board, ...]

    @property
    def medians(self) -> tuple[float, float]:
        """The middle rank correlation of the boards, ours and by parameters alone."""
        return median(b.ours for b in self.boards), median(b.by_size for b in self.boards)


STORED = Path(__file__).with_name("quality.json")
RESULTS = TypeAdapter(Results)


def stored() -> Results:
    """The results as `make quality` last kept them."""
    return RESULTS.validate_json(STORED.read_bytes())


def rounded(results: Results) -> Results:
    """With three decimals, more than they are worth, so that a small change of a library changes no file."""
    left = (
        replace(
            one,
            median_error=round(one.median_error, 3),
            deviation=round(one.deviation, 3),
            rank_correlation=round(one.rank_correlation, 3),
        )
        for one in results.left_out
    )
    boards = (replace(b, ours=round(b.ours, 3), by_size=round(b.by_size, 3)) for b in results.boards)
    return replace(results, left_out=tuple(left), boards=tuple(boards))


@dataclass
class _Scores:
    """The catalog's scores without those of one publisher."""

    hidden: str

    def for_model(self, model_id: str) -> tuple[BenchmarkResult, ...]:
        rows = load_catalog().benchmarks.for_model(model_id)
        return tuple(row for row in rows if publisher_of(row.source) != self.hidden)


class _Catalog:
    """The catalog with one publisher hidden."""

    def __init__(self, hidden: str) -> None:
        catalog: Catalog = load_catalog()
        self.models, self.by_id, self.benchmarks = catalog.models, catalog.by_id, _Scores(hidden)


def publisher_of(source: str) -> str:
    """Who published a score: the repository or page, without its version."""
    words = source.split("@")[0].split()
    return words[1] if len(words) > 1 else words[0]


@contextmanager
def hidden(publisher: str) -> Iterator[None]:
    """Quality as it would be if this publisher had published nothing."""
    rows = [row for row in rows_of("generator") if publisher_of(row.board.split("|")[2]) != publisher]
    table = dict(quality.fit_table())
    table["groups"] = table["groups"] | {"generator": _constants(rows)}
    for cached in CACHED:
        cached.cache_clear()
    with (
        mock.patch.object(quality, "load_catalog", return_value=_Catalog(publisher)),
        mock.patch.object(kin, "load_catalog", return_value=_Catalog(publisher)),
        mock.patch.object(quality, "fit_table", return_value=table),
    ):
        yield
    for cached in CACHED:
        cached.cache_clear()


def _constants(rows: list[Row]) -> dict[str, Any]:
    # Where the reference board itself is hidden, another fixes the scale: an order does not depend on it.
    kept = {row.benchmark for row in rows}
    reference = REFERENCE["generator"] if REFERENCE["generator"] in kept else "MMLU-Pro"
    return cast("dict[str, Any]", Fit(rows, reference).as_json())


def spearman(one: list[float], other: list[float]) -> float:
    """Rank correlation; ties get their mean rank."""
    from scipy.stats import spearmanr

    return float(spearmanr(np.array(one), np.array(other)).statistic)


def task_for(axis: str) -> Task:
    """The task in which an axis weighs most."""
    tasks = benchmark_table()["tasks"]
    return cast("Task", max(tasks, key=lambda task: tasks[task].get(axis, 0.0)))


Scored = list[tuple[ModelRecord, BenchmarkResult]]


def _boards() -> dict[str, dict[str, Scored]]:
    """The scores of each benchmark with enough models, of its largest board, by publisher."""
    by_board: dict[str, Scored] = defaultdict(list)
    for model in load_catalog().models:
        if kin.group_of(model) != "generator" or not model.params_total or not model.release_date:
            continue
        for row in load_catalog().benchmarks.for_model(model.id):
            if logit_of(row) is not None and measure_of(row.benchmark) is not None:
                by_board[board_key(row)].append((model, row))
    found: dict[str, dict[str, Scored]] = defaultdict(dict)
    for rows in by_board.values():
        name, publisher = rows[0][1].benchmark, publisher_of(rows[0][1].source)
        if len(rows) >= FEWEST_MODELS and len(rows) > len(found[publisher].get(name, ())):
            found[publisher][name] = rows
    return {publisher: boards for publisher, boards in found.items() if boards}


def unseen_boards() -> list[Board]:
    """Each publisher left out in turn with all its boards, and their order foretold from the others."""
    found = []
    for publisher, boards in _boards().items():
        with hidden(publisher):
            found += [_foretold(publisher, name, rows) for name, rows in boards.items()]
    return found


def _foretold(publisher: str, name: str, rows: Scored) -> Board:
    measure = measure_of(name)
    assert measure is not None
    task = task_for(measure.axis)
    ours = [quality.ability_of(model.id, task).mean for model, _ in rows]
    scored = sum(bool(quality.ability_of(model.id, task).rows) for model, _ in rows)
    seen = [float(logit_of(row) or 0.0) for _, row in rows]
    size = [float(model.params_total or 0) for model, _ in rows]
    return Board(publisher, name, measure.axis, len(rows), spearman(ours, seen), spearman(size, seen), scored)


def measure() -> Results:
    """Leaves out models and publishers in turn; takes about half a minute."""
    groups = [g for g in REFERENCE if len({row.model for row in rows_of(g)}) > FEWEST_MODELS]
    today = datetime.now(UTC).date().isoformat()
    fitted = str(quality.fit_table()["fit_date"])
    return Results(today, fitted, tuple(map(left_out, groups)), tuple(unseen_boards()))


def run() -> None:
    """Prints the errors of left-out models in logits, and the rank correlations on unseen benchmarks.

    Keeps them in `bench/quality.json` and writes docs/quality.md.
    """
    from bench.quality_page import write

    results = measure()
    print("\n".join(map(str, results.left_out)))
    print(f"{'unseen board':32} {'axis':12} models  scored  rank correlation  by parameters alone")
    for b in results.boards:
        print(f"{b.name[:32]:32} {b.axis:12} {b.models:6} {b.scored:7} {b.ours:17.2f} {b.by_size:20.2f}")
    ours, size = results.medians
    print(f"median of {len(results.boards)}: {ours:.2f}, by parameters alone {size:.2f}")
    STORED.write_bytes(RESULTS.dump_json(rounded(results), indent=1) + b"\n")
    write()


if __name__ == "__main__":
    run()
