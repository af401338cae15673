"""Models that read instead of write: embedders, rerankers and encoder classifiers."""

from __future__ import annotations

import math
from dataclasses import replace
from heapq import nlargest

from knowledge.catalog.records import Kind, ModelRecord
from knowledge.catalog.store import load_catalog
from tools.brief import Brief
from tools.budget import GIB, room_of
from tools.candidates import Candidate, Configuration, Rejected
from tools.expected import expected_of
from tools.memory.estimate import estimate_memory
from tools.memory.types import MemoryRequest
from tools.needs import Role, Task
from tools.planning.embedder_notes import embedder_notes
from tools.quality import encoder_table, quality_of
from tools.roles.common import (
    Ranked,
    cautious,
    diverse,
    license_score,
    license_verdict,
    local_candidate,
    static_refusal,
)
from tools.utility import Scores, context_score, memory_score, utility

KIND_OF_ROLE: dict[Role, Kind] = {"embedder": "embedding", "reranker": "reranker", "classifier": "encoder"}
TASK_OF_ROLE: dict[Role, Task] = {
    "embedder": "embedding",
    "reranker": "reranking",
    "classifier": "classification",
}


def window_of(model: ModelRecord) -> int | None:
    """Tokens that a model reads at once; None where it is not known."""
    if model.embedding is not None and model.embedding.max_tokens:
        return model.embedding.max_tokens
    return model.context_length


def _configuration(model: ModelRecord, brief: Brief, context: int, quant: str) -> Configuration | str:
    """Memory of an encoder at half precision (full precision on a CPU), or why it does not fit.

    It is not split: of several devices, it sits on the one with the most room.
    """
    machine = brief.machine
    assert machine is not None
    if len(machine.devices) > 1:
        widest = room_of(machine, server=brief.server).widest
        machine = replace(machine, devices=(machine.devices[widest],))
    request = MemoryRequest(quant=quant, context=context, engine="transformers", hardware=machine, parallel=1)
    memory = estimate_memory(model, request)
    room = room_of(machine, server=brief.server)
    if memory.total_bytes > room.total_bytes:
        return f"takes {memory.total_bytes / GIB:.1f} GiB, {room.total_bytes / GIB:.1f} GiB are usable"
    return Configuration(
        quant=quant,
        engine="transformers",
        context=context,
        parallel=max(1, brief.parallel),
        kv_cache_type="f16",
        memory=memory,
        available_bytes=room.total_bytes,
        fits=True,
        device_room=room.device_bytes,
        speed=None,
        caveats=memory.caveats,
    )


def rank(
    brief: Brief, role: Role, *, context: int | None = None, keep: int = 10, room_bytes: int | None = None
) -> Ranked:
    """Embedders, rerankers or encoders by utility; memory is estimated only for those that can be among them.

    Args:
        brief: the needs.
        role: `embedder`, `reranker` or `classifier`.
        context: tokens of one text; the brief's context where None.
        keep: how many to give back.
        room_bytes: what may be taken at most, where others share the memory.
    """
    if brief.machine is None:
        return Ranked()
    wanted = context or brief.context
    quant = "F16" if brief.machine.devices else "F32"
    passed, rejected = _passed(brief, role, wanted)
    found: list[Candidate] = []
    for bound, model, scores in passed:
        if len(found) >= keep and bound <= nlargest(keep, (c.utility for c in found))[-1]:
            break
        configuration = _configuration(model, brief, min(wanted, window_of(model) or wanted), quant)
        if isinstance(configuration, str):
            rejected.append(Rejected(model.name, model.id, configuration, "memory"))
            continue
        candidate = _candidate(model, configuration, scores, brief, role)
        if room_bytes is None or memory_of(candidate) <= room_bytes:
            found.append(candidate)
    found.sort(key=lambda c: -c.utility)
    task = TASK_OF_ROLE[role]
    rejected.sort(key=lambda r: -expected_of(r.model_id, task).score if r.model_id else 0.0)
    return Ranked(found[:keep], rejected[:8])


def _passed(
    brief: Brief, role: Role, wanted: int
) -> tuple[list[tuple[float, ModelRecord, Scores]], list[Rejected]]:
    """Models that pass every constraint but memory, by what they can reach at best; and the others."""
    passed, rejected = [], []
    for model in load_catalog().models:
        if model.kind != KIND_OF_ROLE[role] or model.params_total is None:
            continue
        if brief.wish.named and role == brief.role and model.id not in brief.wish.named:
            continue
        refusal = static_refusal(model, brief, license_verdict(model, brief))
        window = window_of(model)
        if refusal is None and window is not None and window < wanted:
            refusal = (f"reads {window:,} tokens at once, {wanted:,} are needed", "context")
        if refusal is not None:
            rejected.append(Rejected(model.name, model.id, *refusal))
            continue
        scores = _scores(model, brief, role, min(wanted, window or wanted))
        passed.append((utility(brief.priority, scores), model, scores))
    passed.sort(key=lambda item: -item[0])
    return passed, rejected


def _scores(model: ModelRecord, brief: Brief, role: Role, length: int) -> Scores:
    """The parts of a model's utility, with full marks for the memory that is not known yet."""
    return Scores(
        quality=cautious(expected_of(model.id, TASK_OF_ROLE[role])),
        speed=_relative_speed(model, brief),
        context=context_score(window_of(model), length),
        memory=100.0,
        license=license_score(license_verdict(model, brief)),
        support=min(100.0, 20.0 * len(str(model.downloads or 0))),
    )


def _candidate(
    model: ModelRecord, configuration: Configuration, scores: Scores, brief: Brief, role: Role
) -> Candidate:
    memory = configuration.memory
    assert memory is not None
    assert brief.machine is not None
    headroom = memory_score(memory.total_bytes, configuration.available_bytes, brief.priority)
    scores = scores._replace(memory=headroom)
    embedding = model.embedding
    why, found = embedder_notes(model, brief, window_of(model)) if role == "embedder" else ((), {})
    quality = quality_of(model.id, TASK_OF_ROLE[role])
    verdict = license_verdict(model, brief)
    return replace(
        local_candidate(model, brief.machine, role, configuration, quality, verdict),
        params_active_b=None,
        context_length=window_of(model),
        utility=utility(brief.priority, scores),
        scores=scores,
        used_bytes=memory.total_bytes,
        why=why,
        extra={"family": model.family, "dimensions": embedding.dimensions if embedding else None, **found},
    )


def _relative_speed(model: ModelRecord, brief: Brief) -> float:
    """0 to 100: how light the model is for the hardware; a score, not a measured speed.

    An encoder's cost per text is proportional to its parameters; a CPU is taken as comfortable with 0.15B, an
    accelerator with 1B.
    """
    comfortable = 1.0 if brief.machine is not None and brief.machine.devices else 0.15
    known = encoder_table()["models"].get(model.id)
    size = known["blocks_m"] / 1000.0 if known is not None else model.params_b or comfortable
    return 100.0 / (1.0 + math.pow(size / comfortable, 1.2))


def choose(brief: Brief, role: Role, count: int = 4) -> Ranked:
    """The diverse best few."""
    ranked = rank(brief, role)
    return Ranked(diverse(ranked.candidates, count), ranked.rejected)


def memory_of(candidate: Candidate) -> int:
    """Bytes that an encoder takes on the devices."""
    memory = candidate.configuration.memory if candidate.configuration else None
    return memory.total_bytes if memory is not None else 0
