"""An architecture while it is put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from knowledge.catalog.records import Architecture

UNKNOWN_ATTENTION = "which layers hold attention is not known: the cache is counted for every layer"
COUNTED_ATTENTION = (
    "the parameter count tells how many layers hold attention, not which: they are spread evenly"
)
UNKNOWN_ORDER = (
    "the order of attention, state-space and feed-forward layers is not known: they are spread evenly"
)


@dataclass
class Draft:
    """Fields of an architecture while it is put together."""

    fields: dict[str, object]
    notes: list[str] = field(default_factory=list)
    """What is assumed."""
    confirmable: list[str] = field(default_factory=list)
    """What is assumed unless the parameter count confirms it."""

    def done(self) -> Architecture:
        """The record."""
        notes = (*self.notes, *self.confirmable)
        return Architecture.model_validate({**self.fields, "approximations": notes})


def spread(count: int, free: Sequence[bool]) -> list[bool]:
    """`count` flags, spread evenly over the free layers."""
    if not count:
        return [False] * len(free)
    places = [layer for layer, flag in enumerate(free) if flag]
    chosen = {places[int((place + 0.5) * len(places) / count)] for place in range(count)}
    return [layer in chosen for layer in range(len(free))]
