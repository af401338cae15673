"""One row of LiteLLM's price map as a record: per-token prices, tiers, and what is unknown."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TypedDict, cast

from knowledge.catalog.records import ApiModel

MODES = frozenset({"chat", "responses", "embedding", "rerank"})
_DATA = Path(__file__).resolve().parent / "data" / "api_providers.json"
_ABOVE = re.compile(r"input_cost_per_token_above_(\d+)k_tokens")


class _Maker(TypedDict):
    provider: str
    name: str
    own: list[str]


class Providers(TypedDict):
    """Whose own models are offered, which run locally, and the highest price that can be."""

    makers: list[_Maker]
    local: list[str]
    not_models: list[str]
    highest_usd_per_mtok: dict[str, float]


@cache
def providers() -> Providers:
    """`data/api_providers.json`, read once."""
    return cast("Providers", json.loads(_DATA.read_bytes()))


def price_record(key: str, row: Mapping[str, object], source: str) -> ApiModel:
    """A row of the map as a record; what it says is read with the traps in mind that the module names."""
    mode, provider = str(row["mode"]), str(row.get("litellm_provider"))
    local = provider in providers()["local"]
    tier, above, longer = _tiers(row)
    price = {name: _price(tier.get(name), mode, local) for name in _PRICES}
    ends = row.get("deprecation_date")
    size = row.get("output_vector_size")
    return ApiModel(
        key=key,
        provider=provider,
        mode=mode,
        input_usd_per_mtok=price["input_cost_per_token"],
        output_usd_per_mtok=price["output_cost_per_token"] if mode in ("chat", "responses") else None,
        cache_read_usd_per_mtok=price["cache_read_input_token_cost"],
        long_context_above=above,
        long_input_usd_per_mtok=_price(longer.get("input_cost_per_token"), mode, local),
        long_output_usd_per_mtok=_price(longer.get("output_cost_per_token"), mode, local),
        query_usd=_positive(row.get("input_cost_per_query")),
        max_input_tokens=_count(row.get("max_input_tokens")) or _count(row.get("max_tokens")),
        max_output_tokens=_count(row.get("max_output_tokens")),
        vision=_flag(row.get("supports_vision")),
        tool_calling=_flag(row.get("supports_function_calling")),
        thinking=_flag(row.get("supports_reasoning")),
        structured_output=_flag(row.get("supports_response_schema")),
        vector_size=_count(size),
        ends=ends if isinstance(ends, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", ends) else None,
        source=source,
    )


_PRICES = ("input_cost_per_token", "output_cost_per_token", "cache_read_input_token_cost")


def _tiers(row: Mapping[str, object]) -> tuple[Mapping[str, object], int | None, Mapping[str, object]]:
    """The base prices, and the threshold and prices of long inputs."""
    tiers = row.get("tiered_pricing")
    if isinstance(tiers, list) and tiers and isinstance(tiers[0], dict):
        base = {name: row.get(name) or tiers[0].get(name) for name in _PRICES}
        if len(tiers) == 1 or not isinstance(tiers[1], dict):
            return base, None, {}
        bounds = tiers[1].get("range")
        above = int(bounds[0]) if isinstance(bounds, list) and bounds else None
        return base, above, tiers[1] if above else {}
    named = [name for name in row if "_above_" in name]
    thresholds = sorted(int(match[1]) for name in named if (match := _ABOVE.fullmatch(name)))
    if not thresholds:
        return row, None, {}
    suffix = f"_above_{thresholds[0]}k_tokens"
    longer = {name: row.get(name + suffix) for name in _PRICES}
    return row, thresholds[0] * 1000, longer


def _positive(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return None
    return float(value)


def _price(value: object, mode: str, local: bool) -> float | None:
    """USD per million tokens; None where the map says nothing, zero, or nonsense."""
    if local and value == 0:
        return 0.0
    each = _positive(value)
    if each is None:
        return None
    million = round(each * 1e6, 6)
    return million if million <= providers()["highest_usd_per_mtok"][mode] else None


def _count(value: object) -> int | None:
    number = _positive(value)
    return None if number is None else int(number)


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None
