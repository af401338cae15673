"""What day it is: the one place that asks the clock for facts, prices and end dates."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import date

DAY_VARIABLE = "LLM_ADVISOR_TODAY"
"""Another day in ISO 8601, for tests and for pictures that must not change."""


def today() -> date:
    """The calendar day here, or the one that `LLM_ADVISOR_TODAY` names; what is no day is not heard."""
    named = os.environ.get(DAY_VARIABLE, "").strip()
    if named:
        with suppress(ValueError):
            return date.fromisoformat(named)
    return date.today()  # noqa: DTZ011 - facts and end dates are calendar days without a zone
