"""Does one model fit one machine, and how best: the answer of `fit`, with the ways out where it does not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from knowledge.catalog.records import Kind, ModelRecord
from knowledge.catalog.store import load_catalog
from tools.brief import brief_of
from tools.budget import GIB, room_of
from tools.calibrated import calibrated
from tools.candidates import Candidate, Change, Configuration, Reason
from tools.engines import backend_of, native_quant
from tools.fit import longest_context, solve, with_memory
from tools.fit_choices import choices
from tools.fit_types import Ask, Refusal, Solution
from tools.free_now import with_shortages
from tools.frontier import dominates, frontier, point_json
from tools.hardware import describe
from tools.hardware_types import Machine
from tools.licensing import judge
from tools.memory.generic import is_encoder
from tools.memory.llama_cpp import runs_gguf
from tools.memory.types import Evidence
from tools.needs import LicenseNeed, Needs, Role, Task
from tools.quality import quality_of
from tools.quant_loss import loss_evidence
from tools.reasons import reasons_for
from tools.roles.common import local_candidate
from tools.roles.encoders import KIND_OF_ROLE, TASK_OF_ROLE, window_of
from tools.runbook import commands_for
from tools.sensitivity_machines import CARD_STEPS_GIB
from tools.timings import with_timings
from tools.utility import table

DEFAULT_CONTEXT = 8192
MOST_ALTERNATIVES = 3
LEAST_CONTEXT = 1024
LEAST_LOSS = 0.05
"""Points of quality from which a loss is worth a word: less is shown as 0.0."""
ROLE_OF_KIND: dict[Kind, tuple[Role, Task]] = {
    kind: (role, TASK_OF_ROLE[role]) for role, kind in KIND_OF_ROLE.items()
}
NO_RESERVE = "Fits only if the memory kept free for desktop and driver is used as well."


@dataclass(frozen=True, slots=True)
class FitWish:
    """What is fixed; None leaves it to the solver."""

    quant: str | None = None
    context: int | None = None
    kv_cache_type: str | None = None
    engine: str | None = None
    parallel: int = 1
    min_speed: float | None = None
    ubatch_size: int = 512
    flash_attention: bool = True
    vision: bool = False
    prompt_tokens: int | None = None
    """Length of the prompt that the time to the first token is for; half of the context where None."""

    def ask(self, model: ModelRecord | None, *, reserve: bool = True, offload: bool = True) -> Ask:
        """The solver's question; without a model, for any."""
        window = window_of(model) if model is not None else None
        usual = min(DEFAULT_CONTEXT, window or DEFAULT_CONTEXT)
        return Ask(
            context=self.context or usual,
            parallel=self.parallel,
            min_speed=self.min_speed or 0.0,
            speed_is_hard=self.min_speed is not None,
            quant=self.quant,
            kv_cache_type=self.kv_cache_type,
            engine=self.engine,
            ubatch_size=self.ubatch_size,
            flash_attention=self.flash_attention,
            reserve=reserve,
            offload=offload,
            vision=self.vision,
        )


@dataclass(frozen=True, slots=True)
class FitAnswer:
    """The best configuration, or why there is none."""

    candidate: Candidate | None
    max_context: int
    alternatives: tuple[dict[str, Any], ...]
    would_change: tuple[Change, ...]
    error: dict[str, str] | None = None
    model: str = ""
    model_id: str = ""
    pareto: tuple[dict[str, Any], ...] = ()
    hardware: str = ""
    """The machine in words, and what it offers: told where nothing fits."""
    available_bytes: int = 0

    def as_json(self) -> dict[str, Any]:
        """The contract's document."""
        top: dict[str, Any]
        if self.candidate is not None:
            top = self.candidate.as_json()
        else:
            memory = {"fits": False, "available_bytes": self.available_bytes}
            top = {"model": self.model, "model_id": self.model_id, "memory": memory, "caveats": []}
            top["hardware"] = {"name": self.hardware}
        top |= {
            "max_context": self.max_context,
            "alternatives": list(self.alternatives),
            "pareto": list(self.pareto),
            "would_change": [c.as_json() for c in self.would_change],
        }
        if self.error is not None:
            top["error"] = self.error
        return top


def fit_model(model: ModelRecord, machine: Machine, wish: FitWish) -> FitAnswer:
    """Finds the best configuration: within the reserve, without it, then with parts in system memory.

    Args:
        model: the model.
        machine: where it should run.
        wish: what is fixed.
    """
    machine, ask = calibrated(machine), wish.ask(model)
    found = solve(model.id, machine, ask)
    if isinstance(found, Refusal) or found.spills:
        tight = wish.ask(model, reserve=False, offload=False)
        without = solve(model.id, machine, tight)
        # Not at any price: what spills may still be better than three bits squeezed in.
        if isinstance(without, Solution) and (isinstance(found, Refusal) or without.merit >= found.merit):
            return _answer(model, machine, tight, without, wish.prompt_tokens)
    if isinstance(found, Solution):
        return _answer(model, machine, ask, found, wish.prompt_tokens)
    changes = _ways_out(model, machine, wish, found)
    error = {
        "code": "does_not_fit" if found.constraint == "memory" else found.constraint,
        "message": f"{model.name}: {found.reason}.",
        "hint": f"If {changes[0].condition}: {changes[0].outcome}." if changes else "Choose another model.",
    }
    room = room_of(machine).total_bytes
    return FitAnswer(
        None,
        0,
        (),
        changes,
        error,
        model.name,
        model.id,
        hardware=describe(machine),
        available_bytes=room,
    )


def _answer(
    model: ModelRecord, machine: Machine, ask: Ask, found: Solution, prompt_tokens: int | None
) -> FitAnswer:
    configuration = with_memory(model, machine, found.configuration, ask)
    if not ask.reserve:
        configuration = replace(configuration, caveats=(NO_RESERVE, *configuration.caveats))
    points = frontier(model, machine, ask) if not is_encoder(model) else ()
    chosen = [
        Reason(text, (Evidence("tool", "fit", model.id),)) for text in choices(model, machine, ask, found)
    ]
    chosen += _cost_of_quantization(model, found)
    task = ROLE_OF_KIND.get(model.kind, ("generator", "chat"))[1]
    configuration = with_timings(model, machine, configuration, task=task, prompt_tokens=prompt_tokens)
    candidate = with_shortages(_candidate(model, machine, configuration), machine)
    return FitAnswer(
        replace(candidate, why=(*chosen, *candidate.why)),
        longest_context(model, machine, configuration, ask),
        _alternatives(model, machine, ask, found, points),
        (),
        pareto=tuple(point_json(point) for point in points),
    )


def _cost_of_quantization(model: ModelRecord, found: Solution) -> list[Reason]:
    """What the weights and cache types cost, with where that was measured; empty where it is nothing."""
    c = found.configuration
    if found.quality_loss < LEAST_LOSS:
        return []
    cache = f" and a {c.kv_cache_type} cache" if c.cache_quantized else ""
    weights = "its own format" if native_quant(model) == c.quant else c.quant
    text = f"{weights}{cache} cost about {found.quality_loss:.1f} points of quality against 16 bits."
    if not cache:
        text = f"{weights} costs about {found.quality_loss:.1f} points of quality against 16 bits."
    return [Reason(text, loss_evidence(model, c.quant, c.kv_cache_type))]


def _candidate(model: ModelRecord, machine: Machine, configuration: Configuration) -> Candidate:
    verdict = judge(model, LicenseNeed(use="any"), load_catalog().license_of(model))
    role, task = ROLE_OF_KIND.get(model.kind, ("generator", "chat"))
    brief = replace(brief_of(Needs()), machine=machine, role=role, task=task)
    bare = local_candidate(model, machine, role, configuration, quality_of(model.id, task), verdict)
    bare = replace(bare, context_length=window_of(model))
    return replace(bare, why=reasons_for(bare, brief), commands=commands_for(bare))


def _alternatives(
    model: ModelRecord, machine: Machine, ask: Ask, best: Solution, points: tuple[Solution, ...]
) -> tuple[dict[str, Any], ...]:
    """Other quantizations of the Pareto set with the same context, the best first."""
    if ask.quant is not None:
        return ()
    others: dict[str, Solution] = {}
    for point in sorted(points, key=lambda p: p.order, reverse=True):
        c = point.configuration
        if c.context == ask.context and c.quant != best.configuration.quant and not dominates(best, point):
            others.setdefault(c.quant, point)
    found: list[dict[str, Any]] = []
    for other in list(others.values())[:MOST_ALTERNATIVES]:
        full = with_memory(model, machine, other.configuration, ask)
        document = _candidate(model, machine, full).as_json(len(found) + 2)
        document["quality_loss_points"] = round(other.quality_loss, 2)
        found.append(document)
    return tuple(found)


def _ways_out(model: ModelRecord, machine: Machine, wish: FitWish, refusal: Refusal) -> tuple[Change, ...]:
    """The nearest changes that make it fit: engine, quantization, cache, context, speed, or more memory."""
    changes = []
    ask = wish.ask(model)
    variants = []
    if refusal.constraint == "engine":
        if wish.engine is not None:
            variants.append(("the engine were free", replace(ask, engine=None)))
        variants += [(f"you served it with {name}", replace(ask, engine=name)) for name in _servers(machine)]
    if wish.quant is not None:
        variants.append(("the quantization were free", replace(ask, quant=None)))
    gguf = runs_gguf(wish.engine or "llama.cpp", wish.quant or "")
    if gguf and wish.kv_cache_type in (None, "f16", "bf16"):
        variants.append(("the cache were q8_0", replace(ask, kv_cache_type="q8_0")))
    context = ask.context // 2
    while context >= LEAST_CONTEXT:
        variants.append((f"the context were {context:,} tokens", replace(ask, context=context)))
        context //= 2
    if wish.min_speed is not None:
        variants.append(("no speed were asked for", replace(ask, min_speed=0.0, speed_is_hard=False)))
    for words, variant in variants:
        found = solve(model.id, machine, variant)
        if isinstance(found, Solution):
            c = found.configuration
            changes.append(
                Change(words, f"it fits as {c.quant} with {c.context:,} tokens ({c.kv_cache_type} cache)")
            )
            break
    larger = _larger_device(model, machine, ask) if refusal.constraint == "memory" else None
    return (*changes, *((larger,) if larger is not None else ()))


def _servers(machine: Machine) -> list[str]:
    """Engines for many users that run on this machine."""
    engines, backend = load_catalog().engines, backend_of(machine)
    return [name for name in table()["server_engines"] if backend in engines[name].backends]


def _larger_device(model: ModelRecord, machine: Machine, ask: Ask) -> Change | None:
    """The smallest usual memory size, in as many devices, on which it would fit."""
    if not machine.devices:
        return None
    for size in CARD_STEPS_GIB:
        if size * GIB <= max(device.memory_bytes for device in machine.devices):
            continue
        devices = tuple(replace(d, memory_bytes=size * GIB, free_bytes=None) for d in machine.devices)
        found = solve(model.id, replace(machine, devices=devices), replace(ask, offload=False))
        if isinstance(found, Solution):
            c = found.configuration
            count = f"{len(devices)} devices" if len(devices) > 1 else "a device"
            return Change(
                f"you had {count} with {size} GiB", f"it fits as {c.quant} with {c.context:,} tokens"
            )
    have = room_of(machine).total_bytes / GIB
    return Change(
        f"you had far more than {have:.0f} GiB",
        "several large accelerators, or an API that serves this model, would do",
    )
