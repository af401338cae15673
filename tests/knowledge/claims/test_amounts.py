"""Figures in a text, with unit, rounding and hedge."""

from __future__ import annotations

import pytest

from knowledge.claims.amounts import amounts
from knowledge.claims.types import Hedge


@pytest.mark.parametrize(
    ("text", "low", "high", "dimension"),
    [
        ("4.9 GB", 4.9e9, 4.9e9, "bytes"),
        ("20-22 GiB", 20 * 2**30, 22 * 2**30, "bytes"),
        ("4,9 GB", 4.9e9, 4.9e9, "bytes"),
        ("1,024 MiB", 1024 * 2**20, 1024 * 2**20, "bytes"),
        ("936 GB/s", 936e9, 936e9, "bandwidth"),
        ("46.5 tok/s", 46.5, 46.5, "speed"),
        ("30 tokens per second", 30, 30, "speed"),
        ("8.03B parameters", 8.03e9, 8.03e9, "params"),
        ("1.5 billion parameters", 1.5e9, 1.5e9, "params"),
        ("4.89 bits per weight", 4.89, 4.89, "bits"),
        ("$2.50", 2.5, 2.5, "usd"),
        ("31 percent", 31, 31, "percent"),
        ("8 KV heads", 8, 8, "kv_heads"),
        ("1024-dimensional", 1024, 1024, "dimensions"),
    ],
)
def test_units(text: str, low: float, high: float, dimension: str) -> None:
    (found,) = amounts(text)
    assert (found.stated.low, found.stated.high) == pytest.approx((low, high))
    assert str(found.dimension) == dimension


def test_half_of_the_last_digit_is_the_rounding() -> None:
    assert amounts("4.9 GB")[0].stated.half == pytest.approx(0.05e9)
    assert amounts("128K tokens")[0].stated.half == pytest.approx(500)


def test_decimal_units_may_mean_binary_ones() -> None:
    assert amounts("24 GB")[0].stated.scales == (1.0, 1.024**3)
    assert amounts("24 GiB")[0].stated.scales == (1.0,)
    assert amounts("128K tokens")[0].stated.scales == (1.0, 1.024)


@pytest.mark.parametrize(
    ("text", "hedge"),
    [
        ("about 5 GB", "about"),
        ("~5 GB", "about"),
        ("5 GB or so", "about"),
        ("up to 5 GB", "at most"),
        ("less than 5 GB", "at most"),
        ("at least 5 GB", "at least"),
        ("5 GB+", "at least"),
        ("takes 5 GB", ""),
    ],
)
def test_hedges(text: str, hedge: Hedge) -> None:
    assert amounts(text)[-1].stated.hedge == hedge


@pytest.mark.parametrize("text", ["v0.3", "Llama-3", "Q4_K_M", "gpt-4o", "2x 24 GB"])
def test_numbers_inside_words_and_multiples_are_none(text: str) -> None:
    assert not [amount for amount in amounts(text) if amount.dimension == "bytes"]
    assert not text.startswith(("v", "L", "Q", "g")) or not amounts(text)
