"""What a check gives: the computed figure beside the stated one, and whether they agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from knowledge.claims.types import Claim
from tools.memory.types import Evidence

Verdict = Literal["agrees", "disagrees", "cannot be checked"]


@dataclass(frozen=True, slots=True)
class Calculated:
    """What holds, in the claim's base unit: bytes, tokens, parameters, per cent, dollars, bits."""

    low: float
    high: float
    formula: str
    """How it was computed, or where it is written."""
    evidence: tuple[Evidence, ...]
    texts: tuple[str, ...] = ()
    """What holds where that is no figure: a license, `yes` or `no`."""
    accepted: tuple[float, ...] = ()
    """Other figures that are right as well: the size in a model's name, another size of a card."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Why a claim cannot be checked, as the end of a sentence."""

    why: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A claim with its verdict."""

    claim: Claim
    verdict: Verdict
    calculated: Calculated | None = None
    off: float | None = None
    """By what share of the computed figure the stated one is off; negative where it is too low."""
    why: str = ""
    """Why it cannot be checked."""
    corrected: bool = False
    """The guide itself tells this statement as somebody else's and says beside it what is right."""

    @property
    def contradicts(self) -> bool:
        """Whether this must be told beside the passage."""
        return self.verdict == "disagrees" and not self.corrected
