"""Which question, if any, earns its turn.

For each open slot the recommendation is computed again under every plausible answer (`agent.priors`). What a
question is worth is the utility that recommending now, on assumptions, is expected to lose against
recommending with the answer:

    value = sum over answers of  prior x loss(first place now | answer)

The loss is counted in points of utility, 0 to 100. It is what today's first place falls behind the best
option once the answer is known; a fixed amount where the answer rules today's first place out, where its plan
does not hold (too little context, too few conversations at once) or where its bill is far off. The most
valuable question is asked where its value exceeds the cost of a turn, which grows with every question asked.
A question of which no plausible answer moves the first place or its plan is never asked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from pydantic import TypeAdapter

from agent.priors import Answer, every_answer, plausible, tags_of
from knowledge.catalog.store import follows_models
from knowledge.errors import AdvisorError
from tools.brief import Brief, brief_of
from tools.candidates import Candidate
from tools.needs import Needs, Slot
from tools.recommend import rank_for

COMPARED = 4
"""Options that are compared between answers."""
MOST_WEIGHED = 24
"""Answers that are weighed in a turn at the most; a question beyond them waits for the next one.

A count and not a time, so that a busy machine asks the same question as an idle one; an answer is ranked in
20 to 40 ms on one core of a usual computer.
"""
_KEPT = 128
"""Rankings that are kept: the answers of one turn come up again in the next."""


@dataclass(frozen=True, slots=True)
class Move:
    """What one plausible answer does to the recommendation."""

    label: str
    prior: float
    loss: float
    """Points of utility that staying with today's first place loses."""
    now: Candidate | None
    then: Candidate | None
    moved: bool
    """Another first place, or the same one with another plan."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """A question, weighed."""

    slot: str
    value: float
    """Expected gain in points of utility; 0 where nothing moves."""
    moves: tuple[Move, ...]

    @property
    def matters(self) -> bool:
        """Whether any plausible answer changes the recommendation."""
        return any(move.moved for move in self.moves)

    def effect(self) -> str:
        """What the answer that matters most would change, in words; empty where nothing moves."""
        moved = [move for move in self.moves if move.moved]
        if not moved:
            return ""
        best = max(moved, key=lambda move: (move.prior * move.loss, move.prior))
        answer = f"\u201c{best.label}\u201d"
        if best.then is None:
            return f"with {answer} nothing that is known here would fit"
        if best.now is None:
            return f"with {answer} {best.then.model} would come first"
        if _identity(best.now) != _identity(best.then):
            return f"with {answer} {best.then.model} would come first, not {best.now.model}"
        return f"with {answer} {_plan_words(best.now, best.then)}"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A question worth asking."""

    slot: str
    text: str
    reason: str
    """Why it is asked, and what the answer can change."""
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


def answered_with(needs: Needs, slot: str, answer: Answer) -> Needs:
    """The needs after one of a question's answers, which may name a machine for training as well."""
    after = with_answer(needs, slot, answer.value)
    if not answer.training_text or after.hardware is None:
        return after
    machine = after.hardware.value.model_copy(update={"training_text": answer.training_text})
    return after.updated(hardware=after.hardware.model_copy(update={"value": machine}))


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


@follows_models
@lru_cache(maxsize=_KEPT)
def _ranked(brief: Brief) -> tuple[Candidate, ...]:
    return tuple(rank_for(brief, COMPARED).candidates)


def first_places(needs: Needs) -> tuple[Candidate, ...]:
    """The ranking of some needs, kept for answers that come to the same brief.

    Raises:
        UsageError: where a need cannot be read at all.
    """
    return _ranked(replace(brief_of(needs), assumptions=()))


def _plan_words(now: Candidate, then: Candidate) -> str:
    """What changes about a model that stays the first choice."""
    mine, its = now.configuration, then.configuration
    if mine is None or its is None:
        return f"{then.model} would be planned otherwise"
    if its.parallel > mine.parallel:
        return f"{then.model} would have to hold {its.parallel} conversations at once"
    if its.context > mine.context:
        return f"{then.model} would need {its.context:,} tokens of context, not {mine.context:,}"
    if (its.quant, its.engine) != (mine.quant, mine.engine):
        return f"{then.model} would run as {its.quant} on {its.engine}, not {mine.quant} on {mine.engine}"
    return f"{then.model} would cost more than twice as much"


def _identity(candidate: Candidate) -> tuple[str, str]:
    return candidate.kind, candidate.model


def _loss(now: Candidate | None, then: tuple[Candidate, ...]) -> float:
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


def _moved(now: Candidate | None, then: tuple[Candidate, ...]) -> bool:
    """Whether an answer gives another first place, or the same one in another form."""
    best = next(iter(then), None)
    if now is None or best is None:
        return now is not best
    if _identity(now) != _identity(best) or _plan_loss(now, best) > 0:
        return True
    mine, its = now.configuration, best.configuration
    return mine is not None and its is not None and (mine.quant, mine.engine) != (its.quant, its.engine)


def weigh(needs: Needs, slot: str, tags: tuple[str, ...], now: Candidate | None) -> Weighed:
    """What knowing a slot is worth; what other questions rest on is worth more.

    Args:
        needs: what is known.
        slot: a slot with a question.
        tags: see `agent.priors.tags_of`.
        now: today's first place.
    """
    moves = []
    for answer in plausible(slot, tags):
        try:
            then = first_places(answered_with(needs, slot, answer))
        except AdvisorError:
            continue
        first = next(iter(then), None)
        moves.append(Move(answer.label, answer.prior, _loss(now, then), now, first, moved=_moved(now, then)))
    if not any(move.moved for move in moves):
        return Weighed(slot, 0.0, tuple(moves))
    value = float(row_for(slot, tags).get("groundwork", 0.0))
    return Weighed(slot, value + sum(move.prior * move.loss for move in moves), tuple(moves))


def turn_cost(asked: tuple[str, ...]) -> float:
    """What a question must be worth after some were asked, in points of utility."""
    table = questions()
    return float(table["turn_cost"]) + float(table["turn_cost_growth"]) * len(asked)


def next_question(needs: Needs, asked: tuple[str, ...], clarified: tuple[str, ...] = ()) -> Proposal | None:
    """The question worth its turn, or None when it is time to recommend.

    Args:
        needs: what is known.
        asked: slots asked already, answered or not.
        clarified: slots asked back about, which are not asked again either.
    """
    if len(asked) >= int(questions()["most"]):
        return None
    brief = brief_of(needs)
    tags = tags_of(needs, brief)
    now = next(iter(first_places(needs)), None)
    best: Weighed | None = None
    left = MOST_WEIGHED
    for slot in open_slots(needs, brief, (*asked, *clarified)):
        left -= len(plausible(slot, tags))
        if left < 0:
            break
        weighed = weigh(needs, slot, tags, now)
        if best is None or weighed.value > best.value:
            best = weighed
    if best is None or not best.matters or best.value <= turn_cost(asked):
        return None
    return _proposal(best, tags)


def _proposal(best: Weighed, tags: tuple[str, ...]) -> Proposal:
    row = row_for(best.slot, tags)
    labels = tuple(answer.label for answer in plausible(best.slot, tags))
    return Proposal(best.slot, row["text"], f"{row['reason']}; {best.effect()}", labels, best.value)


def weigh_asked(needs: Needs, slot: str) -> Weighed | None:
    """What the answer to a question that was asked would change; None for a slot without a question."""
    if slot not in questions()["slots"]:
        return None
    tags = tags_of(needs, brief_of(needs))
    return weigh(needs, slot, tags, next(iter(first_places(needs)), None))


def option_slots(needs: Needs, slot: str, label: str) -> dict[str, Slot[Any]]:
    """The slot values behind an option's label, so that choosing it means exactly what was compared."""
    for answer in every_answer(slot):
        if answer.label == label:
            after = answered_with(needs, slot, answer)
            changed = [s for s in (slot, "hardware") if getattr(after, s) != getattr(needs, s)]
            return {
                s: Slot[Any](value=getattr(after, s).value, source="user", quote=label)
                for s in dict.fromkeys((slot, *changed))
            }
    return {}
