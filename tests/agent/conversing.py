"""Holding guided conversations in tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeVar

from agent.events import Event, Message, Question, Recommendation
from agent.session import GraphSession, open_session
from tests.fakes.retriever import FakeRetriever

E = TypeVar("E", bound=Event)
NEEDS = "chat on an RTX 3090, personal use, 8k context, English, everything stays local, quality matters"


async def opened(home: Path, name: str = "test", *, offline: bool = True) -> tuple[GraphSession, list[Event]]:
    """A guided session and what it said at opening."""
    session = await open_session(session=name, home=home, retriever=FakeRetriever(home), offline=offline)
    return session, [event async for event in session.open()]


async def said(session: GraphSession, text: str) -> list[Event]:
    """The events of one turn."""
    return await all_of(session.say(text))


async def all_of(events: AsyncIterator[Event]) -> list[Event]:
    return [event async for event in events]


def of(events: list[Event], kind: type[E]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def words(events: list[Event]) -> str:
    """What a person reads in a turn."""
    return "\n".join(event.text for event in events if isinstance(event, Message | Question))


def models(events: list[Event]) -> list[str]:
    """The models of the turn's recommendation, best first."""
    (found,) = of(events, Recommendation)
    return [candidate["model"] for candidate in found.recommendation["candidates"]]


def set_aside(home: Path) -> list[bytes]:
    """What the files of conversations held that were set aside as damaged, without SQLite's side files."""
    found = home.glob("sessions.sqlite.damaged-*")
    return [path.read_bytes() for path in found if not path.name.endswith(("-wal", "-shm"))]
