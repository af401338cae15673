"""What a recommendation has to download, and whether the disk of this machine holds it."""

from __future__ import annotations

from dataclasses import replace

from tools.candidates import Candidate, Reason, Rejected
from tools.hardware_types import Machine
from tools.memory.types import Evidence

_GIB = 1 << 30


def download_of(candidate: Candidate) -> int | None:
    """Bytes to download for an option with all that stands beside it; None where the size is not known.

    The memory of a retrieval stack counts the files of its companions in.
    """
    memory = candidate.configuration.memory if candidate.configuration is not None else None
    if candidate.role == "finetune-base":  # training starts from the published weights in 16 bits
        size = candidate.params_total_b
        return None if size is None else 0 if candidate.pulled else int(2e9 * size)
    if memory is None:
        return None
    beside = [(c, c.configuration.memory) for c in candidate.companions if c.configuration is not None]
    sizes = [(c.pulled, m.file_bytes) for c, m in beside if m is not None]
    own = 0 if candidate.pulled else memory.file_bytes - sum(size for _, size in sizes)
    return own + sum(size for there, size in sizes if not there)


def with_storage(candidate: Candidate, machine: Machine | None) -> Candidate:
    """The option with its download and the free disk, and a reason where both are known."""
    download = download_of(candidate)
    if download is None or machine is None or candidate.role == "pretrain-config":
        return candidate
    free = machine.disk_free_bytes if machine.detected else None
    why = candidate.why
    if free is not None and download:
        text = f"Download about {download / _GIB:.1f} GiB; {free / _GIB:.0f} GiB are free on the disk of "
        evidence = (
            Evidence("tool", "estimate_memory", "sum of the tensors in the files"),
            Evidence("tool", "detect_machine", str(machine.disk_folder)),
        )
        why = (*why, Reason(f"{text}{machine.disk_folder}.", evidence))
    return replace(candidate, why=why, download_bytes=download, free_disk_bytes=free)


def too_large(candidate: Candidate) -> Rejected | None:
    """Why the disk excludes an option: it cannot hold what is still to be downloaded."""
    download, free = candidate.download_bytes, candidate.free_disk_bytes
    if download is None or free is None or download <= free:
        return None
    reason = f"the download takes {download / _GIB:.1f} GiB, {free / _GIB:.1f} GiB are free on the disk"
    return Rejected(candidate.model, candidate.model_id, reason, "disk")


def that_the_disk_holds(candidates: list[Candidate]) -> tuple[list[Candidate], list[Rejected]]:
    """The options whose files the disk can take, and those that it cannot.

    Where it can take none of them, they stay, each with its caveat: files can be deleted.
    """
    refused = [(c, too_large(c)) for c in candidates]
    held = [c for c, why in refused if why is None]
    if not held:
        return candidates, []
    return held, [why for _, why in refused if why is not None]
