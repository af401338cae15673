"""Scores on the common scale: what a test says, how far it is trusted, what siblings add."""

from __future__ import annotations

import json
import math
from datetime import date

import pytest

from knowledge.catalog.api_models import load_api_models
from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import Catalog, load_catalog
from tests.tools.asking import model
from tests.tools.test_quality import GROUP, LLAMA, ROWS, TASKS, _figure, _quality
from tools.expected import api_expected_of, expected_of
from tools.kin import group_of, original_of, siblings_of
from tools.needs import Task
from tools.quality import (
    ability_of,
    api_quality_of,
    encoder_table,
    fit_table,
    prior_of,
    quality_of,
    years,
)
from tools.scores import (
    age_factor,
    benchmark_table,
    doubts_of,
    information,
    informations,
    logit_of,
    measure_of,
    row_weight,
    share_of,
)


@pytest.mark.parametrize(
    ("score", "unit", "higher", "expected"),
    [
        (50.0, "percent", True, 0.0),
        (1200.0, "Elo", True, 1200 * math.log(10) / 400),
        (100.0, "percent", True, math.log(0.985 / 0.015)),
        (0.0, "percent", True, -math.log(0.985 / 0.015)),
        (3.0, "USD per run", True, None),
        (3.0, "percent", False, None),
        (250.0, "points", True, None),
    ],
)
def test_the_common_scale(score: float, unit: str, higher: bool, expected: float | None) -> None:
    row = ROWS[0]._replace(score=score, unit=unit, higher_is_better=higher)
    assert logit_of(row) == (None if expected is None else pytest.approx(expected))


def test_independent_and_new_scores_weigh_more() -> None:
    table = benchmark_table()
    row = next(r for r in ROWS if r.run_by == "independent")
    vendor = row._replace(run_by="vendor")
    assert row_weight(vendor, "chat") == pytest.approx(table["vendor_factor"] * row_weight(row, "chat"))
    assert age_factor(table["fit_date"]) == 1.0
    assert age_factor("2020-01-01") < age_factor("2025-01-01") < 1.0
    fit = date.fromisoformat(table["fit_date"])
    months = int(table["half_life_months"])
    half = date(fit.year - (months + 12 - fit.month) // 12, (fit.month - months - 1) % 12 + 1, 1)
    assert age_factor(half.isoformat()) == pytest.approx(0.5)


def test_a_coding_score_says_more_of_code_than_of_writing() -> None:
    row = next(r for r in ROWS if (what := measure_of(r.benchmark)) is not None and what.axis == "code")
    assert row_weight(row, "code") > row_weight(row, "writing") > 0
    assert row_weight(row._replace(benchmark="no such test"), "code") == 0


def test_costs_are_no_scores() -> None:
    polyglot, edits = measure_of("Aider polyglot"), measure_of("Aider polyglot well-formed edits")
    assert polyglot is not None
    assert edits is not None
    assert (polyglot.axis, edits.axis) == ("code", "agent")
    assert measure_of("Aider polyglot cost") is None


def test_doubted_tests_count_less_and_say_why() -> None:
    doubts = benchmark_table()["doubts"]
    what = measure_of("HumanEval")
    assert what is not None
    row = next(r for r in benchmark_table()["benchmarks"] if r["match"] == "HumanEval")
    factor = math.prod(doubts[doubt]["factor"] for doubt in row["doubts"])
    assert what.trust == pytest.approx(row["trust"] * factor)
    assert factor < 1
    score = ROWS[0]._replace(benchmark="HumanEval", unit="percent", score=92.0, higher_is_better=True)
    assert {"top models are near its ceiling", "near the ceiling of its test"} <= set(doubts_of(score))
    assert not doubts_of(score._replace(benchmark="LiveBench Coding", score=60.0))
    assert all(0 < doubt["factor"] < 1 and doubt["words"] for doubt in doubts.values())


def test_a_test_that_everybody_passes_tells_little() -> None:
    assert information(0.5) == 1.0
    assert information(0.95) == pytest.approx(information(0.05))
    assert information(0.95) < information(0.8) < 1.0
    assert informations()["MMLU-Redux"] < 0.5 < informations()["SWE-bench Verified"]
    for name, tops in _tops().items():
        what = measure_of(name)
        told = informations().get(name, 1.0)
        if what is not None and len(tops) >= 20 and sorted(tops)[len(tops) // 2] >= 88:
            assert told < 0.5, name


def _tops() -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for record in load_catalog().models:
        for row in load_catalog().benchmarks.for_model(record.id):
            share = share_of(row)
            if share is not None:
                found.setdefault(row.benchmark, []).append(100 * share)
    return found


def test_grades_say_what_a_figure_rests_on() -> None:
    independent = next(r for r in ROWS if r.run_by == "independent" and "LiveBench overall" in r.benchmark)
    vendor = independent._replace(run_by="vendor")
    for rows, grade in (((independent, vendor), "exact"), ((vendor,), "vendor")):
        found = _figure(rows, "chat")
        assert (found.grade, found.measured) == (grade, True)
    for task in TASKS[:3]:
        for record in load_catalog().models:
            if record.kind not in ("embedding", "reranker", "encoder"):
                found = quality_of(record.id, task)
                assert found.measured is (found.grade in ("exact", "vendor"))


def test_siblings_are_of_one_family_and_size() -> None:
    seen = 0
    for record in load_catalog().models:
        for other in siblings_of(record):
            seen += 1
            assert other.family == record.family
            assert other.id != record.id
            assert other.params_total == pytest.approx(record.params_total, rel=0.12)
    assert seen > 50


def test_what_siblings_scored_moves_an_unmeasured_model() -> None:
    moved = [
        m for m in load_catalog().models if quality_of(m.id, "chat").grade == "sibling" and m.params_total
    ]
    assert len(moved) > 10
    ups = 0
    for record in moved:
        ability = ability_of(record.id, "chat")
        if ability.original is None and ability.kin:
            assert ability.deviation < prior_of(record.id)[1]
            ups += abs(ability.mean - prior_of(record.id)[0]) > 0.01
    assert ups > 5


def test_an_unmeasured_derivative_never_stands_above_its_original() -> None:
    """By name or date alone no fine-tune is better than what it was made from."""
    seen = 0
    for record in load_catalog().models:
        original = original_of(record.id)
        if original is None or group_of(record) != "generator" or ability_of(record.id, "code").rows:
            continue
        seen += 1
        assert quality_of(record.id, "code").score < quality_of(original.id, "code").score, record.id
    assert seen > 10


def test_derivatives_are_known_by_their_shape() -> None:
    original = original_of("deepseek-ai/DeepSeek-R1-Distill-Llama-8B")
    assert original is not None
    assert original.id.startswith("meta-llama/")
    assert original_of("meta-llama/Llama-3.1-8B-Instruct") is None
    assert original_of("Qwen/Qwen3-4B-Instruct-2507") is None


def test_unmeasured_models_are_not_expected_above_every_measured_one() -> None:
    for task in ("chat", "code", "agent", "reasoning"):
        figures = [quality_of(m.id, task) for m in load_catalog().models if group_of(m) == "generator"]
        measured = max(q.score for q in figures if q.measured)
        assert max(q.score for q in figures if not q.measured) <= measured + 3


def test_training_makes_up_for_what_a_base_model_lacks() -> None:
    base, chat = "meta-llama/Llama-3.1-8B", "meta-llama/Llama-3.1-8B-Instruct"
    before = ability_of(chat, "chat").mean - ability_of(base, "chat").mean
    after = ability_of(chat, "chat", True).mean - ability_of(base, "chat", True).mean
    assert after < before


def test_every_axis_of_the_tables_exists() -> None:
    table = benchmark_table()
    axes = set(table["axes"])
    assert {row["axis"] for row in table["benchmarks"]} <= axes
    assert all(set(weights) <= axes for weights in table["tasks"].values())
    assert all(set(group) <= axes for group in table["groups"].values())
    assert set(table["tasks"]) == set(Task.__args__)  # type: ignore[attr-defined]
    date.fromisoformat(table["fit_date"])


def test_years_count_from_2024() -> None:
    assert years("2024-01-15") == 0.0
    assert years("2025-07") == pytest.approx(1.5)
    assert years("2025") == pytest.approx(1 + 5 / 12)
    assert years(None) is None
    assert years("") is None


def test_encoders_by_their_published_accuracy() -> None:
    table = encoder_table()
    for name, row in table["models"].items():
        record = load_catalog().model(name)
        assert record is not None, name
        assert record.kind == "encoder"
        found = quality_of(record.id, "classification")
        checked = row.get("checked", True)
        assert found.measured is checked
        assert found.spread == table["measured_spread" if checked else "unchecked_spread"]
        assert ("no text at hand confirms" in found.note) is not checked
        assert found.score == row["score"]
        assert row["source"] in found.basis[0].locator
    unknown = [m for m in load_catalog().models if m.kind == "encoder" and m.id not in table["models"]]
    guess = quality_of(unknown[0].id, "classification")
    assert not guess.measured
    assert guess.spread > table["measured_spread"]
    assert "expected" in guess.note


def test_api_models_have_figures_too() -> None:
    scored = [m for m in load_api_models() if api_quality_of(m.key, "chat").measured]
    assert len(scored) > 10
    for record in load_api_models()[:200]:
        found = api_quality_of(record.key, "code")
        assert 0 < found.score < 100
        assert found.basis
    nobody = api_quality_of("no such model", "chat")
    assert not nobody.measured
    assert nobody.spread >= max(api_quality_of(m.key, "chat").spread for m in scored) - 10


def test_the_committed_constants_are_those_of_the_fit() -> None:
    """Refits on the catalog as it is; a change of the benchmarks asks for a new quality_fit.json."""
    from scripts.fit_quality import fit_groups

    fitted = json.loads(json.dumps(fit_groups()))
    committed = fit_table()["groups"]
    assert set(fitted) == set(committed)
    for name, constants in committed.items():
        for key, value in constants.items():
            new = fitted[name][key]
            if key == "covariance":
                for line, other in zip(new, value, strict=True):
                    assert line == pytest.approx(other, abs=0.02)
            elif isinstance(value, dict | list | float):
                assert new == pytest.approx(value, abs=0.02), (name, key)
            else:
                assert new == value


def test_the_kept_expectations_are_those_of_the_figures() -> None:
    for task in TASKS:
        group = {"embedding": "embedder", "reranking": "reranker"}.get(task, "generator")
        for record in load_catalog().models:
            if group_of(record) == group:
                kept, figure = expected_of(record.id, task), quality_of(record.id, task)
                assert kept.score == pytest.approx(figure.score, abs=0.002), (record.id, task)
                assert kept.spread == pytest.approx(figure.spread, abs=0.002)
                assert kept.grade == figure.grade
    for api in load_api_models():
        for task in ("chat", "code"):
            assert api_expected_of(api.key, task).score == pytest.approx(
                api_quality_of(api.key, task).score, abs=0.002
            )


def test_the_reference_board_is_the_newest_of_its_kind() -> None:
    boards = [b for b in GROUP["levels"] if b.startswith("LiveBench overall|")]
    assert GROUP["reference_board"] == max(boards)
    assert GROUP["slopes"]["LiveBench overall"] == 1.0


def test_fakes_answer_like_the_catalog() -> None:
    """The fake with the catalog's own rows gives the catalog's own figure."""
    catalog: Catalog = load_catalog()
    record: ModelRecord = model(LLAMA)
    rows = tuple(catalog.benchmarks.for_model(record.id))
    assert _quality(rows, "chat", alone=False) == (
        quality_of(LLAMA, "chat").score,
        quality_of(LLAMA, "chat").spread,
    )
