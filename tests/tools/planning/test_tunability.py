"""distil labs' tables: order, intervals, size, and what they say differently."""

from __future__ import annotations

from dataclasses import replace

from tools.planning.tunability import Ranked, by_size, disagreements, distil_tables, stated_gains


def test_the_newest_table_comes_first_and_the_older_is_named_as_such() -> None:
    tables = distil_tables()
    assert [(table.as_of, table.kind) for table in tables] == [
        ("2026-03-17", "after"),
        ("2026-03-17", "gain"),
        ("2025-06", "after"),
    ]
    assert "older" in tables[-1].title
    assert tables[-1].evidence.locator.startswith("classroom-base-model.md#")


def test_ranks_and_intervals_are_those_of_the_catalog() -> None:
    first = distil_tables()[0].rows[0]
    assert (first.name, first.rank, first.half) == ("Qwen3-8B", 2.33, 0.57)
    gains = distil_tables()[1].rows
    assert [row.rank for row in gains] == [2.11, 3.44, 4.89]
    old = distil_tables()[2].of("Qwen/Qwen3-0.6B")
    assert old is not None
    assert (old.rank, old.base_rank, old.half) == (6, 8, None)


def test_an_interval_never_reaches_below_rank_one() -> None:
    for table in distil_tables():
        for row in table.as_json()["rows"]:
            assert row["interval_95"] is None or 1 <= row["interval_95"]["low"] <= row["rank"]


def test_larger_models_end_higher_and_smaller_ones_gain_more() -> None:
    after, gain, old = (by_size(table) for table in distil_tables())
    assert after.larger_first > after.pairs / 2
    assert gain.larger_first < gain.pairs / 2
    assert "smaller one is ahead" in gain.text
    assert "without published intervals" in old.text
    # 8.19 and 8.03 billion count as one size, and two models share a rank.
    assert after.pairs == 13


def test_the_tables_disagree_on_the_first_place_and_on_one_pair_and_a_date_cannot_be() -> None:
    first, swap, date = disagreements()
    assert "Qwen3-8B in 2026-03-17" in first
    assert "Qwen3-4B-Instruct in 2025-06" in first
    assert "Llama-3.2-3B-Instruct is ahead of Qwen3-1.7B" in swap
    assert "a tie by its intervals" in swap
    assert "2025-08-05" in date


def test_who_gained_most_is_checked_by_the_reviews_own_ranks() -> None:
    (text,) = stated_gains()
    stated, shown = text.split("By its own ranks")
    assert "Llama 3.2-1B-Instruct and Qwen3-0.6B" in stated
    # The 4B gained as many places as the two that are named.
    assert {"Qwen3-4B-Instruct", "Llama 3.2-1B-Instruct", "Qwen3-0.6B"} <= set(
        shown.split(" gained most")[0].strip().split(", ")
    )
    largest = max(row.params_b or 0 for row in distil_tables()[2].rows)
    assert largest < 4.1


def test_equal_tables_do_not_disagree() -> None:
    newest = distil_tables()[0]
    assert disagreements((newest, replace(newest, as_of="2026-03-16"))) == ()


def test_a_tie_needs_both_intervals() -> None:
    one, two = Ranked("a", "o/a", 1.0, 2.0, 0.5), Ranked("b", "o/b", 2.0, 3.0, 0.4)
    assert one.tied_with(two) is False
    assert one.tied_with(replace(two, half=0.6)) is True
    assert one.tied_with(replace(two, half=None)) is None
