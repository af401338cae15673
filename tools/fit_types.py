"""What the joint solver is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass

from tools.candidates import Configuration
from tools.needs import Priority


@dataclass(frozen=True, slots=True)
class Ask:
    """What a configuration must hold, and what is fixed by the person."""

    context: int = 8192
    """Tokens of one conversation."""
    parallel: int = 1
    min_speed: float = 0.0
    speed_is_hard: bool = False
    priority: Priority = "balanced"
    server: bool = False
    quant: str | None = None
    kv_cache_type: str | None = None
    engine: str | None = None
    ubatch_size: int = 512
    flash_attention: bool = True
    offload: bool = True
    """Whether layers or experts may go to system memory."""
    task: str = ""
    """Decides how much a quantization hurts."""
    reserve: bool = True
    """Keep memory free for desktop and driver."""
    vision: bool = False
    """Whether images are read: the projector then stands beside the model."""
    beside_bytes: int = 0
    """Memory that companions (an embedder, a reranker) take on the same devices."""


@dataclass(frozen=True, slots=True)
class Solution:
    """A configuration that fits, and its scores."""

    configuration: Configuration
    quality_loss: float
    """Points lost to quantization of weights and cache."""
    cache_loss: float
    """The cache's part of it, which long contexts feel most."""
    speed_score: float
    memory_score: float
    merit: float
    """The configuration's share of the utility; comparable between configurations of one model only."""
    used_bytes: int
    """Bytes on the accelerators, or in system memory on a machine without one."""
    host_bytes: int
    """Bytes in system memory beside the accelerators."""
    support: int
    """0 to 100: how surely this combination exists for this model."""

    @property
    def speed(self) -> float:
        """Tokens per second of one conversation; 0 where unknown."""
        return self.configuration.speed.mid if self.configuration.speed else 0.0

    @property
    def spills(self) -> bool:
        """Whether layers or experts are in system memory."""
        return self.configuration.spills

    @property
    def order(self) -> tuple[float, ...]:
        """Better solutions are larger; among equal merits no dominated one wins."""
        return (self.merit, -self.quality_loss, self.speed, -self.used_bytes - self.host_bytes)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a model has no configuration here, with the constraint's name in the contract."""

    reason: str
    constraint: str
    shortfall_bytes: int = 0
    """Memory that is missing, together or on the device that is too full; 0 for other constraints."""
