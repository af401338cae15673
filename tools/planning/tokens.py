"""Conversation length from a token budget, and back: the guide's procedure, calculated.

All lengths are tokens. A K is 1,024 tokens, as model windows are; what 1,000 gives is told where it differs.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

from knowledge.catalog.records import ModelRecord
from knowledge.errors import NoAnswerError
from tools.memory.types import TrainingMethod
from tools.planning.training_work import measured_lengthening, training_work


@cache
def table() -> dict[str, Any]:
    """The guide's figures, from `data/tokens.json`."""
    raw = files("tools.planning").joinpath("data/tokens.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(raw)
    return found


def ceiling() -> int:
    """The practical ceiling of tokens per example."""
    return int(table()["ceiling_tokens"])


def in_thousands(tokens: int) -> int:
    """The same number of K with 1,000 tokens each."""
    return tokens * 1000 // int(table()["kilo"])


def practical_limit(window: int) -> int:
    """Longest example that trains well in a context window.

    The guide states it for three windows; between them the share is interpolated over the logarithm of the
    window, beyond them the nearest share holds.

    Args:
        window: context window of the model in tokens.
    """
    points = [(row["window"], row["limit"] / row["window"]) for row in table()["practical"]]
    if window <= points[0][0]:
        return int(window * points[0][1])
    for (low, first), (high, last) in pairwise(points):
        if window <= high:
            part = math.log(window / low) / math.log(high / low)
            return int(window * (first + part * (last - first)))
    return int(window * points[-1][1])


@dataclass(frozen=True, slots=True)
class Conversation:
    """What surrounds and makes up one training conversation."""

    system: int
    exchange: int
    """A question and its answer."""
    buffer: int
    """Chat template and variation."""

    @property
    def fixed(self) -> int:
        return self.system + self.buffer

    def room(self, budget: int) -> int:
        """What a budget leaves for the exchanges; negative where not even the fixed part fits."""
        return budget - self.fixed

    def most(self, budget: int) -> int:
        """Exchanges that fit at most."""
        return max(0, self.room(budget) // self.exchange)

    def recommended(self, budget: int) -> tuple[int, int]:
        """Exchanges to plan for, with the guide's margin."""
        most, margin = self.most(budget), table()["margin"]
        low, high = (most * share[0] // share[1] for share in (margin["low"], margin["high"]))
        return low, high

    def needed(self, exchanges: int) -> int:
        """Tokens that so many exchanges take, without margin."""
        return self.fixed + exchanges * self.exchange

    def needed_with_margin(self, exchanges: int) -> int:
        """The smallest budget for which so many exchanges are within what is recommended."""
        part, whole = table()["margin"]["high"]
        return self.needed(-(-exchanges * whole // part))


def stated_turns(talk: Conversation, window: int | None) -> list[dict[str, Any]]:
    """The turns that the guide states for its three windows, beside the exchanges that are computed.

    The guide does not say whether a turn is one message or a question with its answer; both readings are
    given: an exchange is two messages.

    Args:
        talk: what a conversation consists of.
        window: the window that is planned for, to mark its row where the guide has one.
    """
    found = []
    for row in table()["practical"]:
        low, high = row["turns"]
        most, room = talk.most(row["limit"]), max(0, talk.room(row["limit"]))
        found.append(
            {
                "stated": row["stated"],
                "window_tokens": row["window"],
                "limit_tokens": row["limit"],
                "turns": {"low": low, "high": high},
                "exchanges_at_most": most,
                "messages_at_most": 2 * most,
                "tokens_per_exchange_for_stated": {
                    "low": None if high is None else room // high,
                    "high": room // low,
                },
                "holds": _held(most, low, high),
                "is_this_window": row["window"] == window,
            }
        )
    return found


def _held(exchanges: int, low: int, high: int | None) -> str:
    """In which reading the stated turns fit: as exchanges, as messages only, in part, or not at all."""
    most = low if high is None else high
    if exchanges >= most:
        return "as exchanges"
    if exchanges >= low:
        return "as exchanges, in part"
    return (
        "as messages" if 2 * exchanges >= most else "as messages, in part" if 2 * exchanges >= low else "not"
    )


def linear_factor(length: int) -> float:
    """Cost of an example against one of 4K tokens, by tokens alone."""
    return length / int(table()["unit_tokens"])


@dataclass(frozen=True, slots=True)
class Cost:
    """Relative training cost of one example."""

    tokens: int
    linear: float
    computed: float | None
    """With the quadratic part of attention, for a model; None without one."""
    remark: str

    def as_json(self) -> dict[str, Any]:
        return {
            "tokens": self.tokens,
            "linear_factor": round(self.linear, 3),
            "computed_factor": None if self.computed is None else round(self.computed, 3),
            "remark": self.remark,
        }


def computed_factor(model: ModelRecord, method: TrainingMethod, length: int) -> float | None:
    """Operations of an example against those of a 4K example; None where the model's work is not known."""
    unit = int(table()["unit_tokens"])
    here, there = training_work(model, method, length), training_work(model, method, unit)
    if here is None or there is None:
        return None
    return length * here.total / (unit * there.total)


def remark_of(length: int) -> str:
    """The guide's remark for a length: of the first row that holds it, else of the last."""
    rows = table()["costs"]
    return str(next((row["remark"] for row in rows if length <= row["tokens"]), rows[-1]["remark"]))


def cost_of(length: int, model: ModelRecord | None, method: TrainingMethod) -> Cost:
    """Relative cost of one example of a length."""
    computed = computed_factor(model, method, length) if model is not None else None
    return Cost(length, linear_factor(length), computed, remark_of(length))


def cost_table(model: ModelRecord | None, method: TrainingMethod) -> tuple[Cost, ...]:
    """The guide's table with the computed factor beside it."""
    return tuple(cost_of(row["tokens"], model, method) for row in table()["costs"])


def against_ceiling(tokens: int) -> str:
    """`below`, `at`, `above`, or `between` the two readings of 16K."""
    if tokens == ceiling():
        return "at"
    if tokens > ceiling():
        return "above"
    return "between" if tokens > in_thousands(ceiling()) else "below"


@dataclass(frozen=True, slots=True)
class Budget:
    """Tokens per example, and where the number comes from."""

    tokens: int
    why: str
    window: int | None = None
    limit: int | None = None
    """Practical limit of the window."""


def budget_of(given: int | None, window: int | None, name: str) -> Budget:
    """The budget: as given, else the window's practical limit up to the ceiling, else the ceiling.

    Args:
        given: tokens per example, where they were said.
        window: context window in tokens, where one is known.
        name: whose window it is.

    Raises:
        NoAnswerError: the budget does not fit the window.
    """
    limit = practical_limit(window) if window is not None else None
    if given is not None:
        if window is not None and given > window:
            raise NoAnswerError(
                f"Examples of {given:,} tokens do not fit the {window:,} tokens that {name} reads.",
                hint="Lower the budget, or choose a base with a longer window.",
                code="context",
            )
        return Budget(given, "as given", window, limit)
    if limit is None:
        return Budget(ceiling(), "the guide's practical ceiling, as neither budget nor window was given")
    if limit > ceiling():
        why = f"the practical ceiling; {name} would take up to {limit:,} tokens per example"
        return Budget(ceiling(), why, window, limit)
    return Budget(limit, f"the practical limit of the {window:,} tokens that {name} reads", window, limit)


@dataclass(frozen=True, slots=True)
class Totals:
    """Tokens of a data set."""

    examples: int
    epochs: float
    tokens_per_example: int

    @property
    def tokens(self) -> int:
        """Over all epochs."""
        return round(self.examples * self.epochs * self.tokens_per_example)

    @property
    def units(self) -> float:
        """In examples of 4K tokens, by tokens alone."""
        return self.examples * self.epochs * linear_factor(self.tokens_per_example)


def worked_example() -> dict[str, Any]:
    """The guide's example with both readings of K: 16K less 500 and 1K, in exchanges of 500 tokens."""
    usual, low, high = table(), 0, 0
    readings: list[dict[str, Any]] = []
    for kilo in (1000, usual["kilo"]):
        talk = Conversation(usual["system_tokens"], usual["exchange_tokens"][1], kilo)
        budget = 16 * kilo
        low, high = talk.recommended(budget)
        readings.append(
            {
                "tokens_per_k": kilo,
                "budget_tokens": budget,
                "room_tokens": talk.room(budget),
                "exchanges_at_most": talk.most(budget),
                "recommended": {"low": low, "high": high},
            }
        )
    stated = {"room": "about 14K", "exchanges_at_most": 28, "recommended": {"low": 20, "high": 25}}
    thousand, binary = readings
    fits = (
        f"{binary['exchanges_at_most']}"
        if thousand["exchanges_at_most"] == binary["exchanges_at_most"]
        else f"{thousand['exchanges_at_most']} and {binary['exchanges_at_most']}"
    )
    note = (
        f"Calculated, {thousand['room_tokens']:,} tokens remain with a K of 1,000 and "
        f"{binary['room_tokens']:,} with 1,024: room for {fits} exchanges of {usual['exchange_tokens'][1]}. "
        f"The guide rounds the room to {stated['room']} first and says {stated['exchanges_at_most']}. "
        f"Recommended are {low} to {high} by its margin."
    )
    return {"stated": stated, "calculated": readings, "note": note}


def lengthening() -> str:
    """What doubling the length costs in published runs, in words."""
    low, high, runs = measured_lengthening(4096, 8192)
    return (
        f"Measured: from 4,096 to 8,192 tokens a step of {runs} published LoRA, QLoRA and full runs took "
        f"{low:.2f} to {high:.2f} times as long (the linear rule says 2.00)"
    )
