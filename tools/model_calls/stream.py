"""Reading what a model streams: reasoning left out, tool calls put together."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from tools.model_calls.loose_json import read_object

TAGS = ("think", "thinking", "thought", "reasoning")
_OPENING = tuple(f"<{tag}>" for tag in TAGS)
_CLOSING = tuple(f"</{tag}>" for tag in TAGS)


class ThinkFilter:
    """Leaves reasoning between tags out of a stream, wherever the chunks are cut.

    LiteLLM and ChatOllama only see tags that arrive whole (https://github.com/BerriAI/litellm/pull/20822).
    """

    def __init__(self) -> None:
        self._held = ""
        self._inside = False
        self.text = ""
        """What is visible so far."""

    def feed(self, piece: str) -> str:
        """The part of the stream that is now known to be visible."""
        self._held += piece
        before = len(self.text)
        while self._step():
            pass
        return self.text[before:] if len(self.text) > before else ""

    def finish(self) -> str:
        """What was held back as the possible beginning of a tag."""
        rest, self._held = ("" if self._inside else self._held), ""
        self.text += rest
        return rest

    def _step(self) -> bool:
        """Moves past the next tag; False where there is none."""
        place, tag = _first(self._held, _CLOSING if self._inside else (*_OPENING, *_CLOSING))
        if tag:
            if tag in _OPENING:
                self.text += self._held[:place]
            elif not self._inside:
                # The opening tag was part of the prompt, as with DeepSeek R1: all before was reasoning.
                self.text = ""
            self._inside = tag in _OPENING
            self._held = self._held[place + len(tag) :]
            return True
        keep = _tag_beginning(self._held)
        if not self._inside:
            self.text += self._held[: len(self._held) - keep]
        self._held = self._held[len(self._held) - keep :]
        return False


def _first(text: str, tags: tuple[str, ...]) -> tuple[int, str]:
    """The place of the first tag and the tag, or (-1, "")."""
    found = [(place, tag) for tag in tags if (place := text.find(tag)) >= 0]
    return min(found, default=(-1, ""))


def _tag_beginning(text: str) -> int:
    """How many of the last characters may be the beginning of a tag."""
    tags = (*_OPENING, *_CLOSING)
    longest = max(map(len, tags)) - 1
    for length in range(min(longest, len(text)), 0, -1):
        if any(tag.startswith(text[-length:]) for tag in tags):
            return length
    return 0


@dataclass(slots=True)
class Call:
    """A tool call: the arguments as JSON text, until they are read."""

    id: str
    name: str
    arguments: str = ""
    index: int = 0

    def read(self) -> dict[str, Any]:
        """The arguments.

        Raises:
            ValueError: they are no JSON object.
        """
        return read_object(self.arguments) if self.arguments.strip() else {}

    def as_message(self) -> dict[str, Any]:
        """The call as it goes back to the model; arguments that could not be read go back empty."""
        try:
            arguments = json.dumps(self.read())
        except ValueError:
            arguments = "{}"
        return {"id": self.id, "type": "function", "function": {"name": self.name, "arguments": arguments}}


@dataclass(slots=True)
class CallBuffer:
    """Puts the pieces of tool calls together.

    OpenAI streams a call in pieces that share an index, and only the first has a name; Ollama sends whole
    calls that may all have index 0, without an id where there are no arguments.
    """

    calls: list[Call] = field(default_factory=list)

    def add(self, index: int, call_id: str | None, name: str | None, arguments: str | None) -> None:
        """Takes one piece."""
        last = next((call for call in reversed(self.calls) if call.index == index), None)
        same = last is not None and (not name or (bool(call_id) and call_id == last.id))
        if last is not None and same:
            last.arguments += arguments or ""
        elif name:
            self.calls.append(Call(call_id or f"call_{secrets.token_hex(6)}", name, arguments or "", index))
