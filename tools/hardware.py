"""Reads machines from free text (`2x RTX 3090 + 64GB RAM`), describes them and writes them as JSON.

The words are data (`data/hardware_terms.json`), the accelerators come from the catalog. Memory of cards as
sold is counted as GiB (`24 GB` = 24 * 2**30 bytes); what the driver keeps of it is the solver's reserve and
the engine's overhead. The machine that the program runs on is read by `tools.hardware_detect`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from knowledge.catalog.records import Accelerator, SystemMemory
from tools.hardware_drafts import Drafter
from tools.hardware_machines import MachineBuilder
from tools.hardware_names import core_name, phrases_of
from tools.hardware_scan import Mention, Scanner
from tools.hardware_terms import load_terms
from tools.hardware_types import HardwareReading, Machine

if TYPE_CHECKING:
    from knowledge.catalog.store import Catalog

_MAX_CHARS = 200_000
_NEAREST = 3
GIB = 1 << 30


def read_hardware(text: str, catalog: Catalog | None = None) -> HardwareReading:
    """What a text says about machines; never raises for bad text.

    Args:
        text: Any sentence or message; what is not hardware is skipped.
        catalog: Where accelerators and memory classes come from; the bundled one by default.

    Returns:
        The machines in reading order, with what was ambiguous, unknown or assumed.
    """
    if catalog is None:
        from knowledge.catalog.store import load_catalog

        catalog = load_catalog()
    return read_with(text, catalog.accelerators, catalog.system_memory)


def read_with(
    text: str, accelerators: tuple[Accelerator, ...], system_memory: tuple[SystemMemory, ...]
) -> HardwareReading:
    """`read_hardware` on given records."""
    terms = load_terms()
    text = text[:_MAX_CHARS]
    scanner = Scanner(text, phrases_of(accelerators), terms, accelerators)
    drafter = Drafter(scanner, terms)
    drafts = drafter.run()
    builder = MachineBuilder(accelerators, system_memory, terms)
    machines = tuple(dict.fromkeys(builder.build(draft) for draft in drafts))
    gpuless = any(mention.kind == "no_gpu" and mention.key != "cpu" for mention in scanner.mentions)
    bare = text.strip().strip(".!").lower() in terms.nothing
    told = any(machine.devices or machine.ram_bytes or machine.cpu_cores for machine in machines)
    none = bare or (
        gpuless and not told and not any(d.platform or d.cpu for d in drafts) and not drafter.unknown
    )
    notes = [*drafter.notes, *builder.notes]
    notes += [
        _nearest_note(scanner, mention, accelerators)
        for mention in drafter.unknown
        if mention.kind == "unknown"
    ]
    return HardwareReading(
        machines=() if none else machines,
        ambiguous=(*drafter.choices, *builder.choices),
        unknown=tuple(
            dict.fromkeys(
                item.key if item.kind == "unknown" else scanner.quote(item.first, item.last)
                for item in drafter.unknown
            )
        ),
        notes=tuple(dict.fromkeys(notes)),
        none=none,
    )


def _nearest_note(scanner: Scanner, mention: Mention, accelerators: tuple[Accelerator, ...]) -> str:
    names = nearest_accelerators(mention.key, accelerators)
    return f"“{mention.key}” is not in the catalog; nearest: {', '.join(names)}"


def nearest_accelerators(
    name: str, accelerators: tuple[Accelerator, ...], limit: int = _NEAREST
) -> tuple[str, ...]:
    """The known names closest to one that is not known."""
    from rapidfuzz import fuzz, process

    names = tuple(dict.fromkeys(core_name(record) for record in accelerators))
    found = process.extract(name, names, scorer=fuzz.WRatio, limit=limit, processor=str.lower)
    return tuple(choice for choice, _score, _index in found)


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
