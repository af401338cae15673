"""The conversations that are saved: brought to the present form, copied, listed, renamed, deleted."""

from __future__ import annotations

import difflib
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from agent.lock import SessionLock
from agent.migrations import migrated
from agent.state import VERSION, State
from agent.store import Store, open_store
from agent.timeline import undo
from knowledge.errors import NoAnswerError, ServiceError, UnknownNameError, UsageError

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.graph.state import CompiledStateGraph

    Graph = CompiledStateGraph[State, None, State, State]

BEFORE = {
    "listen": "respond",
    "understand": "listen",
    "travel": "listen",
    "decide": "understand",
    "answer": "understand",
    "respond": "decide",
    "act": "confirm",
}
"""A step that comes before each one: an update in its name goes on at the same place."""


def config_of(name: str) -> RunnableConfig:
    """LangGraph's configuration of a conversation."""
    return {"configurable": {"thread_id": name}}


async def bring_up(graph: Graph, config: RunnableConfig) -> None:
    """Migrates a conversation where it stands, also in the middle of a turn.

    Raises:
        NoAnswerError: a newer program saved it; it is left as it is.
    """
    snapshot = await graph.aget_state(config)
    if not snapshot.values or snapshot.values.get("version") == VERSION:
        return
    # Read by its number, a checkpoint comes without what a killed step had written: that step is done again.
    saved = await graph.aget_state(snapshot.config)
    step = saved.next[0] if saved.next else "listen"
    await graph.aupdate_state(config, migrated(saved.values), as_node=BEFORE.get(step, "respond"))


async def copied(store: Store, name: str) -> str:
    """Copies a conversation, without a turn that is not over; gives the copy's name.

    Raises:
        UnknownNameError: there is none of that name.
        NoAnswerError: a newer program saved it.
    """
    archive = Archive(store)
    names = await archive.names()
    number = 1
    while (copy := _numbered(name, number)) in names:
        number += 1
    await archive.write(copy, await archive.state(name))
    return copy


def _numbered(name: str, number: int) -> str:
    ending = " copy" if number == 1 else f" copy {number}"
    return name[: 64 - len(ending)] + ending


def finished(values: dict[str, Any]) -> State:
    """A saved state in the present form, up to the last turn that is over.

    Raises:
        NoAnswerError: a newer program saved it.
    """
    state = migrated(values)
    if state.get("outcome") and state.get("earlier"):  # a message is taken in and not answered
        state = cast("State", {**state, **undo(state)[0]})
    return state


class Archive:
    """What is saved in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._drawn: Graph | None = None

    @property
    def _graph(self) -> Graph:
        if self._drawn is None:
            from agent.graph import build_graph

            self._drawn = build_graph(None, self._store.saver)
        return self._drawn

    async def values(self) -> dict[str, tuple[dict[str, Any], str]]:
        """The newest state of each conversation as it is saved, and when it changed; newest first."""
        found: dict[str, tuple[str, dict[str, Any], str]] = {}
        async for saved in self._store.saver.alist(None):
            name = str(saved.config["configurable"]["thread_id"])
            checkpoint = saved.checkpoint
            if name not in found or checkpoint["id"] > found[name][0]:
                found[name] = (checkpoint["id"], checkpoint["channel_values"], checkpoint["ts"])
        newest = sorted(found.items(), key=lambda item: item[1][2], reverse=True)
        return {name: (values, at) for name, (_, values, at) in newest if "messages" in values}

    async def names(self) -> list[str]:
        """All conversations, the one that changed last first."""
        return list(await self.values())

    async def state(self, name: str) -> State:
        """A conversation in the present form, up to the last turn that is over.

        Raises:
            UnknownNameError: there is none of that name; the nearest are named.
            NoAnswerError: a newer program saved it.
        """
        snapshot = await self._graph.aget_state(config_of(name))
        if not snapshot.values:
            raise unknown(name, await self.names())
        return finished(snapshot.values)

    async def write(self, name: str, state: State) -> None:
        """Saves a state as a conversation that listens."""
        await self._graph.aupdate_state(config_of(name), state, as_node="respond")

    async def rename(self, name: str, new: str) -> None:
        """Gives a conversation another name.

        Raises:
            UsageError: the new name is taken.
            UnknownNameError: there is none of the old name.
            NoAnswerError: a newer program saved it.
        """
        if new in await self.names():
            raise UsageError(f"There is a conversation \u201c{new}\u201d already.", hint="Take another name.")
        await self.write(new, await self.state(name))
        await self._store.delete(name)

    async def delete(self, name: str) -> None:
        """Removes a conversation, also one that a newer program saved.

        Raises:
            UnknownNameError: there is none of that name.
        """
        names = await self.names()
        if name not in names:
            raise unknown(name, names)
        await self._store.delete(name)


@asynccontextmanager
async def open_archive(home: Path, *, offline: bool = False) -> AsyncIterator[Archive]:
    """What is saved on this machine (or in the database of the settings).

    Raises:
        ServiceError: it cannot be reached.
        NoAnswerError: it is damaged.
    """
    store = await open_store(home, offline=offline)
    try:
        if store.notice is not None:
            if store.lasting:  # a damaged file, which is set aside now: an empty list would look like a loss
                raise NoAnswerError(store.notice.message, hint=store.notice.hint, code="damaged")
            reason = store.notice.message.replace("This conversation cannot be saved", "Nothing can be read")
            raise ServiceError(reason, hint=store.notice.hint)
        yield Archive(store)
    finally:
        await store.close()


@contextmanager
def held(home: Path, *names: str) -> Iterator[None]:
    """Keeps other processes from opening these conversations meanwhile.

    Raises:
        SessionBusyError: one of them is open.
    """
    with ExitStack() as stack:
        for name in names:
            lock = SessionLock(home, name)
            lock.acquire()
            stack.callback(lock.release)
        yield


def unknown(name: str, names: list[str]) -> UnknownNameError:
    """No such conversation, with the nearest names."""
    lower = {known.lower(): known for known in names}
    near = [lower[one] for one in difflib.get_close_matches(name.lower(), lower, n=3, cutoff=0.5)]
    near += [known for known in names if name.lower() in known.lower() and known not in near]
    if near:
        hint = "Did you mean " + " or ".join(f"\u201c{one}\u201d" for one in near[:3]) + "?"
    elif names:
        hint = "`llm-advisor sessions list` shows what there is."
    else:
        hint = "None is saved yet; `llm-advisor chat --session NAME` begins one."
    return UnknownNameError(
        f"There is no conversation \u201c{name}\u201d.", hint=hint, nearest=near[:3], code="unknown_session"
    )
