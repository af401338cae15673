"""What understanding a message yields: typed slot updates, an intent, and what was left open."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from tools.needs import Slot

Intent = Literal[
    "give_needs",
    "answer",
    "ask",
    "what_if",
    "critique",
    "change",
    "recommend_now",
    "no_preference",
    "off_topic",
    "greeting",
    "thanks",
    "help",
    "quit",
]
INTENTS: tuple[Intent, ...] = get_args(Intent)
Critique = Literal[
    "smaller",
    "faster",
    "longer_context",
    "larger",
    "freer_license",
    "cheaper",
    "better_quality",
    "newer",
    "other_model",
]
Updates = dict[str, Slot[Any]]


@dataclass(frozen=True, slots=True)
class Asked:
    """The pending question: its slot and the options shown with it, in order."""

    slot: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LastAnswer:
    """The last recommendation: model names or catalog ids in rank order."""

    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two values that do not go together; `earlier` where the first stood before this message."""

    slot: str
    first: str
    second: str
    earlier: bool = False
    quotes: tuple[str, str] = ("", "")
    """The words that said each."""


@dataclass(frozen=True, slots=True)
class Ambiguity:
    """A mention that could mean several things."""

    slot: str
    mention: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mentions:
    """Models (catalog ids, or sizes like `70B` where no model of that name is known) and machines named."""

    models: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    sizes_b: tuple[float, ...] = ()
    accelerators: tuple[str, ...] = ()
    ranks: tuple[int, ...] = ()
    """Places in the last recommendation that were pointed at, from 1 (`the second one` is 2)."""


@dataclass(frozen=True, slots=True)
class Understanding:
    """A message as the conversation uses it; `updates` are to be put over the needs as they are."""

    updates: Updates = field(default_factory=dict)
    cleared: tuple[str, ...] = ()
    intent: Intent = "off_topic"
    question: str | None = None
    option: str | None = None
    """The option of the pending question that was picked, by its words, number or place."""
    hypothetical: Updates = field(default_factory=dict)
    """What a what-if supposes; never to be kept as a need."""
    mentions: Mentions = Mentions()
    critiques: tuple[Critique, ...] = ()
    """What is wrong with the last recommendation; `smaller and cheaper` are two."""
    conflicts: tuple[Conflict, ...] = ()
    ambiguous: tuple[Ambiguity, ...] = ()
    notes: tuple[str, ...] = ()
    aside: str | None = None
    """What an off-topic message is (`agent.understanding.asides`), where that is known."""
    correcting: bool = False
    """The message says that it takes something back (`actually`, `no, make that`)."""
    insists: bool = False
    """The recommendation is wanted at once, whatever is still open."""
    plan: str | None = None
    """The topic of a plan that the message asks about (`tokens.exchanges`), see `plan_questions`."""
    asked_of: Updates = field(default_factory=dict)
    """What the whole message says, its questions too, for a plan that it asks about; never kept as a need."""

    @property
    def critique(self) -> Critique | None:
        """The first critique."""
        return next(iter(self.critiques), None)
