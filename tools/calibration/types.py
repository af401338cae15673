"""What was measured on one machine, beside what was estimated for the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log
from typing import Any, Literal, NamedTuple

from knowledge.measured_here import Range

Quantity = Literal["generation", "prompt"]
Placement = Literal["device", "part", "host"]
"""Whole on the accelerators, partly in system memory, or all of it there."""
Basis = Literal["measured", "scaled", "others"]
"""The very configuration was measured; another one of the model was; other models were."""


class Subject(NamedTuple):
    """What runs and how, as far as a measurement of one thing speaks for another."""

    model_id: str
    quant: str
    kv_cache_type: str
    engine: str
    placement: Placement
    experts: bool
    parallel: int = 1
    """Conversations at once."""


@dataclass(frozen=True, slots=True)
class Knot:
    """One length that was measured; seconds of a generated token, or of reading the whole prompt."""

    tokens: int
    """In the cache while it generates, or the prompt's length."""
    estimated: float
    measured: float
    width: float
    """Half of the interval of the repeats, as a difference of logarithms."""
    rate: Range
    """As it was measured, in tokens per second."""

    @property
    def gain(self) -> float:
        """Logarithm of the measured speed over the estimated one."""
        return log(self.estimated / self.measured)


@dataclass(frozen=True, slots=True)
class Observation:
    """One model in one format behind one engine, measured on one day."""

    subject: Subject
    name: str
    """The model's name for people."""
    day: str
    """ISO date."""
    generation: tuple[Knot, ...]
    prompt: tuple[Knot, ...]
    fade: float = 0.0
    """Uncertainty for its age beside newer runs, as a standard deviation of the logarithm."""
    complete: bool = True

    def knots(self, quantity: Quantity) -> tuple[Knot, ...]:
        return self.generation if quantity == "generation" else self.prompt

    def as_json(self) -> dict[str, Any]:
        """Generation speed of each length, beside its estimate."""
        return {
            "date": self.day,
            "engine": self.subject.engine,
            "quant": self.subject.quant,
            "parallel": self.subject.parallel,
            "lengths": [
                {
                    "tokens": knot.tokens,
                    "tokens_per_second": _rounded(knot.rate),
                    "estimate": {"tokens_per_second": round(1 / knot.estimated, 1)},
                }
                for knot in sorted(self.generation, key=lambda knot: knot.tokens)
            ],
        }


def _rounded(rate: Range) -> dict[str, float]:
    return {"low": round(rate.low, 1), "mid": round(rate.mid, 1), "high": round(rate.high, 1)}


@dataclass(frozen=True, slots=True)
class Calibration:
    """All that counts of what was measured on a machine. It travels with the machine (`Machine.calibration`).

    So nothing that was computed without it, or with an older one, is ever given for it: caches know machines.
    """

    digest: str
    """Of everything below; two calibrations with the same one are equal."""
    same_accelerators: bool = False
    """The machine was named, and has the accelerators of the one that was measured."""
    devices: tuple[tuple[str, int], ...] = field(default=(), compare=False)
    """Name and bytes of each accelerator that was measured."""
    spreads: tuple[tuple[tuple[Quantity, Placement], float], ...] = field(default=(), compare=False)
    """How far the estimates of this machine are trusted, as logarithms of a factor."""
    observations: tuple[Observation, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Here:
    """What a figure was corrected by: shown beside it."""

    quantity: Quantity
    basis: Basis
    factor: float
    """Speed over what the estimate alone says."""
    engine: str
    """With which engine it was measured."""
    engines: tuple[str, ...]
    """All that it was measured with; another one than the answer's only with a word about it."""
    day: str
    """ISO date of the newest run that counts."""
    models: tuple[str, ...]
    """Names of the models that were measured, the newest first."""
    quant: str
    """Format of the measured model that counts; empty where several models do."""
    across: bool = False
    """Measured with another engine than the answer's."""
    disagree: bool = False
    """The models that were measured do not agree."""
    doubtful: bool = False
    """A run was so far from the estimate that it counts little for other models."""
    gain: float = 1.0
    """Of the run that is doubtful: measured over estimated."""
    same_accelerators: bool = False
    rate: Range | None = None
    """What was measured for this model, tokens per second."""
    tokens: int = 0
    """With so many tokens in the cache, or in the prompt."""
    parallel: int = 1
    """Conversations at once."""
    words: str = ""
    """All of this in one line."""

    def measured_json(self) -> dict[str, Any] | None:
        """The model's own measurement; None where only others were measured."""
        if self.rate is None:
            return None
        return {
            "date": self.day,
            "tokens_per_second": _rounded(self.rate),
            "tokens": self.tokens,
            "quant": self.quant,
            "engine": self.engine,
            "parallel": self.parallel,
            "exact": self.basis == "measured",
        }

    def as_json(self) -> dict[str, Any]:
        """What the correction rests on."""
        return {
            "basis": self.basis,
            "factor": round(self.factor, 3),
            "engines": list(self.engines),
            "across_engines": self.across,
            "date": self.day,
            "models": list(self.models),
            "disagree": self.disagree,
            "doubtful": self.doubtful,
        }
