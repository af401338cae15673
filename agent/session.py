"""One conversation from open to close: the graph, its checkpoints, and the events that faces show."""

from __future__ import annotations

import asyncio
import importlib
import os
import re
import secrets
import socket
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from agent.events import Branch, Event, Failure, Message, TurnEnd
from agent.graph import RECURSION_LIMIT, build_graph
from agent.lock import SessionBusyError, SessionLock
from agent.models import Models
from agent.modes import AUTO, GUIDED, find_model, limits_of, wanted_model
from agent.nodes import Services
from agent.offer_replies import cut_off
from agent.saved import bring_up, copied, finished
from agent.slot_text import Editing, editing
from agent.standing import asked_last, needs_event, standing
from agent.state import State, first_state, is_answered, needs_of
from agent.store import Store, memory_store, open_store
from agent.timeline import branch_of, branches_of
from agent.transcript import transcript
from knowledge.errors import UsageError
from knowledge.home import home as state_home
from knowledge.references import read_passage
from knowledge.retrieval import Retriever, open_retriever
from knowledge.settings import load_settings
from tools.guides.showing import passage_json

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

WAITING = (("listen",), ("confirm",))
"""Where the graph stands between turns."""
MEASURING = ("measure",)
"""Where it stands while a measurement runs."""
NAME = re.compile(r"[\w.\- ]{1,64}")
TRACING = ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2", "LANGCHAIN_TRACING", "LANGSMITH_TRACING_V2")


def import_without_probe() -> None:
    """Imports urllib3 without the socket it opens to see whether IPv6 works.

    LangChain's core, which LangGraph stands on, imports it; guided mode opens no socket at all.
    """
    had = socket.has_ipv6
    socket.has_ipv6 = False
    try:
        with suppress(ImportError):
            importlib.import_module("urllib3.util.connection")
    finally:
        socket.has_ipv6 = had


def new_name() -> str:
    """A session name that sorts by time."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"


class GraphSession:
    """A conversation over the LangGraph graph; fulfils `agent.protocol.Session`."""

    def __init__(
        self, name: str, models: Models, services: Services, store: Store, lock: SessionLock | None = None
    ) -> None:
        self.name = name
        self.models = models
        self._services = services
        self._store = store
        self._lock = lock
        self._graph = build_graph(services, store.saver)
        self._state: State = first_state()
        self._cut = False
        """A turn was cancelled or failed: what it left in the checkpoints is not to be gone on from."""

    @property
    def _config(self) -> RunnableConfig:
        return {"configurable": {"thread_id": self.name}, "recursion_limit": RECURSION_LIMIT}

    async def open(self) -> AsyncGenerator[Event]:
        """Ready, then, where the session goes on, its needs, what was said, and the recommendation and the
        open question as they stand.
        """
        if self._services.voice is not None:
            self._services.voice.warm()
        yield self.models.ready(self.name)
        if self._store.notice is not None:
            yield self._store.notice
        async for event in self.models.opening():
            yield event
        async for event in self._settle():
            yield event
        spoken, question = asked_last(self._state)
        for one in spoken:
            if one["role"] == "advisor":
                yield Message(one["text"], one.get("citations", []))
        if (spent := self.models.spent()).prompt_tokens:
            yield spent
        if branches_of(self._state):
            yield Branch(branch_of(self._state), branches_of(self._state))
        if self._state.get("needs") or is_answered(self._state):
            for event in await asyncio.to_thread(standing, self._state):
                yield event
        if question is not None:
            yield question

    async def prepare(self) -> None:
        """Brings what is saved to the present form.

        Raises:
            NoAnswerError: a newer program saved it.
        """
        await bring_up(self._graph, self._config)

    async def _settle(self) -> AsyncGenerator[Event]:
        """Brings the graph to the point where it listens; a turn that a kill cut off is finished first, but a
        measurement is only told.

        Where nothing can be written, the conversation goes on in memory, without such a turn.
        """
        snapshot = await self._graph.aget_state(self._config)
        try:
            if not snapshot.values:
                await self._graph.ainvoke(first_state(), self._config)
            elif snapshot.next == MEASURING:
                # Minutes, and perhaps money: the yes was for then, and opening a session asks nothing.
                change = cut_off(cast("State", snapshot.values))
                await self._graph.aupdate_state(self._config, change, as_node="measure")
                await self._graph.ainvoke(None, self._config)
            elif snapshot.next not in WAITING or not snapshot.interrupts:
                async with aclosing(self._stream(None, self._config)) as events:
                    async for event in events:
                        yield event
        except self._store.errors as error:
            yield await self._to_memory(error, finished(snapshot.values))
        await self._remember()

    async def _to_memory(self, error: Exception, kept: State) -> Failure:
        """Goes on in memory from `kept`, because the state folder failed; gives what must be told of it."""
        with suppress(*self._store.errors):
            await self._store.close()
        self._store = memory_store(str(error).rstrip(".").lower(), self._store.hint)
        self._graph = build_graph(self._services, self._store.saver)
        await self._graph.ainvoke(kept, self._config)
        assert self._store.notice is not None
        return self._store.notice

    async def _remember(self) -> None:
        snapshot = await self._graph.aget_state(self._config)
        self._state = cast("State", snapshot.values)
        self._services.account.restore(self._state.get("spent", {}))
        self._cut = False

    def _counted(self) -> State:
        """The state after the last turn, with what a stopped one cost since."""
        return cast("State", {**self._state, "spent": self._services.account.as_json()})

    async def _stream(self, payload: Any, config: RunnableConfig) -> AsyncGenerator[Event]:  # noqa: ANN401
        async for event in self._graph.astream(payload, config, stream_mode="custom"):
            if isinstance(event, Event):
                yield event

    async def _turn(self, payload: dict[str, Any]) -> AsyncGenerator[Event]:
        from langgraph.types import Command

        sent: Counter[type[Event]] = Counter()
        counted = self._services.account.counted
        try:
            if self._cut:
                await self._forget_turn()
            self._cut = True
            async with aclosing(self._stream(Command(resume=payload), self._config)) as events:
                async for event in events:
                    sent[type(event)] += 1
                    yield event
            await self._remember()
            await self._store.forget_old(self.name)
        except self._store.errors as error:
            async for event in self._in_memory(payload, error, sent):
                yield event
        if self._services.account.counted > counted:
            yield self.models.spent()
        yield TurnEnd()

    async def _forget_turn(self) -> None:
        """Writes the state before a cut turn anew: a checkpoint keeps what its finished nodes wrote, and a
        resumed graph would take the cut turn's message for the next one.
        """
        kept = self._counted()
        await self._graph.aupdate_state(self._config, kept, as_node="respond")
        await self._graph.ainvoke(None, self._config)
        await self._remember()

    async def _in_memory(
        self, payload: dict[str, Any], error: Exception, sent: Counter[type[Event]]
    ) -> AsyncGenerator[Event]:
        """The state folder failed in mid-conversation: go on in memory and do the turn again, without saying
        again what was `sent`.
        """
        from langgraph.types import Command

        yield await self._to_memory(error, self._state)
        async with aclosing(self._stream(Command(resume=payload), self._config)) as events:
            async for event in events:
                if sent[type(event)]:
                    sent[type(event)] -= 1
                else:
                    yield event
        await self._remember()

    def say(self, text: str) -> AsyncIterator[Event]:
        """One turn of the conversation."""
        return self._turn({"text": text})

    def recommend(self) -> AsyncIterator[Event]:
        """The answer now, on assumptions for what is not known."""
        return self._turn({"command": "recommend"})

    def change(self, slot: str, text: str) -> AsyncIterator[Event]:
        """Changes one need; an empty text takes it back."""
        return self._turn({"command": "change", "slot": slot, "text": text})

    def editing(self, slot: str) -> Editing:
        """How a need is edited; takes some milliseconds for each way to say its value."""
        needs = needs_of(self._state)
        assumed = next((a["value"] for a in needs_event(needs).assumptions if a["slot"] == slot), None)
        return editing(needs, slot, assumed)

    def undo(self) -> AsyncIterator[Event]:
        """Takes the last turn back."""
        return self._turn({"command": "undo"})

    def branch(self, name: str) -> AsyncIterator[Event]:
        """Goes into a branch; a new name begins one."""
        return self._turn({"command": "branch", "name": name})

    def leave(self) -> AsyncIterator[Event]:
        """Returns from the branch."""
        return self._turn({"command": "return"})

    async def close(self) -> None:
        """Closes the checkpoints, the embedder's process and the model's connections.

        A turn that was stopped is not gone on with when the conversation is opened again; what it cost stays
        counted.
        """
        if self._cut:
            with suppress(*self._store.errors):
                await self._forget_turn()
        if self._services.voice is not None:
            await self._services.voice.close()
        self._services.retriever.close()
        await self._store.close()
        if self._lock is not None:
            self._lock.release()

    def passage(self, locator: str, quote: str = "") -> dict[str, Any] | None:
        """The passage of a guide that a citation points at, with its lines marked."""
        cited = read_passage(locator, quote)
        return None if cited is None else passage_json(cited)

    def history(self) -> list[dict[str, Any]]:
        """What was said, oldest first."""
        return [dict(message) for message in self._state.get("messages", [])]

    async def transcript(self) -> dict[str, Any]:
        """All there is to export."""
        return await asyncio.to_thread(transcript, self.name, self._counted())


async def open_session(
    *,
    model: str | None = None,
    session: str | None = None,
    offline: bool = False,
    home: Path | None = None,
    retriever: Retriever | None = None,
    max_cost: float | None = None,
    copy: bool = False,
) -> GraphSession:
    """Opens a conversation.

    Args:
        model: `guided`, `auto`, or a LiteLLM model that words the answers; None for the one of the settings,
            which is guided where they name none.
        session: name to resume or to begin under; None begins a new one.
        offline: forbids the network, and with it every model but `guided`, a Chroma server
            and an embedder behind an API.
        home: state folder; None for the usual one.
        retriever: guides to search; None opens the embedded index without waiting for it.
        max_cost: US dollars that it may spend on an API model; None for what the settings say.
        copy: goes on in a copy of the session, under a name of its own; the session itself stays as it is.

    Raises:
        UsageError: a bad session name, a model together with `offline`, or settings that cannot be read.
        SessionBusyError: another process has the session open.
        NoAnswerError: a newer program saved it, or there is none to copy.
    """
    for variable in TRACING:
        os.environ[variable] = "false"
    if session is not None and not NAME.fullmatch(session):
        raise UsageError(
            "A session name holds up to 64 letters, digits, spaces, dots, dashes and underscores.",
            hint="Try --session my-laptop.",
        )
    settings = load_settings()
    choice = wanted_model(model, settings, offline=offline)
    if choice.model == GUIDED:
        import_without_probe()
    # Ollama is asked while the rest is opened.
    looking = asyncio.create_task(asyncio.to_thread(find_model)) if choice.model == AUTO else None
    folder = home or state_home()
    services = Services(retriever or open_retriever(folder, wait=False, offline=offline), offline=offline)
    services.account.max_usd = settings.max_cost if max_cost is None else max_cost
    models = Models(services, limits_of(settings), offline=offline)
    store = await open_store(folder, offline=offline)
    opened = await _held(folder, session, copy, models, services, store)
    models.begin(choice if looking is None else await looking)
    return opened


async def _held(
    folder: Path, session: str | None, copy: bool, models: Models, services: Services, store: Store
) -> GraphSession:
    """The session under its lock, in the present form; everything is closed where that cannot be had."""
    opened: GraphSession | None = None
    try:
        name = session or new_name()
        if copy:
            name = await copied(store, name)
        lock = SessionLock(folder, name)
        await asyncio.to_thread(lock.acquire)
        opened = GraphSession(name, models, services, store, lock)
        if not await store.hold(name):
            raise SessionBusyError(name, "on another machine")
        await opened.prepare()
    except BaseException:
        if opened is not None:
            await opened.close()
        else:
            services.retriever.close()
            await store.close()
        raise
    return opened
