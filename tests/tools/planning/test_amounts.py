"""Amounts of text in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.errors import UsageError
from tools.planning.amounts import bytes_per_token, read_amount


@pytest.mark.parametrize(
    ("text", "size", "tokens", "documents"),
    [
        ("500MB", 500_000_000, 125_000_000, None),
        ("2 GB of text", 2_000_000_000, 500_000_000, None),
        ("1GiB", 1 << 30, 1 << 28, None),
        ("125M tokens", 500_000_000, 125_000_000, None),
        ("5b tokens", 20_000_000_000, 5_000_000_000, None),
        ("10,000 pages", 26_680_000, 6_670_000, None),
        ("10 000 pages", 26_680_000, 6_670_000, None),
        ("3000 documents x 2,000 tokens", 24_000_000, 6_000_000, 3000),
        ("5k docs of 3 pages each", 40_020_000, 10_005_000, 5000),
        ("2,500 articles, 4 pages", 26_680_000, 6_670_000, 2500),
        ("about 40 MB of blog posts", 40_000_000, 10_000_000, None),
    ],
)
def test_what_people_write(text: str, size: int, tokens: int, documents: int | None) -> None:
    amount = read_amount(text)
    assert (amount.bytes(), amount.tokens(), amount.documents) == (size, tokens, documents)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "lots",
        "20",
        "300M",
        "-5 MB",
        "0 MB",
        "3000 documents",
        "50 MB and 3 GB",
        "50-100 MB",
        "1e6 tokens",
    ],
)
def test_what_is_no_amount_is_said_with_examples(text: str) -> None:
    with pytest.raises(UsageError) as error:
        read_amount(text, "corpus")
    assert error.value.message.startswith("`corpus`: ")
    assert "500MB" in error.value.hint


@given(st.integers(1, 10**12))
def test_tokens_are_read_back_as_they_were_written(count: int) -> None:
    assert read_amount(f"{count:,} tokens").tokens() == count
    assert read_amount(f"{count} bytes").bytes() == count


@given(st.text(max_size=60))
def test_any_text_is_an_amount_or_a_usage_error(text: str) -> None:
    try:
        amount = read_amount(text)
    except UsageError:
        return
    assert amount.bytes() >= 0
    assert (amount.stated_bytes is None) != (amount.stated_tokens is None)


def test_a_byte_vocabulary_has_a_token_for_every_byte() -> None:
    assert read_amount("10 MB").tokens(256) == 10_000_000
    assert read_amount("10 MB").tokens(50_304) == 2_500_000
    assert bytes_per_token(256) == 1.0
