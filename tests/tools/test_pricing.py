"""Monthly costs of API models against the price map, computed a second time here."""

from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.catalog.api_models import current_api_models, load_api_models, price_map_path
from knowledge.catalog.records import ApiModel
from tests.tools.asking import answer
from tools.needs import Volume
from tools.pricing import monthly_cost
from tools.utility import cost_score

DAYS = 30.4375


def _api(**changes: object) -> ApiModel:
    fields: dict[str, object] = {
        "key": "maker/model",
        "provider": "maker",
        "mode": "chat",
        "input_usd_per_mtok": 2.0,
        "output_usd_per_mtok": 10.0,
        "cache_read_usd_per_mtok": None,
        "max_input_tokens": 1_000_000,
        "max_output_tokens": 8192,
        "vision": True,
        "tool_calling": True,
        "thinking": None,
        "structured_output": None,
        "ends": None,
        "source": "test",
    }
    return ApiModel.model_validate(fields | changes)


def test_costs_by_hand() -> None:
    """1M in and 200k out a day at $2 and $10: $4 a day."""
    cost = monthly_cost(
        _api(), Volume(input_tokens_per_day=1_000_000, output_tokens_per_day=200_000), context=8192
    )
    assert cost is not None
    assert cost.usd == pytest.approx(4.0 * DAYS)
    assert "1,000,000 x $2 + 200,000 x $10" in cost.formula
    assert "tier" not in cost.formula


def test_output_that_was_not_said_is_a_fifth() -> None:
    one = monthly_cost(_api(), Volume(input_tokens_per_day=500), 0)
    other = monthly_cost(_api(), Volume(input_tokens_per_day=500, output_tokens_per_day=100), 0)
    assert one == other
    none = monthly_cost(_api(), Volume(input_tokens_per_day=500, output_tokens_per_day=0), 0)
    assert none is not None
    assert none.usd == pytest.approx(500 * 2.0 / 1e6 * DAYS)


def test_long_contexts_cost_their_tier() -> None:
    tiered = _api(long_context_above=200_000, long_input_usd_per_mtok=4.0, long_output_usd_per_mtok=15.0)
    volume = Volume(input_tokens_per_day=1_000_000, output_tokens_per_day=100_000)
    short, long = monthly_cost(tiered, volume, 200_000), monthly_cost(tiered, volume, 200_001)
    assert short is not None
    assert long is not None
    assert short.usd == pytest.approx(3.0 * DAYS)
    assert long.usd == pytest.approx(5.5 * DAYS)
    assert "200,000" in long.formula


@pytest.mark.parametrize(
    "missing",
    [{"input_usd_per_mtok": None}, {"output_usd_per_mtok": None}, {"input_usd_per_mtok": 0.0}],
)
def test_an_unknown_price_is_no_price(missing: dict[str, object]) -> None:
    assert monthly_cost(_api(**missing), Volume(input_tokens_per_day=1), 1) is None


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**9), st.integers(0, 10**8), st.integers(1, 2_000_000))
def test_costs_grow_with_volume_and_never_shrink_with_context(tokens: int, out: int, context: int) -> None:
    tiered = _api(long_context_above=128_000, long_input_usd_per_mtok=4.0, long_output_usd_per_mtok=15.0)
    volume = Volume(input_tokens_per_day=tokens, output_tokens_per_day=out)
    more = Volume(input_tokens_per_day=tokens + 1000, output_tokens_per_day=out + 10)
    here, there = monthly_cost(tiered, volume, context), monthly_cost(tiered, more, context)
    longer = monthly_cost(tiered, volume, context * 2)
    assert here is not None
    assert there is not None
    assert longer is not None
    assert here.usd < there.usd
    assert here.usd <= longer.usd


def test_prices_are_those_of_the_map() -> None:
    """Straight from the file: dollars per token, times a volume."""
    path = price_map_path()
    assert path is not None
    raw = json.loads(path.read_bytes())
    checked = 0
    for model in load_api_models():
        row = raw[model.key]
        cost = monthly_cost(model, Volume(input_tokens_per_day=10**6, output_tokens_per_day=10**5), 1000)
        if cost is None or "input_cost_per_token" not in row or model.long_context_above:
            continue
        expected = (10**6 * row["input_cost_per_token"] + 10**5 * row["output_cost_per_token"]) * DAYS
        assert cost.usd == pytest.approx(expected, rel=1e-6), model.key
        checked += 1
    assert checked > 50


def test_offered_models_are_served_and_their_costs_add_up() -> None:
    volume = {"input_tokens_per_day": 400_000, "output_tokens_per_day": 50_000}
    today = date.today().isoformat()  # noqa: DTZ011 - end dates are calendar days without a zone
    current = {model.key: model for model in current_api_models()}
    for context in (8192, 250_000):
        document = answer("code", deployment={"mode": "api"}, volume=volume, context=context)
        assert document.candidates
        for candidate in document.candidates:
            model = current[str(candidate.model_id)]
            assert model.ends is None or model.ends >= today
            long = model.long_context_above is not None and context > model.long_context_above
            price_in = model.long_input_usd_per_mtok if long else model.input_usd_per_mtok
            price_out = model.long_output_usd_per_mtok if long else model.output_usd_per_mtok
            assert price_in
            assert price_out
            daily = (400_000 * price_in + 50_000 * price_out) / 1e6
            assert candidate.usd_per_month == pytest.approx(daily * DAYS, abs=0.01)


def test_a_smaller_bill_never_scores_less() -> None:
    assert cost_score(0.0, None) == 100.0
    assert cost_score(1000.0, None) == 0.0
    assert cost_score(50.0, 100.0) > cost_score(99.0, 100.0) > cost_score(100.0, 100.0) == 0.0
    assert cost_score(20.0, 400.0) > cost_score(20.0, 100.0)


def _listed() -> ApiModel:
    """A model of the map with a cache and a batch price, and no long-context tier."""
    path = price_map_path()
    assert path is not None
    raw = json.loads(path.read_bytes())
    return next(
        model
        for model in current_api_models()
        if model.mode == "chat"
        and model.cache_read_usd_per_mtok
        and model.long_context_above is None
        and model.output_usd_per_mtok
        and raw[model.key].get("input_cost_per_token_batches")
        and raw[model.key].get("output_cost_per_token_batches")
    )


def test_cached_input_and_batch_calls_are_priced_as_the_map_lists_them() -> None:
    model, volume = _listed(), Volume(input_tokens_per_day=10**6, output_tokens_per_day=10**5)
    path = price_map_path()
    assert path is not None
    row = json.loads(path.read_bytes())[model.key]
    half = monthly_cost(model, volume, 1000, cached_share=0.5)
    assert half is not None
    daily = 5e5 * row["input_cost_per_token"] + 5e5 * row["cache_read_input_token_cost"]
    assert half.usd == pytest.approx((daily + 1e5 * row["output_cost_per_token"]) * DAYS, rel=1e-6)
    assert not half.note
    batch = monthly_cost(model, volume, 1000, batch=True)
    assert batch is not None
    daily = 1e6 * row["input_cost_per_token_batches"] + 1e5 * row["output_cost_per_token_batches"]
    assert batch.usd == pytest.approx(daily * DAYS, rel=1e-6)


def test_a_discount_that_is_not_listed_is_not_given_and_that_is_said() -> None:
    volume = Volume(input_tokens_per_day=10**6, output_tokens_per_day=10**5)
    plain = monthly_cost(_api(), volume, 1000)
    for asked in ({"cached_share": 0.9}, {"batch": True}):
        found = monthly_cost(_api(), volume, 1000, **asked)
        assert found is not None
        assert plain is not None
        assert found.usd == plain.usd
        assert "list price" in found.note
