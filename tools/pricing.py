"""What an API model costs a month, from LiteLLM's bundled price map.

Prices are US dollars per million tokens. A null or zero price means unknown, never free; long-context tiers
apply where the context that was asked for lies above their threshold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from knowledge.catalog.api_models import read_price_map
from knowledge.catalog.records import ApiModel
from tools.needs import Volume

DAYS_PER_MONTH = 365.25 / 12


@dataclass(frozen=True, slots=True)
class MonthlyCost:
    """Dollars a month and how they come about."""

    usd: float
    formula: str
    note: str = ""
    """What was asked for and the map has no price of."""


def monthly_cost(
    model: ApiModel, volume: Volume, context: int, *, cached_share: float = 0.0, batch: bool = False
) -> MonthlyCost | None:
    """Cost of a volume; None where a price is unknown.

    Args:
        model: the API model with its prices.
        volume: tokens a day; output unknown is taken as a fifth of the input.
        context: tokens of one request, which decides the price tier.
        cached_share: share of the input (0 to 1) that is a repeated prefix, priced as a cache read.
        batch: priced as batch calls. Both need a price in the map; without one the list price is taken, and
            the note says so.
    """
    tokens_in = volume.input_tokens_per_day or 0
    tokens_out = volume.output_tokens_per_day if volume.output_tokens_per_day is not None else tokens_in // 5
    price_in, price_out, price_cached = (
        model.input_usd_per_mtok,
        model.output_usd_per_mtok,
        model.cache_read_usd_per_mtok,
    )
    tier, notes = "", []
    if model.long_context_above is not None and context > model.long_context_above:
        price_in = model.long_input_usd_per_mtok or price_in
        price_out = model.long_output_usd_per_mtok or price_out
        price_cached = _listed(
            model, f"cache_read_input_token_cost_above_{model.long_context_above // 1000}k_tokens"
        )
        tier = f", tier above {model.long_context_above:,} tokens"
    if not price_in or price_out is None:
        return None
    if batch:
        suffix = (
            "_batches" if not tier else f"_above_{(model.long_context_above or 0) // 1000}k_tokens_batches"
        )
        half_in, half_out = (_listed(model, f"{way}_cost_per_token{suffix}") for way in ("input", "output"))
        if half_in is None or half_out is None:
            notes.append("no batch price is listed: the list price is taken")
        else:
            price_in, price_out, price_cached = (
                half_in,
                half_out,
                _listed(model, f"cache_read_input_token_cost{suffix}"),
            )
            tier += ", batch calls"
    cached = round(tokens_in * cached_share)
    if cached and price_cached is None:
        notes.append("no price of cached input is listed: the list price is taken")
        cached = 0
    fresh = tokens_in - cached
    usd = (fresh * price_in + cached * (price_cached or 0.0) + tokens_out * price_out) / 1e6 * DAYS_PER_MONTH
    read = f" + {cached:,} cached x ${price_cached:g}" if cached else ""
    formula = (
        f"({fresh:,} x ${price_in:g}{read} + {tokens_out:,} x ${price_out:g}) per million "
        f"x {DAYS_PER_MONTH:.1f} days{tier}"
    )
    return MonthlyCost(usd, formula, "; ".join(notes))


def _listed(model: ApiModel, name: str) -> float | None:
    """A price of the map that the record does not carry, in dollars per million tokens."""
    row: Mapping[str, object] = read_price_map().rows.get(model.key, {})
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return None
    return round(float(value) * 1e6, 6)
