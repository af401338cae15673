"""The volume from which a machine of one's own, or a rented one, costs less than an API.

    API a month = price of a token x tokens a day x days
    own a month = fixed cost + own price of a token x tokens a day x days

Both cost the same at fixed / (API price - own price) / days, the formula of guides/local-or-api.md. Its own
price of a token holds only for so many conversations at once: a machine that takes more of them serves more
tokens at a lower price each. So the crossing is looked for stretch by stretch, up to what the largest crowd
serves, and nothing is said of volumes beyond that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tools.costs import Cost, without_write_off
from tools.prices import Figure
from tools.pricing import DAYS_PER_MONTH

STEPS = 60
"""Halvings of a stretch: more than a double can tell apart."""
NEAR = 1e-9
"""How far inside a stretch its ends are looked at, as a share of the volume."""


@dataclass(frozen=True, slots=True)
class BreakEven:
    """Where one's own way becomes cheaper than an API."""

    tokens_per_day: float | None
    """Of the mix asked for; 0 from the first token on, None at no volume that is served."""
    most_tokens_per_day: float
    """Of the mix, as many as are served at most."""
    own_usd_per_mtok: float
    """Dollars for a million tokens at the break-even; at the most tokens where there is none."""
    api_usd_per_mtok: float
    formula: str


def break_even(own: Callable[[float], Cost], edges: Sequence[float], api_usd_per_mtok: float) -> BreakEven:
    """The least volume at which the own way costs no more than an API, at the middle figures.

    Args:
        own: cost a month of serving so many tokens a day of the mix.
        edges: tokens a day, ascending, at which more conversations at once are needed; the last is the most
            that is served. Between two of them the own cost grows by one price a token, or stops growing.
        api_usd_per_mtok: dollars for a million tokens of the mix behind the API.
    """

    def bill(tokens: float) -> float:
        return tokens * DAYS_PER_MONTH / 1e6 * api_usd_per_mtok

    start, most = 0.0, edges[-1]
    for edge in edges:
        low, high = max(start * (1 + NEAR), edge * NEAR), edge * (1 - NEAR)
        start = edge
        if low >= high:
            continue
        first = own(low)
        if first.usd.mid <= bill(low):
            tokens = 0.0 if low <= edges[0] * NEAR else low
            return _found(first, tokens, low, most, api_usd_per_mtok)
        if own(high).usd.mid > bill(high):  # the own cost bends down only, so that it does not dip between
            continue
        for _ in range(STEPS):
            middle = (low + high) / 2
            if own(middle).usd.mid <= bill(middle):
                high = middle
            else:
                low = middle
        return _found(own(high), high, high, most, api_usd_per_mtok)
    return _none(own(most * (1 - NEAR)), most, api_usd_per_mtok)


def _price(cost: Cost) -> float:
    return cost.per_mtok.mid if cost.per_mtok is not None else 0.0


def _found(cost: Cost, tokens: float, at: float, most: float, api: float) -> BreakEven:
    each = cost.slope.mid / (at * DAYS_PER_MONTH / 1e6)
    formula = (
        f"${cost.fixed_usd.mid:,.2f} / (${api:.4f} - ${each:.4f} per million tokens) / "
        f"{DAYS_PER_MONTH:.1f} days"
    )
    if tokens and abs(each - api) > 0:
        solved = cost.fixed_usd.mid / (api - each) / DAYS_PER_MONTH * 1e6
        if abs(solved - tokens) > 0.01 * tokens:  # cheaper because more are served at once from there on
            formula = f"(${cost.fixed_usd.mid:,.2f} a month + ${each:.4f} per million tokens) <= ${api:.4f}"
    return BreakEven(tokens, most, _price(cost), api, formula)


def _none(cost: Cost, most: float, api: float) -> BreakEven:
    formula = f"at {most:,.0f} tokens a day: ${_price(cost):.4f} > ${api:.4f} per million tokens"
    return BreakEven(None, most, _price(cost), api, formula)


def months_to_pay_off(own: Cost, api_usd: float, price: Figure, lifetime: Figure) -> float | None:
    """Months until bought hardware has saved its price; None where it saves nothing.

    Args:
        own: cost a month with the write-off.
        api_usd: what the API bills a month for the same volume.
        price: what the hardware is bought for, in dollars.
        lifetime: the months over which `own` writes it off.
    """
    saved = api_usd - without_write_off(own, price, lifetime).mid
    return price.value.mid / saved if saved > 0 else None
