"""What the approximate branches of the memory engine hand to the entry point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from tools.memory.types import Evidence, Pool


class Share(NamedTuple):
    """Bytes on one device."""

    weights: int
    kv_cache: int
    compute: int


class Layout(NamedTuple):
    """Bytes by place."""

    devices: tuple[Share, ...]
    host: int
    """Bytes in system memory."""
    file: int
    """Tensor data to download."""

    @property
    def held(self) -> int:
        """Everything on the devices."""
        return sum(sum(share) for share in self.devices)


@dataclass(frozen=True, slots=True)
class Estimated:
    """A layout with its interval."""

    layout: Layout
    low: int
    """Low end of what the devices hold together, without the runtime's overhead."""
    high: int
    formula: str
    notes: tuple[str, ...]
    basis: tuple[Evidence, ...]
    overhead: tuple[int, int, int] | None = None
    """Low, middle and high overhead of a device; None takes that of the device kind."""
    exact: bool = False
    inputs: tuple[tuple[str, str], ...] = ()
    """What the figures were computed from, by name."""
    pool: Pool | None = None
