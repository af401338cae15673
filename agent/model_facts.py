"""What can be told of a model alone, before any needs are known: sizes, memory, window, vectors, successors.

Each figure comes from the memory engine or the catalog. Where an older guide stated another one, that is told
beside it, with how far it is off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from agent.answers import Told, age_of, placed
from agent.particulars import Particulars
from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from knowledge.errors import AdvisorError
from tools.brief import Brief
from tools.budget import GIB, room_of
from tools.licensing import judge
from tools.memory.estimate import estimate_memory
from tools.memory.types import Evidence, MemoryEstimate, MemoryRequest
from tools.needs import LicenseNeed
from tools.older_claims import What, claim_of
from tools.successor import Footprint, Standing, footprint, points, standing_of, usual_task

DEFAULTS = MemoryRequest()
FactTeller = Callable[[ModelRecord, Brief, Particulars], Told]


def _claimed(model: ModelRecord, what: What, actual: float | None) -> Told:
    """What an older guide stated, beside the right value; nothing where it stated nothing."""
    claim = claim_of(model.id, what)
    if claim is None or not actual:
        return "", []
    return f" {claim.beside(actual)}", list(claim.evidence)


def _request(model: ModelRecord, asked: Particulars) -> MemoryRequest:
    usual = footprint(model) or Footprint(0, asked.quant or DEFAULTS.quant, DEFAULTS.context, DEFAULTS.engine)
    return MemoryRequest(
        quant=asked.quant or usual.quant, engine=usual.engine, context=asked.context or usual.context
    )


def memory_of(model: ModelRecord, brief: Brief, asked: Particulars) -> Told:
    """What a model takes as it is usually run, or as asked; and whether a named machine holds it."""
    request = _request(model, asked)
    try:
        estimate = estimate_memory(model, request)
    except AdvisorError as error:
        return f"{error.message} {error.hint}".strip(), [Evidence("catalog", model.id, "parameters")]
    text = _memory_words(request, estimate)
    evidence = [Evidence("tool", "estimate_memory", estimate.formula), *estimate.basis[:2]]
    usual = footprint(model)
    if usual is not None and request.quant == usual.quant:
        for what, actual in (("memory_gb", usual.bytes), ("file_gb", estimate.file_bytes)):
            claim, more = _claimed(model, what, actual)  # type: ignore[arg-type]  # both are names of claims
            text, evidence = text + claim, evidence + more
    if asked.machine is None:
        return text, evidence
    room = room_of(asked.machine, server=brief.server).total_bytes
    name = asked.machine.name
    if estimate.total_bytes <= room:
        return f"{text} It fits {name} ({room / GIB:.1f} GiB usable).", evidence
    there, more = placed(model, replace(brief, context=request.context))
    return f"{text} That does not fit {name} ({room / GIB:.1f} GiB usable): {there}", evidence + more


def _memory_words(request: MemoryRequest, estimate: MemoryEstimate) -> str:
    parts = [f"weights {estimate.weights_bytes / GIB:.1f} GiB"]
    if estimate.kv_cache_bytes:
        parts.append(f"{request.kv_cache_type} cache {estimate.kv_cache_bytes / GIB:.1f} GiB")
    rest = estimate.compute_bytes + estimate.overhead_bytes
    parts.append(f"scratch and driver {rest / GIB:.1f} GiB")
    low, high = estimate.low_bytes / GIB, estimate.high_bytes / GIB
    return (
        f"as {request.quant} with {request.context:,} tokens of context it takes about "
        f"{estimate.total_bytes / GIB:.1f} GiB on one CUDA card ({low:.1f} to {high:.1f}; "
        f"{', '.join(parts)}); the file has {estimate.file_bytes / 1e9:.1f} GB."
    )


def window_fact(model: ModelRecord, brief: Brief, asked: Particulars) -> Told:
    """How many tokens it reads, from its own configuration."""
    tokens = model.embedding.max_tokens if model.embedding is not None else model.context_length
    tokens = tokens or model.context_length
    evidence = [Evidence("catalog", model.id, "context_length")]
    if tokens is None:
        return "the length of its window is not known.", evidence
    claim, more = _claimed(model, "window_k", tokens)
    return f"it reads up to {tokens:,} tokens by its own configuration.{claim}", evidence + more


def dimensions_of(model: ModelRecord, brief: Brief, asked: Particulars) -> Told:
    """Length of an embedder's vectors."""
    evidence = [Evidence("catalog", model.id, "dimensions")]
    facts = model.embedding
    if facts is None or facts.dimensions is None:
        width = model.architecture.hidden if model.architecture is not None else None
        inside = f"; its hidden states have {width:,} values" if width else ""
        return f"it makes no embedding vectors that the catalog knows of{inside}.", evidence
    shorter = f", or {', '.join(f'{n:,}' for n in facts.dimensions_mrl)}" if facts.dimensions_mrl else ""
    claim, more = _claimed(model, "dimensions", facts.dimensions)
    return f"its vectors have {facts.dimensions:,} dimensions{shorter}.{claim}", evidence + more


def size_of(model: ModelRecord, brief: Brief, asked: Particulars) -> Told:
    """Parameters, release date and license."""
    text, evidence = age_of(model, brief)
    terms = judge(model, LicenseNeed(use="any"), load_catalog().license_of(model)).figure
    return f"{text[:-1]}; license {terms.id}.", evidence


def successors_of(model: ModelRecord, brief: Brief, asked: Particulars) -> Told:
    """What the model is, and what beats it now in its memory, by how much and on what evidence."""
    standing = standing_of(model.id, usual_task(model, asked.task))
    about, evidence = size_of(model, brief, asked)
    if standing is None:
        return f"{about} Its memory is not known, so nothing can be compared with it.", evidence
    quality = standing.quality
    expected = (
        f"{about[0].upper()}{about[1:]} Expected quality for {standing.task}: {quality.score:.0f} of 100, "
        f"give or take {quality.spread:.0f}."
    )
    return f"{expected} {_beaten_by(standing)}", [*evidence, *standing.evidence]


def _beaten_by(standing: Standing) -> str:
    where = (
        f"{standing.memory.bytes / GIB:.1f} GiB as {standing.memory.quant} "
        f"with {standing.memory.context:,} tokens"
    )
    if not standing.successors:
        return f"Nothing later in its memory ({where}) is expected to be better for {standing.task}."
    lines = [
        f"\n   {s.name} ({s.release_date}, {s.memory.bytes / GIB:.1f} GiB as {s.memory.quant}, "
        f"{s.license}): {points(s)}{'' if s.clear else '; that is within the uncertainty'}"
        for s in standing.successors
    ]
    start = "In its memory" if standing.superseded else "In its memory nothing later is clearly better"
    verb = " newer models beat it" if standing.superseded else "; the nearest"
    return f"{start} ({where}){verb}:{''.join(lines)}"


FACTS: dict[str, FactTeller] = {
    "memory": memory_of,
    "window": window_fact,
    "dimensions": dimensions_of,
    "age": size_of,
    "successor": successors_of,
}
"""What can be told of a model alone, by topic."""
