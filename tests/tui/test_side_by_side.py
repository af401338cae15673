"""Rows of the comparison: what is best, what differs, and where the figures come from."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tui.fake_facts import API, ENTRIES, RECOMMENDATION, document, entry
from tui.side_by_side import Cell, Row, SideBySide, as_markdown, read_side_by_side, with_option


def view(*entries: Any) -> SideBySide:
    return read_side_by_side(document(list(entries)))


def row(label: str, *entries: Any) -> Row:
    return next(row for row in view(*entries).rows if row.label == label)


@pytest.mark.parametrize(
    ("values", "best"),
    [
        ((1.0, 3.0, 2.0), {1}),
        ((3.0, 3.0, 2.0), {0, 1}),
        ((2.0, 2.0, 2.0), set()),
        ((2.0, None, None), set()),
        ((2.0, None, 1.0), {0}),
        ((None, None), set()),
    ],
)
def test_best_cells(values: tuple[float | None, ...], best: set[int]) -> None:
    cells = tuple(Cell("unknown" if value is None else str(value), value) for value in values)
    assert Row("a", cells).best == best


def test_figures_that_read_the_same_are_equally_good() -> None:
    assert Row("a", (Cell("6.0 GiB", -6.01), Cell("6.0 GiB", -6.02), Cell("7.0 GiB", -7.0))).best == {0, 1}


def test_directions_of_the_rows() -> None:
    small, large = ENTRIES["org/Qwen2.5-Coder-7B-Instruct"], ENTRIES["org/Codestral-22B"]
    assert row("memory in all", small, large).best == {0}
    assert row("quality", small, large).best == {1}
    assert row("commercial use", small, large).best == {0}
    assert row("parameters", small, large).best == set()
    assert row("speed", small, large).best == set()


def test_lower_is_better_where_a_benchmark_says_so() -> None:
    models = [ENTRIES["org/Qwen2.5-Coder-14B-Instruct"], API]
    told = document(models)
    told["benchmarks"] = [told["benchmarks"][0] | {"higher_is_better": False}]
    scores = read_side_by_side(told).rows[-1]
    assert scores.label == "LiveCodeBench v6"
    assert scores.best == {0}
    assert "lower is marked" in scores.note


def test_an_api_model_has_no_memory_and_no_free_price() -> None:
    local = ENTRIES["org/Qwen2.5-Coder-7B-Instruct"]
    assert row("memory in all", local, API).cells[1].text == "-"
    price = row("price", local, API)
    assert price.cells[0].text == "none (runs locally)"
    assert price.best == set()


def test_estimates_do_not_look_measured() -> None:
    guess = entry("Guess", 8.0, quality={"score": 50.0, "spread": 9.0, "measured": False})
    cells = row("quality", guess, ENTRIES["org/Codestral-22B"]).cells
    assert cells[0].text == "about 50 +/-9, expected"
    assert cells[1].text == "62 +/-4 measured"


def test_unknown_is_said() -> None:
    bare = {"model": "Bare", "model_id": "x/Bare", "kind": "local"}
    rows = view(bare, ENTRIES["org/Codestral-22B"]).rows
    told = {row.label: row.cells[0].text for row in rows}
    assert {told[label] for label in ("parameters", "license", "released", "features", "speed")} == {
        "unknown"
    }


def test_an_option_keeps_the_configuration_of_the_recommendation() -> None:
    option = RECOMMENDATION["candidates"][0]  # type: ignore[index]
    merged = with_option(ENTRIES[option["model_id"]], option)
    assert merged["quant"] == option["quant"]
    assert merged["memory"] == option["memory"]
    assert merged["quality"] == option["quality"]
    assert merged["release_date"] == "2024-09-19"  # the option does not say
    ranks = row("rank", merged, ENTRIES["org/Codestral-22B"])
    assert [cell.text for cell in ranks.cells] == ["1", "not among them"]


def test_differences_only() -> None:
    models = view(ENTRIES["org/Qwen2.5-Coder-7B-Instruct"], ENTRIES["org/Codestral-22B"])
    kept = {row.label for row in models.shown(differences_only=True)}
    assert "context length" not in kept
    assert "license" in kept
    alone = view(ENTRIES["org/Codestral-22B"])
    assert alone.shown(differences_only=True) == alone.rows


def test_markdown_marks_the_best_in_bold() -> None:
    models = view(ENTRIES["org/Qwen2.5-Coder-7B-Instruct"], ENTRIES["org/Codestral-22B"])
    lines = as_markdown(models, models.rows).splitlines()
    assert lines[0] == "|  | Qwen2.5-Coder-7B-Instruct | Codestral-22B |"
    assert "| commercial use | **yes** | no |" in lines
    assert all(line.count(" | ") == 2 for line in lines[2 : 2 + len(models.rows)])


def test_the_context_is_told_by_conversation() -> None:
    document = {"context": 160 * 1024, "parallel": 5, "models": [{"model": "A"}, {"model": "B"}]}
    assert (
        read_side_by_side(document).where == "Memory with 32k tokens of context for each of 5 conversations."
    )
    assert "for each" not in read_side_by_side({**document, "parallel": 1}).where


def test_a_score_of_another_setting_is_shown_and_not_compared() -> None:
    told = document(list(ENTRIES.values()))
    names = [model["model"] for model in told["models"]]
    other = {"score": 99.0, "setting": "thinking, high effort", "source": "a board"}
    shared = {
        "benchmark": "A board",
        "setting": "plain",
        "scores": dict.fromkeys(names[:-1], 50.0) | {names[0]: 60.0},
        "elsewhere": {names[-1]: other},
    }
    (found,) = [r for r in read_side_by_side(told | {"benchmarks": [shared]}).rows if r.label == "A board"]
    assert found.cells[-1].text == "99 (other setting)"
    assert "thinking, high effort" in found.cells[-1].note
    assert found.best == {0}
