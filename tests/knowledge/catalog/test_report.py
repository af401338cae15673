"""The maintainers' report: what it counts, finds and compares."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from knowledge.catalog.dates import shipped_dates
from knowledge.catalog.store import DATA, Catalog, bundled_catalog
from scripts.build_catalog import REPORT, ROOT, write_report
from scripts.catalog.report import CHANGES, changes_of, committed, dates_of, report

SOURCES = json.loads((DATA / "sources.json").read_bytes())


def test_the_committed_page_is_that_of_the_committed_rows() -> None:
    page = report(bundled_catalog(), SOURCES, date(2026, 12, 31), [])
    assert page.partition(CHANGES)[0] == REPORT.read_text(encoding="utf-8").partition(CHANGES)[0], (
        "make catalog"
    )


def test_it_lists_what_is_double_and_what_cannot_be() -> None:
    good = bundled_catalog().models[:3]
    twice = good[0].model_copy(update={"context_length": 10**12})
    catalog = bundled_catalog().with_models((twice,))
    catalog.__dict__["models"] = (*good, twice)
    page = report(catalog, SOURCES, date(2026, 12, 31), ["- one change"])
    assert f"- {twice.id}: the id stands twice" in page
    assert f"- {twice.id} (context): a context of 1000000000000 tokens" in page
    assert page.endswith("## Changes\n\n- one change\n")


def test_sources_that_name_no_state_are_counted_and_rules_are_none() -> None:
    texts = {
        "texts": ["llmfit", "derived from x", "PyPI a==1.2"],
        "models": {"a/b": {"0": "x", "1": "y", "2": "z"}},
    }
    page = report(bundled_catalog(), texts, date(2026, 12, 31), [])
    assert "- llmfit (1)" in page
    assert "derived from x" not in page
    assert "a==1.2" not in page


def test_changes_are_told_by_row_and_field() -> None:
    before = {"models.json": json.dumps([{"id": "a", "x": 1}, {"id": "b"}]), "benchmarks.json": None}
    packed = {
        "columns": ["model", "benchmark", "setting", "source", "score"],
        "words": {"model": ["m"], "benchmark": ["b"], "setting": ["s"], "source": ["q"]},
        "rows": [[0, 0, 0, 0, 5]],
    }
    after = {
        "models.json": json.dumps([{"id": "a", "x": 2, "y": 3}, {"id": "c"}]),
        "benchmarks.json": json.dumps(packed),
    }
    assert changes_of(before, after) == [
        "- models.json: 1 new, 1 gone, 1 changed",
        "  - new: c",
        "  - gone: b",
        "  - a: x, y",
        "- benchmarks.json: 1 new, 0 gone, 0 changed",
        "  - new: m | b | s | q",
    ]


def test_the_days_are_the_newest_ones() -> None:
    days = dates_of(Catalog(), ["x-2026-10-01", "y"], "9.9")
    assert days == {
        "catalog": shipped_dates().catalog,
        "scores": shipped_dates().scores,
        "litellm": "9.9",
        "prices": "2026-10-01",
    }


def test_a_folder_is_reported_on_and_dated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in DATA.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(
        "scripts.build_catalog.committed", lambda path, root: path.read_text(encoding="utf-8")
    )
    assert write_report(tmp_path, tmp_path / "page.md") == []
    assert json.loads((tmp_path / "dates.json").read_bytes())["catalog"] == shipped_dates().catalog
    assert (tmp_path / "page.md").read_text().endswith("None.\n")
    assert committed(ROOT / "no" / "such.json", ROOT) is None
