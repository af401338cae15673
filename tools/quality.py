"""How good a model is at a task: public scores, graded by evidence, shrunk toward what size and age predict.

Every score is put on one scale: the logit of its share of the maximum (Elo ratings divided by 400/ln 10). A
score of model m on board b is modeled as

    y = level(b) + slope(benchmark) * (prior(m) + own(m))

`level` and `slope` are fitted over all boards (scripts/fit_quality.py -> tools/data/quality_fit.json);
`prior` is a linear function of size, active size, age and kind plus the average deviation of the model's
maker and family, moved toward the scores of models of the same family and size; `own` is the mean of the
model's residuals, weighted as `tools.scores.row_weight` says, and shrunk toward zero (an empirical-Bayes
estimate with a prior of `shrink` pseudo-observations). A model without scores gets its prior and a wide
uncertainty, and is never expected above the best one that was measured: size alone proves nothing.
docs/quality.md explains it and shows how well it predicts boards that it has not seen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from pydantic import TypeAdapter

from knowledge.catalog.api_models import api_benchmarks, load_api_models
from knowledge.catalog.records import BenchmarkResult, ModelRecord
from knowledge.catalog.store import follows_models, load_catalog
from tools.candidates import Grade, QualityFigure
from tools.kin import group_of, maker_of, original_of, siblings_of
from tools.memory.types import Evidence
from tools.needs import Task
from tools.scores import benchmark_evidence, board_key, doubts_of, logit_of, measure_of, row_weight

TELLING = 0.02
"""Weight from which a score counts as evidence for the task."""
MOST_SHOWN = 4
Row = tuple[float, float, BenchmarkResult]
"""Weight, residual in ability (logits), and the score."""


@cache
def _json(name: str) -> dict[str, Any]:
    data = resources.files("tools").joinpath(f"data/{name}.json").read_bytes()
    return TypeAdapter(dict[str, Any]).validate_json(data)


@cache
def fit_table() -> dict[str, Any]:
    """Fitted constants: `tools/data/quality_fit.json`."""
    data = resources.files("tools").joinpath("data/quality_fit.json").read_bytes()
    return TypeAdapter(dict[str, Any]).validate_json(data)


def years(release_date: str | None) -> float | None:
    """Years since the start of 2024."""
    if not release_date:
        return None
    year, month = int(release_date[:4]), int(release_date[5:7] or 6) if len(release_date) >= 7 else 6
    return year - 2024 + (month - 1) / 12.0


def features_of(model: ModelRecord) -> list[float] | None:
    """Inputs of the prior: constant, log2 of billions (total, active), date, thinking, bends, base.

    The bends let progress gather pace and size count less once it is large; without them, left-out models and
    unseen boards are foretold worse (bench/quality.py).
    """
    age = years(model.release_date)
    if model.params_total is None or age is None:
        return None
    total = math.log2(max(model.params_total, 1e7) / 1e9)
    active = math.log2(max(model.params_active or model.params_total, 1e7) / 1e9)
    always = model.thinking == "yes" or model.kind == "reasoning"
    thinking = 1.0 if always else 0.5 if model.thinking == "hybrid" else 0.0
    bends = [age * age, min(total, 8.0) ** 2 / 8.0]
    return [1.0, total, active, age, thinking, *bends, 1.0 if model.kind == "base" else 0.0]


def _constants(model: ModelRecord) -> dict[str, Any]:
    groups = fit_table()["groups"]
    found: dict[str, Any] = groups.get(group_of(model), groups["generator"])
    return found


@follows_models
@lru_cache(maxsize=4096)
def prior_of(model_id: str) -> tuple[float, float]:
    """Expected ability before any scores of its own or of its kin, and its standard deviation, in logits."""
    model = load_catalog().by_id[model_id.lower()]
    fit = _constants(model)
    x = features_of(model)
    if x is None:
        return float(fit["floor"]), float(fit["spread_unknown"])
    ability = sum(w * v for w, v in zip(fit["weights"], x, strict=True))
    ability += fit["makers"].get(maker_of(model.origin_id), float(fit["unknown_maker"]))
    ability += fit["families"].get(model.family, 0.0)
    unlike = sum(
        a * c * b for a, line in zip(x, fit["covariance"], strict=True) for b, c in zip(x, line, strict=True)
    )
    return min(ability, float(fit["ceiling"])), math.sqrt(float(fit["spread"]) ** 2 + max(0.0, unlike))


@follows_models
@lru_cache(maxsize=16384)
def _rows(model_id: str, task: Task, trained: bool) -> tuple[tuple[Row, ...], float, float]:
    """The usable scores of a model, heaviest first, with their whole weight and their mean residual."""
    model = load_catalog().by_id[model_id.lower()]
    fit, prior = _constants(model), prior_of(model_id)[0]
    found = []
    for result in load_catalog().benchmarks.for_model(model.scored_as):
        level, y = fit["levels"].get(board_key(result)), logit_of(result)
        if level is None or y is None:
            continue
        weight = row_weight(result, task) * (_after_training(result) if trained else 1.0)
        if weight > 0:
            slope = fit["slopes"].get(result.benchmark, 1.0)
            found.append((weight * slope * slope, (y - level) / slope - prior, result))
    found.sort(key=lambda row: -row[0])
    mass = sum(weight for weight, _, _ in found)
    return tuple(found), mass, sum(w * r for w, r, _ in found) / mass if mass else 0.0


def _after_training(result: BenchmarkResult) -> float:
    """How much more or less a score says of a model that will be fine-tuned."""
    what = measure_of(result.benchmark)
    factors = _json("benchmarks")["fine_tuning"]["factors"]
    return float(factors.get(what.axis, 1.0)) if what is not None else 0.0


@dataclass(frozen=True, slots=True)
class Ability:
    """What is believed of a model at a task, in logits."""

    mean: float
    deviation: float
    rows: tuple[Row, ...]
    kin: tuple[ModelRecord, ...]
    """Measured siblings that moved the expectation."""
    original: ModelRecord | None = None
    """The model that it was made from, where that one bounds what is expected."""


@follows_models
@lru_cache(maxsize=16384)
def ability_of(model_id: str, task: Task, trained: bool = False) -> Ability:
    """The posterior of a model's ability at a task.

    Args:
        model_id: hub id in the catalog.
        task: what it is for.
        trained: whether it will be fine-tuned first: what it knows then counts more than its manners.
    """
    model = load_catalog().by_id[model_id.lower()]
    fit = _constants(model)
    rows, mass, mean = _rows(model_id, task, trained)
    prior, spread = prior_of(model_id)
    if trained and model.kind == "base":
        prior -= float(fit["weights"][-1])  # what a base model lacks is what the training gives
    shift, share, kin = _kin(model, task, trained)
    spread *= math.sqrt(1.0 - float(fit["kin_shared"]) * share)
    shrink = float(fit["noise"]) / spread**2
    ability = prior + shift + (mass * (mean - shift) / (mass + shrink) if mass else 0.0)
    found = Ability(ability, spread * math.sqrt(shrink / (mass + shrink)), rows, kin)
    original = None if mass else original_of(model_id)
    return found if original is None else _bounded(found, model, original, task, trained)


def _bounded(found: Ability, model: ModelRecord, original: ModelRecord, task: Task, trained: bool) -> Ability:
    """A derivative that nobody measured is never expected above what it was made from.

    One that a person added has nothing else to go by, and is expected like its original.
    """
    its = ability_of(original.id, task, trained)
    most = its.mean - float(fit_table()["derivative_loss"])
    if model.added is None and found.mean <= most:
        return found
    deviation = math.hypot(its.deviation, float(fit_table()["derivative_spread"]))
    return Ability(most, deviation, (), (), original)


def _kin(model: ModelRecord, task: Task, trained: bool) -> tuple[float, float, tuple[ModelRecord, ...]]:
    """What its siblings' scores move a model's expectation by, in logits; their weight, 0 to 1; and they."""
    fit = _constants(model)
    shrink = float(fit["noise"]) / float(fit["spread"]) ** 2
    total = weight = 0.0
    kin = []
    for other in siblings_of(model):
        _, mass, mean = _rows(other.id, task, trained)
        if mass:
            own = mass / (mass + shrink)
            total, weight = total + own * mean, weight + own
            kin.append(other)
    pseudo = float(fit["kin_pseudo"])
    return total / (weight + pseudo), weight / (weight + pseudo), tuple(kin)


def _points(ability: float, level: float) -> float:
    """The score on the reference board, 0 to 100."""
    return 100.0 / (1.0 + math.exp(-(level + ability)))


def _grade(rows: tuple[Row, ...], kin: tuple[ModelRecord, ...]) -> Grade:
    telling = [result for weight, _, result in rows if weight > TELLING]
    if any(result.run_by == "independent" for result in telling):
        return "exact"
    return "vendor" if telling else "sibling" if kin else "expected"


def _note(grade: Grade, ability: Ability) -> str:
    if ability.original is not None:
        return f"expected, without a score of its own, like {ability.original.name}, which it is made from"
    names = ", ".join(model.name for model in ability.kin[:2])
    count = f"{len(ability.rows)} public score{'' if len(ability.rows) == 1 else 's'}"
    return {
        "exact": f"{count} of this exact model, shrunk toward what size, age and maker predict",
        "vendor": f"{count} of this exact model, all published by its maker, so they count half",
        "sibling": f"expected, without a score of its own, from {names}: same family and size",
        "expected": "no public score of this exact model counts here: expected from size, age and maker",
    }[grade]


def _doubts(rows: tuple[Row, ...]) -> tuple[str, ...]:
    """The scores among the shown ones that count little, each with the reason."""
    found = []
    for _, _, result in rows[: 2 * MOST_SHOWN]:
        doubts = doubts_of(result)
        if doubts:
            found.append(f"{result.benchmark} counts little: {', '.join(doubts)}")
    return tuple(dict.fromkeys(found))[:MOST_SHOWN]


@follows_models
@lru_cache(maxsize=16384)
def quality_of(model_id: str, task: Task, trained: bool = False) -> QualityFigure:
    """Expected score of a model at a task, 0 to 100, with one standard deviation.

    The scale is that of the reference board named in the fit (an expected share of its questions); it
    compares models of one role and is no promise of accuracy on a person's own data. Arguments as
    `ability_of`.
    """
    model = load_catalog().by_id[model_id.lower()]
    if model.kind == "encoder":
        return _encoder_quality(model)
    ability = ability_of(model_id, task, trained)
    return _figure(ability, float(_constants(model)["reference_level"]), model_id)


def _figure(ability: Ability, level: float, model_id: str) -> QualityFigure:
    score, low = (_points(at, level) for at in (ability.mean, ability.mean - ability.deviation))
    grade = _grade(ability.rows, ability.kin) if ability.original is None else "sibling"
    telling = [result for weight, _, result in ability.rows if weight > TELLING]
    basis = tuple(benchmark_evidence(result) for result in telling[:MOST_SHOWN])
    kin = (ability.original,) if ability.original is not None else ability.kin[:2]
    if not basis:
        basis = tuple(_kin_evidence(other) for other in kin)
    if not basis:
        basis = (Evidence("catalog", "parameters, release date and maker of the catalog", model_id),)
    measured = grade in ("exact", "vendor")
    spread = max(0.5, score - low)
    return QualityFigure(
        score,
        spread,
        measured,
        basis,
        _note(grade, ability),
        grade,
        _doubts(ability.rows if measured else ()),
    )


def _kin_evidence(other: ModelRecord) -> Evidence:
    rows = load_catalog().benchmarks.for_model(other.id)
    if not rows:
        return Evidence("catalog", f"parameters, release date and maker of {other.name}", other.id)
    newest = max(row.as_of for row in rows)
    return Evidence("benchmark", f"{len(rows)} published scores of {other.name} (newest {newest})", other.id)


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
        return QualityFigure(
            row["score"], spread, checked, evidence, note, "vendor" if checked else "expected"
        )
    doublings = math.log2(max(model.params_total or 1e8, 1e7) / 1e8)
    score = min(92.0, table["expected_at_100m"] + table["expected_per_doubling"] * doublings)
    note = "no published accuracy in this catalog: expected from its size"
    return QualityFigure(
        score, table["expected_spread"], False, (Evidence("catalog", "parameters", model.id),), note
    )


@follows_models
@lru_cache(maxsize=4096)
def api_quality_of(key: str, task: Task) -> QualityFigure:
    """Expected score of an API model at a task, on the scale of `quality_of`.

    Sizes of API models are not public: the prior is the middle of the API models that have scores on the same
    boards, its spread theirs. Of several efforts on a board the best counts.
    """
    fit = fit_table()["groups"]["generator"]
    prior, spread = float(fit["api_prior"]), float(fit["api_spread"])
    model = next((m for m in load_api_models() if m.key == key), None)
    best: dict[str, Row] = {}
    for _, result in api_benchmarks(load_catalog(), model) if model is not None else ():
        board, y, weight = board_key(result).split(";")[0], logit_of(result), row_weight(result, task)
        level = fit["levels"].get(board_key(result))
        if level is None or y is None or weight <= 0:
            continue
        slope = fit["slopes"].get(result.benchmark, 1.0)
        row = (weight * slope * slope, (y - level) / slope - prior, result)
        if board not in best or row[1] > best[board][1]:
            best[board] = row
    rows = tuple(sorted(best.values(), key=lambda row: -row[0]))
    mass, shrink = sum(weight for weight, _, _ in rows), float(fit["noise"]) / spread**2
    mean = prior + sum(weight * residual for weight, residual, _ in rows) / (mass + shrink)
    ability = Ability(mean, spread * math.sqrt(shrink / (mass + shrink)), rows, ())
    if rows:
        return _figure(ability, float(fit["reference_level"]), key)
    expected = _figure(ability, float(fit["reference_level"]), key)
    return QualityFigure(
        expected.score,
        expected.spread,
        False,
        (Evidence("catalog", "price map entry", key),),
        "no public score in this catalog: expected like its peers",
    )
