"""What a conversation keeps between turns: small, JSON-plain and versioned, so that any checkpoint can be
read again.

Recommendations are not kept: they are computed again from the needs, which always gives the same answer.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NotRequired, TypedDict

from tools.evaluated import Evaluated
from tools.needs import Needs

VERSION = 2
"""Raised with every change that an older program would misread; see `agent.migrations`."""


class Spoken(TypedDict):
    """One message of the transcript."""

    role: str
    """`user` or `advisor`."""
    text: str
    at: NotRequired[str]
    """When it was said, ISO 8601 in UTC; missing in conversations from before version 2."""
    citations: NotRequired[list[dict[str, str]]]
    """Each `{kind, source, locator}`; missing where there are none."""
    deed: NotRequired[bool]
    """It tells of something done outside the conversation, which undo does not undo."""


class Pending(TypedDict):
    """The question that waits for an answer."""

    slot: str
    text: str
    options: list[str]
    clarifies: bool
    reason: str
    settles: NotRequired[dict[str, dict[str, Any]]]
    """What each option of a contradiction puts into slots (None clears one), by the option."""


class Moment(TypedDict):
    """The conversation before a turn, to go back to."""

    state: dict[str, Any]
    """What differs from the moment after it; all of it in the newest one."""
    messages: int
    """How many messages there were."""


class Line(TypedDict):
    """A line of the conversation that is not in view: the main one, or a branch."""

    path: list[str]
    """Branches from the main line to this one; it is the last."""
    state: dict[str, Any]
    messages: list[Spoken]
    earlier: list[Moment]


class Outcome(TypedDict, total=False):
    """What a turn comes to, before it is worded."""

    kind: str
    """`question`, `recommendation` or `reply`."""
    slot: str
    text: str
    reason: str
    options: list[str]
    clarifies: bool
    settles: dict[str, dict[str, Any]]
    again: bool
    """The question that waits is shown once more, and stays as it is."""
    citations: list[dict[str, str]]
    remarks: list[str]
    """Things to say first: what was noticed, left out or corrected."""
    decided: str
    """What a measurement decided, in a sentence or two."""
    preface: str
    """An answer that comes before the question or recommendation of the same turn, with `citations`."""
    ask_model: str
    """The free question, where a language model may answer it with tools."""
    wish: dict[str, Any]
    """`{tool, arguments}` that a model would call and a person has to be asked about."""
    keeps: bool
    """The question that waits stays open beside the recommendation."""
    deed: bool
    """A tool with side effects has run."""
    hypothetical: dict[str, Any]
    """Needs of a what-if; the conversation's own needs stay as they are."""


class About(TypedDict, total=False):
    """What the last question was about, so that `and on a 4090?` can be about the same."""

    topic: str
    """A topic of `agent/data/topics.json`, or of a plan (`tokens.exchanges`)."""
    models: list[str]
    arguments: dict[str, Any]
    """Of a plan, with which it was answered."""


class Offer(TypedDict, total=False):
    """A measurement that was proposed with its time and cost, and waits for a word of the person."""

    tool: str
    """`bench` or `evaluate`."""
    models: list[dict[str, str]]
    """Each `{model, model_id, tag}`: the name for people, the hub id, and how it is asked (`bench`: its name
    at Ollama; `evaluate`: as LiteLLM takes it). Empty where something has to be pulled first."""
    machine: str
    """Key of this machine."""
    rubric: str
    """Of `evaluate`: a file, or the name of an example."""
    judge: str
    """The model that decides what no rule does; empty where the rubric needs none."""
    max_usd: float
    """Most that it may cost, as it was told; missing where it is free."""
    tune: bool
    """Of `evaluate`: it is to tell whether a fine-tune is worth it."""
    named: list[str]
    """Of `bench`: the models as the person wrote them; missing where they are those of the recommendation."""
    fresh: bool
    """It was made in the last turn, so that a bare yes means it."""


class State(TypedDict, total=False):
    """The graph's state."""

    version: int
    needs: dict[str, Any]
    asked: list[str]
    clarified: list[str]
    pending: Pending | None
    messages: list[Spoken]
    last: list[str]
    """Models of the last recommendation in rank order."""
    led: list[str]
    """The first model of each recommendation so far, oldest first, each change once."""
    answered: bool
    """A recommendation was given, even if it was that nothing fits."""
    about: About | None
    """The question that was answered last; None where the last message asked nothing."""
    wish: dict[str, Any] | None
    """`{tool, arguments}` that waits for the person's yes."""
    offered: Offer | None
    """The measurement that would decide; None where none was proposed with the last recommendation."""
    evaluated: list[dict[str, Any]]
    """What options passed of scenarios, each a `tools.evaluated.Evaluated`; dropped with its task."""
    spent: dict[str, Any]
    """What API models took so far, see `agent.cost.Account`; never taken back."""
    earlier: list[Moment]
    """The moments before the last turns, oldest first."""
    path: list[str]
    """The branch in view, with the branches that it came from before it; empty on the main line."""
    lines: dict[str, Line]
    """The lines that are not in view, by name; the main line is the empty name."""
    input: dict[str, Any]
    route: str
    outcome: Outcome


def first_state() -> State:
    """The state of a conversation in which nothing was said."""
    return State(
        version=VERSION,
        needs={},
        asked=[],
        clarified=[],
        pending=None,
        messages=[],
        last=[],
        led=[],
        answered=False,
        about=None,
        wish=None,
        offered=None,
        evaluated=[],
        spent={},
        earlier=[],
        path=[],
        lines={},
        input={},
        route="",
        outcome={},
    )


def spoken(role: str, text: str, citations: list[dict[str, str]] | None = None) -> Spoken:
    """A message said now."""
    said = Spoken(role=role, text=text, at=datetime.now(UTC).isoformat(timespec="seconds"))
    if citations:
        said["citations"] = citations
    return said


def needs_of(state: State, said: dict[str, Any] | None = None) -> Needs:
    """The slots of a state, typed again, with what was evaluated.

    Args:
        state: the conversation.
        said: other slots in the place of its own, such as those of a what-if.
    """
    evaluated = tuple(Evaluated.model_validate(row) for row in state.get("evaluated") or ())
    return Needs.model_validate(state.get("needs", {}) if said is None else said).knowing(evaluated)


def is_answered(state: State) -> bool:
    """Whether there is a recommendation that questions and changes can be about."""
    return state.get("answered", False) or bool(state.get("last"))
