"""What the older guides stated of a model, held against what is known of it now.

A claim is data (`tools/data/older_claims.json`); whether it is right is computed each time from the figure of
the memory engine or the catalog that stands beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

from pydantic import TypeAdapter

from tools.citing import guide
from tools.memory.types import Evidence

What = Literal["memory_gb", "file_gb", "window_k", "dimensions"]
_UNITS: dict[What, tuple[str, float]] = {
    "memory_gb": ("GB", 1e9),
    "file_gb": ("GB", 1e9),
    "window_k": ("K tokens", 1024.0),
    "dimensions": ("dimensions", 1.0),
}


@dataclass(frozen=True, slots=True)
class Claim:
    """One figure of an older guide."""

    model_id: str
    name: str
    """The model as our guide writes it."""
    what: What
    stated: float
    """In the unit of the guide: GB, thousands of tokens, dimensions."""
    note: str
    guide: tuple[str, str]
    """File and heading of our guide that tells it."""

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The line of our guide that tells it."""
        unit = _UNITS[self.what][0]
        stated = f"{self.name}: {self.stated:g} {unit}".replace(" K tokens", "K")
        return (guide(*self.guide, stated),)

    def off(self, actual: float) -> float:
        """By what share of the right value the claim is off; negative where it is too low.

        Args:
            actual: the right value in bytes, tokens or dimensions.
        """
        return self.stated * _UNITS[self.what][1] / actual - 1.0

    def beside(self, actual: float) -> str:
        """The claim in words, with how far it is from the right value.

        Args:
            actual: the right value in bytes, tokens or dimensions.
        """
        unit = _UNITS[self.what][0]
        share = self.off(actual)
        stated = f"The older guide states {self.stated:g} {unit}".replace(" K tokens", "K tokens")
        note = f" ({self.note})" if self.note else ""
        if abs(share) <= float(_data()["close"]):
            return f"{stated}, which is about right{note}."
        way = "too low" if share < 0 else "too high"
        return f"{stated}, which is wrong: {way} by {abs(share):.0%} of the right value{note}."


@cache
def _data() -> dict[str, Any]:
    data = resources.files("tools").joinpath("data/older_claims.json").read_bytes()
    return TypeAdapter(dict[str, Any]).validate_json(data)


@cache
def _by_model() -> dict[str, dict[str, Any]]:
    return {row["model"].lower(): row for row in _data()["claims"]}


def claimed_models() -> tuple[str, ...]:
    """Hub ids of all models that the older guides state something of."""
    return tuple(row["model"] for row in _data()["claims"])


def claim_of(model_id: str, what: What) -> Claim | None:
    """What the older guides stated of a model; None where they said nothing."""
    row = _by_model().get(model_id.lower())
    if row is None or what not in row:
        return None
    place = _data()["guides"][row.get(f"{what.split('_')[0]}_guide", row["guide"])]
    return Claim(
        row["model"],
        row["name"],
        what,
        float(row[what]),
        str(row.get(f"{what.split('_')[0]}_note", "")),
        (place[0], place[1]),
    )
