"""Which measurement would decide between the first options of a recommendation, and what can run here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from knowledge.catalog.store import load_catalog
from knowledge.measured_here import load_runs
from knowledge.ollama import is_this_machine, ollama_url
from tools.candidates import Candidate
from tools.hardware_types import Machine, same_accelerators
from tools.introspect.quant_names import label_in
from tools.measuring.forecast import OFFERED, forecast
from tools.measuring.target import catalog_id
from tools.ollama_models import ServerModel, list_models
from tools.runbook import ollama_name
from tools.timings import Setting

MOST = 2
"""Models that are measured at once."""
CONTEXT = 2048
"""Tokens that the short measurement fills, for which its time is estimated."""
Why = Literal["tie", "speed", "asked"]


@dataclass(frozen=True, slots=True)
class Contest:
    """Options whose speed is an estimate, and why measuring them decides."""

    why: Why
    candidates: tuple[Candidate, ...]
    """Those that a measurement tells more of, best first."""


def contest_of(
    candidates: Sequence[Candidate], wanted_tps: float | None, *, asked: bool = False
) -> Contest | None:
    """What a measurement of speed would decide about a recommendation; None where it decides nothing.

    Args:
        candidates: the options, best first.
        wanted_tps: tokens per second that the person asked for, if any.
        asked: the person wants to measure, whatever it decides.
    """
    if not candidates:
        return None
    first, level = candidates[0], [c for c in candidates[1:] if c.tied]
    open_ones = tuple(c for c in (first, *level) if _speed_is_open(c, again=asked))
    if level and open_ones:
        return Contest("tie", open_ones)
    if first not in open_ones:
        return None
    speed = first.configuration.speed if first.configuration is not None else None
    if speed is not None and wanted_tps is not None and speed.low < wanted_tps < speed.high:
        return Contest("speed", (first,))
    return Contest("asked", (first,)) if asked else None


def _speed_is_open(candidate: Candidate, *, again: bool) -> bool:
    """Whether an option runs here at a speed that nobody has measured yet."""
    c = candidate.configuration
    if candidate.kind != "local" or candidate.role != "generator" or c is None or c.speed is None:
        return False
    return again or c.speed.here is None or c.speed.here.rate is None


def machine_here(machine: Machine | None, this: Callable[[], Machine]) -> Machine | None:
    """This computer, where it is the machine of a recommendation; None where that is another one.

    Args:
        machine: where the options are to run.
        this: detects this computer; asked only where the machine was named.
    """
    if machine is None or machine.detected:
        return machine
    here = this()
    return here if same_accelerators(machine, here) else None


def was_measured(model_id: str | None, key: str) -> bool:
    """Whether a model was measured on a machine, also where its estimate is not corrected by it."""
    wanted = (model_id or "").lower()
    return any(run.machine == key and (run.model_id or "").lower() == wanted for run in load_runs())


def models_here() -> tuple[ServerModel, ...] | None:
    """What the Ollama of this computer has; None where it is set to another one, which is not asked.

    Raises:
        ServiceError: it does not answer.
        UsageError: its address is none.
    """
    return list_models(details=False) if is_this_machine(ollama_url()) else None


def tags_of(models: Sequence[ServerModel]) -> dict[str, list[str]]:
    """Tags of a server by the id, in lower case, of the model of the catalog that they surely are."""
    found: dict[str, list[str]] = {}
    for model in models:
        if model.remote or model.embedder:
            continue
        model_id = catalog_id(model.name)
        if model_id is not None:
            found.setdefault(model_id.lower(), []).append(model.name)
    return found


def tag_for(candidate: Candidate, tags: Mapping[str, Sequence[str]]) -> str | None:
    """The tag that serves an option: in its own format where there is one."""
    quant = candidate.configuration.quant if candidate.configuration is not None else None
    return tag_of(candidate.model_id, quant, tags)


def tag_of(model_id: str | None, quant: str | None, tags: Mapping[str, Sequence[str]]) -> str | None:
    """The tag that serves a model, in a format where there is one."""
    there = tags.get((model_id or "").lower(), ())
    same = [tag for tag in there if label_in(tag.rpartition(":")[2]) == quant]
    return next(iter([*same, *there]), None)


def library_tag(candidate: Candidate) -> str | None:
    """What Ollama pulls to have it in its format; None where no such upload is known."""
    record, c = load_catalog().by_id.get((candidate.model_id or "").lower()), candidate.configuration
    return ollama_name(record, c.quant) if record is not None and c is not None else None


def bench_seconds(candidate: Candidate, machine: Machine) -> float:
    """Seconds that measuring an option will about take once it is loaded; the whole budget if unknown."""
    record, c = load_catalog().by_id.get((candidate.model_id or "").lower()), candidate.configuration
    if record is None or c is None:
        return OFFERED.seconds
    setting = Setting(c.quant, c.engine, CONTEXT, gpu_share=c.gpu_share, kv_cache_type=c.kv_cache_type)
    found = forecast(OFFERED, record, machine, setting)
    return OFFERED.seconds if found is None else found
