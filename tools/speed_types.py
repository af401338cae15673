"""What the speed model says: intervals, a device's rates, and the times beside a configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tools.calibration.types import Here
from tools.calibration.words import note_of
from tools.memory.types import Evidence


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate: low <= mid <= high, in the unit that its place says."""

    low: float
    mid: float
    high: float

    @classmethod
    def around(cls, mid: float, spread: float) -> Interval:
        """The interval from mid / spread to mid x spread."""
        return cls(mid / spread, mid, mid * spread)

    def inverse(self, amount: float = 1.0) -> Interval:
        """`amount` divided by this: seconds from a rate, or a rate from seconds."""
        return Interval(amount / self.high, amount / self.mid, amount / self.low)

    def plus(self, other: Interval) -> Interval:
        return Interval(self.low + other.low, self.mid + other.mid, self.high + other.high)

    def times(self, factor: float) -> Interval:
        return Interval(self.low * factor, self.mid * factor, self.high * factor)

    def as_json(self, digits: int = 1) -> dict[str, float]:
        return {
            "low": round(self.low, digits),
            "mid": round(self.mid, digits),
            "high": round(self.high, digits),
        }


@dataclass(frozen=True, slots=True)
class Rate:
    """One device under the constants."""

    bandwidth: float
    """Theoretical, bytes per second."""
    weights: float
    """Bytes per second of 8-bit weights."""
    cache: float
    step: float
    """Seconds for each dense layer, beside reading."""
    spread: float
    flops: float | None
    """Operations per second that a prompt reaches; None where it was not measured or has no rate."""
    tensor: float | None
    """The catalog's FP16 rate, operations per second."""
    full_factor: float
    """Factor on `flops` with 16-bit weights."""
    attention_share: float
    prompt_spread: float
    batch_factor: float
    name: str

    def prompt_rate(self, full: bool, floor: float) -> float | None:
        """Operations per second; None where neither a measured share nor the engine's floor gives a rate.

        Args:
            full: Weights of 16 bits, not quantized.
            floor: Share of the FP16 rate that the engine's kernels reach at least.
        """
        least = floor * self.tensor if self.tensor is not None else 0.0
        if self.flops is None:
            return least or None
        return max(self.flops * (self.full_factor if full else 1.0), least)


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens per second of one conversation."""

    low: float
    mid: float
    high: float
    basis: str
    evidence: tuple[Evidence, ...]
    aggregate: float
    """All conversations together."""
    estimate: Interval | None = None
    """What the estimate alone says, where it was corrected by measurements."""
    here: Here | None = None
    """What it was corrected by; None where nothing on this machine speaks for it."""


@dataclass(frozen=True, slots=True)
class Thinking:
    """What a thinking model does before it answers."""

    tokens: Interval
    seconds: Interval
    answer_starts: Interval | None
    """Seconds from the request to the first token of the answer; None where the prompt's speed is unknown."""
    switchable: bool
    """A hybrid: thinking can be switched off."""
    basis: str
    stand_in: bool
    """The counts are of another kind of question than the task's."""

    def as_json(self) -> dict[str, Any]:
        return {
            "tokens": self.tokens.as_json(0),
            "seconds": self.seconds.as_json(1),
            "answer_starts_seconds": self.answer_starts.as_json(1) if self.answer_starts else None,
            "switchable": self.switchable,
            "basis": self.basis,
            "stand_in": self.stand_in,
        }


@dataclass(frozen=True, slots=True)
class Throughput:
    """Speed with several conversations at once."""

    users: int
    per_user: Interval
    together: Interval
    fits: bool | None
    """Whether the memory holds so many conversations; None where that was not computed."""

    def as_json(self) -> dict[str, Any]:
        return {
            "users": self.users,
            "tokens_per_second": self.together.as_json(),
            "per_user": self.per_user.as_json(),
            "fits": self.fits,
        }


@dataclass(frozen=True, slots=True)
class Timings:
    """Times of one configuration, computed only where it is shown."""

    prompt_tokens: int
    """Length of the prompt that the times are for."""
    prompt: Interval | None
    """Prompt tokens per second; None where the device's rate is not known."""
    first_token: Interval | None
    """Seconds to the first token."""
    thinking: Thinking | None
    """None where the model does not think, or it is not known whether it does."""
    throughput: tuple[Throughput, ...]
    basis: str
    evidence: tuple[Evidence, ...]
    prompt_estimate: Interval | None = None
    """Prompt speed by the estimate alone, where it was corrected by measurements."""
    prompt_here: Here | None = None

    def as_json(self) -> dict[str, Any]:
        return self._plain_json() | self._here_json()

    def _here_json(self) -> dict[str, Any]:
        """Nothing where nothing was measured."""
        if self.prompt_here is None or self.prompt_estimate is None:
            return {}
        return {
            "prompt_estimate": {"tokens_per_second": self.prompt_estimate.as_json()},
            "prompt_measured": self.prompt_here.measured_json(),
            "prompt_calibration": self.prompt_here.as_json(),
            "prompt_note": note_of(self.prompt_here, self.prompt_estimate.mid),
        }

    def _plain_json(self) -> dict[str, Any]:
        return {
            "prompt_tokens": self.prompt_tokens,
            "prompt_tokens_per_second": self.prompt.as_json() if self.prompt else None,
            "time_to_first_token_seconds": self.first_token.as_json(2) if self.first_token else None,
            "thinking": self.thinking.as_json() if self.thinking else None,
            "throughput": [point.as_json() for point in self.throughput],
            "timings_basis": self.basis,
            "timings_evidence": [
                {"kind": e.kind, "source": e.source, "locator": e.locator} for e in self.evidence
            ],
        }
