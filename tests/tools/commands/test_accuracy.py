"""`accuracy`: its document, its text and its errors."""

from __future__ import annotations

import json

import pytest

from bench.accuracy import PAGE, page
from knowledge.errors import UsageError
from tools.accuracy.registry import report_of
from tools.commands.accuracy import AccuracyQuery, accuracy


def test_all_parts_or_one() -> None:
    document = accuracy(AccuracyQuery())
    assert document["parts"]["speed"] == accuracy(AccuracyQuery(part="speed"))["parts"]["speed"]
    assert json.loads(json.dumps(document)) == document
    assert {table["title"] for table in document["parts"]["speed"]} >= {"Generation", "Prompts", "Worst rows"}


def test_unknown_parts_are_refused() -> None:
    with pytest.raises(UsageError, match="no accuracy report on `weather`") as refused:
        accuracy(AccuracyQuery(part="weather"))
    assert refused.value.hint == "There is: memory, vllm, training, speed."


def test_every_part_has_tables_with_rows_and_sources() -> None:
    document = accuracy(AccuracyQuery())
    assert list(document["parts"]) == ["memory", "vllm", "training", "speed"]
    for name, tables in document["parts"].items():
        assert tables, name
        for table in tables:
            assert table["rows"], table["title"]
            assert all(len(row) == len(table["columns"]) for row in table["rows"])
        assert any(table["note"] for table in tables)


def test_no_calculator_is_nearer_than_ours() -> None:
    peers = next(t for t in report_of("memory") if "calculators" in t.title)
    *rows, last = peers.rows
    assert len(rows) == 11
    ours, *theirs = (int(str(cell).split(" of ")[0]) for cell in last[2:])
    assert ours == len(rows)
    assert all(ours > other for other in theirs)


def test_the_page_of_the_documentation_is_what_the_program_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make accuracy`"
