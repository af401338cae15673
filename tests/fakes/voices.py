"""A real voice against a fake server, for the tests of both providers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agent.events import Delta, Event, Failure, Status, ToolCall
from agent.llm import LiteLlmVoice
from knowledge.corpus import load_guides
from knowledge.retrieval import Retriever
from tests.fakes.model_script import Answer
from tests.fakes.model_server import FakeModelServer, FakeOllama, FakeOpenAI
from tests.fakes.retriever import FakeRetriever
from tests.knowledge.fakes import FakeEmbedder, write_guides
from tools.model_calls.client import Limits

KEY = "sk-test-1234567890"
MODELS = {"ollama": "ollama_chat/fake", "openai": "openai/fake"}


class FakeSmallRetriever(FakeRetriever):
    """Two small guides, searched by words."""

    def __init__(self, home: Path) -> None:
        guides = load_guides([write_guides(home / "guides")])
        Retriever.__init__(self, guides, home / "index", FakeEmbedder())


@dataclass(slots=True)
class Stage:
    """A voice, the server behind it, and what it sent."""

    server: FakeModelServer
    voice: LiteLlmVoice
    events: list[Event] = field(default_factory=list)

    def emit(self, event: Event) -> None:
        self.events.append(event)

    @property
    def streamed(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, Delta))

    @property
    def tools(self) -> list[ToolCall]:
        return [event for event in self.events if isinstance(event, ToolCall)]

    @property
    def failures(self) -> list[Failure]:
        return [event for event in self.events if isinstance(event, Failure)]

    @property
    def steps(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Status)]

    def sent(self, request: int) -> str:
        """All text of a request."""
        return "\n".join(str(message["content"]) for message in self.server.requests[request]["messages"])


def point_at(server: FakeModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets the environment of the providers."""
    monkeypatch.setenv("OLLAMA_API_BASE", server.url)
    monkeypatch.setenv("OPENAI_API_BASE", f"{server.url}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


@asynccontextmanager
async def stage(
    provider: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *replies: Answer,
    limits: Limits | None = None,
    **server: Any,
) -> AsyncIterator[Stage]:
    """A voice of `provider` against a server with these replies; everything is closed at the end."""
    fake = FakeOllama(*replies, **server) if provider == "ollama" else FakeOpenAI(*replies, **server)
    with fake:
        point_at(fake, monkeypatch)
        voice = LiteLlmVoice(MODELS[provider], FakeSmallRetriever(folder), limits)
        try:
            yield Stage(fake, voice)
        finally:
            await voice.close()
