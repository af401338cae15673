"""Conversations on one simulated machine with a model server beside them, for the tests of measurements."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from agent.events import Event
from agent.session import GraphSession, open_session
from tests.agent.conversing import all_of, said
from tests.fakes.retriever import FakeRetriever
from tests.tools.calibration.simulated import detected
from tools.measuring.plan import Plan

HERE = detected("RTX 3060 12GB, 32 GB RAM")
FIRST = "hf.co/bartowski/Ling-3.0-tiny-GGUF:Q8_0"
"""The tag of an option that ties for SAYS on that machine."""
QUICK = Plan(lengths=(256,), concurrency=(1,), output_tokens=16, repeats=2, seconds=60)
SAYS = "a coding assistant, personal use, 8k context, English, everything stays local, speed matters"


@asynccontextmanager
async def talking(home: Path, *, offline: bool = False, model: str = "guided") -> AsyncIterator[GraphSession]:
    """A conversation that may ask the model server on loopback."""
    session = await open_session(
        session="test", model=model, home=home, retriever=FakeRetriever(home), offline=offline
    )
    try:
        _ = [event async for event in session.open()]
        yield session
    finally:
        await session.close()


async def recommended(session: GraphSession, text: str = SAYS) -> list[Event]:
    """The turn that recommends on what was said."""
    first = await said(session, text)
    if any(event.type == "recommendation" for event in first):
        return first
    return await all_of(session.recommend())
