"""What is free on this machine at the moment, against what a configuration takes: caveats, never a refusal.

A recommendation holds for the machine, and programs can be closed and files deleted; so memory in use and a
full disk are told beside it. What other programs hold of a card's own memory bounds the solver itself.
"""

from __future__ import annotations

from dataclasses import replace

from tools.candidates import Candidate, Configuration
from tools.hardware_types import Machine

_GIB = 1 << 30


def shortages(machine: Machine, configuration: Configuration | None) -> tuple[str, ...]:
    """What does not go right now, in sentences; empty on a machine that was only described."""
    if configuration is None or configuration.memory is None or not machine.detected:
        return ()
    memory, told = configuration.memory, []
    if machine.disk_free_bytes is not None and memory.file_bytes > machine.disk_free_bytes:
        told.append(
            f"The download takes {memory.file_bytes / _GIB:.1f} GiB, and "
            f"{machine.disk_free_bytes / _GIB:.1f} GiB are free on the disk of {machine.disk_folder}."
        )
    shared = not machine.devices or machine.devices[0].unified
    needed = memory.host_bytes + (memory.total_bytes if shared else 0)
    if machine.ram_available_bytes is not None and needed > machine.ram_available_bytes:
        told.append(
            f"It needs {needed / _GIB:.1f} GiB of system memory, and "
            f"{machine.ram_available_bytes / _GIB:.1f} GiB are not in use now: close other programs first."
        )
    return tuple(told)


def with_shortages(candidate: Candidate, machine: Machine | None) -> Candidate:
    """A candidate with these caveats added."""
    told = shortages(machine, candidate.configuration) if machine is not None else ()
    return replace(candidate, caveats=(*candidate.caveats, *told)) if told else candidate
