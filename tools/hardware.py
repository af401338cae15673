"""Machines: read from text, detected, described. The front of the `hardware_*` modules."""

from __future__ import annotations

from tools.hardware_machines import GIB
from tools.hardware_read import nearest_accelerators, read_hardware
from tools.hardware_types import Machine

__all__ = ["GIB", "describe", "detect_machine", "nearest_accelerators", "read_hardware"]


def detect_machine() -> Machine:
    """The machine that the program runs on, as `tools.hardware_detect` finds it."""
    # Loaded when asked for: most calls are about a machine that was named.
    from tools import hardware_detect

    return hardware_detect.detect_machine()


def _gib(size: int) -> str:
    value = size / GIB
    return f"{value:.0f} GiB" if abs(value - round(value)) < 0.05 else f"{value:.1f} GiB"


def describe(machine: Machine) -> str:
    """One line for people: `1 x RTX 3090, 24 GiB, 936 GB/s; 64 GiB RAM`."""
    parts = []
    kinds: dict[tuple[str, int, float | None], int] = {}
    for device in machine.per_node:
        kind = (device.name, device.memory_bytes, device.bandwidth_gbs)  # what is free may differ
        kinds[kind] = kinds.get(kind, 0) + 1
    for (name, size, bandwidth), count in kinds.items():
        speed = "bandwidth unknown" if bandwidth is None else f"{bandwidth:.0f} GB/s"
        parts.append(f"{count} x {name}, {_gib(size)}, {speed}")
    if parts and machine.interconnect:
        parts.append(machine.interconnect + _rate(machine.interconnect_gbs))
    if not parts:
        parts.append("no accelerator")
    shared = any(device.unified for device in machine.devices)
    ram = (
        "RAM unknown"
        if machine.ram_bytes is None
        else f"{_gib(machine.ram_bytes)} {'shared memory' if shared else 'RAM'}"
    )
    if not machine.devices and machine.ram_bytes is not None and machine.ram_bandwidth_gbs is not None:
        ram += f" at {machine.ram_bandwidth_gbs:.0f} GB/s"
    parts.append(ram)
    if machine.cpu_cores:
        parts.append(f"{machine.cpu_cores} cores")
    one = "; ".join(parts)
    if machine.nodes == 1:
        return one
    network = f", joined by {machine.network}{_rate(machine.network_gbs)}" if machine.network else ""
    return f"{machine.nodes} nodes{network}, each {one}"


def _rate(gbs: float | None) -> str:
    return "" if gbs is None else f" {gbs:g} GB/s"
