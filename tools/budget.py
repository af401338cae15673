"""How much memory of a machine a model may take, and what is kept back.

An accelerator keeps a reserve for desktop and driver (`Device.reserve_bytes`); the engine's own overhead is
part of a memory estimate, not of the reserve. A machine without accelerator keeps room for the system and for
other programs. A reserve set by hand (`tools.reserve`) takes the place of both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tools.brief import defaults
from tools.hardware_types import Device, Machine

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Room:
    """Memory that a model may take on a machine."""

    device_bytes: tuple[int, ...]
    """Per accelerator, after the reserve; empty on a machine without one."""
    host_bytes: int | None
    """System memory after the reserve; None where it is unknown."""
    note: str

    @property
    def widest(self) -> int:
        """Index of the accelerator with the most room, the last of equal ones: where encoders sit."""
        return max(range(len(self.device_bytes)), key=lambda i: (self.device_bytes[i], i))

    def less(self, taken: int) -> Room:
        """The room that is left beside `taken` bytes: of the widest device, or of system memory."""
        if not taken:
            return self
        if not self.device_bytes:
            return replace(self, host_bytes=max(0, (self.host_bytes or 0) - taken))
        sizes = list(self.device_bytes)
        sizes[self.widest] = max(0, sizes[self.widest] - taken)
        return replace(self, device_bytes=tuple(sizes))

    @property
    def total_bytes(self) -> int:
        """What the accelerators together (or else system memory) offer."""
        return sum(self.device_bytes) if self.device_bytes else (self.host_bytes or 0)


def host_room(machine: Machine, *, server: bool) -> int | None:
    """System memory left for a model, in bytes; None where the machine's memory is unknown."""
    kept = host_reserve(machine, server=server)
    return None if machine.ram_bytes is None or kept is None else max(0, machine.ram_bytes - kept)


def host_reserve(machine: Machine, *, server: bool) -> int | None:
    """System memory kept for the system and other programs, in bytes; None where the memory is unknown."""
    if machine.ram_bytes is None:
        return None
    if machine.ram_reserve is not None:
        return machine.ram_reserve.of(machine.ram_bytes)
    reserve = defaults()["reserve"]
    if server or (machine.cpu_cores or 0) >= 12:
        return min(machine.ram_bytes, int(reserve["server_ram_gib"] * GIB))
    return int(min(machine.ram_bytes * reserve["desktop_ram_share"], reserve["desktop_ram_most_gib"] * GIB))


def room_of(machine: Machine, *, server: bool = False, reserve: bool = True) -> Room:
    """The memory of a machine that a model may take.

    Args:
        machine: the machine.
        server: nothing but the model runs on it.
        reserve: False gives the whole device, for a configuration that fits only without the reserve.
    """
    host = host_room(machine, server=server)
    if not machine.devices:
        if not reserve:
            host = machine.ram_bytes
        return Room((), host, "system memory less what the system and other programs need")
    return Room(
        tuple(_device_room(device, reserve=reserve) for device in machine.devices),
        host,
        "device memory less a reserve for desktop and driver",
    )


def _device_room(device: Device, *, reserve: bool) -> int:
    """What is free now bounds it either way."""
    if reserve:
        return device.usable_bytes
    return device.memory_bytes if device.free_bytes is None else min(device.memory_bytes, device.free_bytes)
