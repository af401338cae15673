"""Two conversations over one state folder, in each of which a turn runs at the same time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agent.events import Event, Failure, Recommendation
from agent.protocol import Session
from agent.session import open_session
from agent.sessions import SessionQuery, show_session
from knowledge.home import HOME_VARIABLE
from tests.fakes.voices import FakeSmallRetriever
from tui.bridge import Bridge

SAID = {"one": "a chatbot on my RTX 3060 12GB", "two": "search over 50,000 tickets on my RTX 4090"}


async def talked(name: str, folder: Path) -> list[Event]:
    """A conversation to its recommendation, in a thread of its own as behind a screen."""

    async def opens() -> Session:
        retriever = FakeSmallRetriever(folder / name)
        return await open_session(model="guided", session=name, home=folder, retriever=retriever)

    bridge = Bridge(opens)
    bridge.start()
    try:
        events = [event async for event in bridge.open()]
        events += [event async for event in bridge.say(SAID[name])]
        return events + [event async for event in bridge.recommend()]
    finally:
        await bridge.close()


async def test_both_answer_and_both_are_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    for events in await asyncio.gather(*(talked(name, tmp_path) for name in SAID)):
        assert not [event for event in events if isinstance(event, Failure)]
        assert [event for event in events if isinstance(event, Recommendation)]
    for name, said in SAID.items():
        query = SessionQuery(name=name)
        document = await asyncio.to_thread(show_session, query, offline=True)
        assert document["messages"][0]["text"] == said
        assert document["recommendation"]["candidates"]
