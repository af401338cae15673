"""What a machine is, for every tool. Bytes and 10**9 bytes per second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DeviceKind = Literal["cuda", "rocm", "vulkan", "metal", "cpu"]


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

    @property
    def reserve_bytes(self) -> int:
        """What desktop and driver may take and the solver leaves free, beside the engine's own overhead."""
        if self.unified or self.datacenter:
            return 0
        return min(self.memory_bytes // 24, 1 << 30)


@dataclass(frozen=True, slots=True)
class Machine:
    """A computer: accelerators and system memory."""

    name: str
    devices: tuple[Device, ...] = ()
    ram_bytes: int | None = None
    ram_bandwidth_gbs: float | None = None
    cpu_cores: int | None = None
    purpose: Literal["use", "train", "both"] = "both"
    rented: bool = False
    detected: bool = False
    assumptions: tuple[str, ...] = ()
    """What was filled in (`64 GB RAM assumed DDR4-3200 dual channel, 51 GB/s`)."""

    @property
    def accelerator_bytes(self) -> int:
        return sum(device.memory_bytes for device in self.devices)


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
