"""Fits the constants of tools/quality.py on the benchmarks of the catalog and writes
tools/data/quality_fit.json.

usage: python -m scripts.fit_quality [--check]

Alternating least squares: the prior's weights with the boards' levels and the benchmarks' slopes held, then
levels and slopes with the prior held, then the deviations of makers and families, each shrunk by its number
of scores. `--check` only prints how well scores of models left out are predicted.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from knowledge.catalog.api_models import api_benchmarks, load_api_models
from knowledge.catalog.store import load_catalog
from scripts.quality_rows import Row, informations, rows_of
from tools import quality
from tools.expected_anew import model_row, row_of, tasks_of_table
from tools.quality import api_quality_of
from tools.scores import (
    benchmark_table,
    board_key,
    logit_of,
)

OUT = Path(__file__).resolve().parent.parent / "tools" / "data" / "quality_fit.json"
EXPECTED = OUT.with_name("expected.json")
ROUNDS = 12
LEVEL_SHRINK = 1.0
SLOPE_SHRINK = 12.0
MAKER_SHRINK = 6.0
FAMILY_SHRINK = 6.0
RIDGE = 2.0
LEFT_OUT_SPREAD = 0.33
"""Standard deviation, in logits, of the prior for models that were left out of the fit (`--check` prints it).
What is left inside the fit is smaller and would make unmeasured models look surer than they are."""
SCORE_NOISE = 0.075
"""Variance of one fully trusted score around a model's ability, in logits squared."""
KIN_SHARED = 0.4
KIN_PSEUDO = 1.0
"""Share of the prior's variance that measured models of the same family and size explain at most, and the
pseudo-sibling against it: of 0.5 to 5, 0.5 and 1 give the least error on left-out models (`--check`)."""
DERIVATIVE_LOSS = 0.02
DERIVATIVE_SPREAD = 0.25
"""Logits by which a fine-tune that nobody measured stands below what it was made from, so that it never comes
first by name alone, and what it may differ by. Our own choice."""
REFERENCE = {
    "generator": "LiveBench overall",
    "embedder": "MTEB English v1 retrieval",
    "reranker": "README MTEB-R",
}


class Fit:
    """The constants of one group."""

    def __init__(self, rows: list[Row], reference: str) -> None:
        self.rows = rows
        self.reference = reference
        self.weights = np.zeros(len(rows[0].x))
        self.levels: dict[str, float] = defaultdict(float)
        self.slopes: dict[str, float] = defaultdict(lambda: 1.0)
        self.makers: dict[str, float] = defaultdict(float)
        self.families: dict[str, float] = defaultdict(float)
        by_benchmark: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            by_benchmark[row.benchmark].append(row)
        for found in by_benchmark.values():
            mean = sum(r.weight * r.y for r in found) / sum(r.weight for r in found)
            for row in found:
                self.levels[row.board] = mean
        for _ in range(ROUNDS):
            self._fit_prior()
            self._fit_effects()
            self._fit_boards()
            self._center()

    def prior(self, row: Row) -> float:
        return float(self.weights @ np.array(row.x)) + self.makers[row.maker] + self.families[row.family]

    def _fit_prior(self) -> None:
        x = np.array([r.x for r in self.rows])
        s = np.array([self.slopes[r.benchmark] for r in self.rows])
        target = np.array(
            [
                (r.y - self.levels[r.board]) / self.slopes[r.benchmark]
                - self.makers[r.maker]
                - self.families[r.family]
                for r in self.rows
            ]
        )
        w = np.array([r.weight for r in self.rows]) * s * s
        counts: dict[str, float] = defaultdict(float)
        for row, weight in zip(self.rows, w, strict=True):
            counts[row.model] += weight
        w = w / np.array([math.sqrt(counts[r.model] + 1.0) for r in self.rows])
        penalty = RIDGE * np.eye(x.shape[1])
        penalty[0, 0] = 1e-6
        self.weights = np.linalg.solve((x * w[:, None]).T @ x + penalty, (x * w[:, None]).T @ target)

    def _fit_effects(self) -> None:
        """Makers, then families inside makers; a model counts once however many scores it has."""
        base: dict[str, tuple[float, float]] = {}
        for row in self.rows:
            slope = self.slopes[row.benchmark]
            residual = (row.y - self.levels[row.board]) / slope - float(self.weights @ np.array(row.x))
            total, mass = base.get(row.model, (0.0, 0.0))
            weight = row.weight * slope * slope
            base[row.model] = (total + weight * residual, mass + weight)
        where = {r.model: (r.maker, r.family) for r in self.rows}
        makers: dict[str, list[tuple[float, float]]] = defaultdict(list)
        families: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for model, (total, mass) in base.items():
            makers[where[model][0]].append((total / (mass + 0.5), min(mass, 3.0)))
        self.makers = defaultdict(float, {k: _shrunk(v, MAKER_SHRINK) for k, v in makers.items()})
        for model, (total, mass) in base.items():
            maker, family = where[model]
            families[family].append((total / (mass + 0.5) - self.makers[maker], min(mass, 3.0)))
        self.families = defaultdict(float, {k: _shrunk(v, FAMILY_SHRINK) for k, v in families.items()})

    def _fit_boards(self) -> None:
        by_benchmark: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows:
            by_benchmark[row.benchmark].append(row)
        for benchmark, rows in by_benchmark.items():
            priors = np.array([self.prior(r) for r in rows])
            y = np.array([r.y for r in rows])
            boards = [r.board for r in rows]
            centered_p, centered_y = _within(priors, boards), _within(y, boards)
            slope = (float(centered_p @ centered_y) + SLOPE_SHRINK * 0.3) / (
                float(centered_p @ centered_p) + SLOPE_SHRINK * 0.3
            )
            self.slopes[benchmark] = min(3.0, max(0.25, slope))
            general = float(np.mean(y - self.slopes[benchmark] * priors))
            for board in set(boards):
                gaps = [
                    v - self.slopes[benchmark] * p - general
                    for v, p, b in zip(y, priors, boards, strict=True)
                    if b == board
                ]
                self.levels[board] = general + sum(gaps) / (len(gaps) + LEVEL_SHRINK)

    def _center(self) -> None:
        """Keeps the reference benchmark's slope at one, which fixes the scale."""
        scale = next((s for b, s in self.slopes.items() if b == self.reference), 1.0)
        self.weights *= scale
        for table in (self.makers, self.families):
            for key in table:
                table[key] *= scale
        for key in self.slopes:
            self.slopes[key] /= scale

    def model_residuals(self) -> dict[str, float]:
        sums: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for row in self.rows:
            slope = self.slopes[row.benchmark]
            sums[row.model].append(
                ((row.y - self.levels[row.board]) / slope - self.prior(row), row.weight * slope * slope)
            )
        return {
            m: sum(v * w for v, w in found) / (sum(w for _, w in found) + 0.3) for m, found in sums.items()
        }

    def abilities(self) -> dict[str, float]:
        """Ability of every model with scores, shrunk as the product does."""
        priors = {r.model: self.prior(r) for r in self.rows}
        return {model: priors[model] + own for model, own in self.model_residuals().items()}

    def covariance(self, spread: float) -> list[list[float]]:
        """Of the weights: what makes a model surer or less sure, the more it is unlike those with scores."""
        masses: dict[str, float] = defaultdict(float)
        inputs: dict[str, list[float]] = {}
        for row in self.rows:
            masses[row.model] += row.weight * self.slopes[row.benchmark] ** 2
            inputs[row.model] = row.x
        x = np.array([inputs[model] for model in masses])
        told = np.array([mass / (mass + SCORE_NOISE / spread**2) for mass in masses.values()])
        precision = (x * told[:, None]).T @ x + RIDGE * np.eye(x.shape[1])  # shrunk as the weights are
        return [[round(float(v), 6) for v in line] for line in np.linalg.inv(precision) * spread**2]

    def as_json(self) -> dict[str, object]:
        residuals = list(self.model_residuals().values())
        seen = statistics.pstdev(residuals) if len(residuals) > 2 else 0.6
        spread = max(LEFT_OUT_SPREAD, seen)
        boards = [b for b in self.levels if b.startswith(self.reference + "|") or self.reference in b]
        newest = max(boards, key=lambda b: b) if boards else ""
        reference = self.levels[newest] if newest else 0.0
        return {
            "weights": [round(float(w), 4) for w in self.weights],
            "reference_board": newest,
            "reference_level": round(reference, 4),
            "spread": round(spread, 3),
            "covariance": self.covariance(spread),
            "spread_unknown": round(2 * spread, 3),
            "noise": SCORE_NOISE,
            "kin_shared": KIN_SHARED,
            "kin_pseudo": KIN_PSEUDO,
            "floor": round(min(self.prior(r) for r in self.rows), 3),
            "ceiling": round(max(self.abilities().values()), 3),
            "unknown_maker": -0.15,
            "makers": {k: round(v, 3) for k, v in sorted(self.makers.items()) if abs(v) > 0.02},
            "families": {k: round(v, 3) for k, v in sorted(self.families.items()) if abs(v) > 0.02},
            "slopes": {k: round(v, 3) for k, v in sorted(self.slopes.items())},
            "levels": {k: round(v, 3) for k, v in sorted(self.levels.items())},
        }


def _shrunk(values: list[tuple[float, float]], pseudo: float) -> float:
    return sum(v * w for v, w in values) / (sum(w for _, w in values) + pseudo)


def _within(values: np.ndarray, boards: list[str]) -> np.ndarray:
    """Values less their board's mean."""
    means: dict[str, list[float]] = defaultdict(list)
    for v, b in zip(values, boards, strict=True):
        means[b].append(float(v))
    return np.array([v - sum(means[b]) / len(means[b]) for v, b in zip(values, boards, strict=True)])


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How well the prior foretells models that the fit has not seen; errors in logits."""

    group: str
    models: int
    median_error: float
    deviation: float
    rank_correlation: float

    @property
    def figures(self) -> tuple[float, float, float]:
        """Median error, standard deviation, rank correlation."""
        return self.median_error, self.deviation, self.rank_correlation

    def __str__(self) -> str:
        return (
            f"{self.group}: {self.models} left out, median error {self.median_error:.2f} logits, standard "
            f"deviation {self.deviation:.2f}, rank correlation {self.rank_correlation:.2f}"
        )


def left_out(group: str) -> LeftOut:
    """Leave-one-model-out error of the prior, in logits and as a rank correlation."""
    rows = rows_of(group)
    models = sorted({r.model for r in rows if sum(q.model == r.model for q in rows) >= 3})[::4]
    errors, predicted, seen = [], [], []
    for model in models:
        fit = Fit([r for r in rows if r.model != model], REFERENCE[group])
        own = [r for r in rows if r.model == model]
        actual = sum(r.weight * (r.y - fit.levels[r.board]) / fit.slopes[r.benchmark] for r in own) / sum(
            r.weight for r in own
        )
        errors.append(abs(actual - fit.prior(own[0])))
        predicted.append(fit.prior(own[0]))
        seen.append(actual)
    ranks = np.corrcoef(np.argsort(np.argsort(predicted)), np.argsort(np.argsort(seen)))[0, 1]
    spread = statistics.pstdev(a - b for a, b in zip(seen, predicted, strict=True))
    return LeftOut(group, len(models), statistics.median(errors), spread, float(ranks))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    if options.check:
        for group in REFERENCE:
            if len({r.model for r in rows_of(group)}) > 12:
                print(left_out(group))
        return
    fitted = fit_groups()
    document = {
        "fit_date": benchmark_table()["fit_date"],
        "source": "scripts/fit_quality.py over the catalog's benchmarks",
        "information": informations(),
        "derivative_loss": DERIVATIVE_LOSS,
        "derivative_spread": DERIVATIVE_SPREAD,
        "groups": fitted,
    }
    OUT.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    quality.fit_table.cache_clear()
    EXPECTED.write_text(json.dumps(expectations(), separators=(",", ":")) + "\n", encoding="utf-8")
    for name, constants in fitted.items():
        shown = ("weights", "reference_board", "reference_level", "spread")
        print(name, *(f"{key} {constants[key]}" for key in shown))


def expectations() -> dict[str, object]:
    """What tools/quality.py gives for every model and task, as tools/data/expected.json keeps it.

    A model has three numbers a task (score, spread, grade), or three in all where every task gives the same.
    """
    tasks = tasks_of_table()
    models = [m for m in load_catalog().models if m.kind != "encoder"]
    return {
        "tasks": tasks,
        "models": {m.id: model_row(m, tasks) for m in models},
        "apis": {m.key: row_of([api_quality_of(m.key, task) for task in tasks]) for m in load_api_models()},
    }


def fit_groups() -> dict[str, dict[str, object]]:
    """The constants of every group, as they stand in quality_fit.json."""
    groups = {name: Fit(rows_of(name), reference).as_json() for name, reference in REFERENCE.items()}
    groups["generator"] |= api_constants(groups["generator"])
    return groups


def api_constants(fit: dict[str, object]) -> dict[str, float]:
    """Prior of API models, whose sizes are not public: the middle and spread of those with scores."""
    catalog = load_catalog()
    levels, slopes = fit["levels"], fit["slopes"]
    assert isinstance(levels, dict)
    assert isinstance(slopes, dict)
    abilities = []
    for model in load_api_models():
        rows = [
            r for _, r in api_benchmarks(catalog, model) if board_key(r) in levels and logit_of(r) is not None
        ]
        if rows:
            values = [
                ((logit_of(r) or 0.0) - levels[board_key(r)]) / slopes.get(r.benchmark, 1.0) for r in rows
            ]
            abilities.append(statistics.mean(values))
    spread = statistics.pstdev(abilities)
    return {
        "api_prior": round(statistics.mean(abilities) - 0.3, 3),
        "api_spread": round(spread, 3),
    }


if __name__ == "__main__":
    main()
