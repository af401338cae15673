"""How old facts are: days, full months, six months, and what a refresh makes of it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from knowledge.catalog.age import Facts, facts_of
from knowledge.catalog.dates import newest_name, price_map_day, shipped_dates
from knowledge.catalog.overlay import Overlay, write_overlay
from knowledge.catalog.store import bundled_catalog, forget_added
from knowledge.today import DAY_VARIABLE, today

DAY = "2026-03-31"


def on(day: str, then: str = DAY) -> Facts:
    return Facts(then, then, then, date.fromisoformat(day))


@pytest.mark.parametrize(
    ("day", "months", "stale"),
    [
        ("2026-03-31", 0, False),
        ("2026-04-30", 0, False),
        ("2026-05-01", 1, False),
        ("2026-09-30", 5, False),
        ("2026-10-01", 6, True),
        ("2027-03-31", 12, True),
        ("2025-01-01", 0, False),
    ],
)
def test_full_months_and_six_of_them(day: str, months: int, stale: bool) -> None:
    facts = on(day)
    assert (facts.age_months, facts.stale) == (months, stale)
    assert bool(facts.warning) is stale


def test_six_months_to_the_day_are_not_past_six_months() -> None:
    assert not on("2026-11-20", "2026-05-20").stale
    assert on("2026-11-21", "2026-05-20").stale
    assert not on("2027-02-28", "2026-08-31").stale
    assert on("2027-03-01", "2026-08-31").stale


def test_the_oldest_counts_and_is_said() -> None:
    facts = Facts("2026-11-20", "2026-01", None, date(2026, 12, 1))
    assert facts.age_months == 11
    assert facts.line == "Facts: catalog of 2026-11-20, API prices of 2026-01; the oldest 11 months old."
    assert "`llm-advisor models refresh`" in facts.warning
    assert facts.as_json()["scores"] is None
    nothing = Facts(None, None, None, date(2026, 12, 1))
    assert (nothing.age_months, nothing.stale) == (None, False)
    assert "not known" in nothing.line


def test_the_shipped_days_are_those_of_the_shipped_rows() -> None:
    catalog, dates = bundled_catalog(), shipped_dates()
    assert dates.catalog == max(model.as_of for model in catalog.models)
    rows = (result for name in catalog.benchmarks.names for result in catalog.benchmarks.for_name(name))
    assert dates.scores == max(result.as_of for result in rows)


def test_a_price_map_is_as_old_as_its_newest_name() -> None:
    assert newest_name(["gpt-4o-2024-08-06", "x/claude-20250929", "m-2512"]) == "2025-09-29"
    assert newest_name(["gpt-4o"]) is None
    assert price_map_day(shipped_dates().litellm, ()) == shipped_dates().prices
    assert price_map_day("9.9", ["x-2026-10-30"]) == "2026-10-30"


def test_a_model_that_the_hub_was_asked_for_is_as_young_as_that(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LLM_ADVISOR_HOME", str(tmp_path))
    monkeypatch.setenv(DAY_VARIABLE, "2027-12-01")
    model = bundled_catalog().by_id["qwen/qwen3-8b"]
    assert today() == date(2027, 12, 1)
    assert facts_of([model]).stale
    write_overlay(
        Overlay(checked={model.id: "2027-11-30"}, prices_fetched="2027-11-30", boards={"b": "2027-11-30"})
    )
    forget_added()
    try:
        assert facts_of([model]).age_months == 0
        assert facts_of([model.id]).catalog == "2027-11-30"
        assert facts_of([bundled_catalog().models[0], model]).stale
    finally:
        monkeypatch.undo()
        forget_added()


def test_a_day_that_is_none_is_not_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DAY_VARIABLE, "tomorrow")
    assert today() == date.today()  # noqa: DTZ011 - a calendar day
