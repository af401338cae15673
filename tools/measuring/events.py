"""What a measurement tells while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from knowledge.measured_here import MeasuredRun

Phase = Literal["load", "warm-up", "measure"]
Stop = Literal["seconds", "interrupted", "failed"]


@dataclass(frozen=True, slots=True)
class Began:
    """The server answered, and it is known what will be sent."""

    served_as: str
    label: str
    requests: int
    """That will be measured."""
    most_usd: float | None
    """Dollars at most; 0 for local models, None where the price is not known."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Working:
    """A step begins."""

    phase: Phase
    done: int
    """Requests that were measured."""
    total: int
    length: int = 0
    """Tokens of the prompts of this step."""
    parallel: int = 1
    seconds_left: float | None = None
    """Estimate for the rest; None while nothing was measured."""


@dataclass(frozen=True, slots=True)
class Ended:
    """All that could be measured is. `run` is None where nothing was."""

    run: MeasuredRun | None
    stopped: Stop | None
    """Why it ended before its plan; None where all of it was measured."""


Event = Began | Working | Ended
