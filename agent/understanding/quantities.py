"""Which quantity of a message fills which slot: the evaluator of `data/quantities.json`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Any

from agent.understanding.data import load
from agent.understanding.lexicon import Vote, strength
from agent.understanding.numbers import Quantity
from agent.understanding.text import Text

_INTEGERS = {"context", "concurrency"}
_FLOATS = {"min_speed", "budget.usd_per_month", "budget.usd_once", "license.revenue_usd"}
_BESIDE = re.compile(r"\s*(?:in|input)?\s*(?:,|and|und|&|/|\+)\s*(?:and |about |around |some )*")
_OF = re.compile(
    r"[\s,;]*(?:and |each |with |of |à |at |by |je |mit |zu |a |long|\()*"
    r"(?:about |around |roughly |~|up to |etwa |ca\. ?)?"
)


_COUNTABLE = frozenset({"requests", "examples", "messages", "sessions", "pages", "turns"})
_REJECTED = re.compile(r"(?:^|\W)(?:not|instead of|rather than|nicht|statt) (?:the |just |only )?$")
"""Before a number that is named only to be replaced (`500, not 200`)."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What the quantities of a message say."""

    votes: tuple[Vote, ...] = ()
    notes: tuple[str, ...] = ()


@cache
def _rules() -> tuple[dict[str, Any], ...]:
    return tuple(load("quantities")["rules"])


@cache
def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def quantity_votes(
    text: Text, quantities: Sequence[Quantity], *, asked: str = "", correcting: bool = False
) -> Counted:
    """Votes for slot fields, by the first rule that fits each quantity.

    Args:
        text: The message.
        quantities: Its quantities, without those that belong to machines or model names.
        asked: The slot of the pending question.
        correcting: The message corrects an earlier one.
    """
    quantities = _sharing(text, quantities)
    votes: list[Vote] = []
    notes: list[str] = []
    used: set[int] = set()
    for index, (one, each) in enumerate(pairwise(quantities)):
        vote = _product(text, quantities, index, one, each)
        if vote is not None:
            votes.append(vote)
            used |= {index + 1} | ({index} if vote.slot == "context" else set())
    priced, price_at = _unit_price(text, quantities)
    votes += priced
    used |= price_at
    for index, quantity in enumerate(quantities):
        if index in used or _REJECTED.search(text.low[max(0, quantity.start - 24) : quantity.start]):
            continue
        vote = _single(text, quantity, asked, correcting)
        if vote is not None:
            votes.append(vote)
    kept = []
    for vote in votes:
        note = _absurd(text, vote)
        if note:
            notes.append(note)
        else:
            kept.append(vote)
    return Counted(tuple(kept), tuple(notes))


def _unit_price(text: Text, quantities: Sequence[Quantity]) -> tuple[list[Vote], set[int]]:
    """`one cent per call, 4000 calls a day` is a budget; also where the prices of one stand, no budgets."""
    data = load("quantities")
    priced = {
        index
        for index, q in enumerate(quantities)
        if q.unit in data["usd_per"]
        and not q.per
        and any(_regex(data["unit_price"][key]).match(text.low, q.end) for key in ("behind", "each"))
    }
    counted = [q for q in quantities if q.unit in _COUNTABLE and q.per]
    if len(priced) != 1 or len(counted) != 1:
        return [], set()
    price, many = quantities[min(priced)], counted[0]
    monthly = _usd(price) * many.value * load("numbers")["per_month"][many.per]
    how = strength(text, price.start, price.end)
    return [Vote("budget", "usd_per_month", monthly, 6, price.start, price.end, how)], priced


def _sharing(text: Text, quantities: Sequence[Quantity]) -> list[Quantity]:
    """`3M tokens in, 400k out a day`: the period and the unit hold for both."""
    shared = list(quantities)
    for index, (one, other) in enumerate(pairwise(quantities)):
        tokens = one.unit == "tokens" and other.unit in ("", "tokens")
        beside = _BESIDE.fullmatch(text.low[one.end : other.start]) is not None
        if tokens and beside and not one.per and other.per and _is_output(text, other):
            shared[index] = replace(one, per=other.per)
            shared[index + 1] = replace(other, unit="tokens", direction="out")
        elif tokens and beside and one.per and not other.per and _is_output(text, other):
            shared[index + 1] = replace(other, unit="tokens", direction="out", per=one.per)
    return shared


def _is_output(text: Text, quantity: Quantity) -> bool:
    """Whether a quantity says that it is what comes out: `400k out a day`."""
    return quantity.direction == "out" or "out" in text.low[quantity.start : quantity.end + 7].split()


def _product(
    text: Text, quantities: Sequence[Quantity], index: int, one: Quantity, each: Quantity
) -> Vote | None:
    """`25 exchanges of about 500 tokens`, `5000 requests a day, 500 tokens in`."""
    tokens_per = load("quantities")["tokens_per"]
    if each.unit not in ("tokens", "words", "characters", "pages", "lines") or each.per:
        return None
    size = each.value * tokens_per[each.unit]
    requests = next(
        (
            q
            for q in reversed(quantities[: index + 1])
            if q.unit in ("", "requests", "users", "examples", "messages") and q.per
        ),
        None,
    )
    if requests is not None and text.sentence(requests.start) == text.sentence(each.start):
        daily = requests.value * load("numbers")["per_day"][requests.per] * size
        field = "output_tokens_per_day" if each.direction == "out" else "input_tokens_per_day"
        return Vote("volume", field, daily, 6, requests.start, each.end, strength(text, one.start, each.end))
    if not _OF.fullmatch(text.low[one.end : each.start]):
        return None
    if one.unit in ("turns", "messages"):
        whole = one.value * size + load("quantities")["system_prompt_tokens"]
        return Vote("context", "", whole, 6, one.start, each.end, strength(text, one.start, each.end))
    if (
        one.unit in ("examples", "sessions")
        and (each.each or "of" in text.low[one.end : each.start])
        and one.value >= 20
    ):
        return Vote("dataset", "tokens_per_example", size, 5, each.start, each.end)
    return None


def _single(text: Text, quantity: Quantity, asked: str, correcting: bool) -> Vote | None:
    for rule in _rules():
        if not _fits(rule, text, quantity, asked, correcting):
            continue
        if rule.get("drop") or not rule["slot"]:
            return None
        how = rule.get("strength") or strength(text, quantity.start, quantity.end)
        value = _CONVERT[rule.get("convert", "plain")](
            replace(quantity, value=quantity.low if rule.get("take") == "low" else quantity.value)
        )
        return Vote(
            rule["slot"],
            rule["field"],
            value,
            float(rule.get("weight", 3)),
            _quoted_from(rule, text, quantity),
            quantity.end,
            how,
        )
    return None


def _quoted_from(rule: dict[str, Any], text: Text, quantity: Quantity) -> int:
    """Where the words of a vote begin: the number alone, or with what stands before it and says of whom."""
    start = max(0, quantity.start - 48)
    before = _regex(rule["before"]).search(text.low[start : quantity.start]) if rule.get("quotes") else None
    return quantity.start if before is None else start + before.start()


def _fits(rule: dict[str, Any], text: Text, quantity: Quantity, asked: str, correcting: bool) -> bool:
    if quantity.unit not in rule["unit"]:
        return False
    if "per" in rule and quantity.per not in rule["per"]:
        return False
    if "asked" in rule and asked not in rule["asked"]:
        return False
    if "direction" in rule and quantity.direction != rule["direction"]:
        return False
    if "scale" in rule and quantity.scale not in rule["scale"]:
        return False
    if (rule.get("each") and not quantity.each) or (rule.get("correcting") and not correcting):
        return False
    if not rule.get("min", float("-inf")) <= quantity.value <= rule.get("max", float("inf")):
        return False
    clause = text.clause(quantity.start)
    sentence = text.sentence(quantity.start)
    places = {
        "sentence": text.low[sentence.start : sentence.end],
        "clause": text.low[clause.start : clause.end],
        "within": re.split(r"[,.;]\s", text.low[quantity.start : quantity.end + 24])[0],
        "before": text.low[max(0, quantity.start - 48) : quantity.start],
        "after": text.low[quantity.end : quantity.end + 48],
    }
    for place, said in places.items():
        if place in rule and not _regex(rule[place]).search(said):
            return False
        if f"not_{place}" in rule and _regex(rule[f"not_{place}"]).search(said):
            return False
    return True


def _tokens(quantity: Quantity) -> float:
    return float(quantity.value * load("quantities")["tokens_per"][quantity.unit or "tokens"])


def _window(quantity: Quantity) -> float:
    """Tokens of a context window: named windows are binary thousands (`data/numbers.json`, `round_k`)."""
    if quantity.scale == "k" and quantity.value / 1000 in load("numbers")["round_k"]["binary"]:
        return quantity.value / 1000 * 1024
    return _tokens(quantity)


def _thousands(quantity: Quantity) -> float:
    """`32`, said of a context, means 32k."""
    return float(quantity.value * 1024)


def _conversation(quantity: Quantity) -> float:
    return _tokens(quantity) + float(load("quantities")["system_prompt_tokens"])


def _per_day(quantity: Quantity) -> float:
    return float(quantity.value * load("numbers")["per_day"][quantity.per or "day"])


def _usd(quantity: Quantity) -> float:
    return float(quantity.value * load("quantities")["usd_per"][quantity.unit or "usd"])


def _usd_per_month(quantity: Quantity) -> float:
    return float(_usd(quantity) * load("numbers")["per_month"][quantity.per or "month"])


def _usd_per_year(quantity: Quantity) -> float:
    """A revenue without a period is a yearly one, as it is usually told."""
    return 12 * _usd_per_month(quantity) if quantity.per not in ("", "year") else _usd(quantity)


_CONVERT: dict[str, Callable[[Quantity], float]] = {
    "plain": lambda quantity: quantity.value,
    "tokens": _tokens,
    "window": _window,
    "thousands": _thousands,
    "conversation": _conversation,
    "per_day": _per_day,
    "tokens_per_day": lambda q: _tokens(replace(q, value=_per_day(q))),
    "words_per_minute": lambda q: _tokens(q) / 60,
    "usd": _usd,
    "usd_per_month": _usd_per_month,
    "usd_per_year": _usd_per_year,
}


def _absurd(text: Text, vote: Vote) -> str:
    """Why a number is not taken, or `` where it is plausible."""
    key = f"{vote.slot}.{vote.field}" if vote.field else vote.slot
    limits = load("quantities")["limits"].get(key)
    if limits is None or limits[0] <= vote.value <= limits[1]:
        return ""
    name = (vote.field or vote.slot).replace("_", " ")
    return f"“{text.quote(vote.start, vote.end)}” is outside of what {name} can be, and was not taken."


def settle(vote: Vote) -> Vote:
    """The vote with its number in the type of its field: whole, except for speed and money."""
    key = f"{vote.slot}.{vote.field}" if vote.field else vote.slot
    if isinstance(vote.value, float | int) and not isinstance(vote.value, bool):
        if key in _FLOATS:
            return replace(vote, value=round(float(vote.value), 2))
        if key in _INTEGERS or vote.slot in ("volume", "dataset", "training", "license"):
            return replace(vote, value=round(vote.value))
    return vote
