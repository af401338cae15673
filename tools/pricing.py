"""What an API model costs a month, from LiteLLM's bundled price map.

Prices are US dollars per million tokens. A null or zero price means unknown, never free; long-context tiers
apply where the context that was asked for lies above their threshold.
"""

from __future__ import annotations

from dataclasses import dataclass

from knowledge.catalog.records import ApiModel
from tools.needs import Volume

DAYS_PER_MONTH = 365.25 / 12


@dataclass(frozen=True, slots=True)
class MonthlyCost:
    """Dollars a month and how they come about."""

    usd: float
    formula: str


def monthly_cost(model: ApiModel, volume: Volume, context: int) -> MonthlyCost | None:
    """Cost of a volume; None where a price is unknown.

    Args:
        model: the API model with its prices.
        volume: tokens a day; output unknown is taken as a fifth of the input.
        context: tokens of one request, which decides the price tier.
    """
    tokens_in = volume.input_tokens_per_day or 0
    tokens_out = volume.output_tokens_per_day if volume.output_tokens_per_day is not None else tokens_in // 5
    price_in, price_out = model.input_usd_per_mtok, model.output_usd_per_mtok
    tier = ""
    if model.long_context_above is not None and context > model.long_context_above:
        price_in = model.long_input_usd_per_mtok or price_in
        price_out = model.long_output_usd_per_mtok or price_out
        tier = f", tier above {model.long_context_above:,} tokens"
    if not price_in or price_out is None:
        return None
    usd = (tokens_in * price_in + tokens_out * price_out) / 1e6 * DAYS_PER_MONTH
    formula = (
        f"({tokens_in:,} x ${price_in:g} + {tokens_out:,} x ${price_out:g}) per million "
        f"x {DAYS_PER_MONTH:.1f} days{tier}"
    )
    return MonthlyCost(usd, formula)
