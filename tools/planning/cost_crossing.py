"""From which volume each way of one's own beats each API, and the older guide's rule held against that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tools.break_even import BreakEven, break_even, months_to_pay_off
from tools.candidates import evidence_json
from tools.citing import guide
from tools.costs import Load
from tools.planning.cost_curve import Curve
from tools.planning.cost_ways import ANY_PRICE, Plan, Way
from tools.running_costs import dollars, rough

RULE_TOKENS = 1_000_000
"""Tokens a day above which the older guide says local; guides/local-or-api.md."""
GUIDE = "local-or-api.md"
RULE = "the older rule: above 1M tokens a day choose local"
RULE_HEADING = "Is more than 1M tokens per day a reason for local"


@dataclass(frozen=True, slots=True)
class Crossing:
    """A way of one's own against an API."""

    own: Way
    api: Way
    point: BreakEven
    served_as: str
    """How it is run at the break-even, where that is not as at the volume asked for."""
    months: float | None
    """Months until bought hardware has saved its price at the volume asked for; None never, or not bought."""
    lifetime: float | None
    """Months over which it is written off; None where nothing is bought, or the volume is not served."""

    @property
    def pays_off(self) -> bool | None:
        """Whether what is bought saves its price while it is written off; None where nothing is bought."""
        if self.lifetime is None:
            return None
        return self.months is not None and self.months <= self.lifetime

    @property
    def text(self) -> str:
        """As a sentence."""
        pair = f"{self.own.label} ({self.own.model}) against {self.api.model}"
        return f"{pair}: {self._volume()}{self._pay_off()}."

    def _volume(self) -> str:
        point = self.point
        if point.tokens_per_day is None:
            return (
                f"cheaper at no volume that it serves: at its most, about {rough(point.most_tokens_per_day)} "
                f"tokens a day, a million tokens cost about {dollars(point.own_usd_per_mtok)} against "
                f"{dollars(point.api_usd_per_mtok)}"
            )
        if point.tokens_per_day == 0:
            words = "cheaper from the first token on"
        else:
            words = f"cheaper from about {rough(point.tokens_per_day)} tokens a day of this mix on"
        words += self.served_as
        if self.own.own is not None and not self.own.own.serves:
            words += f", up to about {rough(point.most_tokens_per_day)} tokens a day, which is all it serves"
        return words

    def _pay_off(self) -> str:
        months, lifetime = self.months, self.lifetime
        if lifetime is None:
            return ""
        if months is None:
            return "; at this volume what is bought never pays off"
        if months > lifetime:
            return f"; at this volume what is bought does not pay off within its {lifetime:g} months"
        unit = "month" if months < 1.5 else "months"
        return f"; what is bought pays off in about {max(1.0, months):,.0f} {unit} at this volume"

    def as_json(self) -> dict[str, Any]:
        """The row of the document."""
        p = self.point
        return {
            "own": self.own.model,
            "own_kind": self.own.kind,
            "own_label": self.own.label,
            "api": self.api.model_id,
            "tokens_per_day": round(p.tokens_per_day) if p.tokens_per_day is not None else None,
            "within_capacity": True if p.tokens_per_day is not None else None,
            "most_tokens_per_day": round(p.most_tokens_per_day),
            "own_usd_per_mtok": round(p.own_usd_per_mtok, 4),
            "api_usd_per_mtok": round(p.api_usd_per_mtok, 4),
            "months_to_pay_off": round(self.months, 1) if self.months is not None else None,
            "pays_off_within_lifetime": self.pays_off,
            "formula": p.formula,
            "text": self.text,
        }


def crossings(ways: list[Way], plan: Plan) -> list[Crossing]:
    """Every way of one's own against every API that is compared for its price."""
    remote = [way for way in ways if way.kind == "api" and way.label != ANY_PRICE]
    return [_crossing(own, own.curve, api, plan) for own in ways if own.curve is not None for api in remote]


def _crossing(own: Way, curve: Curve, api: Way, plan: Plan) -> Crossing:
    each = api.cost.per_mtok.mid if api.cost.per_mtok is not None else 0.0

    def scaled(tokens: float) -> Load:
        return plan.load.times(tokens / plan.load.total)

    point = break_even(lambda tokens: curve.cost(scaled(tokens)), curve.edges, each)
    months = lifetime = None
    # Pay-off is told for the volume asked for, which a machine that is too slow does not serve.
    if own.own is not None and own.own.price is not None and own.own.serves:
        lifetime = plan.settings.lifetime.value.mid
        months = months_to_pay_off(own.cost, api.cost.usd.mid, own.own.price, plan.settings.lifetime)
    served_as = _served_as(own, curve, scaled(point.tokens_per_day)) if point.tokens_per_day else ""
    return Crossing(own, api, point, served_as, months, lifetime)


def _served_as(own: Way, curve: Curve, load: Load) -> str:
    """`, with 8 conversations at once as Q4_K_M`, where that is not how the volume asked for is served."""
    configuration, there = curve.at(load)
    words = ""
    if own.own is not None and there.rates.users != own.own.rates.users and there.rates.users > 1:
        words = f", with {there.rates.users} conversations at once"
    if own.configuration is not None and configuration.quant != own.configuration.quant:
        words += f" as {configuration.quant}" if words else f", as {configuration.quant}"
    return words


def rule_of_the_guide(found: list[Crossing]) -> dict[str, Any] | None:
    """Whether "more than a million tokens a day: local" holds for the way of one's own; None without one."""
    local = [crossing for crossing in found if crossing.own.kind == "local"] or found
    if not local:
        return None
    # The cheapest API decides: what a dearer one saves is no merit of running it oneself.
    first = min(local, key=lambda crossing: crossing.api.cost.usd.mid)
    tokens = first.point.tokens_per_day
    holds = tokens is not None and 0 < tokens <= RULE_TOKENS
    stated = "The older guide says local above 1 million tokens a day."
    who = "the rented GPU" if first.own.kind == "rented" else "your own machine"
    against = f"against {first.api.model}"
    if tokens is None:
        most = rough(first.point.most_tokens_per_day)
        words = (
            f"It does not hold here: {against} {who} costs more at every volume that it serves, up to about "
            f"{most} tokens a day."
        )
    elif tokens == 0:
        words = f"Here the volume decides nothing: {against} {who} is cheaper from the first token on."
    else:
        opening = "It holds here" if holds else "It does not hold here"
        words = f"{opening}: {against} the break-even of {who} is about {rough(tokens)} tokens a day."
    rule = guide(GUIDE, RULE_HEADING, RULE)
    return {
        "stated": stated,
        "holds": holds,
        "text": f"{stated} {words}",
        "evidence": [
            {"kind": "tool", "source": "break_even", "locator": first.point.formula},
            evidence_json(rule),
        ],
    }
