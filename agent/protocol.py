"""What a face needs from a conversation; `agent.session` fulfils it, tests fulfil it with a scripted one.

Importing this module costs nothing: a face can be written against it before anything heavy is loaded.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol

from agent.events import Cost, Event


class Editing(Protocol):
    """How a need is edited in place."""

    @property
    def text(self) -> str:
        """The value as it stands; empty where there is none."""
        ...

    @property
    def suggestions(self) -> tuple[str, ...]:
        """Plausible values, each read as it is."""
        ...


class Models(Protocol):
    """The model behind a conversation."""

    def switch(self, model: str) -> AsyncIterator[Event]:
        """Another model from now on (`guided`, `auto` or a LiteLLM model); ends with TurnEnd."""
        ...

    def pull(self, name: str, *, confirmed: bool = False) -> AsyncIterator[Event]:
        """Downloads a model into Ollama and uses it; unconfirmed it only asks. Ends with TurnEnd."""
        ...

    def spent(self) -> Cost:
        """What the conversation cost so far."""
        ...


class Session(Protocol):
    """One conversation."""

    @property
    def models(self) -> Models:
        """The model behind it."""
        ...

    def open(self) -> AsyncIterator[Event]:
        """Start or resume: Ready first, then what a resumed session already said."""
        ...

    def say(self, text: str) -> AsyncIterator[Event]:
        """One turn, which ends with TurnEnd; cancelling the iteration stops it."""
        ...

    def recommend(self) -> AsyncIterator[Event]:
        """Have the answer now, with assumptions for what is not known."""
        ...

    def change(self, slot: str, text: str) -> AsyncIterator[Event]:
        """Changes one need to what the text says as its value; an empty text takes it back.

        Gives the needs, and the recommendation anew where one was given. What cannot be read is told as a
        Failure and changes nothing. Ends with TurnEnd.
        """
        ...

    def editing(self, slot: str) -> Editing:
        """The value of a need in words that `change` reads back, with plausible other values."""
        ...

    def undo(self) -> AsyncIterator[Event]:
        """Takes the last turn back; can be repeated. Ends with TurnEnd, as the two below do."""
        ...

    def branch(self, name: str) -> AsyncIterator[Event]:
        """Goes into the branch `name`, a new one where there is none."""
        ...

    def leave(self) -> AsyncIterator[Event]:
        """Returns from the branch to the line that it came from."""
        ...

    async def close(self) -> None:
        """Let go of files and child processes; what was said is already saved."""
        ...

    def passage(self, locator: str, quote: str = "") -> dict[str, Any] | None:
        """The guide passage `file#heading:first-last`: the document of `guides show`; or None.

        `quote` is the citation's, where it has one: a guide that has changed is noticed by it.
        """
        ...

    def history(self) -> list[dict[str, Any]]:
        """What was said, oldest first: `{"role": "user" | "advisor", "text", "citations", "at"}`."""
        ...

    async def transcript(self) -> dict[str, Any]:
        """All there is to export, see `agent.transcript`."""
        ...


SessionFactory = Callable[[], Awaitable[Session]]
"""Makes a session; called after the first frame, so it may import what it needs."""
