"""What a language model may do in a conversation: word what code decided, and answer with the tools.

The graph knows this protocol only; `agent.llm` fulfils it through LiteLLM. Guided mode has no voice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from agent.events import Event
from agent.understanding import Asked
from agent.understanding.by_model import Inferred
from tools.model_calls.errors import ModelError
from tools.needs import Needs

GUIDED = "This turn goes on in guided mode."
Emit = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """A tool with side effects or cost that the model would call; it runs when the person says yes."""

    tool: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Spoken:
    """An answer of the model, already held against what the tools gave; with a wish there is no text yet."""

    text: str
    citations: list[dict[str, str]] = field(default_factory=list)
    wish: Wish | None = None


VoiceError = ModelError
"""The model cannot be used for this turn; the guided wording stands."""


def hint_in_turn(error: VoiceError) -> str:
    """The hint of a failure, and how the turn goes on."""
    return f"{error.hint} {GUIDED}" if error.gave_up else error.hint


class Voice(Protocol):
    """A language model behind the conversation."""

    @property
    def model(self) -> str:
        """Its name, as LiteLLM takes it."""
        ...

    async def understand(self, text: str, needs: Needs, asked: Asked | None, emit: Emit) -> Inferred | None:
        """What a message says, for what the built-in parser left unread.

        Never raises: where the model fails or takes too long, the parser's reading is all there is (None),
        and what has failed shows when the answer is worded.

        Args:
            text: the message.
            needs: what is known so far.
            asked: the pending question, if any.
            emit: takes the Status events meanwhile.
        """
        ...

    async def word(self, draft: str, emit: Emit, said: str = "") -> str:
        """The draft in other words, with its numbers, names and commands unchanged.

        Args:
            draft: what is to be said.
            emit: takes the Delta events meanwhile.
            said: what the person wrote last, for its language.

        Raises:
            VoiceError: the model failed, or its wording held something that the draft does not.
        """
        ...

    async def answer(
        self, question: str, needs: Needs, draft: str, emit: Emit, conversation: str = ""
    ) -> Spoken:
        """Answers a free question in a bounded loop over the tools; sends ToolCall and Delta events
        meanwhile.

        Args:
            question: what is asked.
            needs: the slots.
            draft: what the advisor would say without a model.
            emit: takes the events.
            conversation: what was said and decided before, see `agent.context`; empty where nothing was.

        Raises:
            VoiceError: the model failed, or its answer held something that no tool gave.
        """
        ...

    def warm(self) -> None:
        """Begins to load in the background what the first turn needs; returns at once."""
        ...

    async def rest(self) -> None:
        """Stops what runs in the background, because another model takes over."""
        ...

    async def close(self) -> None:
        """Lets go of connections."""
        ...
