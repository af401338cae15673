"""Is fine-tuning worth it? A pass rate against the guide's two thresholds, with its uncertainty."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

ENOUGH = 0.70
"""Above it fine-tuning may not be needed; guides/finetune-chat-base.md."""
POOR = 0.50
"""Below it fine-tuning should help."""
Z95 = 1.959964
"""Quantile of the normal distribution for a two-sided interval of 95 %."""
MOST_SCENARIOS = 20_000
Verdict = Literal["above", "between", "below", "open"]
WORDS: dict[Verdict, str] = {
    "above": "above 70 %: fine-tuning may not be needed; improve the prompt first",
    "between": "between 50 and 70 %: open; look at which criteria fail",
    "below": "below 50 %: fine-tuning should help",
    "open": "not settled by so few scenarios",
}


def wilson(passed: float, scenarios: float, z: float = Z95) -> tuple[float, float]:
    """The Wilson score interval of a share (Wilson 1927, J. Am. Stat. Assoc. 22).

    Unlike the simple one, p plus or minus z standard errors, it stays within 0 and 1 and holds for few cases.

    Args:
        passed: scenarios passed.
        scenarios: scenarios run, more than 0; neither has to be whole where cases resemble each other.
        z: quantile of the normal distribution; 1.96 for 95 %.
    """
    p, n = passed / scenarios, scenarios
    middle = p + z * z / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    whole = 1 + z * z / n
    return max(0.0, (middle - half) / whole), min(1.0, (middle + half) / whole)


def standard_error(rate: float, scenarios: int) -> float:
    """sqrt(p (1 - p) / n), as a share."""
    return math.sqrt(rate * (1 - rate) / scenarios)


def verdict_of(low: float, high: float) -> Verdict:
    """What an interval says for sure."""
    if low > ENOUGH:
        return "above"
    if high < POOR:
        return "below"
    if low >= POOR and high <= ENOUGH:
        return "between"
    return "open"


def scenarios_to_settle(
    rate: float, scenarios: int, interval: Callable[[int], tuple[float, float]]
) -> int | None:
    """Scenarios that would settle it at the same rate; None where it is settled or no number would.

    Args:
        rate: the measured one.
        scenarios: that were run.
        interval: of the rate with another number of scenarios.
    """

    def is_open(number: int) -> bool:
        return verdict_of(*interval(number)) == "open"

    low, high = scenarios, MOST_SCENARIOS
    if not is_open(low) or rate in (ENOUGH, POOR) or is_open(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if is_open(middle) else (low, middle)
    return low


@dataclass(frozen=True, slots=True)
class Rubric:
    """A measured pass rate of the untrained model."""

    passed: int
    scenarios: int

    @property
    def rate(self) -> float:
        return self.passed / self.scenarios

    @property
    def interval(self) -> tuple[float, float]:
        """95 %, Wilson."""
        return wilson(self.passed, self.scenarios)

    @property
    def verdict(self) -> Verdict:
        return verdict_of(*self.interval)

    @property
    def settled_with(self) -> int | None:
        """Scenarios that would settle it at the same rate; None where it is settled or no number would."""

        def interval(scenarios: int) -> tuple[float, float]:
            return wilson(round(self.rate * scenarios), scenarios)

        return scenarios_to_settle(self.rate, self.scenarios, interval)

    def as_json(self) -> dict[str, Any]:
        low, high = self.interval
        return {
            "passed": self.passed,
            "scenarios": self.scenarios,
            "pass_rate": round(self.rate, 4),
            "standard_error": round(standard_error(self.rate, self.scenarios), 4),
            "interval_95": {"low": round(low, 4), "high": round(high, 4)},
            "verdict": self.verdict,
            "text": self.text,
            "scenarios_to_settle": self.settled_with,
        }

    @property
    def text(self) -> str:
        """The verdict as a sentence with its figures."""
        low, high = self.interval
        figures = (
            f"{self.passed} of {self.scenarios} passed: {self.rate:.0%}, "
            f"95 % interval {low:.0%} to {high:.0%}"
        )
        if self.verdict != "open":
            return f"{figures}: {WORDS[self.verdict]}."
        crossed = " and ".join(f"{line:.0%}" for line in (POOR, ENOUGH) if low <= line <= high)
        more = f"; about {self.settled_with:,} scenarios would settle it" if self.settled_with else ""
        return f"{figures}, which includes {crossed}: {WORDS['open']}{more}."


def rubric_of(rate: float, scenarios: int) -> Rubric:
    """A rubric's result from its rate and size, with the nearest whole number of scenarios passed."""
    return Rubric(min(scenarios, max(0, round(rate * scenarios))), scenarios)
