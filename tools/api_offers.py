"""API models that meet needs, with their bill: what a comparison of costs chooses among."""

from __future__ import annotations

from dataclasses import dataclass

from knowledge.catalog.api_models import current_api_models, load_api_models
from knowledge.catalog.records import ApiModel
from tools.brief import Brief
from tools.candidates import QualityFigure, Rejected
from tools.pricing import MonthlyCost, monthly_cost
from tools.roles.api import MODES, refusal
from tools.roles.common import cautious
from tools.task_mix import api_quality_for
from tools.wishes import is_called, names_of

SAME_POINTS = 2.0
"""Points of expected quality that nobody notices: an API model so far below still counts as equal."""


def points_apart(better: QualityFigure, other: QualityFigure) -> str:
    """`6 points`: by how much one is better, as a reader finds it who subtracts the scores that are shown."""
    gap = better.points_over(other)
    return f"{gap} point{'s' if gap != 1 else ''}"


@dataclass(frozen=True, slots=True)
class Offer:
    """One API model and its bill for a volume."""

    model: ApiModel
    cost: MonthlyCost
    quality: QualityFigure


def offers(
    brief: Brief, *, cached_share: float = 0.0, batch: bool = False, named: tuple[str, ...] = ()
) -> tuple[list[Offer], list[Rejected]]:
    """Models that providers serve now and that meet window, features and budget; and why others do not.

    Args:
        brief: the needs; whether data may leave is the caller's to ask.
        cached_share: share of the input that is a repeated prefix.
        batch: calls may wait, at the batch price where one is listed.
        named: only these keys; one that is retired or does not fit is among the excluded, with the reason.
    """
    found: list[Offer] = []
    out: list[Rejected] = []
    served = {model.key for model in current_api_models()}
    models = [m for m in load_api_models() if m.key in named] if named else list(current_api_models())
    for model in models:
        if model.mode not in MODES or is_called(brief.wish.excluded, *names_of(model.provider, model.key)):
            continue
        cost = monthly_cost(model, brief.volume, brief.context, cached_share=cached_share, batch=batch)
        refused = refusal(model, brief, cost)
        if model.key not in served:
            refused = (f"its provider switched it off on {model.ends}", "model")
        if refused is not None:
            out.append(Rejected(model.key, model.key, *refused))
        elif cost is not None:
            found.append(Offer(model, cost, api_quality_for(model.key, brief.tasks)))
    return found, out


def cheapest_as_good(found: list[Offer], quality: QualityFigure) -> Offer | None:
    """The cheapest model with public scores whose expected quality is not below this one's."""
    enough = [o for o in found if o.quality.measured and o.quality.score >= quality.score - SAME_POINTS]
    return min(enough, key=lambda o: (o.cost.usd, -o.quality.score), default=None)


def best_offer(found: list[Offer]) -> Offer | None:
    """The best by quality with a part of its uncertainty taken off; of equal ones the cheaper."""
    measured = [o for o in found if o.quality.measured] or found
    return max(measured, key=lambda o: (round(cautious(o.quality), 1), -o.cost.usd), default=None)
