"""What the words of a text add up to before it is a machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from knowledge.catalog.records import Accelerator
from tools.hardware_names import is_mobile
from tools.hardware_terms import Platform
from tools.hardware_text import Mention

Purpose = Literal["use", "train", "both"]


@dataclass(slots=True)
class Card:
    """Accelerators of one model in a draft."""

    records: list[Accelerator]
    count: int
    quote: str
    sentence: int
    size_gib: float | None = None
    form: str | None = None


@dataclass(slots=True)
class Draft:
    """What is known of one machine while the text is read."""

    cards: list[Card] = field(default_factory=list)
    nameless: list[tuple[int, float]] = field(default_factory=list)
    """Count and GiB of cards without a name."""
    pending_gpus: int = 0
    ram_gib: float | None = None
    gpu_share_gib: float | None = None
    """What the person says the GPU has of a shared memory."""
    memory_class: str | None = None
    platform: Platform | None = None
    cpu: Platform | None = None
    cores: int | None = None
    gpu_cores: int | None = None
    no_gpu: bool = False
    purpose: Purpose = "both"
    rented: bool = False
    sentence: int = 0
    nodes: int = 1
    nodes_quote: str = ""
    only_linked: bool = False
    """The nodes are computers that work together only where a link between them is named."""
    clustered: bool = False
    """The text says that they work together."""
    per_node: bool | None = None
    """Whether the cards are those of one node; None where it is not said."""
    links: list[Mention] = field(default_factory=list)
    egpu: bool = False
    """The card is an external one: a desktop card, whatever the computer is."""
    assumed: list[str] = field(default_factory=list)
    """What the reading of the words had to assume."""

    @property
    def informative(self) -> bool:
        """False for `a server` alone, which says nothing to compute with."""
        telling = self.platform is not None and (self.platform.chip is not None or self.platform.cpu_only)
        said = self.ram_gib is not None or self.cores is not None or self.no_gpu or self.cpu is not None
        return bool(self.cards or self.nameless or telling or said)

    @property
    def whole_computer(self) -> bool:
        """True where the accelerator is the computer (Apple, DGX Spark, Jetson, Raspberry Pi)."""
        return any(is_whole(card.records[0]) for card in self.cards)


def is_whole(record: Accelerator) -> bool:
    """True for accelerators that share the memory of the computer they come in."""
    return record.unified


def least_gb(records: list[Accelerator]) -> float:
    """The least memory of the cards that a name stands for; laptop versions only where there is no other."""
    fixed = [record for record in records if not is_mobile(record)] or records
    return min((record.memory_gb or 0.0) for record in fixed)


def sizes_of(card: Card) -> tuple[float, ...]:
    """The memory that a card or chip comes with, in GB, smallest first."""
    sizes = [
        size for record in card.records for size in (*record.memory_options_gb, record.memory_gb) if size
    ]
    return tuple(sorted(set(sizes)))


def memory_fits(card: Card, gib: float) -> bool:
    """Whether a size can be the memory of the card, or of all of them together."""
    sizes = [record.memory_gb for record in card.records if record.memory_gb]
    return any(abs(gib - total) <= 0.07 * total for size in sizes for total in (size, size * card.count))
