"""What is free on this machine at the moment, against what a configuration takes: caveats, never a refusal.

A recommendation holds for the machine, and programs can be closed and files deleted; so memory in use and a
full disk are told beside it. What other programs hold of a card's own memory bounds the solver itself.
"""

from __future__ import annotations

from dataclasses import replace

from tools.candidates import Candidate, Configuration
from tools.hardware_types import Machine

_GIB = 1 << 30


def shortages(
    machine: Machine, configuration: Configuration | None, download: int | None = None
) -> tuple[str, ...]:
    """What does not go right now, in sentences; empty on a machine that was only described.

    Args:
        machine: where it runs.
        configuration: how it runs.
        download: bytes still to be downloaded; None takes all of the files.
    """
    if configuration is None or configuration.memory is None or not machine.detected:
        return ()
    memory, told = configuration.memory, []
    files = memory.file_bytes if download is None else download
    if machine.disk_free_bytes is not None and files > machine.disk_free_bytes:
        told.append(
            f"The download takes {files / _GIB:.1f} GiB, and "
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
    if machine is None:
        return candidate
    told = shortages(machine, candidate.configuration, candidate.download_bytes)
    return replace(candidate, caveats=(*candidate.caveats, *told)) if told else candidate
