"""What an API model costs a month, from LiteLLM's bundled price map.

Prices are US dollars per million tokens. A null or zero price means unknown, never free; long-context tiers
apply where the context that was asked for lies above their threshold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

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
    found = _prices(model, context, batch=batch)
    if not found.input or found.output is None:
        return None
    notes = [found.note] if found.note else []
    cached = round(tokens_in * cached_share)
    if cached and found.cached is None:
        notes.append("no price of cached input is listed: the list price is taken")
        cached = 0
    fresh, read = tokens_in - cached, found.cached or 0.0
    usd = (fresh * found.input + cached * read + tokens_out * found.output) / 1e6 * DAYS_PER_MONTH
    again = f" + {cached:,} cached x ${read:g}" if cached else ""
    formula = (
        f"({fresh:,} x ${found.input:g}{again} + {tokens_out:,} x ${found.output:g}) per million "
        f"x {DAYS_PER_MONTH:.1f} days{found.tier}"
    )
    return MonthlyCost(usd, formula, "; ".join(notes))


@dataclass(frozen=True, slots=True)
class _Prices:
    """Dollars per million tokens that hold for a request, and which ones they are."""

    input: float | None
    output: float | None
    cached: float | None
    tier: str = ""
    note: str = ""


def _prices(model: ApiModel, context: int, *, batch: bool) -> _Prices:
    """List prices, of the tier above a long context, or of batch calls where they are listed."""
    above = model.long_context_above
    found = _Prices(model.input_usd_per_mtok, model.output_usd_per_mtok, model.cache_read_usd_per_mtok)
    suffix = ""
    if above is not None and context > above:
        suffix = f"_above_{above // 1000}k_tokens"
        found = _Prices(
            model.long_input_usd_per_mtok or found.input,
            model.long_output_usd_per_mtok or found.output,
            _listed(model, f"cache_read_input_token_cost{suffix}"),
            f", tier above {above:,} tokens",
        )
    if not batch:
        return found
    each = [_listed(model, f"{way}_cost_per_token{suffix}_batches") for way in ("input", "output")]
    if None in each:
        return replace(found, note="no batch price is listed: the list price is taken")
    cached = _listed(model, f"cache_read_input_token_cost{suffix}_batches")
    return _Prices(each[0], each[1], cached, f"{found.tier}, batch calls")


def _listed(model: ApiModel, name: str) -> float | None:
    """A price of the map that the record does not carry, in dollars per million tokens."""
    row: Mapping[str, object] = read_price_map().rows.get(model.key, {})
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return None
    return round(float(value) * 1e6, 6)
