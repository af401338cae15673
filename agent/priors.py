"""What people plausibly answer to each question, and how likely: the table of `agent/data/priors.json`."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter

from tools.brief import Brief
from tools.needs import Needs


class Answer(BaseModel):
    """One plausible answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    value: Any
    """The slot's value, JSON-plain."""
    prior: float
    why: str
    training_text: str = ""
    """The machine for training that the answer names beside the slot's value."""


class _Given(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    tag: str
    why: str
    answers: tuple[Answer, ...] = ()
    """All answers anew."""
    priors: dict[str, float] = {}
    """New probabilities by label."""


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    answers: tuple[Answer, ...]
    given: tuple[_Given, ...] = ()


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    note: str
    slots: dict[str, _Row]


@cache
def priors() -> _Table:
    """The table, as the file has it."""
    data = resources.files("agent").joinpath("data/priors.json").read_bytes()
    return TypeAdapter(_Table).validate_json(data)


def tags_of(needs: Needs, brief: Brief) -> tuple[str, ...]:
    """What a question is worded and weighed for: role, task, what was said of the place, serving others."""
    business = needs.license is not None and needs.license.value.use == "commercial"
    datacenter = brief.machine is not None and any(d.datacenter for d in brief.machine.devices)
    said: list[str] = [brief.role]
    if needs.task is not None:
        said.append(f"task-{brief.task}")
    if needs.deployment is not None:
        said.append(needs.deployment.value.mode)
    if needs.hardware is not None and not needs.hardware.value.none:
        said.append("machine")
    if business or datacenter or brief.server:
        said.append("serving")
    return tuple(said)


def plausible(slot: str, tags: tuple[str, ...]) -> tuple[Answer, ...]:
    """The answers to a question with their probabilities under what is known; none is impossible.

    Args:
        slot: a slot with a question.
        tags: see `tags_of`; a later match in the file wins.
    """
    row = priors().slots[slot]
    answers = row.answers
    for given in row.given:
        if given.tag not in tags:
            continue
        if given.answers:
            answers = given.answers
        elif given.priors.keys() == {a.label for a in answers}:
            answers = tuple(a.model_copy(update={"prior": given.priors[a.label]}) for a in answers)
    return tuple(a for a in answers if a.prior > 0)


def every_answer(slot: str) -> tuple[Answer, ...]:
    """All answers that a question can show, whatever is known."""
    row = priors().slots.get(slot)
    if row is None:
        return ()
    return (*row.answers, *(answer for given in row.given for answer in given.answers))
