"""The parts of the utility: ranges, directions, weights."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.catalog.store import load_catalog
from tools.needs import Priority
from tools.quant_loss import cache_rows, weight_rows
from tools.utility import (
    PARTS,
    Scores,
    context_score,
    is_tie,
    memory_score,
    speed_penalty,
    speed_score,
    table,
    utility,
    weakness_penalty,
)

PRIORITIES: tuple[Priority, ...] = get_args(Priority)
QUICK = settings(max_examples=60, deadline=None)
percent = st.floats(0, 100)
priorities = st.sampled_from(PRIORITIES)


def test_weights_are_shares() -> None:
    assert set(table()["weights"]) == set(PRIORITIES)
    for weights in table()["weights"].values():
        assert sum(weights.values()) == pytest.approx(1.0)
        assert min(weights.values()) > 0


def test_priorities_weigh_what_they_say() -> None:
    weights = table()["weights"]
    assert max(weights, key=lambda p: weights[p]["quality"]) == "quality"
    assert max(weights, key=lambda p: weights[p]["speed"]) == "speed"
    assert max(weights, key=lambda p: weights[p]["memory"]) == "small"


@QUICK
@given(priorities, st.fixed_dictionaries(dict.fromkeys(PARTS, percent)), st.sampled_from(PARTS), percent)
def test_utility_grows_with_every_part(
    priority: Priority, parts: dict[str, float], part: str, more: float
) -> None:
    here = utility(priority, Scores._make((*parts.values(), ())))
    assert -1e-9 <= here <= 100 + 1e-9
    better = parts | {part: max(parts[part], more)}
    assert utility(priority, Scores._make((*better.values(), ()))) >= here - 1e-9


@QUICK
@given(priorities, st.floats(0, 20), st.floats(0.5, 20), st.floats(0.5, 20))
def test_surer_figures_tie_less(priority: Priority, gap: float, one: float, other: float) -> None:
    assert is_tie(priority, 0.0, one, other)
    assert is_tie(priority, gap, one, other) is is_tie(priority, -gap, other, one)
    if is_tie(priority, gap, one, other):
        assert is_tie(priority, gap, one + 1, other)
    assert not is_tie(priority, one + other + 0.01, one, other)


def test_what_is_taken_off_lowers_the_sum() -> None:
    scores = Scores(50, 50, 50, 50, 50, 50, 50)
    assert utility("balanced", scores) == pytest.approx(50)
    assert utility("balanced", scores._replace(adjustments=(("slow", -7.0),))) == pytest.approx(43)


@QUICK
@given(st.floats(0, 1000), st.floats(0, 1000), st.floats(0, 100))
def test_speed_scores_grow_and_penalties_shrink(one: float, other: float, minimum: float) -> None:
    slow, fast = sorted((one, other))
    assert 0 <= speed_score(slow, minimum) <= speed_score(fast, minimum) <= 100
    assert speed_penalty(slow, minimum) >= speed_penalty(fast, minimum) >= 0
    assert speed_penalty(minimum, minimum) == 0


def test_an_unknown_speed_is_taken_as_the_minimum() -> None:
    assert speed_score(None, 12.0) == speed_score(12.0, 12.0)
    assert speed_score(None, 0.0) == speed_score(1.0, 0.0)
    assert speed_penalty(None, 12.0) == 0.0


def test_crawling_costs_more_than_any_bonus_of_speed() -> None:
    assert speed_penalty(0.5, 12.0) > 0.9 * table()["below_minimum_penalty"]
    assert speed_penalty(11.9, 12.0) < 1


@QUICK
@given(st.integers(0, 10**12), st.integers(0, 10**12), st.integers(1, 10**12), priorities)
def test_memory_scores_fall_with_use(one: int, other: int, there: int, priority: Priority) -> None:
    less, more = sorted((one, other))
    assert 100 >= memory_score(less, there, priority) >= memory_score(more, there, priority) >= 0
    assert memory_score(there, there, priority) == 0
    assert memory_score(0, there, priority) == 100.0
    assert memory_score(0, 0, priority) == 0


def test_a_small_footprint_counts_only_where_it_was_asked_for() -> None:
    assert memory_score(60, 100, "balanced") == memory_score(20, 100, "balanced") == 100.0
    assert memory_score(20, 100, "small") > memory_score(60, 100, "small")


@QUICK
@given(st.integers(1, 10**7), st.integers(1, 10**7))
def test_context_scores(window: int, needed: int) -> None:
    found = context_score(window, needed)
    assert 0 <= found <= 100
    assert (found == 0) == (window <= needed)
    assert context_score(8 * needed, needed) == 100
    assert context_score(None, needed) == 0


def test_ladders_name_known_formats() -> None:
    known = load_catalog().quantizations
    for format_, names in table()["ladders"].items():
        losses = [weight_rows()[name]["points"] for name in names]
        assert losses == sorted(losses), "best first"
        # BF16 weights come as either; the catalog lists them once.
        assert all(known[name].format == format_ for name in names if name != "BF16")
    assert set(table()["cache_ladder"]) <= set(cache_rows())
    assert set(table()["native"].values()) <= set(known)
    for name in (table()["desktop_engine"], *table()["server_engines"]):
        assert name in load_catalog().engines


@pytest.mark.parametrize("priority", ["speed", "cost", "small"])
def test_a_toy_pays_for_being_one(priority: Priority) -> None:
    assert weakness_penalty(80, priority) == 0
    assert weakness_penalty(10, priority) > weakness_penalty(30, priority) > 0
    assert weakness_penalty(10, "quality") == 0
