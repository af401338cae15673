"""What beats an older model now: newer models that need no more memory, and by how many points.

Nothing is listed by hand. For a task, every later model of the catalog that may stand in for the old one
(same role, same languages and images, at most its memory at the same context length) is compared by expected
quality (`tools.quality`). The difference of two estimates has the root of the sum of their squared standard
deviations as its own; a model supersedes another where it is ahead by more than that. What is ahead by less
is told as uncertain.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any, cast

from pydantic import TypeAdapter

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import follows_models, load_catalog
from knowledge.errors import AdvisorError
from tools.candidates import QualityFigure, evidence_json
from tools.engines import ENCODER_ENGINE, OFFLOADER, published_quant
from tools.memory.engines import default_quant
from tools.memory.estimate import estimate_memory
from tools.memory.generic import is_encoder
from tools.memory.types import Evidence, MemoryRequest
from tools.needs import Task
from tools.quality import quality_of
from tools.roles.common import cautious, stands_for

GIB = 1 << 30
MOST = 3
LEAST_GAP = 1.0
"""Points of expected quality below which two models are the same."""
FEWEST_BITS = 4.0
"""Nothing that is compared is held in fewer bits: a model larger than that is not worth estimating."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """Memory of a model as it is usually run; bytes."""

    bytes: int
    quant: str
    context: int
    engine: str


@dataclass(frozen=True, slots=True)
class Successor:
    """A newer model that is expected to do better in no more memory."""

    model_id: str
    name: str
    release_date: str
    license: str
    memory: Footprint
    quality: QualityFigure
    gap: float
    """Points of expected quality (0 to 100) above the old one."""
    spread: float
    """One standard deviation of `gap`, in points."""

    @property
    def clear(self) -> bool:
        """Ahead by more than the uncertainty."""
        return self.gap > float(_data()["clear"]) * self.spread

    def as_json(self) -> dict[str, Any]:
        return {
            "model": self.name,
            "model_id": self.model_id,
            "release_date": self.release_date,
            "license": self.license,
            "memory_bytes": self.memory.bytes,
            "quant": self.memory.quant,
            "points": round(self.gap, 1),
            "spread": round(self.spread, 1),
            "clear": self.clear,
            "measured": self.quality.measured,
            "evidence": [evidence_json(e) for e in self.quality.basis[:2]],
        }


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a model stands among those that came after it."""

    model_id: str
    name: str
    task: Task
    release_date: str | None
    memory: Footprint
    quality: QualityFigure
    successors: tuple[Successor, ...]
    """Those that are ahead, best first; empty where none is."""

    @property
    def superseded(self) -> bool:
        """Whether one of them is ahead by more than the uncertainty."""
        return any(successor.clear for successor in self.successors)

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What the comparison rests on: its scores, and those of what beats it."""
        found = [*self.quality.basis[:2]]
        for successor in self.successors:
            found += [e for e in successor.quality.basis[:2] if e not in found]
        return tuple(found)

    def as_json(self) -> dict[str, Any]:
        return {
            "task": self.task,
            "superseded": self.superseded,
            "memory_bytes": self.memory.bytes,
            "quant": self.memory.quant,
            "context": self.memory.context,
            "quality": self.quality.as_json(),
            "by": [successor.as_json() for successor in self.successors],
        }


@cache
def _data() -> dict[str, Any]:
    data = resources.files("tools").joinpath("data/successor.json").read_bytes()
    return TypeAdapter(dict[str, Any]).validate_json(data)


def usual_task(model: ModelRecord, wanted: Task | None = None) -> Task:
    """The task to judge a model for: the wanted one where its kind can do it, else that of its kind."""
    own = cast(Task, _data()["task_of_kind"][model.kind])
    only = _data()["role_tasks"]
    special = {task for tasks in only.values() for task in tasks}
    if wanted is None or (model.kind in only) or (wanted in special - {"classification"}):
        return own
    return wanted


def shown_tasks(model: ModelRecord) -> tuple[Task, ...]:
    """The tasks worth telling of a model where none is asked for; what its name says it is made for first."""
    own = usual_task(model)
    listed = cast("tuple[Task, ...]", tuple(_data()["shown"].get(model.kind, (own,))))
    return ("code",) if "code" in listed and "code" in model.id.lower() else listed


def footprint(model: ModelRecord) -> Footprint | None:
    """Memory of a model in its usual format (Q4_K_M, or the one it was published in); None where unknown."""
    return _footprint(model.id)


@follows_models
@lru_cache(maxsize=4096)
def _footprint(model_id: str) -> Footprint | None:
    model = load_catalog().by_id[model_id.lower()]
    lengths = _data()["context"]
    context = min(int(lengths.get(model.kind, lengths["*"])), model.context_length or 1 << 30)
    quant, engine = "F16", ENCODER_ENGINE
    if not is_encoder(model):
        quant, engine = published_quant(model) or default_quant(OFFLOADER), OFFLOADER
    try:
        request = MemoryRequest(quant=quant, engine=engine, context=context)
        return Footprint(estimate_memory(model, request).total_bytes, quant, context, engine)
    except AdvisorError:
        return None


def _may_stand_in(new: ModelRecord, old: ModelRecord, task: Task) -> bool:
    """Whether a later model can do what the old one does, before memory and quality are looked at."""
    return (
        new.kind in _data()["peers"][old.kind]
        and new.added is None
        and stands_for(new.id, new.kind, task)
        and bool(new.release_date)
        and (not old.release_date or str(new.release_date) > old.release_date)
        and not (old.multilingual and new.multilingual is False)
        and not (old.vision and not new.vision)
    )


@follows_models
@lru_cache(maxsize=512)
def standing_of(model_id: str, task: Task, count: int = MOST) -> Standing | None:
    """Where a model of the catalog stands in a task; None where its memory is not known.

    Args:
        model_id: hub id of the model.
        task: what it is wanted for.
        count: how many successors at most.
    """
    old = load_catalog().by_id[model_id.lower()]
    mine = footprint(old)
    if mine is None:
        return None
    room = mine.bytes * float(_data()["slack"].get(old.kind, 1.0))
    quality = quality_of(old.id, task)
    later = [new for new in load_catalog().models if _may_stand_in(new, old, task)]
    ranked = sorted(((quality_of(new.id, task), new) for new in later), key=lambda p: -cautious(p[0]))
    # One that was measured says more than any expectation, so it comes first where there is one.
    measured = _ahead([pair for pair in ranked if pair[0].measured], quality, room, 1)
    others = [s for s in _ahead(ranked, quality, room, count) if s not in measured]
    found = tuple([*measured, *others][:count])
    return Standing(old.id, old.name, task, old.release_date, mine, quality, found)


def _ahead(
    ranked: list[tuple[QualityFigure, ModelRecord]], quality: QualityFigure, room: float, count: int
) -> list[Successor]:
    """The first models that are ahead of a quality and fit into some memory."""
    found: list[Successor] = []
    for figure, new in ranked:
        if len(found) == count or cautious(figure) <= cautious(quality):
            break
        if (new.params_total or 1 << 60) * FEWEST_BITS / 8 > room:
            continue
        gap, spread = figure.score - quality.score, math.hypot(figure.spread, quality.spread)
        its = footprint(new)
        if gap < LEAST_GAP or its is None or its.bytes > room:
            continue
        license_ = new.license or "unknown"
        found.append(Successor(new.id, new.name, str(new.release_date), license_, its, figure, gap, spread))
    return found


def points(successor: Successor) -> str:
    """By how much, in words: `+55 points, give or take 4`."""
    sure = "" if successor.quality.measured else ", expected from its size, age and maker"
    return f"+{successor.gap:.0f} points, give or take {successor.spread:.0f}{sure}"


def superseded_line(standing: Standing) -> str:
    """One line: what beats a model in its task, by how much; or that nothing clearly does."""
    where = f"{standing.memory.bytes / GIB:.1f} GiB as {standing.memory.quant}"
    best = next((s for s in standing.successors if s.clear), None)
    if best is not None:
        return (
            f"Superseded for {standing.task} by {best.name} ({best.release_date}): {points(best)}; "
            f"it takes {best.memory.bytes / GIB:.1f} GiB as {best.memory.quant}, this one {where}"
            f"{_hopeful(standing, best)}."
        )
    line = f"No later model in its memory ({where}) is clearly better for {standing.task}"
    if not standing.successors:
        return f"{line}."
    near = standing.successors[0]
    return f"{line}; nearest is {near.name} ({near.release_date}): {points(near)}."


def successor_caveat(model_id: str, task: Task | None) -> str | None:
    """A caveat for a recommendation of a model that was named; None where nothing supersedes it."""
    model = load_catalog().by_id.get(model_id.lower())
    if model is None:
        return None
    standing = standing_of(model.id, usual_task(model, task))
    return superseded_line(standing) if standing is not None and standing.superseded else None


def _hopeful(standing: Standing, best: Successor) -> str:
    """The best newer model without scores, where more is expected of it."""
    newer = next((s for s in standing.successors if s.clear and s.gap > best.gap), None)
    if newer is None or newer.quality.measured or not best.quality.measured:
        return ""
    return f"; newer and without scores yet: {newer.name} ({newer.release_date}), {points(newer)}"
