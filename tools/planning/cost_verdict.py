"""One plain sentence on where to run it, with what it rests on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from tools.api_offers import SAME_POINTS, points_apart
from tools.planning.cost_ways import Plan, Way
from tools.prices import small_bill
from tools.running_costs import dollars, span, volume_words

CLOSE = 1.5
"""Ratio of middle figures up to which overlapping estimates are called close."""
OPENING = {"local": "Run it locally", "rented": "Rent", "api": "Use the API"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The choice and the sentence that says it."""

    way: Way | None
    text: str
    why: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The object of the document."""
        way = self.way
        return {
            "choice": way.kind if way is not None else None,
            "model": way.model if way is not None else None,
            "model_id": way.model_id if way is not None else None,
            "text": self.text,
            "why": list(self.why),
        }


def beyond_doubt(better: Way, other: Way) -> bool:
    """Whether one is better by more than both uncertainties together."""
    gap = better.quality.score - other.quality.score
    return gap > math.hypot(better.quality.spread, other.quality.spread)


def decide(ways: list[Way], plan: Plan) -> Verdict:
    """The cheapest of the ways that are as good; a clearly better API where that costs little."""
    able = [way for way in ways if way.open]
    if not able:
        return Verdict(None, "None of the ways serves these needs.", tuple(_out(ways)))
    own = [way for way in able if way.kind != "api"]
    remote = [way for way in able if way.kind == "api"]
    equal = [way for way in remote if not own or way.quality.score >= own[0].quality.score - SAME_POINTS]
    cheapest = min(own + (equal if own else remote), key=lambda way: way.cost.usd.mid)
    better = max(
        (way for way in remote if _worth(way, cheapest, plan)),
        key=lambda way: (way.quality.score, -way.cost.usd.mid),
        default=None,
    )
    if better is not None:
        return _sentence(better, ways, plan, better_than=cheapest)
    return _sentence(cheapest, ways, plan)


def _worth(way: Way, cheapest: Way, plan: Plan) -> bool:
    """A clearly better model is taken where quality counts and the budget holds it.

    Without a budget, a small bill does, or what the cheapest way may cost.
    """
    if plan.brief.priority in ("cost", "small") or not beyond_doubt(way, cheapest):
        return False
    budget = plan.brief.budget.usd_per_month
    most = max(cheapest.cost.usd.high, small_bill().value.mid) if budget is None else budget
    return way.cost.usd.mid <= most


def _sentence(way: Way, ways: list[Way], plan: Plan, better_than: Way | None = None) -> Verdict:
    volume = volume_words(plan.load)
    where = f" on a rented {way.where}" if way.kind == "rented" else ""
    text = f"{OPENING[way.kind]}: {way.model}{where} costs {span(way.cost.usd)} a month"
    if way.kind == "local":
        text += " in electricity" if way.own is None or way.own.price is None else " with the write-off"
    text += f" for {volume}"
    others = [other for other in ways if other.open and other is not way]
    if better_than is not None:
        gap = points_apart(way.quality, better_than.quality)
        text += (
            f" and is expected {gap} better than {better_than.model} "
            f"({better_than.label}, {span(better_than.cost.usd)})"
        )
        if plan.brief.budget.usd_per_month is None and way.cost.usd.mid > better_than.cost.usd.high:
            text += (
                f"; no budget was said, and up to {dollars(small_bill().value.mid)} a month counts as small"
            )
    else:
        rival = _rival(way, others)
        if rival is not None:
            alone = " the electricity alone of" if rival.kind == "local" and not plan.buy else ""
            text += f", less than{alone} {rival.model} ({rival.label}, {span(rival.cost.usd)})"
            if way.cost.usd.high > rival.cost.usd.low and rival.cost.usd.mid < CLOSE * way.cost.usd.mid:
                text += "; the two are close"
    return Verdict(way, text + ".", (*_why(way, others, plan), *_out(ways)))


def _rival(way: Way, others: list[Way]) -> Way | None:
    """What the choice beats on price: one's own machine where there is one, else the cheapest other kind."""
    dearer = [o for o in others if o.kind != way.kind and o.cost.usd.mid >= way.cost.usd.mid]
    return min(dearer, key=lambda o: (o.kind != "local", o.cost.usd.mid), default=None)


def _why(way: Way, others: list[Way], plan: Plan) -> list[str]:
    found = []
    for other in others:
        if other.kind == "api" and beyond_doubt(other, way):
            price, gap = dollars(other.cost.usd.mid), points_apart(other.quality, way.quality)
            found.append(
                f"{other.model} is expected {gap} better, at {price} a month: name a budget "
                "that holds it, or test both on your own task."
            )
    if way.kind == "api":
        found.append(f"Prompts and answers leave your machines, to {way.where}.")
    if way.kind == "local" and not plan.buy:
        found.append("The machine counts as owned: only its electricity is paid.")
    return found


def _out(ways: list[Way]) -> list[str]:
    return [f"{way.model} ({way.label}) is out: {way.excluded.rstrip('.')}." for way in ways if way.excluded]
