"""Every model that meets some needs, each in its best configuration: memory against expected quality.

The ranking itself is asked for all that it finds feasible, not for the few that a recommendation shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from knowledge.errors import NoAnswerError
from tools.brief import Brief, brief_of
from tools.budget import room_of
from tools.calibration.applying import note_on
from tools.candidates import Candidate
from tools.fit import solve
from tools.fit_types import Solution
from tools.needs import Needs
from tools.roles import encoders, generator

EVERY = 1_000_000
"""More than there are models."""


@dataclass(frozen=True, slots=True)
class Place:
    """A feasible model in the configuration that the ranking would choose."""

    model: str
    model_id: str
    quant: str
    engine: str
    memory_bytes: int
    """On the accelerators, with what lies beside them where they do not hold all; in training, of a run."""
    score: float
    """Expected quality, 0 to 100, after what the quantization costs."""
    spread: float
    """One standard deviation of it, in points."""
    measured: bool
    tokens_per_second: float | None
    utility: float
    """What the ranking goes by."""
    spills: bool = False
    """Whether layers or experts lie in system memory."""
    on_front: bool = False
    """Whether no other model is at least as good in less memory."""


@dataclass(frozen=True, slots=True)
class Landscape:
    """All feasible models of a decision."""

    places: tuple[Place, ...]
    """The smallest first."""
    room_bytes: int
    """What the machine offers a model, after the reserve."""
    machine: str
    task: str
    training: bool
    """Whether the memory is that of a training run."""
    note: str = ""
    """What the speeds are corrected by; empty where nothing was measured on this machine."""

    @property
    def front(self) -> tuple[Place, ...]:
        """The models that no other one beats in both, the smallest first."""
        return tuple(place for place in self.places if place.on_front)


def landscape(needs: Needs) -> Landscape:
    """Every feasible model for some needs.

    Raises:
        NoAnswerError: the needs lead to no choice among models on a machine.
        UsageError: a need cannot be read at all.
    """
    brief = brief_of(needs)
    trained = brief.role == "finetune-base"
    machine = (brief.training_machine or brief.machine) if trained else brief.machine
    if machine is None or brief.mode == "api":
        raise NoAnswerError(
            "Memory plays no part here: no machine of your own is meant.",
            hint="Name the hardware, and every model that fits it is drawn.",
        )
    found = [_place(candidate, brief) for candidate in _candidates(brief)]
    places = sorted(found, key=lambda place: (place.memory_bytes, -place.score))
    room = room_of(machine, server=brief.server)
    return Landscape(
        with_front(places), room.total_bytes, machine.name, brief.task, trained, note_on(machine)
    )


def _candidates(brief: Brief) -> Sequence[Candidate]:
    """What the ranking of the role finds feasible.

    Raises:
        NoAnswerError: the role has no published models to rank.
    """
    if brief.role == "generator":
        return generator.rank(brief, keep=EVERY).candidates
    if brief.role == "finetune-base":
        from tools.roles import training  # loads when it is asked for

        return training.rank(brief, keep=EVERY).candidates
    if brief.role == "pretrain-config":
        raise NoAnswerError(
            "A model trained from scratch has no published quality to draw.",
            hint="`llm-advisor plan pretrain` tells what loss to expect.",
        )
    return encoders.rank(brief, brief.role, keep=EVERY).candidates


def _memory(candidate: Candidate, brief: Brief) -> int:
    """Bytes that are held against the room of the machine."""
    if candidate.training is not None:
        return candidate.training.estimate.total_bytes
    c = candidate.configuration
    if c is not None and c.memory is not None:
        return c.memory.total_bytes
    if c is not None and not c.spills and brief.machine is not None:
        # The ranking asked the same, so that the answer is at hand.
        found = solve(str(candidate.model_id), brief.machine, generator.ask_of(brief))
        if isinstance(found, Solution):
            return found.used_bytes
    return candidate.used_bytes


def _place(candidate: Candidate, brief: Brief) -> Place:
    c = candidate.configuration
    return Place(
        candidate.model,
        str(candidate.model_id),
        c.quant if c is not None else "",
        c.engine if c is not None else "",
        _memory(candidate, brief),
        candidate.quality.score,
        candidate.quality.spread,
        candidate.quality.measured,
        c.speed.mid if c is not None and c.speed is not None else None,
        candidate.utility,
        c.spills if c is not None else False,
    )


def with_front(places: Sequence[Place]) -> tuple[Place, ...]:
    """Marks the Pareto front.

    Args:
        places: by memory, the better first among equals.
    """
    best, marked = float("-inf"), []
    for place in places:
        marked.append(replace(place, on_front=place.score > best))
        best = max(best, place.score)
    return tuple(marked)
