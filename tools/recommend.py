"""The decision: from needs to a ranked, reasoned, checkable recommendation. Same needs, same answer."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from knowledge.catalog.age import facts_of
from knowledge.catalog.store import load_catalog
from tools.brief import Assumption, Brief, brief_of
from tools.budget import GIB, host_reserve, room_of
from tools.candidates import Candidate, Change, Command, Recommendation, Rejected
from tools.fit import with_memory
from tools.free_now import with_shortages
from tools.measured_choice import (
    as_it_is,
    by_scenarios,
    is_settled,
    measured_advantage,
    tune_anyway,
    with_evidence,
    with_lead,
)
from tools.memory.types import DeviceMemory, MemoryEstimate
from tools.needs import Needs
from tools.on_this_computer import settled
from tools.reasons import despite_few_bits, reasons_for, trade_off
from tools.roles import api, encoders, generator
from tools.roles.common import Ranked, diverse
from tools.roles.companions import no_reranker
from tools.roles.encoders import KIND_OF_ROLE, memory_of
from tools.roles.generator import ask_of, companions_of, is_accompanied, kinds_for
from tools.runbook import commands_for
from tools.score_parts import score_parts
from tools.sensitivity import better_hardware, what_would_change
from tools.task_shares import apart
from tools.timings import with_timings
from tools.utility import is_tie
from tools.verdict import first_reason, verdict, with_money

OPTIONS = 4
WITHIN_BUDGET = 16
"""Options that are priced where the first ones cost more than the budget."""
WIDE = 12
"""Options looked through for one that is on this computer already, or that its disk can hold."""


def rank_for(brief: Brief, count: int = OPTIONS) -> Ranked:
    """Ranks the options of a brief, without reasons and commands; the interview compares answers with it."""
    brief = as_it_is(brief)
    ranked = with_lead(_ranked(brief, count), brief, count)
    return Ranked(by_scenarios(ranked.candidates, brief, partial(_tied, brief=brief)), ranked.rejected)


def _ranked(brief: Brief, count: int) -> Ranked:
    if brief.role == "pretrain-config":
        from tools.roles import pretrain  # the two training roles load when they are asked for

        return pretrain.choose(brief)
    if brief.role == "finetune-base":
        from tools.roles import training

        return training.choose(brief, count)
    if brief.role != "generator":
        return encoders.choose(brief, brief.role, count)
    local = generator.choose(brief, count) if brief.mode != "api" and brief.machine is not None else Ranked()
    remote = api.choose(brief, count)
    if not remote.candidates:
        return Ranked(local.candidates, local.rejected + remote.rejected)
    if brief.mode == "api":
        return remote
    both = diverse(local.candidates + remote.candidates, count)
    return Ranked(both, local.rejected + remote.rejected)


def recommend(needs: Needs) -> Recommendation:
    """The recommendation for some needs.

    Raises:
        UsageError: where a need cannot be read at all.
    """
    brief = as_it_is(brief_of(needs))
    ranked = rank_for(brief)
    candidates, dear = _priced(ranked.candidates, brief, needs)
    if dear and brief.budget.usd_per_month is not None:  # a smaller model may cost less to run
        candidates = _priced(rank_for(brief, WITHIN_BUDGET).candidates, brief, needs)[0][:OPTIONS]
    candidates, unheld = settled(
        candidates,
        brief.machine,
        lambda: _priced(rank_for(brief, WIDE).candidates, brief, needs)[0],
        lambda one, other: _tied(one, other, brief),
    )
    candidates = by_scenarios(candidates, brief, partial(_tied, brief=brief))
    plainly = verdict(candidates, brief, ranked.rejected)
    complete = _complete(candidates, brief)
    if plainly is not None:
        complete = (first_reason(complete[0], plainly), *complete[1:])
    rejected = tuple(unheld + _unexplained(brief, ranked) + dear + ranked.rejected + _privacy(brief))
    facts = facts_of(c.model_id for c in complete if c.model_id is not None)
    if facts.warning:
        complete = tuple(replace(c, caveats=(*c.caveats, facts.warning)) for c in complete)
    changes = (
        *tune_anyway(brief),
        *what_would_change(brief, complete, rejected, partial(affordable, needs)),
    )
    return Recommendation(
        needs=needs.as_json(),
        assumptions=tuple(a.as_json() for a in brief.assumptions) + _reserve(brief),
        candidates=complete,
        rejected=rejected,
        would_change=changes,
        error=None if complete else _nothing(brief, rejected),
        verdict=plainly,
        facts=facts,
    )


def _complete(candidates: list[Candidate], brief: Brief) -> tuple[Candidate, ...]:
    """The options with their reasons, commands and what was measured of them."""
    best = candidates[0] if candidates else None
    complete = (
        replace(
            _apart(_dated(_tight(with_shortages(c, brief.machine)), brief), brief),
            why=(*reasons_for(c, brief), *despite_few_bits(c, candidates)),
            commands=_commands(c),
            parts=score_parts(c, brief),
            trade_off=_trade_off(c, best, brief) if best is not None else "",
            tied=_level(c, best, brief),
        )
        for c in candidates
    )
    return tuple(with_evidence(c, brief) for c in complete)


def _trade_off(candidate: Candidate, best: Candidate, brief: Brief) -> str:
    """What an option gives up and gains against the first, what was measured before what is expected."""
    words = trade_off(candidate, best, tied=_level(candidate, best, brief))
    measured = measured_advantage(best.model_id, candidate.model_id, brief)
    return f"{best.model} passes more of the same scenarios; {words}" if measured else words


def hardware_changes(needs: Needs) -> tuple[Change, ...]:
    """What more or other hardware would change about the first choice; empty where none of it does.

    Raises:
        UsageError: where a need cannot be read at all.
    """
    found = recommend(needs)
    return better_hardware(brief_of(needs), found.candidates, partial(affordable, needs))


def _commands(candidate: Candidate) -> tuple[Command, ...]:
    """Those of the model, then what stands beside it needs."""
    own = commands_for(candidate)
    told = {command.shell for command in own}
    more = (command for item in candidate.companions for command in item.commands)
    return (*own, *(command for command in more if command.shell not in told))


def _priced(ranked: list[Candidate], brief: Brief, needs: Needs) -> tuple[list[Candidate], list[Rejected]]:
    """Options with their full memory and what they cost to run, and those over the budget."""
    return with_money([_finished(c, brief) for c in ranked], brief, needs)


def affordable(needs: Needs, brief: Brief, count: int) -> Ranked:
    """The ranking of changed needs within what was said of money."""
    ranked = rank_for(brief, count if brief.budget.usd_per_month is None else WITHIN_BUDGET)
    if brief.budget.usd_per_month is None:
        return ranked
    return Ranked(_priced(ranked.candidates, brief, needs)[0][:count], ranked.rejected)


def _tight(candidate: Candidate) -> Candidate:
    """An estimate that fits by its middle and not by its upper end says so."""
    c = candidate.configuration
    if c is None or c.memory is None or c.memory.high_bytes <= c.available_bytes or not c.fits:
        return candidate
    high, there = c.memory.high_bytes / GIB, c.available_bytes / GIB
    tight = f"It may just not fit: the upper end of the estimate, {high:.1f} GiB, is above {there:.1f} GiB."
    return replace(candidate, caveats=(*candidate.caveats, tight))


def _dated(candidate: Candidate, brief: Brief) -> Candidate:
    """A model that was asked for by name, with what has overtaken it."""
    if candidate.kind != "local" or candidate.model_id not in brief.wish.named:
        return candidate
    from tools.successor import successor_caveat  # few recommendations need it

    overtaken = successor_caveat(str(candidate.model_id), brief.task)
    return replace(candidate, caveats=(*candidate.caveats, overtaken)) if overtaken else candidate


def _apart(candidate: Candidate, brief: Brief) -> Candidate:
    """An option says first which of the tasks that were named it does not do."""
    if candidate.role == "pretrain-config":
        return candidate
    beside = {"reranking" for item in candidate.companions if item.role == "reranker"}
    left = [task for task in brief.also if task not in brief.tasks and task not in beside]
    told = [f"It does not do {task}: {apart(task, brief.role)}." for task in left]
    return replace(candidate, caveats=(*told, *candidate.caveats)) if told else candidate


def _tied(candidate: Candidate, best: Candidate | None, brief: Brief) -> bool:
    """Whether an option is as good as the best one, as far as anybody can tell."""
    if best is None or candidate is best:
        return False
    gap = best.utility - candidate.utility
    return is_tie(brief.priority, gap, best.quality.spread, candidate.quality.spread)


def _level(candidate: Candidate, best: Candidate | None, brief: Brief) -> bool:
    """Whether an option ties with the first one, and nothing was measured that tells them apart."""
    return best is not None and _tied(candidate, best, brief) and not is_settled(candidate, best, brief)


def _finished(candidate: Candidate, brief: Brief) -> Candidate:
    """Adds the full memory estimate and, for retrieval, the embedder and reranker beside the generator."""
    c = candidate.configuration
    model = load_catalog().by_id.get((candidate.model_id or "").lower())
    if c is None or c.memory is not None or candidate.kind == "api" or model is None or brief.machine is None:
        return _with_companions(candidate, brief)
    c = with_timings(
        model, brief.machine, with_memory(model, brief.machine, c, ask_of(brief)), task=brief.task
    )
    return _with_companions(replace(candidate, configuration=c), brief)


def _with_companions(candidate: Candidate, brief: Brief) -> Candidate:
    """What stands beside it shares the memory with it: the figures are those of all together."""
    if candidate.role != brief.role or brief.machine is None or not is_accompanied(brief):
        return candidate
    c = candidate.configuration
    companions = tuple(
        replace(found, why=reasons_for(found, replace(brief, role=found.role)), commands=commands_for(found))
        for found in companions_of(brief)
    )
    beside = sum(memory_of(item) for item in companions)
    # The solver has left room beside a generator; an embedder was chosen as if it stood alone.
    room_kept = beside if candidate.role == "generator" else 0
    missing = no_reranker(brief) if "reranking" in brief.also else ""
    if (
        c is not None
        and c.memory is not None
        and c.memory.total_bytes + beside > c.available_bytes + room_kept
    ):
        companions, missing = (), missing or "both together do not fit"
    if missing:
        told = (
            f"Rerank fewer passages where the wait is too long: {missing}."
            if any(item.role == "reranker" for item in companions)
            else f"No reranker is proposed here, though one was asked for: {missing}."
        )
        candidate = replace(candidate, caveats=(told, *candidate.caveats))
    if not companions or c is None or c.memory is None:
        return replace(candidate, companions=companions)
    room = room_of(brief.machine, server=brief.server)
    place = min(room.widest, len(c.memory.per_device) - 1) if room.device_bytes else 0
    together = replace(
        c,
        memory=_together(c.memory, companions, place),
        available_bytes=c.available_bytes + room_kept,
        device_room=room.device_bytes,
    )
    return replace(candidate, companions=companions, configuration=together)


def _together(memory: MemoryEstimate, companions: tuple[Candidate, ...], place: int) -> MemoryEstimate:
    """The memory of a generator and of what stands beside it, on one of its devices."""
    for item in companions:
        other = item.configuration.memory if item.configuration else None
        if other is not None:
            held = DeviceMemory(item.model, other.weights_bytes, 0, other.compute_bytes, other.overhead_bytes)
            words = f"{other.total_bytes / GIB:.2f} GiB for {item.model}"
            memory = memory.beside(place, held, (other.low_bytes, other.high_bytes), other.file_bytes, words)
    return memory


def _reserve(brief: Brief) -> tuple[dict[str, object], ...]:
    """The memory that is kept back, as an assumption a person can see."""
    if brief.machine is None or brief.mode == "api":
        return ()
    machine = brief.machine
    kept = sum(device.reserve_bytes for device in machine.devices)
    if not machine.devices:
        kept = host_reserve(machine, server=brief.server) or 0
    if kept <= 0:
        return ()
    set_by_hand = f"; set to {machine.ram_reserve.words}" if machine.ram_reserve is not None else ""
    why = room_of(machine, server=brief.server).note + set_by_hand
    return (Assumption("reserve", f"{kept / (1 << 30):.1f} GiB kept free", why).as_json(),)


def _unexplained(brief: Brief, ranked: Ranked) -> list[Rejected]:
    """Named models that are neither an option nor excluded by a constraint: each gets its reason."""
    told = {c.model_id for c in ranked.candidates} | {r.model_id for r in ranked.rejected}
    missing = [name for name in brief.wish.named if name not in told]
    return [Rejected(name.split("/", 1)[-1], name, *_absence(name, brief)) for name in missing]


def _absence(name: str, brief: Brief) -> tuple[str, str]:
    """Why a named model takes no part: (reason, constraint)."""
    model = load_catalog().by_id.get(name.lower())
    if model is None:
        if brief.private or brief.mode == "local":
            return "is behind an API, and the model has to run here", "deployment"
        return "is not among the models that its provider serves now", "model"
    if brief.mode == "api":
        return "runs on a machine of your own, and an API was asked for", "deployment"
    if brief.machine is None:
        return "needs a machine to run on", "hardware"
    if model.params_total is None:
        return "its size is not known", "model"
    if brief.role == "pretrain-config":
        return "is trained already, and a model of your own from scratch was asked for", "task"
    own = KIND_OF_ROLE.get(brief.role)
    if model.kind not in ((own,) if own is not None else kinds_for(brief)):
        return f"is a model of kind `{model.kind}`, which does not serve as {brief.role}", "task"
    if "vision" in brief.tasks and model.vision is not True:
        return "is not known to read images", "features"
    return "fits, but ranks below the options shown", "rank"


def _privacy(brief: Brief) -> list[Rejected]:
    """Where data may not leave, the APIs are excluded as a class, and that is said."""
    if not brief.private:
        return []
    return [
        Rejected("API models", None, "nothing may leave the machine, so no model behind an API", "privacy")
    ]


def _nothing(brief: Brief, rejected: tuple[Rejected, ...]) -> dict[str, str]:
    """The error object where no option meets the needs: the constraint that binds, and what to do."""
    homeless = brief.machine is None and brief.mode != "api"
    # Where something fits and is only too slow, memory is not what binds.
    slow = next((r for r in rejected if r.constraint == "min_speed"), None)
    first = None if homeless else slow or next(iter(rejected), None)
    binding = first.constraint if first is not None else "hardware" if homeless else "model"
    detail = f": {first.model} {first.reason}" if first is not None else ""
    return {
        "code": "nothing_fits",
        "message": f"No model meets all of these needs; the {binding.replace('_', ' ')} decides{detail}.",
        "hint": "See what would change the answer, and relax one need.",
    }
