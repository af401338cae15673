"""The older guide's prices beside those of the price map, whatever map is installed."""

from __future__ import annotations

import json
from datetime import date

import pytest

from knowledge.catalog.api_models import current_api_models, price_map_path
from tools.price_claims import find_price_claims, price_claim, price_claims

TABLE = {
    "Claude 3.5 Sonnet": (15, 75),
    "GPT-4o": (5, 15),
    "Gemini 1.5 Pro": (3.5, 10.5),
    "Claude 3 Opus": (15, 75),
    "GPT-4o-mini": (0.15, 0.6),
    "Claude 3 Haiku": (0.25, 1.25),
    "Gemini 1.5 Flash": (0.075, 0.3),
    "DeepSeek-V2": (0.14, 0.28),
}


def test_all_eight_rows_of_the_guide_are_there() -> None:
    assert {c.model: (c.stated.input_usd, c.stated.output_usd) for c in price_claims()} == TABLE


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ("Claude 3.5 Sonnet", "Claude 3.5 Sonnet"),
        ("claude-3-5-sonnet-20241022", "Claude 3.5 Sonnet"),
        ("What does GPT-4o cost?", "GPT-4o"),
        ("gpt-4o-mini", "GPT-4o-mini"),
        ("gpt 4o mini", "GPT-4o-mini"),
        ("gemini-1.5-pro-002", "Gemini 1.5 Pro"),
        ("deepseek v2", "DeepSeek-V2"),
        ("claude 3 opus", "Claude 3 Opus"),
    ],
)
def test_a_model_is_found_as_people_write_it(text: str, model: str) -> None:
    found = price_claim(text)
    assert found is not None
    assert found.model == model


@pytest.mark.parametrize(
    "text", ["", "claude-opus-4-5", "gemini-2.5-pro", "deepseek-v2.5", "gpt-4", "llama3.1:8b"]
)
def test_other_models_have_no_claim(text: str) -> None:
    assert price_claim(text) is None


def test_several_models_of_one_sentence() -> None:
    assert [c.model for c in find_price_claims("GPT-4o or Claude 3 Haiku?")] == ["GPT-4o", "Claude 3 Haiku"]


def test_present_prices_are_those_of_the_map() -> None:
    path = price_map_path()
    assert path is not None
    raw = json.loads(path.read_bytes())
    seen = 0
    for claim in price_claims():
        for price in (claim.now, claim.successor, claim.hosted):
            if price is not None:
                row = raw[price.of]
                assert price.input_usd == pytest.approx(row["input_cost_per_token"] * 1e6)
                assert price.output_usd == pytest.approx(row["output_cost_per_token"] * 1e6)
                assert str(row.get("deprecation_date") or "9999") >= date.today().isoformat()  # noqa: DTZ011
                seen += 1
    assert seen >= 8


def test_the_wrong_figure_is_called_wrong() -> None:
    claim = price_claim("Claude 3.5 Sonnet")
    assert claim is not None
    assert not claim.was_right
    assert "That was wrong" in claim.text
    assert "$3 in and $15 out" in claim.text
    assert "$15 in and $75 out" in claim.text


def test_retired_models_name_a_successor_that_is_served() -> None:
    served = {model.key for model in current_api_models()}
    retired = [claim for claim in price_claims() if claim.now is None]
    assert {"Claude 3 Opus", "Gemini 1.5 Pro"} <= {claim.model for claim in retired}
    for claim in retired:
        assert claim.out_of_date
        assert "retired" in claim.text
        assert claim.successor is not None
        assert claim.successor.of in served
        assert claim.successor.name in claim.text


def test_the_difference_is_computed() -> None:
    claim = price_claim("gpt-4o")
    assert claim is not None
    if claim.now is not None:
        less = round((1 - claim.now.input_usd / 5) * 100)
        assert f"{less} % less" in claim.text
    assert json.dumps(claim.as_json())
    assert [e.kind for e in claim.evidence][:2] == ["guide", "catalog"]
