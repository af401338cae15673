"""Which question, if any, earns its turn.

For each open slot the recommendation is computed again under every plausible answer. The value of the
question is the utility that recommending now (on assumptions) would lose on average against recommending with
the answer. The most valuable question is asked where its value exceeds the cost of a turn, which grows with
every question asked; otherwise the advisor recommends.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from pydantic import TypeAdapter

from knowledge.errors import AdvisorError
from tools.brief import Brief, brief_of
from tools.candidates import Candidate
from tools.needs import Needs, Slot
from tools.recommend import rank_for

COMPARED = 4
"""Options that are compared between answers."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A question worth asking."""

    slot: str
    text: str
    reason: str
    options: tuple[str, ...]
    value: float
    """Expected gain in utility points."""


@cache
def questions() -> dict[str, Any]:
    """The table of `agent/data/questions.json`."""
    data = resources.files("agent").joinpath("data/questions.json").read_bytes()
    return TypeAdapter(dict[str, Any]).validate_json(data)


def with_answer(needs: Needs, slot: str, value: Any) -> Needs:  # noqa: ANN401 - a JSON value of any slot
    """The needs as they would be after an answer."""
    field = Needs.model_fields[slot]
    adapter: TypeAdapter[Any] = TypeAdapter(field.rebuild_annotation())
    parsed = adapter.validate_python({"value": value, "source": "assumed"})
    return needs.updated(**{slot: parsed})


def is_open(needs: Needs, slot: str) -> bool:
    """Whether nobody has said what this slot needs: empty, or filled without the part that counts."""
    filled = getattr(needs, slot)
    if filled is None:
        return True
    if slot == "volume":
        return filled.value.input_tokens_per_day is None and filled.value.requests_per_day is None
    if slot == "training":
        return bool(filled.value.method == "any")
    if slot == "hardware":
        # No graphics card, and yet nothing may go to an API: there must be some computer.
        return (
            bool(filled.value.none)
            and needs.deployment is not None
            and needs.deployment.value.mode == "local"
        )
    return False


def _applied(needs: Needs, slot: str, answer: dict[str, Any]) -> Needs:
    """The needs after one of a question's answers, which may name a machine for training as well."""
    after = with_answer(needs, slot, answer["value"])
    trainer = answer.get("training_text")
    if trainer is None or after.hardware is None:
        return after
    machine = after.hardware.value.model_copy(update={"training_text": trainer})
    return after.updated(hardware=after.hardware.model_copy(update={"value": machine}))


def tags_of(needs: Needs, brief: Brief) -> tuple[str, ...]:
    """What a question may be worded or weighed for: the role, and whether this is about serving others."""
    business = needs.license is not None and needs.license.value.use == "commercial"
    datacenter = brief.machine is not None and any(d.datacenter for d in brief.machine.devices)
    serving = business or datacenter or brief.server
    return (brief.role, "serving") if serving else (brief.role,)


def row_for(slot: str, tags: tuple[str, ...]) -> dict[str, Any]:
    """The question about a slot as it is put here: an embedder reads passages, not conversations."""
    row: dict[str, Any] = questions()["slots"][slot]
    for tag in tags:
        row = row | row.get("for", {}).get(tag, {})
    return row


def open_slots(needs: Needs, brief: Brief, asked: tuple[str, ...]) -> list[str]:
    """Slots that nobody filled, that make sense here and that were not asked yet."""
    found = []
    for slot, row in questions()["slots"].items():
        if slot in asked or not is_open(needs, slot):
            continue
        where = row.get("when")
        if where is not None and brief.role not in where and brief.mode not in where:
            continue
        if brief.task in row.get("not_tasks", ()):
            continue
        if slot == "hardware" and brief.mode == "api":
            continue
        if brief.license.use in row.get("not_uses", ()):
            continue
        found.append(slot)
    return found


def _identity(candidate: Candidate) -> tuple[str, str]:
    return candidate.kind, candidate.model


def _loss(now: Candidate | None, then: list[Candidate]) -> float:
    """What it costs to stay with today's choice when the answer makes another one best."""
    table = questions()
    if not then:
        return 0.0
    best = then[0]
    if now is None:
        return float(table["absent_loss"])
    short = _plan_loss(now, best)
    if _identity(now) == _identity(best):
        return short
    same = next((c for c in then if _identity(c) == _identity(now)), None)
    if same is not None:
        return min(float(table["most_loss"]), best.utility - same.utility + short)
    return float(table["absent_loss"]) + min(
        float(table["most_loss"]), max(0.0, best.utility - then[-1].utility)
    )


def _plan_loss(now: Candidate, best: Candidate) -> float:
    """What it costs when the model stays but its plan does not hold: too little context, too few slots, a
    wrong bill.
    """
    table = questions()
    mine, its = now.configuration, best.configuration
    if mine is not None and its is not None and (its.context > mine.context or its.parallel > mine.parallel):
        return float(table["short_plan_loss"])
    if now.usd_per_month and best.usd_per_month and best.usd_per_month > 2 * now.usd_per_month:
        return float(table["wrong_cost_loss"])
    return 0.0


def value_of(needs: Needs, slot: str, tags: tuple[str, ...], now: Candidate | None) -> float:
    """Expected gain of knowing a slot, in utility points; what other questions rest on gains more."""
    row = row_for(slot, tags)
    total = float(row.get("groundwork", 0.0))
    for answer in row["answers"]:
        try:
            ranked = rank_for(brief_of(_applied(needs, slot, answer)), COMPARED)
        except AdvisorError:
            continue
        total += float(answer["weight"]) * _loss(now, ranked.candidates)
    return total


def next_question(needs: Needs, asked: tuple[str, ...]) -> Proposal | None:
    """The question worth its turn, or None when it is time to recommend.

    Args:
        needs: what is known.
        asked: slots asked already, answered or not.
    """
    table = questions()
    if len(asked) >= int(table["most"]):
        return None
    brief = brief_of(needs)
    tags = tags_of(needs, brief)
    now = next(iter(rank_for(brief, COMPARED).candidates), None)
    best: Proposal | None = None
    for slot in open_slots(needs, brief, asked):
        row = row_for(slot, tags)
        value = value_of(needs, slot, tags, now)
        if best is None or value > best.value:
            labels = tuple(a["label"] for a in row["answers"])
            best = Proposal(slot, row["text"], row["reason"], labels, value)
    threshold = float(table["turn_cost"]) + float(table["turn_cost_growth"]) * len(asked)
    return best if best is not None and best.value > threshold else None


def option_value(slot: str, label: str) -> Slot[Any] | None:
    """The slot value behind an option's label, so that choosing an option means exactly what was compared."""
    row = questions()["slots"].get(slot, {})
    variants = [row, *row.get("for", {}).values()]
    for answer in (answer for variant in variants for answer in variant.get("answers", ())):
        if answer["label"] == label:
            filled = getattr(with_answer(Needs(), slot, answer["value"]), slot)
            return Slot[Any](value=filled.value, source="user", quote=label)
    return None
