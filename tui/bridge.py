"""Holds the session in a thread with an event loop of its own.

Whatever a session does (imports, database, calculations) then never holds up the screen; only events cross.
"""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import aclosing, contextmanager, nullcontext
from typing import Any, TypeVar

from agent.events import Event
from agent.protocol import Editing, Models, Session, SessionFactory
from tui.event_stream import each

T = TypeVar("T")
CLOSE_SECONDS = 3.0


class Bridge:
    """One session behind a thread. All methods are called from the screen's event loop."""

    def __init__(self, open_session: SessionFactory, *, hold_collections: bool = False) -> None:
        """Prepare; nothing runs yet.

        Args:
            open_session: Makes the session.
            hold_collections: Open it without garbage collections. Not for tests: what was loaded is never
                collected again.
        """
        self._factory = open_session
        self._loading = without_collections if hold_collections else nullcontext
        self._session: Session | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._turn: asyncio.Lock | None = None
        self._closed = False
        self._pumps: set[Future[None]] = set()
        """Turns that run or wait for the one before."""

    def start(self) -> None:
        """Start the thread; nothing is imported yet."""
        if self._thread is not None:
            return
        started = threading.Event()

        def serve() -> None:
            loop = asyncio.new_event_loop()
            asyncio.set_event_loop(loop)
            self._loop, self._turn = loop, asyncio.Lock()
            started.set()
            try:
                loop.run_forever()
            finally:
                loop.run_until_complete(loop.shutdown_asyncgens())
                loop.close()

        # A daemon, so that a session that hangs cannot keep the process.
        self._thread = threading.Thread(target=serve, name="session", daemon=True)
        self._thread.start()
        started.wait()

    async def connect(self) -> None:
        """Make the session before `open`; raises what its factory raises."""

        async def make() -> None:
            assert self._turn is not None
            async with self._turn:
                self._session = await self._factory()

        await asyncio.wrap_future(self._submit(make()))

    async def open(self) -> AsyncGenerator[Event, None]:
        """Make the session, unless it is made, and yield what it says at once."""

        async def events() -> AsyncIterator[Event]:
            with self._loading():
                if self._session is None:
                    self._session = await self._factory()
                async for event in self._session.open():
                    yield event

        async with aclosing(self._stream(events)) as stream:
            async for event in stream:
                yield event

    async def say(self, text: str) -> AsyncGenerator[Event, None]:
        """One turn."""
        async with aclosing(self._stream(lambda: self._live().say(text))) as stream:
            async for event in stream:
                yield event

    async def recommend(self) -> AsyncGenerator[Event, None]:
        """The answer now."""
        async with aclosing(self._stream(lambda: self._live().recommend())) as stream:
            async for event in stream:
                yield event

    async def on_model(self, turn: Callable[[Models], AsyncIterator[Event]]) -> AsyncGenerator[Event, None]:
        """A turn on the model behind the conversation."""
        async with aclosing(self._stream(lambda: turn(self._live().models))) as stream:
            async for event in stream:
                yield event

    async def change(self, slot: str, text: str) -> AsyncGenerator[Event, None]:
        """Changes one need."""
        async with aclosing(self._stream(lambda: self._live().change(slot, text))) as stream:
            async for event in stream:
                yield event

    async def editing(self, slot: str) -> Editing:
        """How a need is edited."""
        return await self._call(lambda: self._live().editing(slot))

    async def undo(self) -> AsyncGenerator[Event, None]:
        """Takes the last turn back."""
        async with aclosing(self._stream(lambda: self._live().undo())) as stream:
            async for event in stream:
                yield event

    async def branch(self, name: str) -> AsyncGenerator[Event, None]:
        """Goes into a branch."""
        async with aclosing(self._stream(lambda: self._live().branch(name))) as stream:
            async for event in stream:
                yield event

    async def leave(self) -> AsyncGenerator[Event, None]:
        """Returns from the branch."""
        async with aclosing(self._stream(lambda: self._live().leave())) as stream:
            async for event in stream:
                yield event

    async def passage(self, locator: str, quote: str = "") -> dict[str, Any] | None:
        """A guide passage, read in the session's thread."""
        return await self._call(lambda: self._live().passage(locator, quote))

    async def history(self) -> list[dict[str, Any]]:
        """What was said so far."""
        return await self._call(lambda: self._live().history())

    async def transcript(self) -> dict[str, Any]:
        """All there is to export."""
        return await asyncio.wrap_future(self._submit(self._live().transcript()))

    async def close(self) -> None:
        """Close the session and end the thread, once; gives up after a few seconds."""
        if self._loop is None or self._thread is None or self._closed:
            return
        self._closed = True
        for pump in list(self._pumps):
            pump.cancel()

        async def end() -> None:
            assert self._turn is not None
            async with self._turn:  # a turn that was stopped has cleaned up
                if self._session is not None:
                    await self._session.close()

        try:
            await asyncio.wait_for(asyncio.wrap_future(self._submit(end())), CLOSE_SECONDS)
        except TimeoutError:
            pass
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            await asyncio.to_thread(self._thread.join, CLOSE_SECONDS)

    def _live(self) -> Session:
        if self._session is None:
            raise RuntimeError("the session is not open yet")
        return self._session

    def _submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        assert self._loop is not None, "start() comes first"
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _call(self, work: Callable[[], T]) -> T:
        async def run() -> T:
            return work()

        return await asyncio.wrap_future(self._submit(run()))

    async def _stream(self, make: Callable[[], AsyncIterator[Event]]) -> AsyncGenerator[Event, None]:
        """Events of `make()`, run over there; closing this iterator cancels it over there."""
        here = asyncio.get_running_loop()
        queue: asyncio.Queue[Event | BaseException | None] = asyncio.Queue()

        def put(item: Event | BaseException | None) -> None:
            if not here.is_closed():
                here.call_soon_threadsafe(queue.put_nowait, item)

        async def pump() -> None:
            assert self._turn is not None
            try:
                async with self._turn:  # a cancelled turn finishes its clean-up before the next one begins
                    await each(make(), put)
            except Exception as error:
                put(error)
            finally:
                put(None)

        future = self._submit(pump())
        self._pumps.add(future)
        future.add_done_callback(self._pumps.discard)
        try:
            while (item := await queue.get()) is not None:
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            future.cancel()


@contextmanager
def without_collections() -> Iterator[None]:
    """Loads without garbage collections, and counts what was loaded as lasting.

    One full collection over everything that a session imports holds the interpreter, and so the keyboard, for
    50 ms; without collections the longest hold is near 10 ms.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
