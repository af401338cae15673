from __future__ import annotations

from pydantic import TypeAdapter

from knowledge.catalog.records import BenchmarkResult
from knowledge.catalog.store import load_catalog


def test_scores_carry_source_date_and_who_ran_them() -> None:
    results = load_catalog().benchmarks.for_model("qwen/qwen3-8b")
    assert len(results) >= 3
    for result in results:
        assert result.source
        assert result.as_of[:2] == "20"
    assert {result.run_by for result in load_catalog().benchmarks.for_name("gpt-5 (high)")}


def test_an_unknown_model_has_no_scores() -> None:
    benchmarks = load_catalog().benchmarks
    assert benchmarks.for_model("nobody/nothing") == ()
    assert benchmarks.for_name("nothing") == ()


def test_every_benchmark_has_a_board_that_says_what_it_measures() -> None:
    benchmarks = load_catalog().benchmarks
    names = {result.benchmark for name in benchmarks.names for result in benchmarks.for_name(name)}
    assert len(names) > 200
    assert [name for name in names if benchmarks.board_of(name) is None] == []
    cost = benchmarks.board_of("Aider polyglot run cost")
    assert cost is not None
    assert not cost.higher_is_better
    assert len(benchmarks.boards()) >= 25


def test_every_shipped_row_is_a_valid_result() -> None:
    """Reading skips the validation for speed, so it is done here."""
    benchmarks = load_catalog().benchmarks
    results = [result for name in benchmarks.names for result in benchmarks.for_name(name)]
    assert len(results) > 8000
    adapter = TypeAdapter(BenchmarkResult)
    for result in results:
        assert adapter.validate_python(result, strict=True) == result
