"""Options against what lies on this computer: models that are there already, and the room on its disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from tools.candidates import Candidate, Rejected
from tools.hardware import detect_machine
from tools.hardware_types import Machine
from tools.pulled import Pulled, for_machine, include_pulled, marked, prefer_pulled
from tools.runbook import commands_for
from tools.storage import that_the_disk_holds, with_storage

NO_COMMAND = "No line to run is known for this engine: follow its own documentation."
Ties = Callable[[Candidate, Candidate], bool]


def settled(
    ranked: list[Candidate],
    machine: Machine | None,
    more: Callable[[], list[Candidate]],
    is_tie: Ties,
) -> tuple[list[Candidate], list[Rejected]]:
    """The options to show, best first, and those that the disk excludes.

    Args:
        ranked: the options with their memory, as they were ranked.
        machine: where they are to run.
        more: further such options; asked only where a pulled one could tie or the disk excludes one.
        is_tie: whether two options are too close to tell apart.
    """
    there, here = for_machine(machine, detect_machine)
    if here and there:
        ranked = include_pulled(ranked, more(), there, is_tie)
    options = _ready(ranked, machine, there, here)
    options = prefer_pulled(options, is_tie)
    kept, refused = that_the_disk_holds(options)
    if refused:
        ids = {candidate.model_id for candidate in options}
        others = _ready((c for c in more() if c.model_id not in ids), machine, there, here)
        kept += [c for c in that_the_disk_holds(others)[0] if _holds(c)]
    return kept[: len(options)], refused


def _holds(candidate: Candidate) -> bool:
    free, download = candidate.free_disk_bytes, candidate.download_bytes
    return free is None or download is None or download <= free


def _ready(
    candidates: Iterable[Candidate],
    machine: Machine | None,
    there: tuple[Pulled, ...],
    here: bool,
) -> list[Candidate]:
    out = []
    for candidate in candidates:
        whole = candidate
        if candidate.kind == "local" and not commands_for(whole):
            whole = replace(whole, caveats=(*whole.caveats, NO_COMMAND))
        beside = tuple(_one(companion, machine, there, here) for companion in whole.companions)
        out.append(_one(replace(whole, companions=beside), machine, there, here))
    return out


def _one(candidate: Candidate, machine: Machine | None, there: tuple[Pulled, ...], here: bool) -> Candidate:
    return with_storage(marked(candidate, there, here=here), machine)
