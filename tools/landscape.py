"""Every model that meets some needs, each in its best configuration: memory against expected quality.

The ranking itself is asked for all that it finds feasible, not for the few that a recommendation shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from knowledge.errors import NoAnswerError
from tools.brief import Brief, brief_of
from tools.budget import room_of
from tools.candidates import Candidate
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
    """On the accelerators and beside them, or in training where it is to be trained."""
    score: float
    """Expected quality, 0 to 100, after what the quantization costs."""
    spread: float
    """One standard deviation of it, in points."""
    measured: bool
    tokens_per_second: float | None
    utility: float
    """What the ranking goes by."""
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
    places = sorted(map(_place, _candidates(brief)), key=lambda place: (place.memory_bytes, -place.score))
    room = room_of(machine, server=brief.server)
    return Landscape(with_front(places), room.total_bytes, machine.name, brief.task, trained)


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


def _place(candidate: Candidate) -> Place:
    c, training = candidate.configuration, candidate.training
    full = c.memory.total_bytes if c is not None and c.memory is not None else 0
    return Place(
        candidate.model,
        str(candidate.model_id),
        c.quant if c is not None else "",
        c.engine if c is not None else "",
        training.estimate.total_bytes if training is not None else candidate.used_bytes or full,
        candidate.quality.score,
        candidate.quality.spread,
        candidate.quality.measured,
        c.speed.mid if c is not None and c.speed is not None else None,
        candidate.utility,
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
