"""Where to run it, said plainly: what a local option costs, and when an API is the answer."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import Any

from pydantic import TypeAdapter

from tools.api_offers import SAME_POINTS, points_apart
from tools.brief import Brief
from tools.candidates import Candidate, Reason, Rejected
from tools.memory.types import Evidence
from tools.needs import Needs
from tools.roles import generator
from tools.running_costs import dollars, over_budget, priced
from tools.utility import cost_score, utility


@cache
def _words() -> dict[str, Any]:
    data = resources.files("tools").joinpath("data/purchase_words.json").read_bytes()
    return TypeAdapter(dict[str, Any]).validate_json(data)


def to_buy(needs: Needs) -> bool:
    """Whether the words on the hardware say that it has yet to be bought."""
    if needs.hardware is None:
        return False
    said = f"{needs.hardware.value.text}\n{needs.hardware.quote}"
    words = _words()
    return any(
        re.search(words["to_buy"], line, re.IGNORECASE)
        and not re.search(words["not_to_buy"], line, re.IGNORECASE)
        for line in said.split("\n")
    )


def with_money(
    candidates: list[Candidate], brief: Brief, needs: Needs
) -> tuple[list[Candidate], list[Rejected]]:
    """Local options with their running costs, which count in the utility, without those over budget.

    Args:
        candidates: finished ones, best first.
        brief: the needs, filled.
        needs: as they were said, for whether the machine is to be bought.
    """
    buy = to_buy(needs)
    found, out = [], []
    for candidate in candidates:
        one = _weighed(priced(candidate, brief, buy=buy, assumed=needs.volume is None), brief)
        refused = over_budget(one, brief)
        if refused is None:
            found.append(one)
        else:
            out.append(refused)
    return sorted(found, key=lambda one: -one.utility), out


def _weighed(candidate: Candidate, brief: Brief) -> Candidate:
    """A local option whose bill counts like that of an API."""
    if candidate.kind != "local" or candidate.scores is None or candidate.usd_per_month is None:
        return candidate
    cost = cost_score(candidate.usd_per_month, brief.budget.usd_per_month)
    scores = candidate.scores._replace(cost=cost)
    return replace(candidate, scores=scores, utility=utility(brief.priority, scores))


def _local(candidates: list[Candidate]) -> Candidate | None:
    return next((one for one in candidates if one.kind == "local"), None)


def _best_local(candidates: list[Candidate], brief: Brief) -> Candidate | None:
    """The best local option, also where better APIs keep it from being shown."""
    shown = _local(candidates)
    if shown is not None or brief.mode != "either" or brief.machine is None:
        return shown
    return next(iter(generator.rank(brief, keep=1).candidates), None)


def _cheaper_equal(candidates: list[Candidate], local: Candidate | None) -> Candidate | None:
    """An API as good as the best local option that costs less than running that one."""
    if local is None or local.usd_per_month is None:
        return None
    running, enough = local.usd_per_month, local.quality.score - SAME_POINTS
    equal = [
        one
        for one in candidates
        if one.kind == "api"
        and one.quality.measured
        and one.quality.score >= enough
        and one.usd_per_month is not None
        and one.usd_per_month < running
    ]
    return min(equal, key=lambda one: one.usd_per_month or 0.0, default=None)


def verdict(candidates: list[Candidate], brief: Brief, rejected: list[Rejected]) -> str | None:
    """`Use the API: ...` where an API clearly is the answer; None where it is not, or was not allowed.

    It is where nothing local meets the needs, where the API is better by more than both uncertainties, or
    where it is as good and costs less than running the local model.
    """
    best = candidates[0] if candidates else None
    if best is None or best.kind != "api" or brief.private:
        return None
    price = (
        f"costs {dollars(best.usd_per_month)} a month at {brief.volume_words}"
        if best.usd_per_month
        else "is the best"
    )
    opening = f"Use the API: {best.model} {price}"
    local = _best_local(candidates, brief)
    if local is None:
        return f"{opening}; {_why_not_local(brief, rejected)}."
    gap = best.quality.score - local.quality.score
    if best is _cheaper_equal(candidates, local) and local.usd_per_month is not None:
        running = dollars(local.usd_per_month)
        return f"{opening}, less than running {local.model} here (about {running}), at no lower quality."
    if gap > math.hypot(best.quality.spread, local.quality.spread):
        name = f"{local.model} {local.configuration.quant}" if local.configuration else local.model
        points = points_apart(best.quality, local.quality)
        return f"{opening}; expected {points} better than {name}, the best that runs here."
    return None


def _why_not_local(brief: Brief, rejected: list[Rejected]) -> str:
    if brief.mode == "api":
        return "no machine for a local model was named" if brief.machine is None else "an API was asked for"
    if brief.machine is None:
        return "no machine for a local model was named"
    first = next((r for r in rejected if r.constraint not in ("rank", "model")), None)
    return "nothing local meets the needs" + (f" ({first.model} {first.reason})" if first is not None else "")


def first_reason(candidate: Candidate, text: str) -> Candidate:
    """The option with the verdict before its other reasons."""
    evidence = (Evidence("tool", "verdict", "cost and expected quality of the options"),)
    return replace(candidate, why=(Reason(text, evidence), *candidate.why))
