"""distil labs' ranks of small models after fine-tuning: the newest first, with their intervals.

The newer table is rows of the catalog's benchmarks; the older one comes from the teaching project's review
(`data/reviews.json`). Both are ranks of one lab's tasks: where intervals overlap, models are tied.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import combinations, pairwise
from typing import Any, Literal

from knowledge.catalog.store import follows_models, load_catalog
from tools.citing import guide
from tools.memory.types import Evidence

LAB = "distil labs"
Kind = Literal["after", "gain"]
_INTERVAL = re.compile(r"CI \+-\s*([0-9.]+)")


@dataclass(frozen=True, slots=True)
class Ranked:
    """One model of a table; ranks are best at 1."""

    name: str
    model_id: str
    params_b: float | None
    rank: float
    half: float | None
    """Half of the 95 % interval of a mean rank; None where none is published."""
    base_rank: float | None = None
    """Rank before fine-tuning, where the table has it."""

    def tied_with(self, other: Ranked) -> bool | None:
        """Whether the intervals overlap; None where one has none."""
        if self.half is None or other.half is None:
            return None
        return abs(self.rank - other.rank) <= self.half + other.half

    def as_json(self) -> dict[str, Any]:
        gained = None if self.base_rank is None else self.base_rank - self.rank
        return {
            "model": self.name,
            "model_id": self.model_id,
            "params_b": None if self.params_b is None else round(self.params_b, 3),
            "rank": self.rank,
            "interval_95": None
            if self.half is None
            else {"low": round(max(1.0, self.rank - self.half), 2), "high": round(self.rank + self.half, 2)},
            "base_rank": self.base_rank,
            "ranks_gained": gained,
        }


@dataclass(frozen=True, slots=True)
class Table:
    """One published ranking."""

    title: str
    kind: Kind
    """Rank `after` fine-tuning, or by the `gain` from it."""
    as_of: str
    setting: str
    source: str
    rows: tuple[Ranked, ...]
    evidence: Evidence

    def of(self, model_id: str) -> Ranked | None:
        """The row of a model."""
        return next((row for row in self.rows if row.model_id.lower() == model_id.lower()), None)

    def as_json(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "kind": self.kind,
            "as_of": self.as_of,
            "setting": self.setting,
            "source": self.source,
            "rows": [row.as_json() for row in self.rows],
        }


@cache
def reviews() -> tuple[dict[str, Any], ...]:
    """The reviews of `data/reviews.json`, as they stand there."""
    raw = json.loads(files("tools.planning").joinpath("data/reviews.json").read_text(encoding="utf-8"))
    return tuple(raw["reviews"])


@follows_models
@cache
def distil_tables() -> tuple[Table, ...]:
    """All tables, the newest first; of one date the ranks after fine-tuning before the gains."""
    found = [*_from_catalog(), *(_from_review(review) for review in reviews())]
    return tuple(sorted(found, key=lambda table: (table.as_of, table.kind == "after"), reverse=True))


def _from_catalog() -> Iterable[Table]:
    catalog = load_catalog()
    groups: dict[tuple[str, str], list[tuple[Ranked, str, str]]] = {}
    for model in catalog.models:
        if model.added is not None:
            continue
        for result in catalog.benchmarks.for_model(model.id):
            if not result.benchmark.lower().startswith(LAB):
                continue
            half = _INTERVAL.search(result.setting)
            row = Ranked(model.name, model.id, model.params_b, result.score, float(half[1]) if half else None)
            groups.setdefault((result.benchmark, result.as_of), []).append(
                (row, result.setting, result.source)
            )
    for (title, day), rows in groups.items():
        kind: Kind = "gain" if "tunability" in title or "gain" in title else "after"
        setting = re.sub(r",?\s*95% CI.*", "", rows[0][1])
        ordered = tuple(sorted((row for row, _, _ in rows), key=lambda row: row.rank))
        source = rows[0][2].split(" ; ")[0]
        yield Table(
            title, kind, day, setting, source, ordered, Evidence("benchmark", f"{title} ({day})", source)
        )


def _from_review(review: dict[str, Any]) -> Table:
    catalog, rows = load_catalog(), []
    for row in review["rows"]:
        model = catalog.by_id.get(row["model_id"].lower())
        size = model.params_b if model is not None else None
        rows.append(Ranked(row["stated"], row["model_id"], size, row["tuned"], None, row["base"]))
    rows.sort(key=lambda row: row.rank)
    return Table(
        f"{review['name']}: rank after fine-tuning, of {review['models']} models",
        "after",
        review["as_of"],
        "LoRA; ranks without intervals",
        review["source"],
        tuple(rows),
        guide(review["guide"][0], review["guide"][1], review["claim"]),
    )


def best_after_tuning(model_ids: Iterable[str]) -> tuple[Ranked, Table] | None:
    """Of some models the best that was measured after tuning, by the newest table that has one of them."""
    wanted = {model_id.lower() for model_id in model_ids}
    for table in distil_tables():
        rows = [row for row in table.rows if row.model_id.lower() in wanted]
        if table.kind == "after" and rows:
            return min(rows, key=lambda row: row.rank), table
    return None


@dataclass(frozen=True, slots=True)
class BySize:
    """How a ranking goes with size: pairs of models of different size."""

    table: Table
    pairs: int
    larger_first: int
    sure: int
    """Pairs whose intervals do not overlap."""

    @property
    def text(self) -> str:
        what = "after tuning" if self.table.kind == "after" else "by the gain from tuning"
        smaller = self.pairs - self.larger_first
        better, count = ("larger", self.larger_first) if self.table.kind == "after" else ("smaller", smaller)
        known = any(row.half is not None for row in self.table.rows)
        sure = (
            f"{self.sure or 'none'} of them by more than their intervals"
            if known
            else "without published intervals"
        )
        return (
            f"{self.table.as_of}, {what}: in {count} of {self.pairs} pairs of models of different size the "
            f"{better} one is ahead, {sure}."
        )


def by_size(table: Table) -> BySize:
    """Counts in how many pairs the larger model ranks better; equal ranks and sizes are left out."""
    pairs = larger = sure = 0
    for first, second in combinations(table.rows, 2):
        sizes = sorted((first.params_b or 0.0, second.params_b or 0.0))
        if not sizes[0] or sizes[1] < 1.05 * sizes[0] or first.rank == second.rank:
            continue
        pairs += 1
        larger += (first.params_b == sizes[1]) == (first.rank < second.rank)
        sure += first.tied_with(second) is False
    return BySize(table, pairs, larger, sure)


def stated_gains() -> tuple[str, ...]:
    """What a review says about who gained most, beside the places that its own ranks show."""
    found, by_id = [], load_catalog().by_id
    for review in reviews():
        gains = {row["stated"]: row["base"] - row["tuned"] for row in review["rows"]}
        most = max(gains.values())
        shown = ", ".join(name for name, gain in gains.items() if gain == most)
        models = [by_id.get(row["model_id"].lower()) for row in review["rows"]]
        largest = max((model.params_b or 0.0 for model in models if model is not None), default=0.0)
        found.append(
            f"{review['as_of']}, stated: {' and '.join(review['gained_most'])} gained most, "
            f"{review['gained_least']} least. By its own ranks {shown} gained most, {most} places each; its "
            f"{len(gains)} rows end at {largest:.0f}B, so what is said of larger ones cannot be checked."
        )
    return tuple(found)


def disagreements(tables: tuple[Table, ...] | None = None) -> tuple[str, ...]:
    """What the tables of one kind say differently: first places, swapped pairs, dates that cannot be."""
    after = [table for table in (tables or distil_tables()) if table.kind == "after"]
    found = []
    for newer, older in pairwise(after):
        found += _first_places(newer, older)
        found += _swaps(newer, older)
    for table in after:
        found += _too_young(table)
    return tuple(found)


def _first_places(newer: Table, older: Table) -> list[str]:
    first, last = newer.rows[0], older.rows[0]
    if first.model_id == last.model_id:
        return []
    text = (
        f"First after tuning: {first.name} in {newer.as_of} (mean rank {first.rank:g}), "
        f"{last.name} in {older.as_of}"
    )
    again = newer.of(last.model_id)
    if again is not None:
        tie = "their intervals overlap" if first.tied_with(again) else "their intervals do not overlap"
        text += f"; {again.name} has {again.rank:g} in {newer.as_of}, and {tie}"
    if older.of(first.model_id) is None:
        text += f"; what we hold of the older table has no row for {first.name}"
    return [text + "."]


def _swaps(newer: Table, older: Table) -> list[str]:
    shared = [(row, old) for row in newer.rows if (old := older.of(row.model_id)) is not None]
    found = []
    for (first, was_first), (second, was_second) in combinations(shared, 2):
        if (first.rank - second.rank) * (was_first.rank - was_second.rank) < 0:
            tie = "a tie by its intervals" if first.tied_with(second) else "outside its intervals"
            found.append(
                f"{first.name} is ahead of {second.name} in {newer.as_of} ({first.rank:g} and "
                f"{second.rank:g}, {tie}), behind it in {older.as_of} (#{was_first.rank:g} and "
                f"#{was_second.rank:g})."
            )
    return found


def _too_young(table: Table) -> list[str]:
    catalog, found = load_catalog(), []
    for row in table.rows:
        model = catalog.by_id.get(row.model_id.lower())
        if model is not None and model.release_date and model.release_date[: len(table.as_of)] > table.as_of:
            found.append(
                f"The table dated {table.as_of} ranks {row.name}, but {model.name} appeared on "
                f"{model.release_date}: the date, or the model meant, is in doubt."
            )
    return found
