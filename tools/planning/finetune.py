"""A fine-tuning plan for one base model: method, memory, logits, time, use afterwards, and the checklist."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from tools.candidates import Candidate
from tools.fit_model import FitWish, fit_model
from tools.hardware_types import Machine
from tools.memory.training_tables import settled
from tools.memory.types import TrainingMethod, TrainingRequest
from tools.planning import tokens as budget
from tools.planning.rubric import Rubric
from tools.planning.training_fit import Way, alike, choose, logits_of, training_room, ways_of
from tools.planning.training_work import TrainingTime, training_time
from tools.planning.tunability import Ranked, Table, distil_tables

GIB = 1 << 30
EFFECTIVE_BATCH = 8
Tick = Literal["yes", "no", "to do"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of the plan; lengths in tokens."""

    trainer: Machine
    user: Machine
    request: TrainingRequest
    length_said: bool
    rubric: Rubric | None
    tokens: int | None
    """Of the run over all epochs; None where nothing was said of the data."""
    examples: int | None
    epochs: float
    context: int
    """Tokens of a conversation in use."""
    min_speed: float
    format: str
    method: str
    """`any`, or the one that was asked for."""


@dataclass(frozen=True, slots=True)
class BasePlan:
    """The plan for one base model."""

    model: ModelRecord
    ways: tuple[Way, ...]
    way: Way | None
    why: str
    room: int | None
    device: str
    logits: dict[str, Any]
    time: TrainingTime | None
    use: Candidate | None
    """How it would run afterwards; None where it does not fit there."""
    shown: Way
    """The chosen way; where none fits, the one asked for, or the leanest."""


def plan_base(model: ModelRecord, wish: Wish) -> BasePlan:
    """The plan for one base model.

    Raises:
        NoAnswerError: neither shape nor parameter count are known.
    """
    room, device = training_room(wish.trainer)
    ways = ways_of(model, wish.request, room, alike(wish.trainer))
    asked = tuple(way for way in ways if way.method == wish.method)
    way, why = choose(ways)
    if asked:
        way = asked[0] if asked[0].holds else None
        why = "as asked for" if way else "it was asked for and does not fit"
    shown = way or min(asked or ways, key=lambda each: each.estimate.total_bytes)
    time = None
    if wish.tokens is not None:
        time = training_time(
            model,
            shown.method,
            wish.request.sequence_length,
            wish.tokens,
            wish.trainer,
            devices=shown.request.gpus,
        )
    context = min(wish.context, model.context_length or wish.context)
    use = fit_model(model, wish.user, FitWish(context=context)).candidate
    logits = logits_of(model, shown, room)
    return BasePlan(model, ways, way, why, room, device, logits, time, use, shown)


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the checklist."""

    item: str
    done: Tick
    figure: str

    def as_json(self) -> dict[str, Any]:
        return {"item": self.item, "status": self.done, "figure": self.figure}


def checklist(plan: BasePlan, wish: Wish) -> tuple[Item, ...]:
    """The guide's six points, ticked by what was computed."""
    return (
        _window(plan, wish),
        _evaluated(wish),
        _quantized(plan, wish),
        _speed(plan, wish),
        _memory(plan, wish),
        _budget(wish),
    )


def _window(plan: BasePlan, wish: Wish) -> Item:
    window, length = plan.model.context_length, wish.request.sequence_length
    words = "context window fits the conversation"
    if window is None:
        return Item(words, "to do", "the window is not known")
    limit = budget.practical_limit(window)
    figure = f"{length:,} tokens per example of {window:,} (about {limit:,} in practice)"
    return Item(words, "yes" if length <= limit else "no", figure)


def _evaluated(wish: Wish) -> Item:
    words = "base model evaluated on your rubric"
    if wish.rubric is None:
        return Item(words, "to do", "run about 20 scenarios on the untrained model and write the rate down")
    return Item(words, "yes", f"{wish.rubric.passed} of {wish.rubric.scenarios} passed")


def _quantized(plan: BasePlan, wish: Wish) -> Item:
    words = f"quantized version in {wish.format.upper()}"
    if wish.format.upper() != "GGUF":
        return Item(words, "to do", "the catalog knows published GGUF files only")
    if plan.model.gguf_available is None:
        return Item(words, "to do", "whether a GGUF exists is not known: try converting it")
    repo = f" ({plan.model.gguf_repo})" if plan.model.gguf_repo else ""
    return Item(
        words,
        "yes" if plan.model.gguf_available else "no",
        f"GGUF of the base exists{repo}" if plan.model.gguf_available else "no GGUF is known",
    )


def _speed(plan: BasePlan, wish: Wish) -> Item:
    words = "speed acceptable"
    configuration = plan.use.configuration if plan.use is not None else None
    if configuration is None:
        return Item(words, "no", f"it does not fit {wish.user.name}")
    speed = configuration.speed
    if speed is None:
        return Item(words, "to do", f"not known on {wish.user.name}: measure it")
    figure = (
        f"about {speed.low:.0f}-{speed.high:.0f} tok/s as {configuration.quant} on {wish.user.name} "
        "(estimate), "
        f"{wish.min_speed:g} wanted"
    )
    return Item(words, "yes" if speed.mid >= wish.min_speed else "no", figure)


def _memory(plan: BasePlan, wish: Wish) -> Item:
    way, logits = plan.shown, plan.logits
    words = "training memory fits, vocabulary counted"
    if plan.room is None:
        return Item(words, "to do", "the machine's memory is not known")
    figure = (
        f"{way.method} about {way.estimate.total_bytes / GIB:.1f} GiB ({way.estimate.low_bytes / GIB:.1f} to "
        f"{way.estimate.high_bytes / GIB:.1f}) of {plan.room / GIB:.1f}; logits of "
        f"{logits['vocabulary']:,} entries "
        f"{logits['logits_bytes'] / 1e9:.1f} GB"
        + (", with fused cross-entropy" if way.request.fused_cross_entropy else "")
    )
    if plan.way is None:
        return Item(words, "no", figure)
    return Item(
        words,
        "yes" if way.fits == "yes" else "to do",
        figure + ("" if way.fits == "yes" else ": test one step"),
    )


def _budget(wish: Wish) -> Item:
    words, length = "token budget defined", wish.request.sequence_length
    if not wish.length_said:
        return Item(words, "to do", f"{length:,} tokens per example were assumed; see plan tokens")
    above = budget.against_ceiling(length) == "above"
    return Item(
        words, "no" if above else "yes", f"{length:,} tokens per example, ceiling {budget.ceiling():,}"
    )


@cache
def _rows() -> tuple[dict[str, Any], ...]:
    raw = json.loads(
        files("tools.planning").joinpath("data/hyperparameters.json").read_text(encoding="utf-8")
    )
    return tuple(raw["rows"])


def hyperparameters(request: TrainingRequest, method: TrainingMethod) -> tuple[dict[str, str], ...]:
    """Starting points of a method, with why and source.

    Args:
        request: the run, for rank and micro-batch.
        method: full, lora or qlora.
    """
    micro = request.micro_batch_size
    accumulation = max(1, -(-EFFECTIVE_BATCH // micro))
    values = {
        "rank": request.lora_rank,
        "alpha": f"{request.lora_rank} (to {2 * request.lora_rank})",
        "micro": micro,
        "accumulation": accumulation,
        "batch": micro * accumulation,
        "optimizer": settled(replace(request, method=method)).optimizer,
    }
    kind = "full" if method == "full" else "adapters"
    return tuple(
        {"name": row["name"], "value": row[kind].format(**values), "why": row["why"], "source": row["source"]}
        for row in _rows()
        if row[kind] is not None
    )


def steps(wish: Wish) -> int | None:
    """Optimizer steps of the run; None where the number of examples was not said."""
    if wish.examples is None:
        return None
    micro = wish.request.micro_batch_size
    batch = micro * max(1, -(-EFFECTIVE_BATCH // micro))
    return max(1, round(wish.examples * wish.epochs / batch))


def ranks_of(model_id: str) -> tuple[tuple[Table, Ranked], ...]:
    """What the tables say of a model, the newest first."""
    found = []
    for table in distil_tables():
        row = table.of(model_id)
        if row is not None:
            found.append((table, row))
    return tuple(found)


def best_measured(wish: Wish) -> dict[str, Any] | None:
    """The best base of the newest ranking that trains and runs on these machines, and those tied with it."""
    table = next((each for each in distil_tables() if each.kind == "after"), None)
    by_id = load_catalog().by_id
    here: list[Ranked] = []
    for row in table.rows if table is not None else ():
        model = by_id.get(row.model_id.lower())
        if model is not None:
            found = plan_base(model, wish)
            if found.way is not None and found.use is not None:
                here.append(row)
    if table is None or not here:
        return None
    first, ties = here[0], [row for row in here[1:] if here[0].tied_with(row)]
    others = f"; tied with it by the intervals: {', '.join(row.name for row in ties)}" if ties else ""
    text = (
        f"Best measured base that trains and runs here: {first.name}, mean rank {first.rank:g} of "
        f"{table.as_of}{others}."
    )
    return {
        "model": first.name,
        "model_id": first.model_id,
        "tied": [row.model_id for row in ties],
        "text": text,
    }
