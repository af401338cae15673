"""What the machine has that the program runs on: memory, cores, accelerators, disk, and what of it is free.

Nothing goes over the network, and a part that does not answer is left out.
"""

from __future__ import annotations

import math
import re
import time
from dataclasses import replace
from pathlib import Path

from knowledge.catalog.store import Catalog, load_catalog
from knowledge.home import expanded
from tools.hardware_apple import mac_machine
from tools.hardware_drm import drm_devices
from tools.hardware_machines import GIB
from tools.hardware_nvidia import nvidia_devices
from tools.hardware_probe import MemoryInfo, Nvml, Probe
from tools.hardware_read import read_hardware
from tools.hardware_types import Machine

__all__ = ["MemoryInfo", "Nvml", "Probe", "detect_machine"]

_NO_LIMIT = 1 << 60
_SERVER_CORES = 8
_KEPT_SECONDS = 60.0
_last: tuple[float, Machine] | None = None


def detect_machine(catalog: Catalog | None = None, probe: Probe | None = None) -> Machine:
    """The machine that the program runs on; what cannot be found out is left out, and nothing is raised.

    Without a probe the answer is kept for a minute: a turn of a conversation decides many times on the same
    machine, and must not see its free memory waver in between.

    Args:
        catalog: Where bandwidths come from; the bundled one by default.
        probe: How the system is asked.

    Returns:
        A machine with `detected` set, its assumptions naming what had to be guessed.
    """
    global _last
    if probe is not None or catalog is not None:
        return _detected(catalog or load_catalog(), probe or Probe())
    now = time.monotonic()
    if _last is None or now - _last[0] > _KEPT_SECONDS:
        _last = (now, _detected(load_catalog(), Probe()))
    return _last[1]


def _detected(catalog: Catalog, probe: Probe) -> Machine:
    machine = None
    if probe.system == "Darwin" and probe.arch == "arm64":
        machine = mac_machine(catalog, probe)
    machine = machine or _computer(catalog, probe)
    folder, free = _disk(probe)
    return replace(machine, disk_folder=str(folder), disk_free_bytes=free)


def _computer(catalog: Catalog, probe: Probe) -> Machine:
    notes: list[str] = []
    total = probe.memory()
    limit = _memory_limit(probe)
    ram = _limited(total, limit, notes)
    cores = _limited_cores(probe)
    host = _host(catalog, probe, total, cores)
    notes += [line for line in host.assumptions if "GB/s" in line]
    nvidia = nvidia_devices(catalog, probe, ram, notes)
    devices = (*nvidia, *drm_devices(catalog, probe, notes, nvidia_seen=bool(nvidia)))
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
        ram_available_bytes=_available(probe, limit),
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


def _groups(probe: Probe) -> list[Path]:
    """Folders of the control groups that this process lives in, the root first."""
    folders = [Path("sys/fs/cgroup")]
    for line in probe.text("proc/self/cgroup").splitlines():
        _, _, own = line.partition("::")
        folder = Path(own.lstrip("/"))
        folders += [Path("sys/fs/cgroup") / part for part in (folder, *folder.parents)]
    return list(dict.fromkeys(folders))


def _memory_limit(probe: Probe) -> int:
    """The smallest memory limit of the control groups."""
    limits = [probe.number("sys/fs/cgroup/memory/memory.limit_in_bytes")]
    limits += [probe.number(folder / "memory.max") for folder in _groups(probe)]
    return min((limit for limit in limits if limit), default=_NO_LIMIT)


def _limited(total: int | None, limit: int, notes: list[str]) -> int | None:
    if total is None or limit >= total:
        return total
    notes.append(f"memory limited to {limit / GIB:.1f} of {total / GIB:.1f} GiB by the container")
    return limit


def _available(probe: Probe, limit: int) -> int | None:
    """System memory not in use now: of the machine, and of the tightest control group."""
    free = probe.available()
    rooms = [free] if free is not None else []
    pairs = [(folder / "memory.max", folder / "memory.current") for folder in _groups(probe)]
    old = Path("sys/fs/cgroup/memory")
    pairs.append((old / "memory.limit_in_bytes", old / "memory.usage_in_bytes"))
    for most, used in pairs:
        top, now = probe.number(most), probe.number(used)
        if top is not None and now is not None and top < _NO_LIMIT:
            files = re.search(
                r"^(?:total_)?inactive_file (\d+)$", probe.text(most.parent / "memory.stat"), re.MULTILINE
            )
            now -= min(now, int(files.group(1))) if files else 0  # a cache that gives way
            rooms.append(max(0, top - now))
    return min((*rooms, limit)) if rooms else None


def _limited_cores(probe: Probe) -> int | None:
    cores = probe.cores()
    quota, _, period = probe.text("sys/fs/cgroup/cpu.max").partition(" ")
    if cores is None or not (quota.isdigit() and period.isdigit() and int(period)):
        return cores
    return max(1, min(cores, math.ceil(int(quota) / int(period))))


# -- disk --------------------------------------------------------------------------------------------


def _disk(probe: Probe) -> tuple[Path, int | None]:
    """Where a model would be stored, and the bytes that are free there.

    Ollama's folder (`OLLAMA_MODELS`, else where it keeps models), else the Hugging Face cache
    (`HF_HUB_CACHE`, `HF_HOME`), else the home folder.
    """
    env, home = probe.environ, probe.home()
    named = [env[name] for name in ("OLLAMA_MODELS", "HF_HUB_CACHE", "HF_HOME") if env.get(name)]
    usual = (
        home / ".ollama/models",
        probe.root / "usr/share/ollama/.ollama/models",
        home / ".cache/huggingface",
    )
    folder = next((expanded(name) for name in named), None)
    folder = folder or next((path for path in usual if _is_folder(path)), home)
    there = folder
    while not _is_folder(there) and there != there.parent:
        there = there.parent
    return folder, probe.disk_free(there)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False
