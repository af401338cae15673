"""Runs turns one after the other: what waits, what runs, and how it is stopped."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal, Protocol

from agent.events import Event, Failure

log = logging.getLogger("llm_advisor.tui")


@dataclass(frozen=True, slots=True)
class Input:
    """Something for the session to do."""

    kind: Literal["open", "say", "recommend", "change", "undo", "branch", "return", "model", "pull", "cost"]
    text: str = ""
    """What is said, the new value of a need, or the name of the branch or model."""
    slot: str = ""
    """Of `change`: the need; its empty text takes it back."""
    confirmed: bool = False
    """Of `pull`: the person said yes."""

    @property
    def on_model(self) -> bool:
        """Whether it is about the model behind the conversation and not a part of what is said."""
        return self.kind in ("model", "pull", "cost")

    @property
    def words(self) -> str:
        """What is said or asked for, in words."""
        if self.kind == "change":
            return f"{self.slot.replace('_', ' ')}: {self.text or 'take back what was said'}"
        return self.text or self.kind

    @property
    def travels(self) -> bool:
        """Whether it goes to another point of the conversation, which is then shown anew."""
        return self.kind in ("undo", "branch", "return")


BRANCH = "/branch "


class TurnView(Protocol):
    """What a turn is shown on."""

    async def turn_began(self, given: Input) -> None: ...

    async def turn_event(self, event: Event) -> None: ...

    async def turn_ended(self, given: Input, *, failed: bool, stopped: bool) -> None: ...


class Turns:
    """The queue of inputs. `run` is given to a worker and handles them until none is left."""

    def __init__(self, view: TurnView, source: Callable[[Input], AsyncGenerator[Event, None]]) -> None:
        self._view = view
        self._source = source
        self.waiting: list[Input] = []
        self.running: Input | None = None
        self.active = False
        """Somebody goes through the queue; also between two turns and while one is cleaned up."""

    async def run(self) -> None:
        """Handle what waits, in order. Cancelling stops the running turn and drops nothing that waits."""
        self.active = True
        try:
            while self.waiting:
                await self._turn(self.waiting.pop(0))
        finally:
            self.active = False

    def take_back(self) -> list[Input]:
        """Remove and return everything that waits."""
        taken, self.waiting = self.waiting, []
        return taken

    async def _turn(self, given: Input) -> None:
        self.running = given
        answered = failed = False
        stopped = True
        try:
            await self._view.turn_began(given)
            async with aclosing(self._source(given)) as events:
                async for event in events:
                    failed = failed or isinstance(event, Failure)
                    answered = answered or event.type in {"message", "question", "recommendation"}
                    await self._view.turn_event(event)
            stopped = False
        except Exception as error:
            stopped, failed = False, True
            log.exception("a turn failed")
            await self._view.turn_event(describe(error))
        finally:
            self.running = None
            await self._view.turn_ended(given, failed=failed and not answered, stopped=stopped)


def describe(error: Exception) -> Failure:
    """Any exception as something a person can read; its details are in the log."""
    message, hint = getattr(error, "message", None), getattr(error, "hint", None)
    if isinstance(message, str) and isinstance(hint, str):
        return Failure(str(getattr(error, "code", "error")), message, hint)
    return Failure(
        "internal",
        f"Something went wrong inside the advisor ({type(error).__name__}).",
        "What you typed is back below; send it again, or open the log with Ctrl+L.",
    )
