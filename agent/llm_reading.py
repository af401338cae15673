"""A message read by a language model: one request for a form, one repair with the mistakes named."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from agent.prompts import prompt
from agent.understanding import Asked
from agent.understanding.by_model import Inferred, accepted, fields_told, schema
from agent.voice import VoiceError
from tools.model_calls.client import Reply
from tools.model_calls.loose_json import read_object
from tools.needs import Needs

MOST_READ = 4_000
"""Characters of a message that a model reads."""
PATIENCE = 2
"""Messages in a row that took too long, after which a model is not asked to read any more."""
Messages = list[dict[str, Any]]
Ask = Callable[[Messages, dict[str, Any]], Awaitable[Reply]]
"""One request, with the form of its answer."""
_log = logging.getLogger(__name__)


class Reader:
    """Asks a model what a message says."""

    def __init__(self, ask: Ask, seconds: float) -> None:
        """
        Args:
            ask: sends a request.
            seconds: for a message, repair and all.
        """
        self._ask = ask
        self._seconds = seconds
        self._late = 0

    @property
    def ready(self) -> bool:
        """Whether it is worth asking: a model that was too slow twice would only make the person wait."""
        return self._seconds > 0 and self._late < PATIENCE

    async def read(self, text: str, needs: Needs, asked: Asked | None) -> Inferred | None:
        """What the message says; None where the model failed, took too long or gave nothing that holds."""
        try:
            async with asyncio.timeout(self._seconds):
                found = await self._read(text, needs, asked)
        except TimeoutError:
            self._late += 1
            return None
        except VoiceError as error:
            if error.code == "timeout":
                self._late += 1
            _log.info("the message was not read: %s", error.code)
            return None
        self._late = 0
        return found

    async def _read(self, text: str, needs: Needs, asked: Asked | None) -> Inferred | None:
        message = text[:MOST_READ]
        messages = _opening(message, needs, asked)
        reply = await self._ask(messages, schema())
        found, problems = _held(reply.text, message)
        if not problems:
            return found
        listed = "\n".join(f"- {problem}" for problem in problems)
        wrong = f"That has mistakes:\n{listed}\n\nAnswer with the whole JSON object again, without them."
        turns = [{"role": "assistant", "content": reply.text[:MOST_READ]}, {"role": "user", "content": wrong}]
        again = await self._ask([*messages, *turns], schema())
        repaired, _ = _held(again.text, message)
        return repaired or found


def _opening(message: str, needs: Needs, asked: Asked | None) -> Messages:
    known = {slot: said["value"] for slot, said in needs.as_json().items()}
    parts = [f"Known so far: {json.dumps(known, ensure_ascii=False)}"]
    if asked is not None:
        options = f" Options: {'; '.join(asked.options)}." if asked.options else ""
        parts.append(f"The advisor has just asked about `{asked.slot}`.{options}")
    parts.append(f"The message, as JSON text:\n{json.dumps(message, ensure_ascii=False)}")
    system = prompt("understand").replace("{fields}", fields_told())
    return [{"role": "system", "content": system}, {"role": "user", "content": "\n\n".join(parts)}]


def _held(text: str, message: str) -> tuple[Inferred | None, tuple[str, ...]]:
    """What holds of an answer, and what is wrong with it."""
    try:
        document = read_object(text)
    except ValueError as error:
        return None, (f"{error}",)
    found = accepted(document, message)
    return found, found.problems
