"""The ways to serve a volume: one's own machine, the same model on a rented one, models behind an API."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from knowledge.catalog.api_models import maker_name
from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from tools.api_offers import SAME_POINTS, Offer, best_offer, cheapest_as_good, offers
from tools.brief import Brief
from tools.candidates import Candidate, Configuration, QualityFigure, Rejected, evidence_json
from tools.costs import Cost, Load, api_cost, without_write_off
from tools.hardware import describe
from tools.hardware_types import Machine
from tools.memory.types import Evidence
from tools.needs import Budget, ModelWish
from tools.planning.cost_curve import Curve, curve_of
from tools.prices import small_bill
from tools.quant_loss import quality_loss
from tools.roles import generator
from tools.running_costs import Running, Settings, dollars, load_of, too_much
from tools.speed_types import Interval
from tools.task_mix import quality_for

Kind = Literal["local", "rented", "api"]
AS_GOOD, ANY_PRICE = "API, as good", "API, best"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is compared."""

    brief: Brief
    settings: Settings
    model: ModelRecord | None = None
    """The local model to run; None looks for the best."""
    api: tuple[str, ...] = ()
    """Keys of API models; empty looks for one as good and for the best."""
    buy: bool = False
    """The machine has yet to be bought."""
    cached_share: float = 0.0
    batch: bool = False

    @property
    def load(self) -> Load:
        """Tokens a day, and the share of them that is a repeated prefix."""
        return replace(load_of(self.brief.volume), cached_share=self.cached_share)


@dataclass(frozen=True, slots=True)
class Way:
    """One way to serve the volume."""

    kind: Kind
    label: str
    model: str
    model_id: str | None
    where: str
    quality: QualityFigure
    cost: Cost
    leaves: str
    """What leaves the person's machines, and to whom."""
    configuration: Configuration | None = None
    own: Running | None = None
    curve: Curve | None = None
    """What a machine costs at other volumes; None of an API."""
    excluded: str = ""
    """The hard constraint or budget that rules it out; empty where none does."""
    notes: tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        """Whether nothing rules it out."""
        return not self.excluded

    @property
    def most(self) -> float | None:
        """Tokens a day of the mix that the machine serves at most, with as many conversations as it holds."""
        return self.curve.edges[-1] if self.curve is not None else None

    @property
    def running(self) -> Interval:
        """Dollars a month without the write-off of what is bought."""
        own = self.own
        if own is None or own.price is None or self.curve is None:
            return self.cost.usd
        return without_write_off(self.cost, own.price, self.curve.settings.lifetime)

    def as_json(self) -> dict[str, Any]:
        """The row of the document."""
        c, own, cost = self.configuration, self.own, self.cost
        return {
            "kind": self.kind,
            "label": self.label,
            "model": self.model,
            "model_id": self.model_id,
            "where": self.where,
            "quant": c.quant if c else None,
            "engine": c.engine if c else None,
            "usd_per_month": cost.usd.as_json(4),
            "fixed_usd_per_month": cost.fixed_usd.as_json(2),
            "usd_per_mtok": cost.per_mtok.as_json(4) if cost.per_mtok else None,
            "running_usd_per_month": self.running.as_json(4),
            "usd_once": own.price.value.as_json(0) if own and own.price else None,
            "hours_per_day": cost.hours.as_json(2) if cost.hours else None,
            "utilization": round(cost.utilization, 3) if cost.utilization is not None else None,
            "users": own.rates.users if own else None,
            "generation_tokens_per_second": own.rates.generation.as_json() if own else None,
            "prompt_tokens_per_second": own.rates.prompt.as_json() if own and own.rates.prompt else None,
            "speed_basis": c.speed.timings.basis if c and c.speed and c.speed.timings else None,
            "serves_volume": own.serves if own else None,
            "served_tokens_per_day": round(own.load.total) if own else None,
            "most_tokens_per_day": round(self.most) if self.most is not None else None,
            "quality": self.quality.as_json(),
            "leaves": self.leaves,
            "excluded": self.excluded or None,
            "notes": list(self.notes),
            "formula": cost.formula,
            "evidence": [evidence_json(e) for e in cost.evidence],
        }


def best_model(plan: Plan, machine: Machine) -> tuple[Candidate | None, list[Rejected]]:
    """The model that the recommendation would put first on a machine; the named one where one is."""
    brief = replace(plan.brief, mode="local", machine=machine)
    if plan.model is not None:
        brief = replace(brief, wish=ModelWish(named=(plan.model.id,)))
    ranked = generator.rank(brief, keep=1)
    return (ranked.candidates[0] if ranked.candidates else None), ranked.rejected


def quality_as_run(model: ModelRecord, configuration: Configuration, plan: Plan) -> QualityFigure:
    """Expected quality as it is run: what the quantization costs is taken off."""
    found, task = quality_for(model.id, plan.brief.tasks), plan.brief.task
    loss = quality_loss(model, configuration.quant, configuration.kv_cache_type, task)
    note = f"{found.note}; {loss:.1f} points off for {configuration.quant}"
    return replace(found.less(loss), note=note)


def excluded_by(own: Running, plan: Plan, *, private: str) -> str:
    """Privacy first, then what the machine can do, then money."""
    if private:
        return private
    if not own.serves:
        return too_much(own, plan.load, plan.settings.hours)
    return _over(own, plan.brief.budget, plan.settings)


def _over(own: Running, budget: Budget, settings: Settings) -> str:
    if own.price is not None and budget.usd_once is not None and own.price.value.mid > budget.usd_once:
        return (
            f"it costs about {dollars(own.price.value.mid)} to buy, the budget is {dollars(budget.usd_once)}"
        )
    monthly = own.cost.usd
    if own.price is not None:
        monthly = without_write_off(own.cost, own.price, settings.lifetime)
    if budget.usd_per_month is not None and monthly.mid > budget.usd_per_month:
        return f"about {dollars(monthly.mid)} a month, the budget is {dollars(budget.usd_per_month)}"
    return ""


def local_way(plan: Plan) -> tuple[Way | None, list[Rejected]]:
    """The best local model on the machine, with electricity and the write-off of a machine to buy."""
    machine = plan.brief.machine
    if machine is None or plan.brief.mode == "api":
        return None, []
    candidate, rejected = best_model(plan, machine)
    model = record_of(candidate)
    if candidate is None or model is None:
        return None, rejected
    curve = curve_of(model, machine, plan.brief, plan.settings, plan.load, buy=plan.buy)
    if curve is None:
        reason = "what it costs here is not known: its speed, the machine's power or its price is missing"
        return None, [Rejected(model.name, model.id, reason, "hardware"), *rejected]
    configuration, own = curve.at(plan.load)
    label = f"rented {machine.name}" if machine.rented else "to buy" if plan.buy else "local"
    leaves = to_host() if machine.rented else "nothing"
    private = no_host(plan.brief) if machine.rented else ""
    way = Way(
        "rented" if machine.rented else "local",
        label,
        model.name,
        model.id,
        describe(machine),
        quality_as_run(model, configuration, plan),
        own.cost,
        leaves,
        configuration,
        own,
        curve,
        excluded_by(own, plan, private=private),
        (f"The machine is priced as {own.price_words}, without what it may be resold for.",)
        if own.price is not None
        else (),
    )
    return way, rejected


def record_of(candidate: Candidate | None) -> ModelRecord | None:
    return load_catalog().by_id.get((candidate.model_id or "").lower()) if candidate is not None else None


def to_host() -> str:
    """What leaves the machines with a rented one."""
    return "prompts and answers, to the host of the rented machine"


def no_host(brief: Brief) -> str:
    """Why a rented machine is out, where nothing may leave one's own; empty where it may."""
    return "nothing may leave your machines, and a rented one is another's" if brief.private else ""


def api_ways(plan: Plan, quality: QualityFigure | None) -> tuple[list[Way], list[Rejected]]:
    """The cheapest API model that is as good as the local one, and the best one in the budget.

    Where models were named, all of them. Where nothing may leave the machines, none.
    """
    brief = plan.brief
    if brief.mode == "local" and not brief.private:
        return [], []
    if brief.private:
        reason = "nothing may leave your machines, so no model behind an API"
        return [], [Rejected("API models", None, reason, "privacy")]
    found, rejected = offers(brief, cached_share=plan.cached_share, batch=plan.batch, named=plan.api)
    if plan.api:
        return [_api(offer, "API", plan) for offer in found], rejected
    rows: list[tuple[Offer | None, str]] = []
    if quality is not None:
        rows.append((cheapest_as_good(found, quality), AS_GOOD))
    limit = brief.budget.usd_per_month
    if limit is None:
        small = small_bill().value.mid
        least = quality.score - SAME_POINTS if quality is not None else 0.0
        low = [o for o in found if o.cost.usd <= small and o.quality.score >= least]
        rows.append((best_offer(low), f"API, under ${small:g}"))
    rows.append((best_offer(found), ANY_PRICE if limit is None else "API, in budget"))
    ways: dict[str, Way] = {}
    for offer, label in rows:
        if offer is not None:
            ways.setdefault(offer.model.key, _api(offer, label, plan))
    return list(ways.values()), rejected if not found else []


def _api(offer: Offer, label: str, plan: Plan) -> Way:
    model, load = offer.model, plan.load
    notes = [f"The provider switches it off on {model.ends}."] if model.ends else []
    if offer.cost.note:
        notes.append(offer.cost.note[:1].upper() + offer.cost.note[1:] + ".")
    return Way(
        "api",
        label,
        model.key.split("/", 1)[-1],
        model.key,
        maker_name(model.provider),
        offer.quality,
        api_cost(offer.cost.usd, load, offer.cost.formula, Evidence("catalog", model.source, model.key)),
        f"prompts and answers, to {maker_name(model.provider)}",
        notes=tuple(notes),
    )
