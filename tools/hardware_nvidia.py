"""NVIDIA cards of this machine: by NVML, else by nvidia-smi, else by what the driver writes under /proc."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from knowledge.catalog.store import Catalog
from tools.hardware_machines import GIB
from tools.hardware_probe import Nvml, Probe
from tools.hardware_read import read_hardware
from tools.hardware_terms import load_terms
from tools.hardware_types import Device

_MUCH_HELD = 0.25
"""Share of a card's memory from which other programs on it are worth telling."""


def known_device(name: str, memory: int | None, catalog: Catalog) -> Device | None:
    """The catalog's device of a name as drivers give it; the memory decides between versions."""
    reading = read_hardware(name, catalog)
    if memory is not None and (reading.ambiguous or not _fits(reading.machines[:1], memory)):
        sized = read_hardware(f"{name} {round(memory / GIB)} GB", catalog)
        reading = sized if sized.machines and not sized.notes else reading
    devices = [device for machine in reading.machines for device in machine.devices]
    return devices[0] if devices else None


def _fits(machines: Sequence[object], memory: int) -> bool:
    sizes = [device.memory_bytes for machine in machines for device in getattr(machine, "devices", ())[:1]]
    return not sizes or abs(sizes[0] - memory) <= 0.1 * memory


def nvidia_devices(catalog: Catalog, probe: Probe, ram: int | None, notes: list[str]) -> list[Device]:
    """The cards, with what is free now; what keeps them from being used is noted."""
    library = probe.nvml()
    devices: list[Device] = []
    if library is not None:
        count = 0
        with suppress(Exception):  # a driver that does not match its library
            count = library.nvmlDeviceGetCount()
        for index in range(count):
            with suppress(Exception):  # a card that fell off the bus must not take the others along
                found = _card(library, index, catalog, ram, notes)
                if found is not None:
                    devices.append(found)
    if devices and library is not None:
        _check_driver(library, devices, notes)
        return devices
    return _by_program(catalog, probe) or _by_proc(catalog, probe, notes) or _jetson(catalog, probe, ram)


def _text(raw: str | bytes) -> str:
    return raw.decode(errors="replace") if isinstance(raw, bytes) else raw


def _card(library: Nvml, index: int, catalog: Catalog, ram: int | None, notes: list[str]) -> Device | None:
    handle = library.nvmlDeviceGetHandleByIndex(index)
    name = _text(library.nvmlDeviceGetName(handle))
    total = free = None
    with suppress(Exception):  # chips that share the system's memory do not report any
        memory = library.nvmlDeviceGetMemoryInfo(handle)
        total, free = int(memory.total), int(memory.free)
    known = known_device(name, total, catalog)
    size = total or (known.memory_bytes if known else None)
    if known is not None and known.unified and ram is not None:
        size = min(size or ram, ram)
    if size is None:
        return None
    capability = known.compute_capability if known else None
    with suppress(Exception):
        major, minor = library.nvmlDeviceGetCudaComputeCapability(handle)
        capability = float(f"{major}.{minor}")
    device = known or Device(name, "cuda", size, None)
    device = replace(device, memory_bytes=size, free_bytes=free, compute_capability=capability)
    _note_programs(library, handle, device, notes)
    return _instance(library, handle, device, notes)


def _note_programs(library: Nvml, handle: object, device: Device, notes: list[str]) -> None:
    """Programs that hold much of a card now: closing them gives more room."""
    with suppress(Exception):  # not every system lets others see them
        held = [item.usedGpuMemory or 0 for item in library.nvmlDeviceGetComputeRunningProcesses(handle)]
        if sum(held) >= _MUCH_HELD * device.memory_bytes:
            programs = f"{len(held)} programs hold" if len(held) > 1 else "a program holds"
            notes.append(
                f"{programs} {sum(held) / GIB:.1f} GiB of the {device.name} now; ending it frees them"
            )


def _instance(library: Nvml, handle: object, whole: Device, notes: list[str]) -> Device:
    """On a card cut into MIG instances, the largest one: a program sees one instance only.

    An instance has the share of the bandwidth that it has of the memory (NVIDIA MIG user guide: slices).
    """
    sizes: list[tuple[int, int]] = []
    with suppress(Exception):  # cards without MIG raise
        if not library.nvmlDeviceGetMigMode(handle)[0]:
            return whole
        for index in range(library.nvmlDeviceGetMaxMigDeviceCount(handle)):
            with suppress(Exception):  # a slot without an instance
                part = library.nvmlDeviceGetMigDeviceHandleByIndex(handle, index)
                memory = library.nvmlDeviceGetMemoryInfo(part)
                sizes.append((int(memory.total), int(memory.free)))
    if not sizes:
        return whole
    total, free = max(sizes)
    share = min(1.0, total / whole.memory_bytes)
    notes.append(
        f"{whole.name} is cut into {len(sizes)} MIG instances; counted is the largest, {total / GIB:.1f} GiB"
    )
    return replace(
        whole,
        name=f"{whole.name} MIG instance",
        memory_bytes=total,
        free_bytes=free,
        bandwidth_gbs=whole.bandwidth_gbs and round(whole.bandwidth_gbs * share, 1),
        fp16_tflops=whole.fp16_tflops and round(whole.fp16_tflops * share, 1),
    )


def _check_driver(library: Nvml, devices: list[Device], notes: list[str]) -> None:
    rules = load_terms().driver
    with suppress(Exception):
        version = _text(library.nvmlSystemGetDriverVersion())
        major = int(version.split(".")[0])
        for device in devices:
            capability = device.compute_capability or rules.least_capability
            least = rules.least_old if capability <= rules.old_to else rules.least
            if capability < rules.least_capability:
                notes.append(
                    f"{device.name}: too old for current engines (compute capability {capability:g})"
                )
            elif major < least:
                notes.append(f"NVIDIA driver {version} is older than current engines need ({least} or newer)")


def _by_program(catalog: Catalog, probe: Probe) -> list[Device]:
    """`NVIDIA GeForce RTX 3090, 24576, 23000, 8.6` a line."""
    devices = []
    for line in probe.nvidia_smi().splitlines():
        parts = [part.strip() for part in line.split(",")]
        if len(parts) < 3 or not parts[1].isdigit():
            continue
        size = int(parts[1]) << 20
        device = known_device(parts[0], size, catalog) or Device(parts[0], "cuda", size, None)
        free = int(parts[2]) << 20 if parts[2].isdigit() else None
        given = len(parts) > 3 and re.fullmatch(r"\d+\.\d+", parts[3])
        capability = float(parts[3]) if given else device.compute_capability
        devices.append(replace(device, memory_bytes=size, free_bytes=free, compute_capability=capability))
    return devices


def _by_proc(catalog: Catalog, probe: Probe, notes: list[str]) -> list[Device]:
    """The loaded driver names its cards even where its library is missing (a bare container)."""
    devices = []
    for folder in probe.folders("proc/driver/nvidia/gpus/*"):
        found = re.search(r"^Model:\s*(.+)$", probe.text(folder / "information"), re.MULTILINE)
        device = known_device(found.group(1).strip(), None, catalog) if found else None
        if device is not None:
            devices.append(device)
    if devices:
        notes.append("the NVIDIA library does not answer: memory as sold, and what is free is not known")
    return devices


def _jetson(catalog: Catalog, probe: Probe, ram: int | None) -> list[Device]:
    """Boards without NVML are told by the device tree."""
    board = probe.text("proc/device-tree/model")
    if "jetson" not in board.lower() or ram is None:
        return []
    device = known_device(board, None, catalog)
    sized = read_hardware(f"{board}, {ram / GIB:.0f} GB", catalog).machines
    if sized and sized[0].devices:
        device = sized[0].devices[0]
    return [device] if device is not None and device.unified else []
