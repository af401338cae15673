"""What a machine is, for every tool. Bytes and 10**9 bytes per second."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tools.calibration.types import Calibration

DeviceKind = Literal["cuda", "rocm", "vulkan", "metal", "cpu"]


@dataclass(frozen=True, slots=True)
class Reserve:
    """Memory to keep free as a person set it, instead of the usual reserve: bytes, or a share."""

    size_bytes: int = 0
    share: float = 0.0
    words: str = ""
    """As it was written (`10%`)."""

    def of(self, total: int) -> int:
        """Bytes of a memory of `total` bytes; never more than it has."""
        return min(total, self.size_bytes + int(self.share * total))


@dataclass(frozen=True, slots=True)
class Device:
    """One accelerator as a program sees it."""

    name: str
    kind: DeviceKind
    memory_bytes: int
    """Memory that the device can hold at most (Apple: the wired limit, not the installed memory)."""
    bandwidth_gbs: float | None
    fp16_tflops: float | None = None
    """Dense tensor rate where known, else the vector rate."""
    vector_tflops: float | None = None
    """FP16 rate outside the tensor cores."""
    compute_capability: float | None = None
    unified: bool = False
    """Shares system memory."""
    free_bytes: int | None = None
    """Measured on this machine; None where only the model of the card is known."""
    datacenter: bool = False
    """A server card: no desktop draws on it."""
    reserve: Reserve | None = None
    """Set by hand; None keeps the usual reserve."""

    @property
    def reserve_bytes(self) -> int:
        """What desktop, driver and other programs may take, beside the engine's own overhead.

        The usual reserve is 1/24 of the memory, at most 1 GiB: what a desktop with a browser draws. A server
        card has no desktop, and the share of a shared memory already leaves the rest to the system.
        """
        if self.reserve is not None:
            return self.reserve.of(self.memory_bytes)
        if self.unified or self.datacenter:
            return 0
        return min(self.memory_bytes // 24, 1 << 30)

    @property
    def usable_bytes(self) -> int:
        """What a model may take: the memory less the reserve, and no more than is known to be free now.

        The reserve is what desktop and other programs may take in all: what they hold already counts in it.
        """
        room = self.memory_bytes - self.reserve_bytes
        return max(0, room if self.free_bytes is None else min(room, self.free_bytes))


@dataclass(frozen=True, slots=True)
class Machine:
    """A computer, or several alike that work on one model (`nodes`): accelerators and system memory.

    `devices` are those of all nodes, in order, so that their memory adds up; `per_node` are those of one.
    System memory is that of one node: what is kept there is used by the processors of one node.
    """

    name: str
    devices: tuple[Device, ...] = ()
    """All accelerators, over all nodes."""
    ram_bytes: int | None = None
    ram_bandwidth_gbs: float | None = None
    cpu_cores: int | None = None
    purpose: Literal["use", "train", "both"] = "both"
    rented: bool = False
    detected: bool = False
    assumptions: tuple[str, ...] = ()
    """What was filled in (`64 GB RAM assumed DDR4-3200 dual channel, 51 GB/s`)."""
    nodes: int = 1
    interconnect: str | None = None
    """Between the accelerators of one node (`NVLink`); None where it is unknown."""
    interconnect_gbs: float | None = None
    """Of one accelerator, both directions together, as vendors state it."""
    network: str | None = None
    """Between the nodes (`InfiniBand NDR`)."""
    network_gbs: float | None = None
    """Of one node's link, one direction."""
    ram_available_bytes: int | None = field(default=None, compare=False)
    """System memory that is not in use now; measured on this machine."""
    disk_free_bytes: int | None = field(default=None, compare=False)
    """Free where downloaded models are kept; measured on this machine."""
    disk_folder: str | None = field(default=None, compare=False)
    ram_reserve: Reserve | None = None
    """Kept free of system memory, set by hand; None keeps the usual reserve."""
    calibration: Calibration | None = None
    """What was measured here; None where nothing was (`tools.calibrated`)."""

    @property
    def accelerator_bytes(self) -> int:
        return sum(device.memory_bytes for device in self.devices)

    @property
    def per_node(self) -> tuple[Device, ...]:
        """The accelerators of one node."""
        return self.devices[: len(self.devices) // max(1, self.nodes)]


def same_accelerators(named: Machine, here: Machine) -> bool:
    """Whether a machine that was named is this one, as far as its accelerators tell; never without any."""
    names = [sorted(device.name for device in machine.devices) for machine in (named, here)]
    return bool(names[0]) and names[0] == names[1] and not named.rented and named.nodes == 1


@dataclass(frozen=True, slots=True)
class Choice:
    """Words that could mean several things, and what they could mean."""

    mention: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HardwareReading:
    """What a text says about machines.

    Where something is ambiguous, `machines` holds the reading with the least memory, so that a decision on it
    is safe, and `ambiguous` the alternatives to ask about.
    """

    machines: tuple[Machine, ...] = ()
    ambiguous: tuple[Choice, ...] = ()
    unknown: tuple[str, ...] = ()
    """Accelerators that were named but are not in the catalog; `notes` has the nearest names."""
    notes: tuple[str, ...] = ()
    none: bool = False
    """The text says that there is no accelerator, and names no machine to run a model on."""

    @property
    def empty(self) -> bool:
        """True where the text says nothing about hardware."""
        return not (self.machines or self.ambiguous or self.unknown or self.none)

    def for_use(self) -> tuple[Machine, ...]:
        """The machines that models run on: those named for it, else those not kept for training, else all."""
        return self._for("use")

    def for_training(self) -> tuple[Machine, ...]:
        """The machines to train on: those named for it, else those without a stated purpose, else all."""
        return self._for("train")

    def _for(self, purpose: str) -> tuple[Machine, ...]:
        named = tuple(machine for machine in self.machines if machine.purpose == purpose)
        return (
            named or tuple(machine for machine in self.machines if machine.purpose == "both") or self.machines
        )
