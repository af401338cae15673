"""Bases for fine-tuning: a model must train on one machine and then run on another (or the same)."""

from __future__ import annotations

from dataclasses import replace

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from tools.brief import Brief
from tools.budget import GIB
from tools.candidates import Candidate, Rejected
from tools.fit import solve
from tools.fit_types import Refusal
from tools.hardware_types import Machine
from tools.memory.training import estimate_training
from tools.memory.types import Evidence, TrainingMethod, TrainingRequest
from tools.roles.common import Ranked, cautious, diverse
from tools.roles.generator import ask_of, candidate_of, eligible, notable
from tools.task_mix import quality_for
from tools.training_plan import TrainingPlan

TUNABILITY = "distil labs"
TUNABILITY_POINTS = 3.0
"""Points for the best measured mean rank after fine-tuning, falling linearly to none at the middle."""
KEEP = 10
PRACTICAL_CEILING = 16384
"""Tokens per training example; guides/token-budget.md."""


def sequence_length(brief: Brief) -> int:
    """Tokens of one training example: as said, else the conversation's length up to the ceiling."""
    said = brief.training.sequence_length or brief.dataset.tokens_per_example
    return said or min(brief.context, PRACTICAL_CEILING)


def _device_room(machine: Machine) -> int:
    """Memory that a training run may take: one device's less its reserve, as plain LoRA does not shard."""
    if machine.devices:
        return max(d.memory_bytes - d.reserve_bytes for d in machine.devices)
    return machine.ram_bytes or 0


def plan(model: ModelRecord, brief: Brief, machine: Machine) -> TrainingPlan:
    """The training run of one model on a machine."""
    said = brief.training.method
    method: TrainingMethod = "qlora" if said == "any" or said == "none" or said == "scratch" else said
    room = _device_room(machine)
    length = sequence_length(brief)
    request = TrainingRequest(method=method, sequence_length=length, fused_cross_entropy=False)
    estimate, fused = estimate_training(model, request), False
    if estimate.total_bytes > room:
        smaller = estimate_training(model, replace(request, fused_cross_entropy=True))
        if smaller.total_bytes <= room:
            estimate, fused = smaller, True
    fits = estimate.total_bytes <= room
    return TrainingPlan(method, length, estimate, machine.name, room, fits, fused)


def tunability(model_id: str) -> tuple[float, Evidence | None]:
    """Points and evidence for measured gains from fine-tuning; (0, None) where nobody measured it."""
    for result in load_catalog().benchmarks.for_model(model_id):
        if TUNABILITY in result.benchmark.lower() or TUNABILITY in result.source.lower():
            points = max(0.0, TUNABILITY_POINTS * (8.0 - result.score) / 7.0)
            text = f"{result.benchmark} {result.score:g} {result.unit} ({result.as_of})"
            return points, Evidence("benchmark", text, result.source)
    return 0.0, None


def rank(brief: Brief, *, keep: int = KEEP) -> Ranked:
    """Fine-tuning bases by what they are worth after training, among those that train and run here."""
    if brief.machine is None:
        return Ranked()
    trainer = brief.training_machine or brief.machine
    ask = replace(ask_of(brief), offload=False)
    passed, static = eligible(brief)
    ordered = sorted(
        ((quality_for(m.id, brief.tasks, True), m, v) for m, v in passed), key=lambda item: -cautious(item[0])
    )
    found: list[Candidate] = []
    refused: list[tuple[Refusal, Rejected]] = []
    for quality, model, verdict in ordered:
        if len(found) >= keep * 2:
            break
        solution = solve(model.id, brief.machine, ask)
        if isinstance(solution, Refusal):
            refused.append((solution, Rejected(model.name, model.id, solution.reason, solution.constraint)))
            continue
        training = plan(model, brief, trainer)
        if trainer.devices and not training.fits:
            why = Refusal(_training_refusal(training), "memory")
            refused.append((why, Rejected(model.name, model.id, why.reason, why.constraint)))
            continue
        found.append(_tuned(candidate_of(model, verdict, quality, solution, brief), training))
    found.sort(key=lambda c: -c.utility)
    return Ranked(found[:keep], notable(static, refused, brief))


def _tuned(candidate: Candidate, training: TrainingPlan) -> Candidate:
    """A generator as a base for fine-tuning, with the points of a measured response to it."""
    points, _ = tunability(str(candidate.model_id))
    scores = candidate.scores
    if scores is not None and points:
        scores = scores._replace(adjustments=(*scores.adjustments, ("responds well to fine-tuning", points)))
    return replace(
        candidate,
        role="finetune-base",
        utility=candidate.utility + points,
        scores=scores,
        training=training,
    )


def _training_refusal(training: TrainingPlan) -> str:
    e = training.estimate
    return (
        f"{training.method} training at {training.sequence_length:,} tokens takes "
        f"{e.total_bytes / GIB:.1f} GiB ({e.logits_bytes / GIB:.1f} GiB of it logits), "
        f"{training.available_bytes / GIB:.1f} GiB are there"
    )


def choose(brief: Brief, count: int = 4) -> Ranked:
    """The diverse best few."""
    ranked = rank(brief)
    return Ranked(diverse(ranked.candidates, count), ranked.rejected)
