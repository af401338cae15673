"""Calls the program inside the test process, and a scripted session for the faces of the chat."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from agent.events import Event, Message, Ready, TurnEnd
from agent.slot_text import Editing
from tests.tui.fake_models import FakeModels
from tui.cli import main


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one call did."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on stdout."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The JSON lines on stdout."""
        return [json.loads(line) for line in self.out.split("\n") if line]


class Program:
    """`program("memory", "x", stdin=b"...")` is one call."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys, self._patch = capsys, monkeypatch

    def __call__(self, *argv: str, stdin: bytes | str | Sequence[dict[str, Any]] = b"") -> Outcome:
        if isinstance(stdin, str):
            data = stdin.encode()
        elif isinstance(stdin, bytes):
            data = stdin
        else:
            data = "".join(json.dumps(line) + "\n" for line in stdin).encode()
        self._patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        self._capsys.readouterr()
        status = main(argv)
        captured = self._capsys.readouterr()
        return Outcome(status, captured.out, captured.err)


def scripted_transcript(said: Sequence[str], **more: Any) -> dict[str, Any]:
    """A document as `agent.transcript` gives it."""
    return {
        "format": 1,
        "session": "test",
        "exported": "2026-10-01T12:00:00+00:00",
        "program": "llm-advisor 0",
        "branch": "main",
        "from": None,
        "messages": [{"role": "user", "text": text, "at": None, "citations": []} for text in said],
        "needs": {},
        "assumptions": [],
        "question": None,
        "recommendation": None,
        "branches": [],
        **more,
    }


Script = Callable[[str], Sequence[Event | Exception]]


@dataclass(slots=True)
class FakeSession:
    """A session that answers from a script; raises where the script holds an exception."""

    script: Script = lambda text: [Message(f"heard {text}")]
    said: list[str] = field(default_factory=list)
    closed: bool = False
    models: FakeModels = field(default_factory=FakeModels)

    async def _play(self, events: Sequence[Event | Exception]) -> AsyncIterator[Event]:
        for event in events:
            if isinstance(event, Exception):
                raise event
            yield event

    async def open(self) -> AsyncIterator[Event]:
        yield Ready("test", "guided", None)

    async def say(self, text: str) -> AsyncIterator[Event]:
        self.said.append(text)
        async for event in self._play([*self.script(text), TurnEnd()]):
            yield event

    async def recommend(self) -> AsyncIterator[Event]:
        async for event in self.say("(recommend)"):
            yield event

    async def change(self, slot: str, text: str) -> AsyncIterator[Event]:
        self.said.append(f"change {slot} {text}".strip())
        yield TurnEnd()

    def editing(self, slot: str) -> Editing:
        return Editing("as it stands", ())

    async def undo(self) -> AsyncIterator[Event]:
        async for event in self.say("(undo)"):
            yield event

    async def branch(self, name: str) -> AsyncIterator[Event]:
        async for event in self.say(f"(branch {name})"):
            yield event

    async def leave(self) -> AsyncIterator[Event]:
        async for event in self.say("(return)"):
            yield event

    async def close(self) -> None:
        self.closed = True

    def passage(self, locator: str, quote: str = "") -> dict[str, Any] | None:
        return None

    def history(self) -> list[dict[str, Any]]:
        return []

    async def transcript(self) -> dict[str, Any]:
        return scripted_transcript(self.said)
