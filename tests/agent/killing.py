"""A scripted conversation with a slow model, in a process of its own that can be killed at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import agent.graph
import agent.nodes  # noqa: F401 - loaded once, before the processes are forked
from agent.events import Delta, Event, TurnEnd
from agent.session import GraphSession, open_session
from agent.understanding import Asked
from agent.understanding.by_model import Inferred
from agent.voice import Emit, Spoken
from tests.agent.conversing import NEEDS
from tests.eval.conversation import fixed_machine
from tests.fakes.retriever import FakeRetriever, _guides
from tools.needs import Needs

_guides()
PAUSE = 0.01
TURNS = 8


class FakeSlowVoice:
    """Words drafts as they are, a piece at a time."""

    model = "fake"

    async def word(self, draft: str, emit: Emit, said: str = "") -> str:
        for at in range(0, len(draft), len(draft) // 4 + 1):
            await asyncio.sleep(PAUSE)
            emit(Delta(draft[at : at + len(draft) // 4 + 1]))
        return draft

    async def understand(self, text: str, needs: Needs, asked: Asked | None, emit: Emit) -> Inferred | None:
        return None

    async def answer(
        self, question: str, needs: Needs, draft: str, emit: Emit, conversation: str = ""
    ) -> Spoken:
        return Spoken(await self.word(draft, emit))

    def warm(self) -> None:
        """Nothing to load."""

    async def rest(self) -> None:
        """Nothing to stop."""

    async def close(self) -> None:
        """Nothing to close."""


def turn(session: GraphSession, number: int) -> AsyncIterator[Event]:
    """The turn of that number, 0 to TURNS - 1."""
    match number:
        case 0:
            return session.say(NEEDS)
        case 1:
            return session.recommend()
        case 2:
            return session.say("why not Llama 3.3 70B?")
        case 3:
            return session.branch("aside")
        case 4:
            return session.say("I have two RTX 4090 instead")
        case 5:
            return session.leave()
        case 6:
            return session.undo()
    return session.say("16k context please")


def stands(session: GraphSession) -> dict[str, Any]:
    """All that must not be lost, without the times."""
    state: dict[str, Any] = {**session._state, "input": None, "route": None}
    text = [[m["role"], m["text"]] for m in state.pop("messages")]
    lines = {name: len(line["messages"]) for name, line in state.pop("lines").items()}
    earlier = [moment["messages"] for moment in state.pop("earlier")]
    return {**state, "messages": text, "lines": lines, "earlier": earlier}


async def slowly_opened(home: Path) -> GraphSession:
    """The session with the slow model; a turn that a kill cut off is finished."""
    session = await open_session(session="test", home=home, retriever=FakeRetriever(home), offline=True)
    session._services.voice = FakeSlowVoice()
    async for _ in session.open():
        pass
    return session


def talk(home: str, told: Connection) -> None:
    """Holds the conversation, and tells of every event and every turn that is over."""

    async def hold() -> None:
        session = await slowly_opened(Path(home))
        for number in range(TURNS):
            async for event in turn(session, number):
                told.send(number + 1 if isinstance(event, TurnEnd) else 0)
        await session.close()

    with fixed_machine():
        asyncio.run(hold())
    told.send(-1)
