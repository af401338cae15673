"""docs/quality.md: up to date, complete, and its stored results still true."""

from __future__ import annotations

import re

import pytest

from bench.quality import stored, unseen_boards
from bench.quality_page import PAGE, TEXT, page
from knowledge.catalog.store import load_catalog
from tools.quality import fit_table
from tools.quant_loss import cache_rows, weight_rows
from tools.scores import benchmark_row, benchmark_table


@pytest.fixture(scope="module")
def text() -> str:
    return page()


def test_the_page_is_what_the_tables_say(text: str) -> None:
    assert PAGE.read_text(encoding="utf-8") == text, "run `python -m bench.quality_page`"


def test_the_page_has_every_task_benchmark_format_and_cache_type(text: str) -> None:
    first_cells = {line.split(" | ")[0].removeprefix("| ") for line in text.splitlines() if line[:2] == "| "}
    table = benchmark_table()
    assert set(table["tasks"]) <= first_cells
    assert {row["match"] for row in table["benchmarks"]} <= first_cells
    assert set(weight_rows()) | set(cache_rows()) <= first_cells


def test_no_mark_is_left_and_rows_are_as_wide_as_their_heads(text: str) -> None:
    assert not re.search(r"\$\w", text)
    marks = set(re.findall(r"\$(\w+)", TEXT.read_text(encoding="utf-8")))
    assert len(marks) > 60
    widths: list[int] = []
    for line in text.splitlines():
        if not line.startswith("| "):
            widths = []
            continue
        widths.append(line.count(" | "))
        assert widths[0] == widths[-1], line


def test_the_stored_results_are_of_the_present_fit() -> None:
    assert stored().fit_date == fit_table()["fit_date"], "run `make quality`"
    assert {one.group for one in stored().left_out} >= {"generator"}
    for one in stored().left_out:
        assert one.models > 0
        assert one.rank_correlation > 0.8


def test_the_stored_boards_are_found_again() -> None:
    """Refits once a publisher, which takes three seconds; leaving out models takes twenty and is stored."""
    again = {(b.publisher, b.name): b for b in unseen_boards()}
    kept = {(b.publisher, b.name): b for b in stored().boards}
    assert again.keys() == kept.keys(), "run `make quality`"
    for key, board in kept.items():
        assert again[key].ours == pytest.approx(board.ours, abs=0.02), "run `make quality`"
        assert again[key].models == board.models
    ours, size = stored().medians
    assert ours > size, "scores of others foretell an order better than parameters"


def test_every_row_of_the_table_of_benchmarks_counts_some_score() -> None:
    """A row behind one that fits its names too would never count: MMMLU is no MMLU."""
    catalog = load_catalog()
    names = {r.benchmark for model in catalog.models for r in catalog.benchmarks.for_model(model.id)}
    found = [benchmark_row(name) for name in names]
    idle = [row["match"] for row in benchmark_table()["benchmarks"] if not any(row is one for one in found)]
    assert idle == []


@pytest.mark.parametrize(
    ("name", "axis"),
    [
        ("MMMLU", "multilingual"),
        ("MMMLU non-English", "multilingual"),
        ("GlobalMMLU", "multilingual"),
        ("MMLU (5-shot, macro_avg/acc) [French]", "multilingual"),
        ("MMLU", "knowledge"),
        ("MMLU-Pro", "knowledge"),
        ("SuperGPQA", "knowledge"),
        ("GPQA Diamond", "reasoning"),
        ("Multi-SWE-bench", "agent"),
    ],
)
def test_a_benchmark_counts_on_its_own_axis(name: str, axis: str) -> None:
    row = benchmark_row(name)
    assert row is not None
    assert row["axis"] == axis
