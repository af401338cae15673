"""One plain sentence on where to run it, with what it rests on, and the older guide's rule checked."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from knowledge.references import find_section
from tools.api_offers import SAME_POINTS
from tools.costs import BreakEven, break_even
from tools.planning.cost_ways import ANY_PRICE, Plan, Way
from tools.prices import Figure, small_bill
from tools.running_costs import dollars, load_of, rough, span, volume_words

RULE_TOKENS = 1_000_000
"""Tokens a day above which the older guide says local; guides/local-or-api.md."""
CLOSE = 1.5
"""Ratio of middle figures up to which overlapping estimates are called close."""
GUIDE = "local-or-api.md"
RULE_HEADING = "Is more than 1M tokens per day a reason for local"
OPENING = {"local": "Run it locally", "rented": "Rent", "api": "Use the API"}


@dataclass(frozen=True, slots=True)
class Crossing:
    """A way of one's own against an API."""

    own: Way
    api: Way
    point: BreakEven

    @property
    def text(self) -> str:
        """As a sentence."""
        pair = f"{self.own.label} ({self.own.model}) against {self.api.model}"
        tokens = self.point.tokens_per_day
        if tokens is None:
            words = "never: each token costs more than the API's"
        elif tokens == 0:
            words = "cheaper from the first token on"
        else:
            words = f"cheaper from about {rough(tokens)} tokens a day of this mix on"
            if not self.point.within_capacity:
                words += ", which is more than the machine serves"
        months = self.point.months_to_pay_off
        if months is not None:
            words += f"; what is bought pays off in about {max(1.0, months):,.0f} "
            words += f"{'month' if months < 1.5 else 'months'} at this volume"
        elif self.own.own is not None and self.own.own.price is not None and self.own.own.serves:
            words += "; at this volume what is bought never pays off"
        return f"{pair}: {words}."

    def as_json(self) -> dict[str, Any]:
        """The row of the document."""
        p = self.point
        return {
            "own": self.own.model,
            "own_kind": self.own.kind,
            "api": self.api.model_id,
            "tokens_per_day": round(p.tokens_per_day) if p.tokens_per_day is not None else None,
            "within_capacity": p.within_capacity,
            "months_to_pay_off": round(p.months_to_pay_off, 1) if p.months_to_pay_off is not None else None,
            "formula": p.formula,
            "text": self.text,
        }


def crossings(ways: list[Way], plan: Plan) -> list[Crossing]:
    """Every way of one's own against every API."""
    asked, found = load_of(plan.brief.volume), []
    for own in ways:
        if own.own is None:
            continue
        # Pay-off is told for the volume asked for, which this machine then does not serve.
        price: Figure | None = own.own.price if own.own.serves else None
        share = own.own.load.total / asked.total
        for api in ways:
            if api.kind == "api" and api.label != ANY_PRICE:
                point = break_even(
                    own.own.load,
                    own.cost,
                    replace(api.cost, usd=api.cost.usd.times(share)),
                    own.own.most,
                    price=price,
                    lifetime=plan.settings.lifetime if price is not None else None,
                )
                found.append(Crossing(own, api, point))
    return found


def rule_of_the_guide(found: list[Crossing]) -> dict[str, Any] | None:
    """Whether "more than a million tokens a day: local" holds for the way of one's own; None without one."""
    local = [crossing for crossing in found if crossing.own.kind == "local"] or found
    if not local:
        return None
    # The cheapest API decides: what a dearer one saves is no merit of running it oneself.
    first = min(local, key=lambda crossing: crossing.api.cost.usd.mid)
    tokens = first.point.tokens_per_day
    holds = tokens is not None and 0 < tokens <= RULE_TOKENS and bool(first.point.within_capacity)
    stated = "The older guide says local above 1 million tokens a day."
    who = "the rented GPU" if first.own.kind == "rented" else "your own machine"
    against = f"against {first.api.model}"
    if tokens is None:
        words = f"It does not hold here: {against} a token on {who} costs more at any volume."
    elif tokens == 0:
        words = f"Here the volume decides nothing: {against} {who} is cheaper from the first token on."
    else:
        limit = "" if first.point.within_capacity else ", more than the machine serves"
        opening = "It holds here" if holds else "It does not hold here"
        words = f"{opening}: {against} the break-even of {who} is about {rough(tokens)} tokens a day{limit}."
    section = find_section(GUIDE, RULE_HEADING)
    return {
        "stated": stated,
        "holds": holds,
        "text": f"{stated} {words}",
        "evidence": [
            {"kind": "tool", "source": "break_even", "locator": first.point.formula},
            *([{"kind": "guide", "source": section.guide, "locator": section.locator}] if section else []),
        ],
    }


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


def gap_beyond_doubt(better: Way, other: Way) -> float | None:
    """Points by which one is better, where that is more than both uncertainties together; else None."""
    gap = better.quality.score - other.quality.score
    doubt = math.hypot(better.quality.spread, other.quality.spread)
    return gap if gap > doubt else None


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
    if plan.brief.priority in ("cost", "small") or gap_beyond_doubt(way, cheapest) is None:
        return False
    budget = plan.brief.budget.usd_per_month
    most = max(cheapest.cost.usd.high, small_bill().value.mid) if budget is None else budget
    return way.cost.usd.mid <= most


def _sentence(way: Way, ways: list[Way], plan: Plan, better_than: Way | None = None) -> Verdict:
    volume = volume_words(load_of(plan.brief.volume))
    where = f" on {way.where}" if way.kind == "rented" else ""
    text = f"{OPENING[way.kind]}: {way.model}{where} costs {span(way.cost.usd)} a month"
    if way.kind == "local":
        text += " in electricity" if way.own is None or way.own.price is None else " with the write-off"
    text += f" for {volume}"
    others = [other for other in ways if other.open and other is not way]
    if better_than is not None:
        gap = way.quality.score - better_than.quality.score
        text += (
            f" and is expected {gap:.0f} points better than {better_than.model} "
            f"({better_than.label}, {span(better_than.cost.usd)})"
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
        gap = gap_beyond_doubt(other, way)
        if other.kind == "api" and gap is not None:
            price = dollars(other.cost.usd.mid)
            found.append(
                f"{other.model} is expected {gap:.0f} points better, at {price} a month: name a budget that "
                "holds it, or test both on your own task."
            )
    if way.kind == "api":
        found.append(f"Prompts and answers leave your machines, to {way.where}.")
    if way.kind == "local" and not plan.buy:
        found.append("The machine counts as owned: only its electricity is paid.")
    return found


def _out(ways: list[Way]) -> list[str]:
    return [f"{way.model} ({way.label}) is out: {way.excluded.rstrip('.')}." for way in ways if way.excluded]
