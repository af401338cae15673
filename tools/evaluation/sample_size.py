"""How many scenarios would show the difference of two models, if it stays as it is."""

from __future__ import annotations

from tools.evaluation.statistics import LEVEL, sign_test

MOST = 5_000
"""Scenarios beyond which nobody writes them."""


def scenarios_to_show(only_first: int, only_second: int, scenarios: int) -> int | None:
    """Scenarios at which the exact test would show a difference, at the same shares of disagreement.

    Args:
        only_first: scenarios that only the first model passed.
        only_second: scenarios that only the second one passed.
        scenarios: that both have run.

    Returns:
        None where it is shown already, or where no number that somebody would write shows it.
    """

    def is_shown(number: int) -> bool:
        one, other = (round(count * number / scenarios) for count in (only_first, only_second))
        return sign_test(one, other) < LEVEL

    if only_first == only_second or is_shown(scenarios) or not is_shown(MOST):
        return None
    low, high = scenarios, MOST
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if is_shown(middle) else (middle + 1, high)
    return low
