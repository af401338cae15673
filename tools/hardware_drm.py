"""AMD and Intel accelerators of this machine, by what their Linux drivers write under /sys/class/drm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from knowledge.catalog.records import Accelerator
from knowledge.catalog.store import Catalog
from tools.hardware_machines import GIB, device_of
from tools.hardware_nvidia import known_device
from tools.hardware_probe import Probe
from tools.hardware_terms import load_terms
from tools.hardware_types import Device

_AMD, _INTEL, _NVIDIA = "1002", "8086", "10de"
_SMALL_CARVE_OUT = 2 * GIB
"""An integrated GPU with less memory of its own, and no name that is known, is no accelerator."""


def drm_devices(catalog: Catalog, probe: Probe, notes: list[str], *, nvidia_seen: bool) -> list[Device]:
    """AMD and Intel cards; integrated graphics are left out, an NVIDIA card without driver is noted."""
    devices = []
    for card in probe.folders("sys/class/drm/card[0-9]*"):
        if not card.name.removeprefix("card").isdigit():  # `card0-DP-1` is a connector
            continue
        folder = card / "device"
        vendor, device_id = (probe.text(folder / part).removeprefix("0x") for part in ("vendor", "device"))
        if vendor == _NVIDIA and not nvidia_seen:
            notes.append("an NVIDIA card is present, but its driver does not answer")
        vram, free = _amd_memory(probe, folder) if vendor == _AMD else _intel_memory(probe, card)
        names = load_terms().pci.names.get(f"{vendor}:{device_id}", ())
        record = _record(names, vram, catalog)
        if vendor == _AMD:
            device = _amd(probe, folder, record, vram, free, catalog)
        else:
            device = _intel(record, vram, free) if vendor == _INTEL else None
        if device is not None:
            devices.append(device)
    return devices


def _amd_memory(probe: Probe, folder: Path) -> tuple[int | None, int | None]:
    """Bytes of the card's memory in all and free (amdgpu: `mem_info_vram_total`, `mem_info_vram_used`)."""
    total = probe.number(folder / "mem_info_vram_total")
    used = probe.number(folder / "mem_info_vram_used")
    return total, None if total is None or used is None else max(0, total - used)


def _intel_memory(probe: Probe, card: Path) -> tuple[int | None, int | None]:
    """Bytes of local memory in all and free.

    i915 writes `lmem_total_bytes` and `lmem_avail_bytes` beside the device; xe writes the size of each tile
    (`device/tile*/physical_vram_size_bytes`) and tells what is free to root only.
    """
    total = probe.number(card / "lmem_total_bytes")
    if total:
        return total, probe.number(card / "lmem_avail_bytes")
    pattern = (card / "device/tile*").as_posix()
    tiles = [probe.number(tile / "physical_vram_size_bytes") or 0 for tile in probe.folders(pattern)]
    return (sum(tiles) or None), None


def _record(names: Sequence[str], vram: int | None, catalog: Catalog) -> Accelerator | None:
    """Of the cards that one PCI id stands for, those with this memory, and of them the slowest."""
    records = [record for record in catalog.accelerators if record.name in names]
    if vram is not None and len(records) > 1:
        near = [r for r in records if abs((r.memory_gb or 0) * GIB - vram) < 0.1 * vram]
        records = near or records
    return min(records, key=lambda record: record.bandwidth_gbs or 0.0, default=None)


def _amd(
    probe: Probe,
    folder: Path,
    record: Accelerator | None,
    vram: int | None,
    free: int | None,
    catalog: Catalog,
) -> Device | None:
    if record is not None and record.unified:
        return _shared(probe, folder, record, vram, free)
    if record is None:
        name = probe.text(folder / "product_name")
        known = known_device(name, vram, catalog) if name else None
        if known is not None and vram:
            return replace(known, memory_bytes=vram, free_bytes=free)
        if vram is None or vram < _SMALL_CARVE_OUT:
            return None
        return Device(name or "AMD GPU", "rocm", vram, None, free_bytes=free)
    device = device_of(record, load_terms())
    return device if vram is None else replace(device, memory_bytes=vram, free_bytes=free)


def _shared(
    probe: Probe, folder: Path, record: Accelerator, vram: int | None, free: int | None
) -> Device | None:
    """An APU holds its carve-out and what the driver may map of system memory (GTT)."""
    mapped = probe.number(folder / "mem_info_gtt_total") or 0
    size = (vram or 0) + mapped
    if not size:
        return None
    device = device_of(record, load_terms(), memory_bytes=size)
    used = probe.number(folder / "mem_info_gtt_used")
    if used is None or (vram and free is None):
        return device
    return replace(device, free_bytes=(free or 0) + max(0, mapped - used))


def _intel(record: Accelerator | None, vram: int | None, free: int | None) -> Device | None:
    """A card whose PCI id is known, or one with local memory, which only cards have."""
    if record is not None:
        device = device_of(record, load_terms())
        return replace(device, memory_bytes=vram or device.memory_bytes, free_bytes=free)
    if not vram or vram < _SMALL_CARVE_OUT:
        return None
    return Device("Intel GPU", "vulkan", vram, None, free_bytes=free)
