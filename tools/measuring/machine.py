"""The key of a machine: what was measured on one is used only there."""

from __future__ import annotations

import hashlib

from tools.hardware_types import Machine

_GIB = 1 << 30


def machine_key(machine: Machine) -> str:
    """A stable key: devices with their memory, system memory and cores, but nothing that wavers.

    Memory counts in whole GiB, since drivers and kernels keep a little of it for themselves, more after one
    update than after another.
    """
    devices = sorted(
        f"{device.kind}:{device.name}:{_size(device.memory_bytes)}" for device in machine.devices
    )
    parts = [
        *devices,
        f"ram:{_size(machine.ram_bytes)}",
        f"cores:{machine.cpu_cores}",
        f"nodes:{machine.nodes}",
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _size(count: int | None) -> str:
    return "unknown" if count is None else str(round(count / _GIB))
