"""Local models that write text: chat, code, agents, reasoning, retrieval-augmented answers and the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from heapq import nlargest

from knowledge.catalog.records import Kind, ModelRecord
from knowledge.catalog.store import follows_models, load_catalog
from tools.brief import Brief
from tools.budget import room_of
from tools.candidates import Candidate, QualityFigure, Rejected
from tools.engines import gguf_seen, own_quant
from tools.expected import Expected
from tools.fit import solve
from tools.fit_bounds import LEAST_BITS, gain_by_measurement
from tools.fit_types import Ask, Refusal, Solution
from tools.hardware_types import Machine
from tools.licensing import Verdict
from tools.needs import Budget, Dataset, Task, Volume
from tools.roles import encoders
from tools.roles.common import (
    Ranked,
    cautious,
    diverse,
    feature_gap,
    license_score,
    license_verdict,
    local_candidate,
    speaks,
    stands_for,
    static_refusal,
    unknowns,
)
from tools.roles.companions import companions_for
from tools.task_mix import expected_for, quality_for
from tools.utility import (
    Scores,
    context_score,
    speed_penalty,
    speed_score,
    table,
    utility,
    weakness_penalty,
)

GENERATOR_KINDS: tuple[Kind, ...] = ("chat", "code", "reasoning", "vision")
KEEP = 6
"""How many solved candidates are kept before diversity picks among them."""
MOST_REJECTED = 6
NEAR_MISS = 1.5
"""Shortfall of memory, as a share of what there is, up to which a miss is near."""
ROUNDED = 0.01
"""Points by which a bound may be too low, because expectations are kept rounded."""
UNKNOWN_PENALTY = 6.0
"""Utility points off for each wanted feature or language that the catalog does not know of a model."""


@follows_models
@lru_cache(maxsize=256)
def companions_of(brief: Brief) -> tuple[Candidate, ...]:
    """What a model needs beside it, as `plan stack` chooses it.

    A generator that answers from documents has an embedder and a reranker, an embedder the reranker that was
    asked for.
    """
    return companions_for(brief) if is_accompanied(brief) else ()


def is_accompanied(brief: Brief) -> bool:
    """Whether the models that are ranked take others beside them on a machine."""
    documents = brief.role == "generator" and "rag" in brief.tasks
    reranked = brief.role == "embedder" and "reranking" in brief.also
    return brief.machine is not None and (documents or reranked)


def ask_of(brief: Brief) -> Ask:
    """The solver's question for a brief."""
    return Ask(
        context=brief.context,
        parallel=brief.parallel,
        min_speed=brief.min_speed,
        speed_is_hard=brief.speed_is_hard,
        priority=brief.priority,
        server=brief.server,
        task=brief.task,
        vision="vision" in brief.tasks or "vision" in brief.features,
        beside_bytes=sum(encoders.memory_of(c) for c in companions_of(brief)),
    )


def kinds_for(brief: Brief) -> tuple[Kind, ...]:
    """Kinds of models that write; a base model only to be trained, and only where it was named."""
    trained = brief.role == "finetune-base" and brief.wish.named
    return (*GENERATOR_KINDS, "base") if trained else GENERATOR_KINDS


Eligible = tuple[tuple[tuple[ModelRecord, Verdict], ...], tuple[Rejected, ...]]


def eligible(brief: Brief) -> Eligible:
    """Models that pass every constraint that needs no machine, and those that do not, with the reason.

    Machine, context, speed and money play no part: briefs that differ in them only are looked through once.
    """
    return _eligible(
        replace(
            brief,
            machine=None,
            training_machine=None,
            context=0,
            min_speed=0.0,
            speed_is_hard=False,
            parallel=1,
            priority="balanced",
            volume=Volume(),
            budget=Budget(),
            dataset=Dataset(),
            assumptions=(),
            evaluated=(),
        )
    )


@follows_models
@lru_cache(maxsize=256)
def _eligible(brief: Brief) -> Eligible:
    passed, rejected = [], []
    named = set(brief.wish.named)
    for model in load_catalog().models:
        if model.kind not in kinds_for(brief) or model.params_total is None:
            continue
        if named and model.id not in named:
            continue
        if brief.role == "finetune-base" and own_quant(model) is not None:
            continue  # a quantized file is for use, not for training
        if not named and not all(
            stands_for(model.id, model.kind, task) or _proven(model, task) for task in brief.tasks
        ):
            continue
        if "vision" in brief.tasks and model.vision is not True:
            continue
        verdict = license_verdict(model, brief)
        refusal = static_refusal(model, brief, verdict)
        if refusal is not None:
            rejected.append(Rejected(model.name, model.id, *refusal))
            continue
        passed.append((model, verdict))
    return tuple(passed), tuple(rejected)


def _proven(model: ModelRecord, task: Task) -> bool:
    """Whether a model that reads images was measured at a task without them by others than its maker."""
    return model.kind == "vision" and expected_for(model.id, (task,)).grade == "exact"


def scores_of(
    model: ModelRecord, verdict: Verdict, quality: QualityFigure, solution: Solution, brief: Brief
) -> Scores:
    """The parts of a solved model's utility."""
    configuration = solution.configuration
    support = 100.0 if model.ollama_tag else 90.0 if model.gguf_repo or model.gguf_available else 50.0
    doubts = [
        f"whether it has {f.replace('_', ' ')}" for f in brief.features if feature_gap(model, f) is None
    ]
    if speaks(model, brief.languages) is None:
        doubts.append(f"whether it speaks {', '.join(brief.languages)}")
    off = [(f"{doubt} is not known", -UNKNOWN_PENALTY) for doubt in doubts]
    slow = speed_penalty(configuration.speed.mid if configuration.speed else None, brief.min_speed)
    if slow:
        off.append((f"slower than the {brief.min_speed:g} tokens per second wanted", -slow))
    weak = weakness_penalty(quality.less(solution.quality_loss).score, brief.priority)
    if weak:
        off.append(("too weak for most answers to be of use", -weak))
    if configuration.engine != "vllm" and not gguf_seen(model):
        off.append(("no ready-made file is known", -float(table()["no_file_penalty"])))
    return Scores(
        quality=cautious(quality) - solution.quality_loss,
        speed=solution.speed_score,
        context=context_score(model.context_length, configuration.context),
        memory=solution.memory_score,
        license=license_score(verdict),
        support=support,
        adjustments=tuple(off),
    )


def least_read(model: ModelRecord) -> float | None:
    """Parameters that a token reads at the least: the active ones without the tables, which are looked up.

    Where the active ones are not known, the routed experts that stay idle are taken off all.
    """
    arch, active = model.architecture, model.params_active or model.params_total
    if active is None or arch is None:
        return active
    if model.params_active is None and arch.experts is not None:
        idle = arch.experts.count - arch.experts.used
        active -= 3 * idle * arch.experts.ff * arch.hidden * arch.layers
    tables = (arch.hidden + arch.per_layer_embedding * arch.layers) * arch.vocab
    return max(active - tables, 0.02 * (model.params_total or 0))


def fastest_speed(model: ModelRecord, machine: Machine) -> float | None:
    """Tokens per second that no configuration exceeds: what a token reads, at the fewest bits.

    None where a bandwidth is unknown.
    """
    bandwidths = [d.bandwidth_gbs for d in machine.devices] or [machine.ram_bandwidth_gbs]
    active = least_read(model)
    if not active or any(b is None for b in bandwidths):
        return None
    total = sum(b for b in bandwidths if b is not None) * 1e9
    return total / (active * LEAST_BITS / 8) * gain_by_measurement(model, machine)


def optimistic(
    model: ModelRecord, quality: QualityFigure | Expected, brief: Brief, machine: Machine
) -> float:
    """Utility that a model can reach at best: an upper bound, which spares solving what cannot win."""
    fastest = fastest_speed(model, machine)
    speed = 100.0 if fastest is None else speed_score(fastest, brief.min_speed, brief.priority)
    bound = utility(brief.priority, Scores(cautious(quality), speed, 100, 100, 100, 100))
    return bound - (speed_penalty(fastest, brief.min_speed) if fastest is not None else 0.0)


def rank(brief: Brief, *, keep: int = KEEP, ask: Ask | None = None) -> Ranked:
    """Solves models in the order of what they could reach, until no other can reach the first `keep`.

    `ask` takes the place of the brief's own question, where other companions stand beside the generator.
    """
    machine = brief.machine
    if machine is None:
        return Ranked()
    ask = ask or ask_of(brief)
    passed, rejected = eligible(brief)
    scored = [(expected_for(m.id, brief.tasks), m, v) for m, v in passed]
    ordered = sorted(
        ((optimistic(m, q, brief, machine), m.id, q, m, v) for q, m, v in scored), key=lambda i: -i[0]
    )
    found: list[Candidate] = []
    refused: list[tuple[Refusal, Rejected]] = []
    for bound, _, expected, model, verdict in ordered:
        if len(found) >= keep and bound + ROUNDED <= nlargest(keep, (c.utility for c in found))[-1]:
            break
        solution = solve(model.id, machine, ask)
        if isinstance(solution, Refusal):
            refused.append((solution, Rejected(model.name, model.id, solution.reason, solution.constraint)))
            continue
        # The best alone is asked for to compare with, and its evidence is not shown.
        quality = quality_for(model.id, brief.tasks) if keep > 1 else expected.figure
        found.append(candidate_of(model, verdict, quality, solution, brief))
    found.sort(key=lambda c: -c.utility)
    return Ranked(found, notable(rejected, refused, brief))


def notable(
    static: Sequence[Rejected], refused: list[tuple[Refusal, Rejected]], brief: Brief
) -> list[Rejected]:
    """The exclusions worth telling: named models, near misses, then what licenses and features cost.

    A model ten times too large, or of a size nobody asked for, explains nothing.
    """
    room = room_of(brief.machine, server=brief.server).total_bytes if brief.machine is not None else 0
    near = [
        r
        for why, r in refused
        if (why.constraint == "memory" and why.shortfall_bytes <= NEAR_MISS * room)
        or (why.constraint != "memory" and _of_a_size(r, room))
    ]
    far = [r for why, r in sorted(refused, key=lambda i: i[0].shortfall_bytes) if why.constraint == "memory"]
    sized = [r for r in static if r.constraint != "model" and _of_a_size(r, room)]
    sized.sort(key=lambda r: -expected_for(str(r.model_id), brief.tasks).score)
    named = [r for r in (*static, *(r for _, r in refused)) if r.model_id in brief.wish.named]
    chosen = near[:MOST_REJECTED] or far[:3]
    return named + [r for r in chosen + sized[:MOST_REJECTED] if r not in named]


def _of_a_size(rejected: Rejected, room: int) -> bool:
    """Whether a model would about fit at four bits, so that its exclusion cost something."""
    model = load_catalog().by_id.get(str(rejected.model_id).lower())
    return model is not None and model.params_total is not None and model.params_total * 0.6 <= room


def candidate_of(
    model: ModelRecord, verdict: Verdict, quality: QualityFigure, solution: Solution, brief: Brief
) -> Candidate:
    """A solved model as a candidate of a recommendation, still without reasons and commands."""
    machine = brief.machine
    assert machine is not None
    loss = solution.quality_loss
    bare = local_candidate(model, machine, "generator", solution.configuration, quality.less(loss), verdict)
    scores = scores_of(model, verdict, quality, solution, brief)
    return replace(
        bare,
        utility=utility(brief.priority, scores),
        scores=scores,
        used_bytes=solution.used_bytes + solution.host_bytes,
        caveats=unknowns(model, brief),
        extra={"family": model.family},
    )


def choose(brief: Brief, count: int = 4) -> Ranked:
    """The diverse best few."""
    ranked = rank(brief, keep=max(1, 3 * count if count > 2 else count))
    return Ranked(diverse(ranked.candidates, count), ranked.rejected)
