"""Machines: read from text, detected, described, written as JSON. The front of the `hardware_*` modules."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tools.hardware_detect import detect_machine
from tools.hardware_machines import GIB
from tools.hardware_read import nearest_accelerators, read_hardware
from tools.hardware_types import Machine

__all__ = ["GIB", "describe", "detect_machine", "machine_as_json", "nearest_accelerators", "read_hardware"]


def _gib(size: int) -> str:
    value = size / GIB
    return f"{value:.0f} GiB" if abs(value - round(value)) < 0.05 else f"{value:.1f} GiB"


def describe(machine: Machine) -> str:
    """One line for people: `1 x RTX 3090, 24 GiB, 936 GB/s; 64 GiB RAM`."""
    parts = []
    for device, count in Counter(machine.devices).items():
        speed = "bandwidth unknown" if device.bandwidth_gbs is None else f"{device.bandwidth_gbs:.0f} GB/s"
        parts.append(f"{count} x {device.name}, {_gib(device.memory_bytes)}, {speed}")
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
    return "; ".join(parts)


def machine_as_json(machine: Machine) -> dict[str, Any]:
    """JSON-plain: bytes, 10**9 bytes per second."""
    return {
        "name": machine.name,
        "devices": [
            {
                "name": device.name,
                "kind": device.kind,
                "memory_bytes": device.memory_bytes,
                "free_bytes": device.free_bytes,
                "bandwidth_gbs": device.bandwidth_gbs,
                "fp16_tflops": device.fp16_tflops,
                "compute_capability": device.compute_capability,
                "unified": device.unified,
                "datacenter": device.datacenter,
            }
            for device in machine.devices
        ],
        "ram_bytes": machine.ram_bytes,
        "ram_bandwidth_gbs": machine.ram_bandwidth_gbs,
        "cpu_cores": machine.cpu_cores,
        "purpose": machine.purpose,
        "rented": machine.rented,
        "detected": machine.detected,
        "assumptions": list(machine.assumptions),
        "summary": describe(machine),
    }
