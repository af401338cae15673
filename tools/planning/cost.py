"""`plan cost`: a volume on a machine of one's own, on a rented one and behind an API, side by side."""

from __future__ import annotations

from typing import Any

from knowledge.catalog.store import load_catalog
from tools.candidates import evidence_json
from tools.planning.cost_crossing import crossings, rule_of_the_guide
from tools.planning.cost_rent import rented_way
from tools.planning.cost_verdict import decide
from tools.planning.cost_ways import Plan, Way, api_ways, local_way
from tools.prices import small_bill
from tools.running_costs import dollars

SLOTS = ("task", "hardware", "context", "volume", "priority")
"""Assumptions that matter for money."""


def plan_cost(plan: Plan) -> dict[str, Any]:
    """The document of `plan cost`.

    Args:
        plan: what is compared; its brief holds the hard constraints.
    """
    local, rejected = local_way(plan)
    model = plan.model or (load_catalog().by_id.get(str(local.model_id).lower()) if local else None)
    rented, unrented = (None, []) if local is not None and local.kind == "rented" else rented_way(plan, model)
    own = [way for way in (local, rented) if way is not None]
    remote, refused = api_ways(plan, own[0].quality if own else None)
    ways = [*own, *remote]
    found = crossings(ways, plan)
    verdict = decide(ways, plan)
    load = plan.load
    document: dict[str, Any] = {
        "task": plan.brief.task,
        "volume": {"input_tokens_per_day": load.input_tokens, "output_tokens_per_day": load.output_tokens},
        "context": plan.brief.context,
        "private": plan.brief.private,
        "verdict": verdict.as_json(),
        "options": [way.as_json() for way in ways],
        "break_even": [crossing.as_json() for crossing in found],
        "guide_rule": rule_of_the_guide(found),
        "prices": _prices(plan, own),
        "assumptions": [a.as_json() for a in plan.brief.assumptions if a.slot in SLOTS]
        + _habits(plan, own, remote),
        "rejected": [r.as_json() for r in (*refused, *unrented, *(rejected if local is None else ()))][:8],
        "caveats": _caveats(plan, ways),
    }
    if verdict.way is None:
        document["error"] = {
            "code": "nothing_fits",
            "message": "No way serves these needs: " + _first(document),
            "hint": "Name a larger machine, a smaller volume or context, a higher budget, or allow an API.",
        }
    return document


def _first(document: dict[str, Any]) -> str:
    """The first reason why nothing serves."""
    out = [f"{o['model']}: {o['excluded']}" for o in document["options"] if o["excluded"]]
    out += [f"{r['model']} {r['reason']}" for r in document["rejected"]]
    return (out[0] if out else "no machine was named and no API is allowed").rstrip(".") + "."


def _prices(plan: Plan, own: list[Way]) -> dict[str, Any]:
    """What was paid for what, with sources; for `--why` and to be changed."""
    settings = plan.settings
    found = {"tariff_usd_per_kwh": settings.tariff.as_json()}
    bought = next((way.own for way in own if way.own is not None and way.own.price is not None), None)
    if bought is not None and bought.price is not None:
        found["hardware_usd"] = bought.price.as_json()
        found["lifetime_months"] = settings.lifetime.as_json()
    return found


def _habits(plan: Plan, own: list[Way], remote: list[Way]) -> list[dict[str, Any]]:
    """What was assumed of prices and hours."""
    found, settings = [], plan.settings
    tariff = settings.tariff
    if any(way.kind == "local" for way in own) and (tariff.as_of is not None or tariff.note):
        source = tariff.evidence.source if tariff.as_of is not None else tariff.source
        why = "; ".join(part for part in (source, tariff.note) if part)
        found.append({"slot": "tariff", "value": f"${tariff.value.mid:.3f} per kWh", "why": why})
    if remote and plan.brief.budget.usd_per_month is None and plan.brief.priority not in ("cost", "small"):
        small = small_bill()
        why = f"a clearly better API is taken up to this without a stated budget; {small.evidence.source}"
        value = f"{dollars(small.value.mid)} a month"
        found.append({"slot": "small_bill", "value": value, "why": why})
    if own and settings.hours_on is None:
        why = "a machine that idles for this, or an instance that stays up, costs more: set --hours-on"
        found.append({"slot": "hours_on", "value": "the hours of work only", "why": why})
    return found


def _caveats(plan: Plan, ways: list[Way]) -> list[str]:
    found = list(dict.fromkeys(note for way in ways for note in way.notes))
    if any(way.own is not None and way.own.rates.prompt is None for way in ways):
        found.append("Where the prompt speed is not known, reading prompts is not counted.")
    unchecked = [
        evidence_json(e)["source"]
        for way in ways
        for e in way.cost.evidence
        if e.source.startswith("unchecked")
    ]
    if unchecked:
        found.append(
            "Some prices or powers are unchecked orders of size; --why names them, and each can be set."
        )
    if plan.cached_share and any(way.own is not None for way in ways):
        found.append(
            f"The repeated {plan.cached_share:.0%} of the input is not read again by a machine of your own "
            "either: llama.cpp and vLLM keep a prefix in their cache as long as memory holds it. Where many "
            "different prefixes alternate, it has to be read again."
        )
    found.append("What a model thinks is output, and billed as such: count it in the output tokens.")
    found.append("Work, maintenance, failures and a spare machine are not counted on either side.")
    return found
