"""The words of hardware: typed access to `data/hardware_terms.json`."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

_PATH = Path(__file__).parent / "data" / "hardware_terms.json"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Kinds(_Part):
    """Which program interface a card is driven by."""

    vendors: dict[str, str]
    architectures: dict[str, str]
    source: str


class Share(_Part):
    """How much of a shared memory the accelerator may hold by default."""

    below_gb: float
    share_below: float
    share: float
    note: str
    source: str


class UsualMemory(_Part):
    """The size that a card's name stands for when nobody says it, in GB."""

    sizes: dict[str, float]
    source: str


class ChipVariant(_Part):
    """A chip's smaller version, told by its GPU cores."""

    name: str
    gpu_cores: int
    bandwidth_gbs: float
    source: str


class Platform(_Part):
    """A kind of computer or processor, and what it stands for where nothing better is said."""

    key: str
    phrases: tuple[str, ...]
    memory: str | None = None
    """Name of the system memory class."""
    chip: str | None = None
    """Accelerator that the computer has at least."""
    cpu_only: bool = False
    cores: int | None = None
    with_cpu: str | None = None
    """The platform that it is where a processor is named with it (a Mac with an i9 is an Intel Mac)."""
    cluster: Literal["always", "linked"] | None = None
    """Whether several of them work on one model: always (`2 nodes`), or where a link is named."""
    usual_gb: float | None = None
    """Memory where none is said."""
    options_gb: tuple[float, ...] = ()


class Cloud(_Part):
    """Rented machine types: accelerator, count, memory in GiB."""

    instances: dict[str, tuple[str, int, float]]
    source: str


class Board(_Part):
    """A baseboard or system that holds several accelerators of one kind (`HGX`, `DGX`)."""

    phrases: tuple[str, ...]
    gpus: int
    nodes: bool
    """A count before it counts systems."""


class Link(_Part):
    """An interconnect; `gbits` are the speeds of its generations, in Gbit/s of one direction."""

    key: str
    phrases: tuple[str, ...]
    scope: Literal["node", "network"]
    gbits: dict[str, float] = {}
    usual_gbits: float | None = None


class Interconnects(_Part):
    """What joins the accelerators of a node, and the nodes."""

    links: tuple[Link, ...]
    speed_units: frozenset[str]
    nvlink_gbs: dict[str, float]
    """By the card's name without size and connector; cards that are not listed have none."""
    pcie_bridge_gbs: dict[str, float | None]
    """The same for PCIe cards, where it differs; None where they have no NVLink."""
    source: str


class Driver(_Part):
    """Which NVIDIA drivers current engines run on."""

    least: int
    least_old: int
    """For cards up to the compute capability `old_to`."""
    old_to: float
    least_capability: float
    source: str


class Slips(_Part):
    """Slips of the pen that are read through, and said."""

    letters: dict[str, str]
    series: tuple[str, ...]
    words: tuple[str, ...]
    threshold: float
    """Similarity in percent from which a word is taken for another one."""
    source: str


class PciNames(_Part):
    """Cards by PCI vendor and device, where the system gives no name."""

    names: dict[str, tuple[str, ...]]
    source: str


class Limits(_Part):
    """Beyond these a figure is taken for a slip."""

    max_devices: int
    max_gib: float
    max_nodes: int
    max_cards: int
    """Different cards in one machine."""


class Terms(_Part):
    """The whole file."""

    as_of: str
    numbers: dict[str, int]
    pairs: frozenset[str]
    units_gib: dict[str, float]
    labels: dict[str, tuple[str, ...]]
    label_fillers: frozenset[str]
    weak_left: frozenset[str]
    weak_right: frozenset[str]
    prefixes: frozenset[str]
    vendor_words: frozenset[str]
    drop_words: frozenset[str]
    form_words: dict[str, str]
    mobile_words: frozenset[str]
    aliases: dict[str, tuple[str, ...]]
    kinds: Kinds
    datacenter_classes: frozenset[str]
    whole_computers: frozenset[str]
    unified_share: dict[str, Share]
    usual_memory_gb: UsualMemory
    apple_variants: tuple[ChipVariant, ...]
    platforms: tuple[Platform, ...]
    cpus: tuple[Platform, ...]
    memory_types: dict[str, str]
    default_memory: str
    datacenter_memory: str
    no_gpu: tuple[str, ...]
    cpu_only: tuple[str, ...]
    nothing: tuple[str, ...]
    purposes: dict[str, tuple[str, ...]]
    renting: tuple[str, ...]
    """Words that announce a rented machine."""
    rented: tuple[str, ...]
    """Places where machines are rented, said behind or before the machine."""
    cloud: Cloud
    links: frozenset[str]
    """Words that may stand between a thing and its memory."""
    joins: frozenset[str]
    """Words that add something instead of describing it."""
    cores: tuple[str, ...]
    gpu_cores: tuple[str, ...]
    pci: PciNames
    limits: Limits
    usual_ram_gb: frozenset[float]
    """Sizes that system memory comes in."""
    boards: dict[str, Board]
    egpu: tuple[str, ...]
    clustered: tuple[str, ...]
    each: tuple[str, ...]
    spread: frozenset[str]
    """Words between cards and the nodes that they are divided over."""
    node_links: frozenset[str]
    """Words that may stand between nodes and what each of them has."""
    interconnects: Interconnects
    driver: Driver
    slips: Slips


@cache
def load_terms() -> Terms:
    """Read the file once."""
    return Terms.model_validate(json.loads(_PATH.read_text(encoding="utf-8")))


class Token(NamedTuple):
    """A word, number or sign of the text, lower case, with its place."""

    text: str
    start: int
    end: int
    glued: bool
    """No space between this token and the one before."""

    @property
    def is_word(self) -> bool:
        return self.text[0].isalnum()
