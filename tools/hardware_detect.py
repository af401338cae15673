"""What the machine has that the program runs on: memory, cores, accelerators.

Reads only what the system tells everyone: psutil, NVIDIA's management library, sysfs, sysctl. Nothing is
started but `sysctl` on macOS, nothing goes over the network, and a part that does not answer is left out.
"""

from __future__ import annotations

import math
import platform
import re
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from knowledge.catalog.records import Accelerator
from knowledge.catalog.store import Catalog, load_catalog
from tools.hardware_machines import GIB, device_of, share_of, shared_bytes
from tools.hardware_read import read_hardware
from tools.hardware_terms import load_terms
from tools.hardware_types import Device, Machine

_SYSCTL_SECONDS = 0.2
_SMALL_CARVE_OUT = 2 * GIB
"""An integrated GPU with less memory of its own, and no name that is known, is no accelerator."""
_NO_LIMIT = 1 << 60
_SERVER_CORES = 8


class Nvml(Protocol):
    """The part of `pynvml` that is used; its functions raise where a card does not answer."""

    def nvmlInit(self) -> None: ...  # noqa: N802
    def nvmlDeviceGetCount(self) -> int: ...  # noqa: N802
    def nvmlDeviceGetHandleByIndex(self, index: int) -> object: ...  # noqa: N802
    def nvmlDeviceGetName(self, handle: object) -> str | bytes: ...  # noqa: N802
    def nvmlDeviceGetMemoryInfo(self, handle: object) -> MemoryInfo: ...  # noqa: N802
    def nvmlDeviceGetCudaComputeCapability(self, handle: object) -> tuple[int, int]: ...  # noqa: N802


class MemoryInfo(Protocol):
    """Bytes of a card."""

    total: int
    free: int


def _nvml() -> Nvml | None:
    with suppress(Exception):  # whatever keeps the library from loading, there is then no card to see
        import pynvml

        library: Nvml = pynvml
        library.nvmlInit()
        return library
    return None


def _sysctl(names: Sequence[str]) -> str:
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            ["/usr/sbin/sysctl", *names], capture_output=True, text=True, timeout=_SYSCTL_SECONDS, check=False
        )
        return done.stdout
    return ""


def _memory() -> int | None:
    with suppress(Exception):  # psutil fails in its own ways on unusual systems
        import psutil

        return int(psutil.virtual_memory().total)
    return None


def _cores() -> int | None:
    with suppress(Exception):
        import psutil

        return psutil.cpu_count(logical=False) or psutil.cpu_count()
    return None


@dataclass(frozen=True)
class Probe:
    """Where the answers come from; the tests put in their own."""

    root: Path = Path("/")
    system: str = platform.system()
    arch: str = platform.machine()
    nvml: Callable[[], Nvml | None] = _nvml
    sysctl: Callable[[Sequence[str]], str] = _sysctl
    memory: Callable[[], int | None] = _memory
    cores: Callable[[], int | None] = _cores

    def text(self, path: str | Path) -> str:
        """A small file's text without its end; empty where it cannot be read."""
        with suppress(OSError, ValueError):
            return (self.root / path).read_text(encoding="utf-8", errors="replace").strip("\0\n ")
        return ""

    def number(self, path: str | Path) -> int | None:
        """A file's number; None where there is none."""
        text = self.text(path)
        return int(text) if text.isdigit() else None


def detect_machine(catalog: Catalog | None = None, probe: Probe | None = None) -> Machine:
    """The machine that the program runs on; what cannot be found out is left out, and nothing is raised.

    Args:
        catalog: Where bandwidths come from; the bundled one by default.
        probe: How the system is asked.

    Returns:
        A machine with `detected` set, its assumptions naming what had to be guessed.
    """
    catalog, probe = catalog or load_catalog(), probe or Probe()
    if probe.system == "Darwin" and probe.arch == "arm64":
        mac = _mac(catalog, probe)
        if mac is not None:
            return mac
    notes: list[str] = []
    total = probe.memory()
    ram = _limited(total, _memory_limit(probe), notes)
    cores = _limited_cores(probe)
    host = _host(catalog, probe, total, cores)
    notes += [line for line in host.assumptions if "GB/s" in line]
    devices = (*_nvidia(catalog, probe, ram), *_drm(catalog, probe, notes))
    unified = next((device for device in devices if device.unified), None)
    names = [device.name for device in devices]
    parts = [
        f"{names.count(name)}x {name}" if names.count(name) > 1 else name for name in dict.fromkeys(names)
    ]
    parts += [f"{ram / GIB:.0f}GB RAM"] if ram is not None else []
    return Machine(
        name=" + ".join(parts) or "this machine",
        devices=devices,
        ram_bytes=ram,
        ram_bandwidth_gbs=unified.bandwidth_gbs if unified else host.ram_bandwidth_gbs,
        cpu_cores=cores,
        detected=True,
        assumptions=tuple(dict.fromkeys(notes)),
    )


# -- memory and cores --------------------------------------------------------------------------------


def _host(catalog: Catalog, probe: Probe, total: int | None, cores: int | None) -> Machine:
    """Memory bandwidth by what the processor or board is called; the class is an assumption and said.

    A few cores of a server are a rented part of it, which does not get the bandwidth of all channels.
    """
    board = probe.text("proc/device-tree/model")
    found = re.search(r"^model name\s*:\s*(.+)$", probe.text("proc/cpuinfo"), re.MULTILINE)
    processor = re.sub(r"\((R|TM|r|tm)\)", "", found.group(1)) if found else ""
    size = f"{max(1, round((total or GIB) / GIB))} GB RAM"
    if cores is not None and cores < _SERVER_CORES:
        processor = processor.replace("EPYC", "").replace("Xeon", "")
    for name in (board, f"{processor} computer"):
        machines = read_hardware(f"{name}, {size}", catalog).machines if name else ()
        if machines and not machines[0].devices and machines[0].ram_bandwidth_gbs:
            return machines[0]
    return Machine("unknown")


def _memory_limit(probe: Probe) -> int:
    """The smallest memory limit of the control groups that this process lives in."""
    limits = [
        probe.number("sys/fs/cgroup/memory.max"),
        probe.number("sys/fs/cgroup/memory/memory.limit_in_bytes"),
    ]
    for line in probe.text("proc/self/cgroup").splitlines():
        _, _, own = line.partition("::")
        folder = Path(own.lstrip("/"))
        for part in (folder, *folder.parents):
            limits.append(probe.number(Path("sys/fs/cgroup") / part / "memory.max"))
    return min((limit for limit in limits if limit), default=_NO_LIMIT)


def _limited(total: int | None, limit: int, notes: list[str]) -> int | None:
    if total is None or limit >= total:
        return total
    notes.append(f"memory limited to {limit / GIB:.1f} of {total / GIB:.1f} GiB by the container")
    return limit


def _limited_cores(probe: Probe) -> int | None:
    cores = probe.cores()
    quota, _, period = probe.text("sys/fs/cgroup/cpu.max").partition(" ")
    if cores is None or not (quota.isdigit() and period.isdigit() and int(period)):
        return cores
    return max(1, min(cores, math.ceil(int(quota) / int(period))))


# -- accelerators ------------------------------------------------------------------------------------


def _known(name: str, memory: int | None, catalog: Catalog) -> Device | None:
    """The catalog's device of a name as drivers give it; the memory decides between versions."""
    reading = read_hardware(name, catalog)
    if reading.ambiguous and memory is not None:
        reading = read_hardware(f"{name} {round(memory / GIB)} GB", catalog)
    devices = [device for machine in reading.machines for device in machine.devices]
    return devices[0] if devices else None


def _nvidia(catalog: Catalog, probe: Probe, ram: int | None) -> list[Device]:
    library = probe.nvml()
    devices: list[Device] = []
    if library is None:
        return devices
    with suppress(Exception):  # a card that fell off the bus must not take the others along
        for index in range(library.nvmlDeviceGetCount()):
            device = _nvidia_card(library, index, catalog, ram)
            if device is not None:
                devices.append(device)
    return devices


def _nvidia_card(library: Nvml, index: int, catalog: Catalog, ram: int | None) -> Device | None:
    handle = library.nvmlDeviceGetHandleByIndex(index)
    raw = library.nvmlDeviceGetName(handle)
    name = raw.decode(errors="replace") if isinstance(raw, bytes) else raw
    total = free = None
    with suppress(Exception):  # chips that share the system's memory do not report any
        memory = library.nvmlDeviceGetMemoryInfo(handle)
        total, free = int(memory.total), int(memory.free)
    known = _known(name, total, catalog)
    size = total or (known.memory_bytes if known else None)
    if known is not None and known.unified and ram is not None:
        size = min(size or ram, ram)
    if size is None:
        return None
    capability = known.compute_capability if known else None
    with suppress(Exception):
        major, minor = library.nvmlDeviceGetCudaComputeCapability(handle)
        capability = float(f"{major}.{minor}")
    if known is None:
        return Device(name, "cuda", size, None, compute_capability=capability, free_bytes=free)
    return replace(known, memory_bytes=size, free_bytes=free, compute_capability=capability)


def _drm(catalog: Catalog, probe: Probe, notes: list[str]) -> list[Device]:
    """AMD cards by sysfs, and Intel cards whose PCI id is known; integrated graphics are left out."""
    devices = []
    for folder in sorted((probe.root / "sys/class/drm").glob("card[0-9]*/device")):
        card = folder.relative_to(probe.root)
        vendor, device_id = (probe.text(card / part).removeprefix("0x") for part in ("vendor", "device"))
        if vendor == "10de" and probe.nvml() is None:
            notes.append("an NVIDIA card is present, but its driver does not answer")
        vram = probe.number(card / "mem_info_vram_total")
        names = load_terms().pci.names.get(f"{vendor}:{device_id}", ())
        record = _record(names, vram, catalog)
        device = _amd_or_intel(probe, card, record, vram, catalog)
        if device is not None and vendor in {"1002", "8086"}:
            devices.append(device)
    return devices


def _record(names: Sequence[str], vram: int | None, catalog: Catalog) -> Accelerator | None:
    """Of the cards that one PCI id stands for, those with this memory, and of them the slowest."""
    records = [record for record in catalog.accelerators if record.name in names]
    if vram is not None and len(records) > 1:
        near = [r for r in records if abs((r.memory_gb or 0) * GIB - vram) < 0.1 * vram]
        records = near or records
    return min(records, key=lambda record: record.bandwidth_gbs or 0.0, default=None)


def _amd_or_intel(
    probe: Probe, card: Path, record: Accelerator | None, vram: int | None, catalog: Catalog
) -> Device | None:
    used = probe.number(card / "mem_info_vram_used") or 0
    if record is not None and record.unified:
        mapped = probe.number(card / "mem_info_gtt_total") or 0
        size = (vram or 0) + mapped
        return device_of(record, load_terms(), memory_bytes=size) if size else None
    if record is None:
        name = probe.text(card / "product_name")
        known = _known(name, vram, catalog) if name else None
        if known is not None and vram:
            return replace(known, memory_bytes=vram, free_bytes=vram - used)
        if vram is None or vram < _SMALL_CARVE_OUT:
            return None
        return Device(name or "AMD GPU", "rocm", vram, None, free_bytes=vram - used)
    device = device_of(record, load_terms())
    return device if vram is None else replace(device, memory_bytes=vram, free_bytes=vram - used)


def _mac(catalog: Catalog, probe: Probe) -> Machine | None:
    """Apple silicon by sysctl; a wired limit that was set by hand counts instead of the default."""
    answer = probe.sysctl(
        ["machdep.cpu.brand_string", "hw.memsize", "hw.physicalcpu", "iogpu.wired_limit_mb"]
    )
    values = {name: value.strip() for name, _, value in (line.partition(":") for line in answer.splitlines())}
    size = values.get("hw.memsize", "")
    total = int(size) if size.isdigit() else probe.memory()
    chip = values.get("machdep.cpu.brand_string", "Apple silicon")
    if not total:
        return None
    reading = read_hardware(f"{chip} {round(total / GIB)}GB", catalog)
    machine = reading.machines[0] if reading.machines and reading.machines[0].devices else None
    if machine is None:
        machine = read_hardware(f"Mac {round(total / GIB)}GB", catalog).machines[0]
    device = machine.devices[0]
    rule = share_of(next(item for item in catalog.accelerators if item.vendor == "Apple"), load_terms())
    limit, notes = shared_bytes(total / GIB, rule), machine.assumptions
    by_hand = values.get("iogpu.wired_limit_mb", "0")
    if by_hand.isdigit() and int(by_hand):
        limit = min(int(by_hand) << 20, total)
        notes = tuple(line for line in notes if "wired_limit" not in line)
    cores = values.get("hw.physicalcpu", "")
    return replace(
        machine,
        devices=(replace(device, memory_bytes=limit),),
        ram_bytes=total,
        cpu_cores=int(cores) if cores.isdigit() else probe.cores(),
        detected=True,
        assumptions=notes,
    )
