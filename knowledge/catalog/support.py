"""Records of what runs where: architectures and weight formats by engine."""

from __future__ import annotations

from pydantic import Field

from knowledge.catalog.records import Record


class FormatSupport(Record):
    """Where an engine reads weight formats. What is None is not known: neither yes nor no."""

    formats: tuple[str, ...]
    cuda: float | None = None
    """Lowest compute capability."""
    weights_only_below: float | None = None
    """Below this capability weights are stored in the format and computed in 16 bits."""
    gfx: tuple[str, ...] | bool | None = None
    """AMD architectures, or all, or none."""
    cpu: bool | None = None
    metal: bool | None = None
    source: str
    as_of: str


class EngineSupport(Record):
    """Which architectures an engine runs, and which weight formats on which hardware."""

    id: str
    """Engine id."""
    runs: tuple[str, ...]
    """Architectures in llama.cpp's terms that it runs; one that stands nowhere is not known."""
    since: dict[str, str] = Field(default_factory=dict)
    """Architectures that it runs since a release."""
    not_run: tuple[str, ...] = ()
    source: str
    as_of: str
    formats: tuple[FormatSupport, ...]
