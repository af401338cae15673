"""Conversation length from a token budget: the guide's figures by calculation, both ways round."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.catalog.store import load_catalog
from knowledge.errors import NoAnswerError
from tools.planning.tokens import (
    Conversation,
    against_ceiling,
    budget_of,
    computed_factor,
    cost_table,
    practical_limit,
    remark_of,
    stated_turns,
    worked_example,
)

USUAL = Conversation(500, 500, 1000)


def test_the_guides_example_by_calculation_with_both_readings_of_a_k() -> None:
    thousand, binary = worked_example()["calculated"]
    assert (thousand["budget_tokens"], thousand["room_tokens"]) == (16_000, 14_500)
    assert (binary["budget_tokens"], binary["room_tokens"]) == (16_384, 14_860)
    assert thousand["exchanges_at_most"] == binary["exchanges_at_most"] == 29
    assert thousand["recommended"] == binary["recommended"] == {"low": 20, "high": 25}
    # The guide rounds 14.5K down to 14K first, which gives its 28 and the same recommendation.
    rounded = Conversation(500, 500, 1500)
    assert (rounded.room(16_000), rounded.most(16_000), rounded.recommended(16_000)) == (14_000, 28, (20, 25))
    assert "14,500" in worked_example()["note"]


@pytest.mark.parametrize(("window", "limit"), [(8192, 4096), (32768, 16384), (131072, 61440), (4096, 2048)])
def test_the_guides_windows_have_its_practical_limits(window: int, limit: int) -> None:
    assert practical_limit(window) == limit


@given(st.integers(1, 10_000_000), st.integers(1, 10_000_000))
def test_a_larger_window_never_has_a_smaller_limit_and_none_reaches_the_window(
    first: int, second: int
) -> None:
    low, high = sorted((first, second))
    assert practical_limit(low) <= practical_limit(high) + 1
    assert practical_limit(high) <= high / 2


@given(st.integers(0, 5000), st.integers(1, 5000), st.integers(0, 5000), st.integers(1, 2000))
def test_the_needed_budget_is_the_smallest_that_holds_the_exchanges(
    system: int, exchange: int, buffer: int, wanted: int
) -> None:
    talk = Conversation(system, exchange, buffer)
    need = talk.needed(wanted)
    assert talk.most(need) == wanted
    assert talk.most(need - 1) == wanted - 1
    safe = talk.needed_with_margin(wanted)
    assert talk.recommended(safe)[1] >= wanted
    assert safe >= need


@given(st.integers(0, 10_000_000))
def test_no_more_is_recommended_than_fits(budget: int) -> None:
    low, high = USUAL.recommended(budget)
    assert 0 <= low <= high <= USUAL.most(budget)


@pytest.mark.parametrize(
    ("tokens", "where"),
    [(15_999, "below"), (16_000, "below"), (16_001, "between"), (16_384, "at"), (16_385, "above")],
)
def test_the_ceiling_in_both_readings(tokens: int, where: str) -> None:
    assert against_ceiling(tokens) == where


def test_a_budget_follows_from_the_window_up_to_the_ceiling() -> None:
    assert budget_of(None, 8192, "x").tokens == 4096
    assert budget_of(None, 131_072, "x").tokens == 16_384
    assert "61,440" in budget_of(None, 131_072, "x").why
    assert budget_of(None, None, "").tokens == 16_384
    assert budget_of(20_000, 131_072, "x").tokens == 20_000
    with pytest.raises(NoAnswerError, match="do not fit the 8,192 tokens that x reads"):
        budget_of(8193, 8192, "x")


def test_the_guides_costs_are_linear_and_attention_makes_long_examples_dearer() -> None:
    model = load_catalog().by_id["qwen/qwen3-8b"]
    rows = cost_table(model, "qlora")
    assert [row.linear for row in rows] == [1, 2, 4, 8, 16]
    assert rows[0].computed == 1
    previous = 1.0
    for row in rows[1:]:
        assert row.computed is not None
        assert row.linear < row.computed < row.linear**2
        assert row.computed / row.linear > previous
        previous = row.computed / row.linear
    assert remark_of(16_384) == "practical ceiling"
    assert remark_of(1_000_000) == remark_of(65_536)


def test_windows_in_the_layers_make_long_examples_cheaper_than_full_attention() -> None:
    by_id = load_catalog().by_id
    windowed = computed_factor(by_id["google/gemma-3-12b-it"], "qlora", 65_536)
    full = computed_factor(by_id["qwen/qwen3-14b"], "qlora", 65_536)
    assert windowed is not None
    assert full is not None
    assert 16 < windowed < full


def test_the_stated_turns_stand_beside_what_is_computed() -> None:
    small, medium, long = stated_turns(USUAL, 8192)
    # (4,096 - 1,500) / 500 = 5 exchanges, which are 10 messages: 10 to 15 turns hold in part, as messages.
    assert (small["exchanges_at_most"], small["messages_at_most"]) == (5, 10)
    assert small["turns"] == {"low": 10, "high": 15}
    assert small["holds"] == "as messages, in part"
    assert small["tokens_per_exchange_for_stated"] == {"low": 173, "high": 259}
    assert [row["is_this_window"] for row in (small, medium, long)] == [True, False, False]
    # (16,384 - 1,500) / 500 = 29 of 25 to 40; (61,440 - 1,500) / 500 = 119 of 50 and more.
    assert (medium["exchanges_at_most"], medium["holds"]) == (29, "as exchanges, in part")
    assert (long["exchanges_at_most"], long["holds"]) == (119, "as exchanges")
    short = stated_turns(Conversation(0, 100, 0), None)
    assert all(row["holds"] == "as exchanges" for row in short)
    assert not any(row["is_this_window"] for row in short)
    assert stated_turns(Conversation(500, 4000, 1000), 8192)[0]["holds"] == "not"
