"""From votes to typed slots: which value wins, what contradicts, and how it joins what was known before."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError

from agent.understanding.data import load
from agent.understanding.lexicon import Removal, Vote
from agent.understanding.quantities import settle
from agent.understanding.text import Text
from agent.understanding.types import Conflict, Updates
from tools.needs import (
    Budget,
    Dataset,
    Deployment,
    LicenseNeed,
    Needs,
    Slot,
    TaskNeed,
    Training,
    Volume,
)

STRUCTURED: dict[str, type[BaseModel]] = {
    "task": TaskNeed,
    "deployment": Deployment,
    "license": LicenseNeed,
    "volume": Volume,
    "budget": Budget,
    "training": Training,
    "dataset": Dataset,
}
LISTS = ("languages", "features")
_DETAIL_CHARS = 120
_QUOTE_CHARS = 100


@dataclass
class Composed:
    """Slots made of votes."""

    updates: Updates = field(default_factory=dict)
    cleared: list[str] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)


@cache
def _data() -> dict[str, Any]:
    return load("compose")


def compose(
    text: Text,
    votes: Iterable[Vote],
    removals: Sequence[Removal],
    needs: Needs,
    *,
    correcting: bool,
    asked: str,
) -> Composed:
    """Decides every slot that has votes.

    Args:
        text: The message, for the quotes.
        votes: Evidence from all readers.
        removals: Values that the person takes back.
        needs: What was known before; structured values are completed from it.
        correcting: The message says that it corrects, so that nothing in it contradicts earlier needs.
        asked: The slot of the pending question; its answer contradicts nothing either.
    """
    out = Composed()
    by_slot: dict[str, list[Vote]] = defaultdict(list)
    for vote in _uncovered([settle(v) for v in votes]):
        if vote.value is not None:
            by_slot[vote.slot].append(vote)
    blocked = _data()["answers_block"].get(asked, ())
    for slot, cast in by_slot.items():
        found = cast if slot == asked or correcting else _strong_enough(slot, cast, needs)
        if not found or (slot in blocked and not (correcting and _clearly(found))):
            continue
        if slot in LISTS:
            _list_slot(text, slot, found, removals, needs, out, asked)
        elif slot in STRUCTURED:
            _structured_slot(text, slot, found, needs, out, adding=slot != asked and not correcting)
        else:
            _plain_slot(text, slot, found, out)
    for slot in LISTS:
        if slot not in by_slot:
            _taken_back(slot, removals, needs, out)
    if not correcting:
        _earlier_conflicts(needs, out, asked)
    for slot in [s for s, new in out.updates.items() if s != asked]:
        before = getattr(needs, slot)
        if before is not None and before.value == out.updates[slot].value and before.source == "user":
            del out.updates[slot]
    return out


def _clearly(votes: list[Vote]) -> bool:
    """Whether words say outright what a correction puts in place, not in passing."""
    return bool(max(v.weight for v in votes) >= _data()["also_from"])


def _strong_enough(slot: str, votes: list[Vote], needs: Needs) -> list[Vote]:
    """Without hints that would change what the person has said, where nobody asked."""
    earlier = getattr(needs, slot)
    if earlier is None or earlier.source != "user":
        return votes
    if slot in STRUCTURED:
        known = earlier.value.model_dump()
        return [v for v in votes if v.weight > _data()["weak"] or known.get(v.field) is None]
    return [v for v in votes if v.weight > _data()["weak"]]


def _uncovered(votes: list[Vote]) -> list[Vote]:
    """Without votes inside of heavier words of another value (`assistant` in `coding assistant`).

    Heavier words that mean nothing for the slot also silence what they only touch.
    """
    return [
        v
        for v in votes
        if not any(
            w.slot == v.slot
            and w.field == v.field
            and w.value != v.value
            and w.weight > v.weight
            and (_overlap(v, w) if w.value is None else w.start <= v.start and v.end <= w.end)
            for w in votes
        )
    ]


def _overlap(one: Vote, other: Vote) -> bool:
    return one.start < other.end and other.start < one.end


def _winner(slot: str, name: str, votes: Sequence[Vote]) -> Vote:
    """Heaviest, then best rank, then largest sum, then first said; `must` before `wish` throughout."""
    key = f"{slot}.{name}" if name else slot
    ranks: list[Any] = _data()["ranks"].get(key, [])
    sums: dict[Any, float] = defaultdict(float)
    for vote in votes:
        sums[vote.value] += vote.weight

    def order(vote: Vote) -> tuple[float, int, float, int]:
        rank = ranks.index(vote.value) if vote.value in ranks else len(ranks)
        return (-vote.weight - 0.5 * (vote.strength == "must"), rank, -sums[vote.value], vote.start)

    best = min(votes, key=order)
    for tie in _data()["ties"].get(slot, []):
        level = {v.value for v in votes if v.weight == best.weight}
        if level >= set(tie["of"]):
            return Vote(slot, name, tie["is"], best.weight, best.start, best.end, best.strength)
    return best


def _slot(text: Text, value: object, votes: Sequence[Vote]) -> Slot[Any]:
    """The value with the words that said it: all of them where they stand together, else the heaviest."""
    start, end = min(v.start for v in votes), max(v.end for v in votes)
    clause = text.clause(start)
    if end > clause.end or end - start > _QUOTE_CHARS:
        heaviest = max(votes, key=lambda v: v.weight)
        start, end = heaviest.start, heaviest.end
    strength = "must" if any(v.strength == "must" for v in votes) else "wish"
    return Slot[Any](value=value, source="user", quote=text.quote(start, end), strength=strength)


def _list_slot(
    text: Text,
    slot: str,
    votes: list[Vote],
    removals: Sequence[Removal],
    needs: Needs,
    out: Composed,
    asked: str,
) -> None:
    gone = {value for r in removals if r.slot == slot for value in r.value or ()}
    said = [value for v in sorted(votes, key=lambda v: v.start) for value in v.value]
    earlier = getattr(needs, slot)
    adds = slot == "features" or bool(
        re.search(r"\b(?:also|too|as well|additionally|plus|auch|zusätzlich)\b", text.low)
    )
    adds = adds and (slot == "features" or asked != slot)
    before = list(earlier.value) if earlier is not None and adds else []
    values = tuple(value for value in dict.fromkeys([*before, *said]) if value not in gone)
    if values:
        out.updates[slot] = _slot(text, values, votes)


def _taken_back(slot: str, removals: Sequence[Removal], needs: Needs, out: Composed) -> None:
    earlier = getattr(needs, slot)
    gone = {value for r in removals if r.slot == slot for value in r.value or ()}
    if earlier is None or not gone & set(earlier.value):
        return
    left = tuple(value for value in earlier.value if value not in gone)
    if left:
        out.updates[slot] = earlier.model_copy(update={"value": left})
    else:
        out.cleared.append(slot)


def _plain_slot(text: Text, slot: str, votes: list[Vote], out: Composed) -> None:
    best = _winner(slot, "", votes)
    agreeing = [v for v in votes if v.value == best.value] or [best]
    rule = _data()["exclusive"].get(slot)
    if slot == "context":
        heaviest = [v for v in votes if v.weight == best.weight]
        best = max(heaviest, key=lambda v: v.value)
        agreeing = [best]
        others = sorted({v.value for v in heaviest if v.value != best.value})
        if others and best.weight >= rule["weight"] and not re.search(_ranges(), text.low):
            said = (_said(text, heaviest, others[0]), _said(text, heaviest, best.value))
            out.conflicts.append(Conflict(slot, str(others[0]), str(best.value), quotes=said))
    out.updates[slot] = _slot(text, best.value, agreeing)


def _ranges() -> str:
    return rf"\b(?:{_data()['range_words']})\b"


def _structured_slot(
    text: Text, slot: str, votes: list[Vote], needs: Needs, out: Composed, *, adding: bool
) -> None:
    by_field: dict[str, list[Vote]] = defaultdict(list)
    for vote in votes:
        by_field[vote.field].append(vote)
    earlier = getattr(needs, slot)
    known: dict[str, Any] = earlier.value.model_dump() if earlier is not None else {}
    if slot == "task":
        _task_fields(text, by_field, known, adding=adding)
        if "name" not in known:
            return
    else:
        for name, found in by_field.items():
            value = _winner(slot, name, found).value
            if known.get(name) not in _data()["keeps"].get(f"{slot}.{name}", {}).get(value, ()):
                known[name] = value
            _self_conflict(text, slot, name, found, out)
    if slot == "deployment" and "mode" not in known:
        if needs.hardware is None or needs.hardware.value.none:
            return
        known["mode"] = "local"
    for rule in _data()["implied"].get(slot, ()):
        if any(known.get(name) for name in rule["fields"]):
            known.setdefault(rule["field"], rule["value"])
    for name, value in _data()["defaults"].get(slot, {}).items():
        known.setdefault(name, value)
    try:
        value = STRUCTURED[slot].model_validate(known)
    except ValidationError:
        return
    used = [v for v in votes if v.field not in known or v.value == known[v.field]] or votes
    out.updates[slot] = _slot(text, value, used)


def _task_fields(text: Text, by_field: dict[str, list[Vote]], known: dict[str, Any], *, adding: bool) -> None:
    """The main task, others said as clearly, and the words for it; unasked, a new task is added."""
    names = by_field.get("name", [])
    if names and "name" in known and adding and not _exchanges(text, known["name"], names):
        more = (v.value for v in names if v.weight >= _data()["also_from"] and v.value != known["name"])
        first, also = known["name"], tuple(dict.fromkeys((*known["also"], *more)))
        leads = _data()["task_leads"].get(first)
        if leads in also:
            known["name"], also = leads, (first, *(name for name in also if name != leads))
        known["also"] = also
    elif names and max(v.weight for v in names) >= _data()["task_counts_from"]:
        best = _leading(text, names)
        clear = (v.value for v in sorted(names, key=lambda v: v.start) if v.weight >= _data()["also_from"])
        clause = text.clause(best.start)
        known.clear()
        known["name"] = best.value
        known["also"] = tuple(name for name in dict.fromkeys(clear) if name != best.value)
        known["detail"] = text.quote(clause.start, clause.end)[:_DETAIL_CHARS]
    if "long_inputs" in by_field:
        known["long_inputs"] = True


def _exchanges(text: Text, known: str, names: list[Vote]) -> bool:
    """Whether another encoder is asked for now: each does one thing, and does not join the present one."""
    rule = _data()["encoders"]
    best = _winner("task", "name", names)
    if known not in rule["tasks"] or best.value not in rule["tasks"] or best.value == known:
        return False
    if {known, best.value} == set(rule["together"]) or re.search(rule["beside"], text.low):
        return False
    return re.search(rule["named"], text.quote(best.start, best.end).casefold()) is not None


def _leading(text: Text, names: list[Vote]) -> Vote:
    """The main task; of two models that are asked for in one breath, that of the one which leads."""
    best = _winner("task", "name", names)
    first = _data()["task_leads"].get(best.value)
    for vote in names:
        start, end = sorted(((vote.start, vote.end), (best.start, best.end)))
        between = text.quote(start[1], end[0]).casefold()
        if vote.value == first and re.fullmatch(_data()["encoders"]["in_one_breath"], between):
            return vote
    return best


def _self_conflict(text: Text, slot: str, name: str, votes: list[Vote], out: Composed) -> None:
    rule = _data()["exclusive"].get(f"{slot}.{name}")
    if rule is None:
        return
    values = {v.value for v in votes if v.weight >= rule["weight"]}
    if values & set(rule["settled_by"]):
        return
    if set(rule["values"]) <= values:
        first, second = rule["values"][:2]
        out.conflicts.append(
            Conflict(slot, first, second, quotes=(_said(text, votes, first), _said(text, votes, second)))
        )


def _said(text: Text, votes: Sequence[Vote], value: object) -> str:
    """The heaviest words for a value."""
    best = max((v for v in votes if v.value == value), key=lambda v: v.weight)
    return text.quote(best.start, best.end)


def _earlier_conflicts(needs: Needs, out: Composed, asked: str) -> None:
    for key, pairs in _data()["earlier"]["pairs"].items():
        slot, _, name = key.partition(".")
        before, now = getattr(needs, slot), out.updates.get(slot)
        if before is None or now is None or before.source != "user" or slot == asked:
            continue
        first, second = getattr(before.value, name), getattr(now.value, name)
        if any({first, second} == set(pair) for pair in pairs):
            quotes = (before.quote, now.quote)
            out.conflicts.append(Conflict(slot, str(first), str(second), earlier=True, quotes=quotes))
