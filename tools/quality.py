"""How good a model is at a task: public scores, graded by evidence, shrunk toward what size and age predict.

Every score is put on one scale: the logit of its share of the maximum (Elo ratings divided by 400/ln 10). A
score of model m on board b is modeled as

    y = level(b) + slope(benchmark) * (prior(m) + own(m))

`level` and `slope` are fitted over all boards (scripts/fit_quality.py -> tools/data/quality_fit.json);
`prior` is a linear function of size, active size, age and kind plus the average deviation of the model's
maker and family; `own` is the mean of the model's residuals, weighted by how much each benchmark says about
the task, by who ran it and by its age, and shrunk toward zero (an empirical-Bayes estimate with a prior of
`shrink` pseudo-observations). A model without scores gets its prior and a wide uncertainty: size alone never
proves quality.
"""

from __future__ import annotations

import math
from datetime import date
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from pydantic import TypeAdapter

from knowledge.catalog.api_models import api_benchmarks, load_api_models
from knowledge.catalog.records import BenchmarkResult, ModelRecord
from knowledge.catalog.store import follows_models, load_catalog
from tools.candidates import QualityFigure
from tools.memory.types import Evidence
from tools.needs import Task

ELO_SCALE = 400.0 / math.log(10.0)
GROUP_OF_KIND = {"embedding": "embedder", "reranker": "reranker"}


@cache
def _json(name: str) -> dict[str, Any]:
    data = resources.files("tools").joinpath(f"data/{name}.json").read_bytes()
    return TypeAdapter(dict[str, Any]).validate_json(data)


def benchmark_table() -> dict[str, Any]:
    """Axes, trust and task weights: `tools/data/benchmarks.json`."""
    return _json("benchmarks")


def fit_table() -> dict[str, Any]:
    """Fitted constants: `tools/data/quality_fit.json`."""
    return _json("quality_fit")


@cache
def measures(benchmark: str) -> tuple[str, float] | None:
    """Axis and trust of a benchmark; None where it takes no part in the ranking."""
    for row in benchmark_table()["benchmarks"]:
        if row["match"] in benchmark and row.get("not", "\0") not in benchmark.lower():
            return row["axis"], float(row["trust"])
    return None


def logit_of(result: BenchmarkResult) -> float | None:
    """A score on the common scale; None where the unit cannot be put on it (costs, ranks)."""
    if "Elo" in result.unit:
        return result.score / ELO_SCALE
    if not result.higher_is_better or "USD" in result.unit or not 0 <= result.score <= 100:
        return None
    share = min(0.985, max(0.015, result.score / 100.0))
    return math.log(share / (1.0 - share))


def board_key(result: BenchmarkResult) -> str:
    """Scores are comparable inside one benchmark, setting and source only."""
    return f"{result.benchmark}|{result.setting}|{result.source.split('@')[0]}"


def years(release_date: str | None) -> float | None:
    """Years since the start of 2024."""
    if not release_date:
        return None
    year, month = int(release_date[:4]), int(release_date[5:7] or 6) if len(release_date) >= 7 else 6
    return year - 2024 + (month - 1) / 12.0


def features_of(model: ModelRecord) -> list[float] | None:
    """Inputs of the prior: constant, log2 of billions (total, active), age, thinking, base."""
    age = years(model.release_date)
    if model.params_total is None or age is None:
        return None
    total = math.log2(max(model.params_total, 1e7) / 1e9)
    active = math.log2(max(model.params_active or model.params_total, 1e7) / 1e9)
    thinking = (
        1.0
        if model.thinking == "yes" or model.kind == "reasoning"
        else 0.5
        if model.thinking == "hybrid"
        else 0.0
    )
    return [1.0, total, active, age, thinking, 1.0 if model.kind == "base" else 0.0]


def group_of(model: ModelRecord) -> str:
    """generator, embedder or reranker: what the model's scores are compared with."""
    return GROUP_OF_KIND.get(model.kind, "generator")


def organization(model_id: str) -> str:
    return model_id.split("/", 1)[0].lower()


@follows_models
@lru_cache(maxsize=4096)
def prior_of(model_id: str) -> tuple[float, float]:
    """Expected ability before the model's own scores, and its standard deviation, in logits."""
    model = load_catalog().by_id[model_id.lower()]
    fit = fit_table()["groups"].get(group_of(model))
    if fit is None:
        fit = fit_table()["groups"]["generator"]
    x = features_of(model)
    if x is None:
        return float(fit["floor"]), float(fit["spread_unknown"])
    ability = sum(w * v for w, v in zip(fit["weights"], x, strict=True))
    ability += fit["makers"].get(organization(model.origin_id), float(fit["unknown_maker"]))
    ability += fit["families"].get(model.family, 0.0)
    return ability, float(fit["spread"])


@cache
def age_factor(as_of: str) -> float:
    """Weight of a row by its age: halves every `half_life_months` before the fit date."""
    table = benchmark_table()
    today = date.fromisoformat(table["fit_date"])
    months = (today.year - int(as_of[:4])) * 12 + today.month - int(as_of[5:7] or 1 if len(as_of) >= 7 else 6)
    return float(0.5 ** (max(0, months) / float(table["half_life_months"])))


def row_weight(result: BenchmarkResult, task: Task) -> float:
    """How much a row says about a task."""
    what = measures(result.benchmark)
    if what is None:
        return 0.0
    axis, trust = what
    table = benchmark_table()
    relevance = float(table["tasks"][task].get(axis, table["off_axis_weight"]))
    runner = 1.0 if result.run_by == "independent" else float(table["vendor_factor"])
    return trust * relevance * runner * age_factor(result.as_of)


def _residuals(model: ModelRecord, task: Task) -> list[tuple[float, float, BenchmarkResult]]:
    """(weight, residual in ability, row) of every usable score of a model."""
    group = fit_table()["groups"].get(group_of(model))
    if group is None:
        return []
    prior, _ = prior_of(model.id)
    found = []
    for result in load_catalog().benchmarks.for_model(model.scored_as):
        level = group["levels"].get(board_key(result))
        y = logit_of(result)
        weight = row_weight(result, task)
        if level is None or y is None or weight <= 0:
            continue
        slope = group["slopes"].get(result.benchmark, 1.0)
        found.append((weight * slope * slope, (y - level) / slope - prior, result))
    return found


def _posterior(
    rows: list[tuple[float, float, BenchmarkResult]], prior: float, spread: float, shrink: float, level: float
) -> tuple[float, float]:
    """Score on the reference board, 0 to 100, and its standard deviation downwards.

    Args:
        rows: weight and residual (logits) of every score that counts.
        prior: ability expected before them, in logits, with `spread` as its standard deviation.
        shrink: the prior's weight, in pseudo-observations.
        level: the reference board's level, in logits.
    """
    mass = sum(weight for weight, _, _ in rows)
    ability = prior + sum(weight * residual for weight, residual, _ in rows) / (mass + shrink)
    deviation = spread * math.sqrt(shrink / (mass + shrink))
    score, low = (100.0 / (1.0 + math.exp(-(level + at))) for at in (ability, ability - deviation))
    return score, max(0.5, score - low)


@follows_models
@lru_cache(maxsize=16384)
def quality_of(model_id: str, task: Task) -> QualityFigure:
    """Expected score of a model at a task, 0 to 100, with one standard deviation.

    The scale is that of the reference board named in the fit (an expected share of its questions); it
    compares models of one role and is no promise of accuracy on a person's own data.
    """
    model = load_catalog().by_id[model_id.lower()]
    if model.kind == "encoder":
        return _encoder_quality(model)
    groups = fit_table()["groups"]
    fit = groups.get(group_of(model), groups["generator"])
    prior, spread = prior_of(model_id)
    rows = _residuals(model, task)
    score, error = _posterior(rows, prior, spread, float(fit["shrink"]), float(fit["reference_level"]))
    rows.sort(key=lambda row: -row[0])
    relevant = [r for w, _, r in rows if w > 0.05]
    basis = tuple(benchmark_evidence(r) for r in relevant[:4])
    note = (
        f"{len(rows)} public scores, shrunk toward what size, age and maker predict"
        if relevant
        else "no public score of this exact model counts here: expected from size, age and maker"
    )
    if not basis:
        basis = (Evidence("catalog", "parameters, release date and maker of the catalog", model_id),)
    return QualityFigure(score, error, bool(relevant), basis, note)


def encoder_table() -> dict[str, Any]:
    """Published accuracies of encoders after fine-tuning: `tools/data/encoder_scores.json`."""
    return _json("encoder_scores")


def _encoder_quality(model: ModelRecord) -> QualityFigure:
    """Accuracy of an encoder on the test that nearly all report; expected from its size where it is not."""
    table = encoder_table()
    row = table["models"].get(model.id)
    if row is not None:
        text = f"{table['benchmark']} {row['score']:g} (vendor, {table['as_of']})"
        evidence = (Evidence("benchmark", text, row["source"]),)
        checked = row.get("checked", True)
        spread = table["measured_spread"] if checked else table["unchecked_spread"]
        note = table["benchmark"] if checked else f"{table['benchmark']}, {table['unchecked']}"
        return QualityFigure(row["score"], spread, checked, evidence, note)
    doublings = math.log2(max(model.params_total or 1e8, 1e7) / 1e8)
    score = min(92.0, table["expected_at_100m"] + table["expected_per_doubling"] * doublings)
    note = "no published accuracy in this catalog: expected from its size"
    return QualityFigure(
        score, table["expected_spread"], False, (Evidence("catalog", "parameters", model.id),), note
    )


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


@lru_cache(maxsize=4096)
def api_quality_of(key: str, task: Task) -> QualityFigure:
    """Expected score of an API model at a task, on the scale of `quality_of`.

    Sizes of API models are not public: the prior is the middle of the API models that have scores on the same
    boards, its spread theirs. Of several efforts on a board the best counts.
    """
    fit = fit_table()["groups"]["generator"]
    prior, spread = float(fit["api_prior"]), float(fit["api_spread"])
    model = next((m for m in load_api_models() if m.key == key), None)
    best: dict[str, tuple[float, float, BenchmarkResult]] = {}
    for _, result in api_benchmarks(load_catalog(), model) if model is not None else ():
        board, y, weight = board_key(result).split(";")[0], logit_of(result), row_weight(result, task)
        level = fit["levels"].get(board_key(result))
        if level is None or y is None or weight <= 0:
            continue
        slope = fit["slopes"].get(result.benchmark, 1.0)
        row = (weight * slope * slope, (y - level) / slope - prior, result)
        if board not in best or row[1] > best[board][1]:
            best[board] = row
    rows = list(best.values())
    score, error = _posterior(rows, prior, spread, float(fit["api_shrink"]), float(fit["reference_level"]))
    rows.sort(key=lambda row: -row[0])
    note = (
        f"{len(rows)} public scores" if rows else "no public score in this catalog: expected like its peers"
    )
    basis = tuple(benchmark_evidence(r) for _, _, r in rows[:4]) or (
        Evidence("catalog", "price map entry", key),
    )
    return QualityFigure(score, error, bool(rows), basis, note)
