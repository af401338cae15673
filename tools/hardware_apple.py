"""Macs with Apple silicon: sysctl for chip and memory, vm_stat for what is in use."""

from __future__ import annotations

import re
from dataclasses import replace

from knowledge.catalog.store import Catalog
from tools.hardware_machines import GIB, share_of, shared_bytes
from tools.hardware_probe import Probe
from tools.hardware_read import read_hardware
from tools.hardware_terms import load_terms
from tools.hardware_types import Machine

_NAMES = ("machdep.cpu.brand_string", "hw.memsize", "hw.physicalcpu", "iogpu.wired_limit_mb")


def mac_machine(catalog: Catalog, probe: Probe) -> Machine | None:
    """The Mac; a wired limit that was set by hand counts instead of the default (2/3 or 3/4 of the memory).

    What the GPU may take now is bounded by that limit and by the memory that is not wired already: the rest
    macOS compresses or pages out.
    """
    answer = probe.sysctl(_NAMES)
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
    wired, available = memory_in_use(probe.vm_stat())
    cores = values.get("hw.physicalcpu", "")
    return replace(
        machine,
        devices=(
            replace(
                device,
                memory_bytes=limit,
                free_bytes=None if wired is None else min(limit, max(0, total - wired)),
            ),
        ),
        ram_bytes=total,
        ram_available_bytes=probe.available() if available is None else available,
        cpu_cores=int(cores) if cores.isdigit() else probe.cores(),
        detected=True,
        assumptions=notes,
    )


def memory_in_use(text: str) -> tuple[int | None, int | None]:
    """Wired and available bytes from the output of `vm_stat`; None where it is not one.

    Available is what psutil counts: free, speculative and inactive pages.
    """
    page = re.search(r"page size of (\d+) bytes", text)
    pages = {
        name.strip(): int(count) for name, count in re.findall(r"^([^:\n]+):\s+(\d+)\.", text, re.MULTILINE)
    }
    if page is None or "Pages free" not in pages or "Pages wired down" not in pages:
        return None, None
    size = int(page.group(1))
    free = sum(pages.get(f"Pages {kind}", 0) for kind in ("free", "speculative", "inactive"))
    return pages["Pages wired down"] * size, free * size
