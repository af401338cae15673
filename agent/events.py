"""What a session tells its face, one object an event; `as_json` gives the lines of `chat --json`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

CONFIRM = "confirm"
"""Slot of the question whether a tool with side effects may run."""


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events."""

    type: ClassVar[str] = ""

    def as_json(self) -> dict[str, Any]:
        """The event as the command-line contract has it."""
        return {"type": self.type, **asdict(self)}


@dataclass(frozen=True, slots=True)
class Ready(Event):
    """The session is open. Nothing is asked before the first input."""

    type: ClassVar[str] = "ready"
    session: str
    mode: str
    """`guided`, `ollama` or `api`."""
    model: str | None
    note: str | None = None
    """One line on why this mode, where it was chosen for the person."""
    pull: str | None = None
    """A model that would make a better mode possible: `ollama pull PULL`."""


@dataclass(frozen=True, slots=True)
class Mode(Event):
    """Another model words the answers from now on; the conversation stays as it is."""

    type: ClassVar[str] = "mode"
    mode: str
    model: str | None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Confirm(Event):
    """Something with an effect outside the conversation waits for a yes: send the command with `confirm`."""

    type: ClassVar[str] = "confirm"
    action: str
    """`pull`."""
    model: str
    text: str
    size_bytes: int | None = None
    """Of the download, where it is known."""


@dataclass(frozen=True, slots=True)
class Progress(Event):
    """How far a download, a measurement or an evaluation is."""

    type: ClassVar[str] = "progress"
    action: str
    """`pull`, `bench` or `evaluate`."""
    model: str
    step: str
    completed_bytes: int | None = None
    total_bytes: int | None = None
    done: int | None = None
    """Requests or scenarios that are finished."""
    total: int | None = None
    seconds_left: float | None = None
    """Estimate for the rest of this model."""

    @property
    def share(self) -> float | None:
        """Between 0 and 1; None where it is not known."""
        done, total = (
            (self.completed_bytes, self.total_bytes) if self.total is None else (self.done, self.total)
        )
        return None if done is None or total is None or total <= 0 else min(1.0, done / total)


@dataclass(frozen=True, slots=True)
class Cost(Event):
    """What the conversation has taken of API models so far; local models are not counted."""

    type: ClassVar[str] = "cost"
    model: str | None
    prompt_tokens: int
    answer_tokens: int
    usd: float | None
    """None where the price of a model is not known."""
    estimated: bool
    """Part of it was counted by an estimate, because the server did not say."""
    max_usd: float | None
    """The ceiling, where there is one."""


@dataclass(frozen=True, slots=True)
class NeedsChanged(Event):
    """The slots as they stand, each `{value, source, quote}`; assumptions are beside them, in plain words."""

    type: ClassVar[str] = "needs"
    needs: dict[str, Any]
    assumptions: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Question(Event):
    """The one question of a turn."""

    type: ClassVar[str] = "question"
    slot: str
    text: str
    reason: str
    options: list[str]
    clarifies: bool = False


@dataclass(frozen=True, slots=True)
class ToolCall(Event):
    """A tool ran."""

    type: ClassVar[str] = "tool"
    name: str
    arguments: dict[str, Any]
    result: dict[str, Any]
    seconds: float


@dataclass(frozen=True, slots=True)
class Delta(Event):
    """A part of a message that is being written; the whole follows as a Message."""

    type: ClassVar[str] = "delta"
    text: str


@dataclass(frozen=True, slots=True)
class Message(Event):
    """Something the advisor says, Markdown, with the sources it rests on."""

    type: ClassVar[str] = "message"
    text: str
    citations: list[dict[str, str]] = field(default_factory=list)
    """Each `{kind, source, locator}`; a guide's locator is `file#heading:first-last`."""
    open_slot: str = ""
    """The slot of the question that stays open, of which the text reminds at its end; empty where none is."""
    facts: dict[str, Any] | None = None
    """How old the facts are that it rests on, as in every document; None where it rests on none of the
    catalog, or a recommendation tells it."""
    proposal: str = ""
    """The end of the text, where it proposes a measurement and asks for a word; empty where it does not."""


@dataclass(frozen=True, slots=True)
class Recommendation(Event):
    """The decision, as `recommend --json` prints it."""

    type: ClassVar[str] = "recommendation"
    recommendation: dict[str, Any]
    changed: str = ""
    """What is otherwise than in the last one, and why; empty for the first and where nothing was changed."""


@dataclass(frozen=True, slots=True)
class Failure(Event):
    """Something went wrong; the conversation goes on."""

    type: ClassVar[str] = "error"
    code: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Branch(Event):
    """Which branch is in view; sent where something was taken back or the branch changed."""

    type: ClassVar[str] = "branch"
    name: str
    """Empty on the main line."""
    branches: list[str]
    """All branches of the conversation, oldest first."""


@dataclass(frozen=True, slots=True)
class Status(Event):
    """What is being done now, for a sign of life; not part of the JSON lines."""

    type: ClassVar[str] = "status"
    text: str


@dataclass(frozen=True, slots=True)
class TurnEnd(Event):
    """The turn is over; input is expected."""

    type: ClassVar[str] = "turn_end"
