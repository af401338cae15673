"""Quality by public scores: the scale, the shrinking, and what it says of models that people know."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.catalog.records import BenchmarkResult
from knowledge.catalog.store import load_catalog
from tests.tools.asking import model
from tools import quality as module
from tools.candidates import QualityFigure
from tools.kin import group_of
from tools.needs import Task
from tools.quality import (
    features_of,
    fit_table,
    prior_of,
    quality_of,
)
from tools.scores import (
    benchmark_table,
    board_key,
    logit_of,
    measure_of,
)

LLAMA = "meta-llama/Llama-3.1-8B-Instruct"
GROUP = fit_table()["groups"]["generator"]
TASKS: tuple[Task, ...] = tuple(benchmark_table()["tasks"])
QUICK = settings(max_examples=80, deadline=None)


class FakeBenchmarks:
    """Scores of one model, as the test gives them; the others have none, or their own."""

    def __init__(self, rows: tuple[BenchmarkResult, ...], *, alone: bool = True) -> None:
        self.rows = rows
        self.alone = alone

    def for_model(self, model_id: str) -> tuple[BenchmarkResult, ...]:
        if model_id == LLAMA:
            return self.rows
        return () if self.alone else tuple(load_catalog().benchmarks.for_model(model_id))


class FakeCatalog:
    """The catalog with other scores."""

    def __init__(self, rows: tuple[BenchmarkResult, ...], *, alone: bool = True) -> None:
        self.by_id = load_catalog().by_id
        self.benchmarks = FakeBenchmarks(rows, alone=alone)


def _quality(
    rows: tuple[BenchmarkResult, ...], task: Task = "chat", *, alone: bool = True
) -> tuple[float, float]:
    """Score and spread with these rows only."""
    found = _figure(rows, task, alone=alone)
    return found.score, found.spread


def _figure(rows: tuple[BenchmarkResult, ...], task: Task, *, alone: bool = True) -> QualityFigure:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "load_catalog", lambda: FakeCatalog(rows, alone=alone))
        _forget()
        found: QualityFigure = quality_of.__wrapped__(LLAMA, task)
    _forget()
    return found


def _forget() -> None:
    for cached in (module._rows, module.ability_of, module.quality_of):
        cached.cache_clear()


def _rows() -> tuple[BenchmarkResult, ...]:
    """Rows of the catalog that count for the ranking, each of another board."""
    found: dict[str, BenchmarkResult] = {}
    for name in ("Qwen/Qwen3-32B", "meta-llama/Llama-3.3-70B-Instruct", LLAMA, "google/gemma-3-27b-it"):
        for row in load_catalog().benchmarks.for_model(name):
            if board_key(row) in GROUP["levels"] and logit_of(row) is not None and measure_of(row.benchmark):
                found.setdefault(board_key(row), row)
    return tuple(found.values())


ROWS = _rows()
some_rows = st.lists(st.sampled_from(ROWS), max_size=6, unique_by=board_key).map(tuple)


@QUICK
@given(some_rows, st.sampled_from(ROWS), st.floats(0, 100), st.floats(0, 100), st.sampled_from(TASKS))
def test_a_better_score_never_lowers_the_estimate(
    rows: tuple[BenchmarkResult, ...], row: BenchmarkResult, one: float, other: float, task: Task
) -> None:
    scale = 16.0 if "Elo" in row.unit else 1.0
    worse, better = (row._replace(score=scale * value) for value in sorted((one, other)))
    low, high = _quality((*rows, worse), task), _quality((*rows, better), task)
    assert low[0] <= high[0] + 1e-9


@QUICK
@given(some_rows, st.sampled_from(ROWS), st.sampled_from(TASKS))
def test_a_top_score_never_lowers_the_estimate(
    rows: tuple[BenchmarkResult, ...], row: BenchmarkResult, task: Task
) -> None:
    """More evidence for a model can only help where it is as good as a score can be."""
    top = row._replace(score=3000.0 if "Elo" in row.unit else 100.0)
    assert _quality((*rows, top), task)[0] >= _quality(rows, task)[0] - 1e-9


@QUICK
@given(some_rows, st.sampled_from(ROWS), st.sampled_from(TASKS))
def test_more_scores_narrow_the_uncertainty(
    rows: tuple[BenchmarkResult, ...], row: BenchmarkResult, task: Task
) -> None:
    def deviation(found: tuple[float, float]) -> float:
        """Back from points to logits."""
        score, spread = found
        low = max(score - spread, 1e-6)
        return math.log(score / (100 - score)) - math.log(low / (100 - low))

    before, after = _quality(rows, task), _quality((*rows, row), task)
    if min(before[1], after[1]) > 0.5:  # the spread has a floor of half a point
        assert deviation(after) < deviation(before)


def test_without_scores_the_prior_stands_with_its_whole_spread() -> None:
    score, spread = _quality(())
    prior, deviation = prior_of(LLAMA)
    level = float(GROUP["reference_level"])
    assert score == pytest.approx(100 / (1 + math.exp(-(level + prior))))
    assert score - spread == pytest.approx(100 / (1 + math.exp(-(level + prior - deviation))))


def test_measured_models_are_surer_than_unmeasured_ones() -> None:
    """On the scale of logits, where a point at the ends of the scale is worth more."""
    chat = [m for m in load_catalog().models if m.kind == "chat" and features_of(m) is not None]
    found = [q for q in (quality_of(m.id, "chat") for m in chat) if 15 < q.score < 60]

    def typical(measured: bool) -> float:
        group = [q.spread / (q.score * (100 - q.score)) for q in found if q.measured is measured]
        assert len(group) > 20
        return sum(group) / len(group)

    assert typical(True) < 0.8 * typical(False)


def test_a_model_of_unknown_size_or_date_is_expected_low_and_unsure() -> None:
    unsized = [m for m in load_catalog().models if m.kind == "chat" and features_of(m) is None]
    assert unsized
    ability, spread = prior_of(unsized[0].id)
    assert (ability, spread) == (GROUP["floor"], GROUP["spread_unknown"])
    assert spread > GROUP["spread"]


@pytest.mark.parametrize("task", TASKS)
def test_every_model_has_a_figure_in_range(task: Task) -> None:
    group = {"embedding": "embedder", "reranking": "reranker"}.get(task, "generator")
    for record in load_catalog().models:
        if group_of(record) != group:
            continue
        found = quality_of(record.id, task)
        assert 0 < found.score < 100
        assert 0 < found.spread < 50
        assert found.basis
        if found.measured:
            assert found.basis[0].kind == "benchmark"


@pytest.mark.parametrize(
    ("task", "older", "newer"),
    [
        ("chat", "meta-llama/Llama-3.1-8B-Instruct", "Qwen/Qwen3-8B"),
        ("chat", "Qwen/Qwen2.5-14B-Instruct", "Qwen/Qwen3-14B"),
        ("chat", "meta-llama/Llama-2-13b-chat-hf", "meta-llama/Llama-3.1-8B-Instruct"),
        ("chat", "mistralai/Mistral-7B-Instruct-v0.3", "meta-llama/Llama-3.1-8B-Instruct"),
        ("chat", "google/gemma-2-9b-it", "google/gemma-3-12b-it"),
        ("chat", "google/gemma-2-27b-it", "google/gemma-3-27b-it"),
        ("chat", "meta-llama/Llama-3.1-70B-Instruct", "meta-llama/Llama-3.3-70B-Instruct"),
        ("chat", "microsoft/Phi-3-mini-4k-instruct", "Qwen/Qwen3-4B-Instruct-2507"),
        ("code", "codellama/CodeLlama-34b-Instruct-hf", "Qwen/Qwen2.5-Coder-32B-Instruct"),
        ("code", "deepseek-ai/deepseek-coder-33b-instruct", "Qwen/Qwen2.5-Coder-32B-Instruct"),
        ("code", "Qwen/Qwen2.5-Coder-32B-Instruct", "Qwen/Qwen3.6-27B"),
        ("embedding", "sentence-transformers/all-MiniLM-L6-v2", "Qwen/Qwen3-Embedding-0.6B"),
        ("embedding", "Qwen/Qwen3-Embedding-0.6B", "Qwen/Qwen3-Embedding-8B"),
        ("classification", "google-bert/bert-base-uncased", "microsoft/deberta-v3-base"),
    ],
)
def test_what_was_replaced_stands_below_what_replaced_it(task: Task, older: str, newer: str) -> None:
    one, other = quality_of(model(older).id, task), quality_of(model(newer).id, task)
    assert one.score < other.score


def test_size_and_age_count_within_a_family() -> None:
    for task in ("chat", "code"):
        sizes = ("Qwen/Qwen3-0.6B", "Qwen/Qwen3-1.7B", "Qwen/Qwen3-4B", "Qwen/Qwen3-8B", "Qwen/Qwen3-32B")
        scores = [quality_of(name, task).score for name in sizes]
        assert scores == sorted(scores)


def test_a_base_model_is_expected_below_its_chat_model() -> None:
    chat = model(LLAMA)
    base = model("meta-llama/Llama-3.1-8B")
    assert base.kind == "base"
    assert prior_of(base.id)[0] < prior_of(chat.id)[0]
