"""Shows a reply while it comes in, sentence by sentence, and each only when it holds.

What was shown cannot be taken back from a pipe, a log or a person's memory: a figure that rests on nothing
must not stand there until the whole answer is checked.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable

from agent.events import Delta
from agent.text_calls import is_call_like, may_be_call
from agent.voice import Emit

Check = Callable[[str], list[str]]
"""What of a text rests on nothing. It runs in a thread."""
_END = re.compile(r"\n|[.!?:][*_)\"]*\s+(?=[^\s\[])|[\u3002\uff01\uff1f]")
"""Behind a sentence, with the marks that follow its full stop."""


class Gate:
    """Lets the sentences of one reply through until the first one that does not hold."""

    def __init__(self, emit: Emit, check: Check) -> None:
        """
        Args:
            emit: takes the Delta events.
            check: what a sentence is held against.
        """
        self._emit = emit
        self._check = check
        self._held = ""
        self._begun = False
        self._closed = False
        self._task: asyncio.Task[None] | None = None

    def feed(self, piece: str) -> None:
        """Takes a piece of the reply; never waits."""
        self._held += piece
        self._wake()

    async def finish(self) -> None:
        """Shows the rest, if it holds; call it where the reply is an answer to its end."""
        while self._task is not None:
            await self._task
        rest, self._held = self._held, ""
        if rest and not self._closed:
            await self._pass(rest)

    async def stop(self) -> None:
        """Shows nothing more."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _wake(self) -> None:
        if self._closed or self._task is not None:
            return
        part = self._next_sentence()
        if part:
            self._held = self._held[len(part) :]
            self._task = asyncio.create_task(self._pass_on(part), name="gate")

    def _next_sentence(self) -> str:
        """What is held up to the end of a sentence; code only as a whole."""
        if not self._begun and may_be_call(self._held):
            return ""
        self._begun = True
        for match in _END.finditer(self._held):
            part = self._held[: match.end()]
            if part.count("```") % 2 == 0 and part.replace("```", "").count("`") % 2 == 0:
                return part
        return ""

    async def _pass_on(self, part: str) -> None:
        await self._pass(part)
        self._task = None
        self._wake()

    async def _pass(self, part: str) -> None:
        found = await asyncio.to_thread(self._check, part) if part.strip() else []
        if found or is_call_like(part):
            self._closed = True
        elif not self._closed:
            self._emit(Delta(part))
