"""Speeds against the shipped measurements, and the report that says how far they are."""

from __future__ import annotations

from tools.accuracy.registry import PARTS, report_of
from tools.accuracy.speed import compared, errors_of, measured_rows, report
from tools.speed_constants import load_constants


def test_generation_meets_the_measurements() -> None:
    errors = errors_of(compared("generation"))
    assert errors.rows > 50
    assert errors.median <= 1.1
    assert errors.p90 <= 1.35
    assert errors.inside >= 0.9
    assert errors.width <= 2


def test_prompts_meet_the_measurements_of_todays_kernels() -> None:
    errors = errors_of([pair for pair in compared("prompt") if not pair[0].old_kernels])
    assert errors.rows > 100
    assert errors.median <= 1.15
    assert errors.p90 <= 1.8
    assert errors.inside >= 0.9


def test_several_conversations_meet_the_measurements() -> None:
    errors = errors_of(compared("batch"))
    assert errors.median <= 1.2
    assert errors.inside >= 0.8


def test_devices_never_seen_are_met() -> None:
    """The bars are what leaving one device out reached, with little room."""
    found = load_constants().left_out
    assert found["generation"].median <= 1.07
    assert found["generation"].p90 <= 1.28
    assert found["generation"].coverage >= 0.9
    assert found["prompt"].median <= 1.2
    assert found["prompt"].p90 <= 1.85
    assert found["prompt"].coverage >= 0.9


def test_every_row_has_a_source_and_an_estimate() -> None:
    for kind in ("generation", "prompt", "batch"):
        rows = measured_rows(kind)
        assert all(len(row.source) > 5 for row in rows)
        assert len(compared(kind)) == len(rows)


def test_the_report_is_complete() -> None:
    tables = report()
    assert "speed" in PARTS
    assert report_of("speed") == tables
    for table in tables:
        assert table.rows
        assert all(len(row) == len(table.columns) for row in table.rows)
    assert "fitted" in tables[0].note.lower()
    by_class = [table for table in tables if table.columns[0] == "device class"]
    assert all(table.rows[-1][0] == "all" for table in by_class)
