"""What each way to serve a volume has cost after some months, and when one overtakes another.

Bought hardware is paid at the start, where `plan cost` writes it off month by month.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from knowledge.catalog.records import ModelRecord
from knowledge.errors import NoAnswerError
from tools.brief import Brief
from tools.needs import Volume
from tools.planning.cost import plan_cost
from tools.planning.cost_ways import Plan
from tools.running_costs import usual_settings

Dollars = tuple[float, float, float]
"""Low, middle and high."""
NOTHING: Dollars = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Course:
    """One way, over time."""

    kind: str
    """`local`, `rented` or `api`."""
    label: str
    model: str
    where: str
    once: Dollars
    monthly: Dollars
    excluded: str
    """Why it is ruled out; empty where it is not."""
    quality: float | None = None
    """Expected quality for the task as it is run, 0 to 100."""
    formula: str = ""
    """How the dollars of a month come about, with the prices in it."""

    def after(self, months: float, part: int = 1) -> float:
        """Dollars paid after so many months, at the low (0), middle (1) or high (2) figures."""
        return self.once[part] + months * self.monthly[part]


@dataclass(frozen=True, slots=True)
class Months:
    """All ways, and what was assumed."""

    courses: tuple[Course, ...]
    document: Mapping[str, Any]
    """The document of `plan cost` that they come from."""


def overtakes(one: Course, other: Course) -> float | None:
    """The month from which `one`, dearer at first, has cost no more than `other` at the middle figures.

    0 where it is never dearer, None where it stays so.
    """
    first, each = one.once[1] - other.once[1], other.monthly[1] - one.monthly[1]
    if first <= 0:
        return 0.0 if each >= 0 else None
    return first / each if each > 0 else None


def cost_over_months(
    brief: Brief, model: ModelRecord | None, *, buy: bool, volume: Volume | None = None
) -> Months:
    """The ways of a brief over time; an API is compared wherever data may leave the machine.

    Args:
        brief: needs with every gap filled.
        model: the local model; None looks for the best.
        buy: the machine has yet to be bought.
        volume: tokens a day; the brief's where None.

    Raises:
        NoAnswerError: the task is not served by a model that writes, or nothing serves it.
    """
    if brief.role not in ("generator", "finetune-base"):
        raise NoAnswerError(
            f"The cost of an {brief.role} is not worked out: what it reads and writes has no common price.",
            hint="`llm-advisor plan stack` counts the cost of retrieval as a whole.",
        )
    mode = "local" if brief.private else "either"
    asked = replace(brief, role="generator", mode=mode, volume=volume or brief.volume)
    document = plan_cost(Plan(asked, usual_settings(), model, buy=buy))
    courses = tuple(_course(option) for option in document["options"])
    if not courses:
        problem = document.get("error") or {}
        raise NoAnswerError(
            str(problem.get("message") or "No way serves this."), hint=str(problem.get("hint") or "")
        )
    return Months(courses, document)


def _course(option: Mapping[str, Any]) -> Course:
    return Course(
        str(option["kind"]),
        str(option["label"]),
        str(option["model"]),
        str(option["where"]),
        _dollars(option["usd_once"]),
        _dollars(option["running_usd_per_month"]),
        str(option["excluded"] or ""),
        _score(option["quality"]),
        str(option["formula"]),
    )


def _score(quality: Mapping[str, Any] | None) -> float | None:
    score = (quality or {}).get("score")
    return float(score) if isinstance(score, int | float) else None


def _dollars(amount: Mapping[str, float] | None) -> Dollars:
    return NOTHING if amount is None else (amount["low"], amount["mid"], amount["high"])
