"""Runs of `bench` are kept and come back as they were."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from knowledge.errors import AdvisorError
from knowledge.measured_here import (
    DAMAGED,
    FILE,
    FOLDER,
    MeasuredRun,
    Point,
    Range,
    forget_runs,
    keep_run,
    load_runs,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TEN = Range(low=9.0, mid=10.0, high=11.0)


def run(minutes: int = 0, **more: object) -> MeasuredRun:
    """A run, so many minutes after noon."""
    point = Point(prompt_tokens=512, output_tokens=128, parallel=1, samples=3, first_token_s=TEN)
    given: dict[str, object] = {
        "measured_at": NOON + timedelta(minutes=minutes),
        "machine": "RTX 3060 12GB",
        "engine": "ollama",
        "server": "127.0.0.1:11434",
        "served_as": "qwen3:8b",
        "points": (point,),
    }
    return MeasuredRun.model_validate({**given, **more})


def test_runs_come_back_oldest_first(tmp_path: Path) -> None:
    keep_run(run(5, quant="Q4_K_M"), tmp_path)
    keep_run(run(0), tmp_path)
    assert load_runs(tmp_path) == (run(0), run(5, quant="Q4_K_M"))


def test_a_run_that_goes_on_takes_the_place_of_its_beginning(tmp_path: Path) -> None:
    keep_run(run(complete=False), tmp_path)
    keep_run(run(), tmp_path)
    assert [one.complete for one in load_runs(tmp_path)] == [True]


def test_runs_are_forgotten_alone(tmp_path: Path) -> None:
    for minutes in range(3):
        keep_run(run(minutes), tmp_path)
    forget_runs([run(1), run(9)], tmp_path)
    assert load_runs(tmp_path) == (run(0), run(2))


def test_a_damaged_file_and_a_damaged_row_stop_nothing(tmp_path: Path) -> None:
    keep_run(run(), tmp_path)
    place = tmp_path / FOLDER / FILE
    text = place.read_text(encoding="utf-8")
    place.write_text(text.replace('"low": 9.0', '"low": 12.0'), encoding="utf-8")
    assert load_runs(tmp_path) == ()
    place.write_text(text[:40], encoding="utf-8")
    assert load_runs(tmp_path) == ()
    keep_run(run(1), tmp_path)
    assert load_runs(tmp_path) == (run(1),)


HOSTILE = ("", "null", "[]", "[" * 100_000, '{"runs": 5}', '{"runs": [null, 1, {}]}', "\x00\xff")


@pytest.mark.parametrize("text", HOSTILE)
def test_what_cannot_be_read_is_set_aside_and_not_lost(tmp_path: Path, text: str) -> None:
    place = tmp_path / FOLDER / FILE
    place.parent.mkdir()
    place.write_text(text, encoding="latin-1")
    assert load_runs(tmp_path) == ()
    keep_run(run(), tmp_path)
    assert load_runs(tmp_path) == (run(),)
    assert place.with_name(DAMAGED).read_text(encoding="latin-1") == text


def test_rows_of_a_newer_version_are_set_aside_and_the_others_stay(tmp_path: Path) -> None:
    keep_run(run(), tmp_path)
    place = tmp_path / FOLDER / FILE
    kept = json.loads(place.read_text(encoding="utf-8"))
    kept["runs"] += [{**kept["runs"][0], "new": 1}, {**kept["runs"][0], "measured_at": "0001-01-01T00:00:00"}]
    place.write_text(json.dumps(kept), encoding="utf-8")
    keep_run(run(1), tmp_path)
    assert load_runs(tmp_path) == (run(), run(1))
    assert json.loads(place.with_name(DAMAGED).read_text(encoding="utf-8")) == kept
    keep_run(run(2), tmp_path)
    assert len(load_runs(tmp_path)) == 3
    assert json.loads(place.with_name(DAMAGED).read_text(encoding="utf-8")) == kept


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("a file", encoding="utf-8")
    with pytest.raises(AdvisorError, match="cannot be kept"):
        keep_run(run(), tmp_path)
    assert load_runs(tmp_path) == ()


def test_an_interval_is_in_order() -> None:
    with pytest.raises(ValidationError, match="does not hold"):
        Range(low=2.0, mid=1.0, high=3.0)
