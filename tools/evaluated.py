"""What options passed of scenarios in a conversation, as a recommendation counts it.

An evaluation breaks ties, is evidence of the options that took part, and says whether to fine-tune at all.
Nothing of it counts where the task is another one.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from tools.planning.rubric import Verdict


class _Kept(BaseModel):
    """Base of what is kept with a conversation: JSON-plain, and a key of caches."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class Passed(_Kept):
    """One option over the scenarios."""

    model: str
    """Its name for people."""
    model_id: str
    served_as: str
    """As it was asked, in LiteLLM's way."""
    passed: int
    answers: int
    missing: int = 0
    """Scenarios that brought no answer, and are not counted."""
    rate: float
    low: float
    high: float
    """Shares; the ends of the interval of 95 %."""
    code: Verdict
    """What the rate says of a fine-tune, see `tools.planning.rubric`."""
    text: str
    """The same in words."""

    @property
    def words(self) -> str:
        """`85 % (64 to 95 % at 95 %)`."""
        return f"{100 * self.rate:.0f} % ({100 * self.low:.0f} to {100 * self.high:.0f} % at 95 %)"


class Apart(_Kept):
    """The paired test of two options on the same scenarios."""

    first: str
    second: str
    """Model ids."""
    difference: float
    """Share that the first one passes more."""
    p: float
    shown: bool
    """Whether it is more than chance, at 5 %."""
    only_first: int
    only_second: int
    """Scenarios where one did better than the other."""
    scenarios: int
    needed: int | None = None
    """Scenarios that would show such a difference; None where it is shown, or none would."""

    @property
    def better(self) -> str | None:
        """The model id of the better one; None where no difference is shown."""
        if not self.shown:
            return None
        return self.first if self.difference > 0 else self.second


class Evaluated(_Kept):
    """One evaluation."""

    task: str
    rubric: str
    """The person's file, or the name of an example."""
    own: bool
    """The scenarios are the person's own."""
    day: str
    """ISO date of the last answer."""
    tune: bool = False
    """It was to tell whether a fine-tune is worth it."""
    overruled: bool = False
    """The person wants the fine-tune all the same."""
    passed: tuple[Passed, ...]
    apart: Apart | None = None

    @property
    def whose(self) -> str:
        """The scenarios in words."""
        return "your scenarios" if self.own else "the example scenarios"

    @property
    def ids(self) -> frozenset[str]:
        """The options that took part."""
        return frozenset(row.model_id for row in self.passed)

    def of(self, model_id: str | None) -> Passed | None:
        """One option's share in it."""
        return next((row for row in self.passed if row.model_id == model_id), None)


def for_task(rows: Iterable[Evaluated], task: str) -> tuple[Evaluated, ...]:
    """Evaluations that count for a task, oldest first."""
    return tuple(row for row in rows if row.task == task)


def added(rows: Iterable[Evaluated], new: Evaluated) -> tuple[Evaluated, ...]:
    """The evaluations with another one, which takes the place of an earlier one of the same options.

    The person's own scenarios say more than an example, and stay what counts.
    """
    kept = tuple(rows)
    if not new.own and any(row.own and row.ids == new.ids for row in kept):
        return kept
    return (*(row for row in kept if row.ids != new.ids), new)


def overruled(rows: Iterable[Evaluated]) -> tuple[Evaluated, ...]:
    """The evaluations after the person has asked for the fine-tune again."""
    return tuple(row.model_copy(update={"overruled": True}) if row.tune else row for row in rows)


def is_better(rows: Iterable[Evaluated], one: str | None, other: str | None) -> bool:
    """Whether an option was shown to pass more than another one; the newest evaluation of both counts."""
    tests = [row.apart for row in rows if row.apart is not None and {one, other} == row.ids]
    return bool(tests) and tests[-1] is not None and tests[-1].better == one


def good_enough(rows: Iterable[Evaluated]) -> Passed | None:
    """The base that passes enough as it is, so that a fine-tune may not be needed."""
    verdicts = [row for row in rows if row.tune]
    if not verdicts or verdicts[-1].overruled:
        return None
    return next((one for one in verdicts[-1].passed if one.code == "above"), None)
