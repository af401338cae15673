"""docs/quality.md: up to date, complete, and its stored results still true."""

from __future__ import annotations

import re

import pytest

from bench.quality import stored, unseen_boards
from bench.quality_page import PAGE, TEXT, page
from tools.quality import fit_table
from tools.quant_loss import cache_rows, weight_rows
from tools.scores import benchmark_table


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
