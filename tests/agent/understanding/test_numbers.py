"""Quantities: values, units, periods, ranges and comparisons."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.understanding.numbers import Quantity, read_number, read_quantities
from agent.understanding.text import prepare


def only(text: str) -> Quantity:
    found = read_quantities(prepare(text))
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize(
    ("text", "value", "unit", "per"),
    [
        ("16k tokens", 16_000, "tokens", ""),
        ("1.5M tokens", 1_500_000, "tokens", ""),
        ("20 tok/s", 20, "tokens", "second"),
        ("20 tokens a second", 20, "tokens", "second"),
        ("$200 a month", 200, "usd", "month"),
        ("€50", 50, "eur", ""),
        ("200 dollars per month", 200, "usd", "month"),
        ("9M tokens a month", 9_000_000, "tokens", "month"),
        ("100 requests per second", 100, "requests", "second"),
        ("thousands per minute", 2_000, "", "minute"),
        ("15,000 labelled tickets", 15_000, "examples", ""),
        ("20 fixed categories", 20, "classes", ""),
        ("a few hundred lines", 300, "lines", ""),
        ("100-page PDF", 100, "pages", ""),
        ("5 MB of text", 5_000_000, "bytes", ""),
        ("70B", 70, "params", ""),
        ("500M parameters", 0.5, "params", ""),
        ("1.000 Anfragen pro Tag", 1_000, "requests", "day"),
        ("64 concurrent users", 64, "users", ""),
        ("half a million words", 500_000, "words", ""),
    ],
)
def test_value_unit_period(text: str, value: float, unit: str, per: str) -> None:
    got = only(text)
    assert (got.value, got.unit, got.per) == (value, unit, per)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("two or three people", 2, 3),
        ("10-20 tokens/s", 10, 20),
        ("between 5 and 10 users", 5, 10),
        ("10 to 20k tokens", 10_000, 20_000),
    ],
)
def test_range(text: str, low: float, high: float) -> None:
    got = only(text)
    assert (got.low, got.value) == (low, high)


@pytest.mark.parametrize(
    ("text", "comparator"),
    [
        ("at least 20 tokens", "ge"),
        ("up to 100 pages", "le"),
        ("under 300 words", "le"),
        ("about 500 tokens", "about"),
        ("not below 20 tokens", "ge"),
        ("8 users", "exact"),
    ],
)
def test_comparator(text: str, comparator: str) -> None:
    assert only(text).comparator == comparator


def test_direction_and_period_are_shared() -> None:
    taken = read_quantities(prepare("300k tokens in and 60k out per day"))
    assert [(q.value, q.unit, q.direction, q.per) for q in taken] == [
        (300_000, "tokens", "in", "day"),
        (60_000, "tokens", "out", "day"),
    ]


def test_article_counts_only_with_its_noun() -> None:
    assert read_quantities(prepare("one standard base model that many students use")) == ()


@given(st.integers(min_value=0, max_value=10**12))
def test_grouped_digits_in_either_style(number: int) -> None:
    assert read_number(f"{number:,}") == number
    if number >= 1_000:
        assert read_number(f"{number:,}".replace(",", ".")) == number


@given(st.integers(min_value=1, max_value=999), st.sampled_from(["k", "M", " million", " thousand"]))
def test_scale_multiplies(number: int, scale: str) -> None:
    factor = {"k": 1e3, "M": 1e6, " million": 1e6, " thousand": 1e3}[scale]
    assert only(f"{number}{scale} tokens").value == number * factor
