"""Published scores on one scale, and how far each is to be trusted for a task.

A score counts by five things, multiplied: what its benchmark measures for the task, how far the benchmark is
trusted, who ran it, how old it is, and how much it can still tell models apart. The first three stand in
`tools/data/benchmarks.json`; see docs/quality.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

from pydantic import TypeAdapter

from knowledge.catalog.benchmarks import board_of
from knowledge.catalog.records import BenchmarkResult
from tools.memory.types import Evidence

ELO_SCALE = 400.0 / math.log(10.0)
NEAR_CEILING = 0.88
"""Share of the maximum from which a score is said to be near the ceiling of its test."""


@cache
def benchmark_table() -> dict[str, Any]:
    """Axes, trust, doubts and task weights: `tools/data/benchmarks.json`."""
    data = resources.files("tools").joinpath("data/benchmarks.json").read_bytes()
    return TypeAdapter(dict[str, Any]).validate_json(data)


@dataclass(frozen=True, slots=True)
class Measure:
    """What a benchmark says, and how far it is trusted."""

    axis: str
    trust: float
    """With the doubts taken off."""
    doubts: tuple[str, ...] = ()
    """Keys of the table's doubts: `contaminated`, `closed` ..."""


def benchmark_row(benchmark: str) -> dict[str, Any] | None:
    """The first row of the table that names a benchmark; None where it takes no part in the ranking."""
    for row in benchmark_table()["benchmarks"]:
        if row["match"] in benchmark and row.get("not", "\0") not in benchmark.lower():
            found: dict[str, Any] = row
            return found
    return None


@cache
def measure_of(benchmark: str) -> Measure | None:
    """What a benchmark measures; None where it takes no part in the ranking."""
    row = benchmark_row(benchmark)
    if row is None:
        return None
    doubts, factors = tuple(row.get("doubts", ())), benchmark_table()["doubts"]
    trust = float(row["trust"]) * math.prod(factors[doubt]["factor"] for doubt in doubts)
    return Measure(row["axis"], trust, doubts)


def share_of(result: BenchmarkResult) -> float | None:
    """A score as a share of its maximum; None where it is none (ratings, costs, ranks)."""
    scored = "Elo" not in result.unit and "USD" not in result.unit and result.higher_is_better
    return result.score / 100.0 if scored and 0 <= result.score <= 100 else None


def logit_of(result: BenchmarkResult) -> float | None:
    """A score on the common scale; None where the unit cannot be put on it (costs, ranks)."""
    if "Elo" in result.unit:
        return result.score / ELO_SCALE
    share = share_of(result)
    if share is None:
        return None
    share = min(0.985, max(0.015, share))
    return math.log(share / (1.0 - share))


@cache
def informations() -> dict[str, float]:
    """How much a benchmark can tell models apart, 0 to 1, where it is less than 1; see `information`."""
    data = resources.files("tools").joinpath("data/quality_fit.json").read_bytes()
    found: dict[str, float] = TypeAdapter(dict[str, Any]).validate_json(data)["information"]
    return found


def information(share: float) -> float:
    """What a test tells about a model that gets a share p of it right: 4 p (1 - p), but not nothing.

    It is the information of a share about its logit, relative to half marks: a test that everybody passes, or
    nobody, ranks no one. The middle score of a benchmark stands for all of its models, so that a better score
    never counts against a model.
    """
    return max(float(benchmark_table()["least_information"]), 4.0 * share * (1.0 - share))


def doubts_of(result: BenchmarkResult) -> tuple[str, ...]:
    """Why a score counts less than others, in words; empty where nothing speaks against it."""
    what, share = measure_of(result.benchmark), share_of(result)
    words = benchmark_table()["doubts"]
    found = [str(words[doubt]["words"]) for doubt in (what.doubts if what is not None else ())]
    if share is not None and share >= NEAR_CEILING:
        found.append("near the ceiling of its test")
    return tuple(found)


def board_key(result: BenchmarkResult) -> str:
    """Scores are comparable inside one benchmark, setting and source only."""
    return board_of(result)


@cache
def age_factor(as_of: str) -> float:
    """Weight of a row by its age: halves every `half_life_months` before the fit date."""
    table = benchmark_table()
    today = date.fromisoformat(table["fit_date"])
    months = (today.year - int(as_of[:4])) * 12 + today.month - int(as_of[5:7] or 1 if len(as_of) >= 7 else 6)
    return float(0.5 ** (max(0, months) / float(table["half_life_months"])))


def runner_factor(result: BenchmarkResult) -> float:
    """Weight of a row by who ran it: a maker's figure for its own model counts less."""
    return 1.0 if result.run_by == "independent" else float(benchmark_table()["vendor_factor"])


@cache
def relevance(axis: str, task: str) -> float:
    """What an axis says about a task, 0 to 1."""
    table = benchmark_table()
    return float(table["tasks"][task].get(axis, table["off_axis_weight"]))


def row_weight(result: BenchmarkResult, task: str) -> float:
    """How much a row says about a task."""
    what = measure_of(result.benchmark)
    if what is None:
        return 0.0
    known = what.trust * runner_factor(result) * age_factor(result.as_of)
    return relevance(what.axis, task) * known * informations().get(result.benchmark, 1.0)


def benchmark_evidence(result: BenchmarkResult) -> Evidence:
    """One score as evidence: what, how much, who, when."""
    value = (
        f"{result.score:g} {result.unit}" if result.unit not in ("percent", "0-100") else f"{result.score:g}"
    )
    return Evidence(
        "benchmark",
        f"{result.benchmark} {value} ({result.run_by}, {result.as_of})",
        f"{result.setting}; {result.source}",
    )
