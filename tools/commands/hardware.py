"""`hardware`: what this machine has, or how a text about a machine is read."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from tools.budget import host_reserve
from tools.commands.lookups import machine_named
from tools.commands.requests import RESERVE_FIELD, Request, ReserveText, Text
from tools.hardware import describe, detect_machine
from tools.hardware_types import Machine
from tools.reserve import asked_reserve, ram_reason, reason, reserved

Document = dict[str, Any]


class HardwareQuery(Request):
    """Request of `hardware`."""

    text: Text | None = Field(None, description="a machine in words, instead of this one")
    reserve: ReserveText = RESERVE_FIELD


def hardware(query: HardwareQuery) -> Document:
    """The machine that the program runs on, or the one that the text describes.

    Raises:
        NoAnswerError: The text names an accelerator that is not known.
        UsageError: The text names no machine, or the reserve is none.
    """
    notes: tuple[str, ...] = ()
    if query.text is None:
        machine = detect_machine()
    else:
        machine, notes = machine_named(query.text)
    with asked_reserve(query.reserve):
        machine = reserved(machine)
    return {**machine_as_json(machine), "notes": list(notes)}


def machine_as_json(machine: Machine) -> Document:
    """JSON-plain: bytes, 10**9 bytes per second. Devices are those of all nodes, memory and disk of one."""
    kept = host_reserve(machine, server=False)
    return {
        "name": machine.name,
        "devices": [
            {
                "name": device.name,
                "kind": device.kind,
                "memory_bytes": device.memory_bytes,
                "free_bytes": device.free_bytes,
                "reserve_bytes": device.reserve_bytes,
                "reserve_reason": reason(device),
                "usable_bytes": device.usable_bytes,
                "bandwidth_gbs": device.bandwidth_gbs,
                "fp16_tflops": device.fp16_tflops,
                "compute_capability": device.compute_capability,
                "unified": device.unified,
                "datacenter": device.datacenter,
            }
            for device in machine.devices
        ],
        "nodes": machine.nodes,
        "interconnect": machine.interconnect,
        "interconnect_gbs": machine.interconnect_gbs,
        "network": machine.network,
        "network_gbs": machine.network_gbs,
        "ram_bytes": machine.ram_bytes,
        "ram_available_bytes": machine.ram_available_bytes,
        "ram_reserve_bytes": kept,
        "ram_reserve_reason": ram_reason(machine),
        "disk_free_bytes": machine.disk_free_bytes,
        "disk_folder": machine.disk_folder,
        "ram_bandwidth_gbs": machine.ram_bandwidth_gbs,
        "cpu_cores": machine.cpu_cores,
        "purpose": machine.purpose,
        "rented": machine.rented,
        "detected": machine.detected,
        "assumptions": list(machine.assumptions),
        "summary": describe(machine),
    }
