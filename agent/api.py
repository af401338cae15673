"""Conversations from Python: `Advisor` for ordinary code, `AsyncAdvisor` for an event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from agent.events import (
    Cost,
    Event,
    Failure,
    Message,
    NeedsChanged,
    Question,
    Recommendation,
    ToolCall,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from anyio.from_thread import BlockingPortal

    from agent.session import GraphSession

T = TypeVar("T")
GUIDED = "guided"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the advisor said in one turn."""

    text: str
    """All messages of the turn, Markdown; empty where it only asked."""
    question: Question | None = None
    """The one question it asks, with `slot`, `text`, `reason` and `options`."""
    recommendation: dict[str, Any] | None = None
    """The decision, as `llm-advisor recommend --json` prints it."""
    citations: list[dict[str, str]] = field(default_factory=list)
    """What the messages rest on, each `{kind, source, locator}`."""
    needs: dict[str, Any] = field(default_factory=dict)
    """The slots as they stand after the turn, each `{value, source, quote}`."""
    assumptions: list[dict[str, Any]] = field(default_factory=list)
    """What is assumed beside them, each `{slot, value, why}`."""
    tools: list[ToolCall] = field(default_factory=list)
    """The calculations that ran."""
    problems: list[Failure] = field(default_factory=list)
    """What went wrong; the turn was finished all the same."""

    @property
    def best(self) -> dict[str, Any] | None:
        """The first candidate of the recommendation; None where there is none, or where nothing fits."""
        candidates = (self.recommendation or {}).get("candidates") or []
        return cast("dict[str, Any]", candidates[0]) if candidates else None


class _Turn:
    """Collects the events of a turn; the needs go on from turn to turn."""

    def __init__(self) -> None:
        self._needs = NeedsChanged({})
        self._events: list[Event] = []

    def add(self, event: Event) -> None:
        if isinstance(event, NeedsChanged):
            self._needs = event
        self._events.append(event)

    def reply(self) -> Reply:
        """The turn as it was; begins the next one."""
        events, self._events = self._events, []
        messages = [event for event in events if isinstance(event, Message)]
        questions = [event for event in events if isinstance(event, Question)]
        decided = [event for event in events if isinstance(event, Recommendation)]
        return Reply(
            text="\n\n".join(message.text for message in messages),
            question=questions[-1] if questions else None,
            recommendation=decided[-1].recommendation if decided else None,
            citations=[citation for message in messages for citation in message.citations],
            needs=self._needs.needs,
            assumptions=self._needs.assumptions,
            tools=[event for event in events if isinstance(event, ToolCall)],
            problems=[event for event in events if isinstance(event, Failure)],
        )


class AsyncAdvisor:
    """A conversation in an event loop.

    Args:
        model: `guided`, `auto`, or a LiteLLM model that words the answers.
        session: the conversation's name, to begin it or to go on with it; None begins one with a new name.
        offline: forbids the network.
        home: the state folder; None for the usual one.
        max_cost: US dollars that it may spend on an API model; it stops before.
    """

    def __init__(
        self,
        model: str = GUIDED,
        *,
        session: str | None = None,
        offline: bool = False,
        home: Path | None = None,
        max_cost: float | None = None,
    ) -> None:
        self._asked = {
            "model": model,
            "session": session,
            "offline": offline,
            "home": home,
            "max_cost": max_cost,
        }
        self._opened: GraphSession | None = None
        self._turn = _Turn()
        self.resumed: Reply | None = None
        """How a conversation that goes on stood when it was opened; None for a new one."""

    async def __aenter__(self) -> Self:
        """Opens the conversation.

        Raises:
            AdvisorError: it cannot be opened; `message` and `hint` say why.
        """
        from agent.session import open_session

        self._opened = await open_session(**cast("dict[str, Any]", self._asked))
        try:
            said = [event async for event in self._opened.open()]
        except BaseException:
            await self.aclose()
            raise
        for event in said:
            self._turn.add(event)
        opening = self._turn.reply()
        self.resumed = opening if self.history else None
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Lets go of files and child processes; all that was said is saved already."""
        if self._opened is not None:
            opened, self._opened = self._opened, None
            await opened.close()

    @property
    def _session(self) -> GraphSession:
        if self._opened is None:
            raise RuntimeError("the conversation is not open: use `async with`")
        return self._opened

    @property
    def session(self) -> str:
        """The conversation's name."""
        return self._session.name

    @property
    def history(self) -> list[dict[str, Any]]:
        """What was said, oldest first, each `{role, text, at, citations}`."""
        return self._session.history()

    async def stream(self, text: str) -> AsyncGenerator[Event]:
        """A turn as its events come; `agent.events` holds their types."""
        async with aclosing(cast("AsyncGenerator[Event]", self._session.say(text))) as events:
            async for event in events:
                self._turn.add(event)
                yield event
        self._turn.reply()

    async def say(self, text: str) -> Reply:
        """One turn of the conversation."""
        return await self._whole(self._session.say(text))

    async def recommend(self) -> Reply:
        """The answer now, on assumptions for what is not known."""
        return await self._whole(self._session.recommend())

    async def undo(self) -> Reply:
        """Takes the last turn back; the reply says how the conversation then stands."""
        return await self._whole(self._session.undo())

    async def branch(self, name: str) -> Reply:
        """Goes into a branch for a what-if; a new name begins one."""
        return await self._whole(self._session.branch(name))

    async def leave(self) -> Reply:
        """Returns from the branch."""
        return await self._whole(self._session.leave())

    async def switch(self, model: str) -> Reply:
        """Lets another model word the answers from now on; where it cannot be used, `problems` says why."""
        return await self._whole(self._session.models.switch(model))

    @property
    def cost(self) -> Cost:
        """What API models took so far, in tokens and US dollars."""
        return self._session.models.spent()

    async def transcript(self) -> dict[str, Any]:
        """The conversation with every source, as `llm-advisor sessions export --json` prints it."""
        return await self._session.transcript()

    async def _whole(self, events: AsyncIterator[Event]) -> Reply:
        async with aclosing(cast("AsyncGenerator[Event]", events)) as turn:
            async for event in turn:
                self._turn.add(event)
        return self._turn.reply()


class Advisor:
    """A conversation; takes and gives the same as `AsyncAdvisor`, and runs it in a thread of its own.

    It works in scripts and in notebooks, and from one thread at a time.
    """

    def __init__(
        self,
        model: str = GUIDED,
        *,
        session: str | None = None,
        offline: bool = False,
        home: Path | None = None,
        max_cost: float | None = None,
    ) -> None:
        self._advisor = AsyncAdvisor(model, session=session, offline=offline, home=home, max_cost=max_cost)
        self._stack = ExitStack()
        self._portal: BlockingPortal | None = None

    def __enter__(self) -> Self:
        """Opens the conversation.

        Raises:
            AdvisorError: it cannot be opened; `message` and `hint` say why.
        """
        from anyio.from_thread import start_blocking_portal

        with ExitStack() as stack:
            self._portal = stack.enter_context(start_blocking_portal())
            stack.enter_context(self._portal.wrap_async_context_manager(self._advisor))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of files, child processes and the thread; all that was said is saved already."""
        self._portal = None
        self._stack.close()

    def _call(self, work: Callable[..., Coroutine[Any, Any, T]], *given: object) -> T:
        if self._portal is None:
            raise RuntimeError("the conversation is not open: use `with`")
        return cast("T", self._portal.call(work, *given))

    @property
    def session(self) -> str:
        """The conversation's name."""
        return self._advisor.session

    @property
    def history(self) -> list[dict[str, Any]]:
        """What was said, oldest first, each `{role, text, at, citations}`."""
        return self._advisor.history

    @property
    def resumed(self) -> Reply | None:
        """How a conversation that goes on stood when it was opened; None for a new one."""
        return self._advisor.resumed

    def stream(self, text: str) -> Iterator[Event]:
        """A turn as its events come; `agent.events` holds their types."""
        events = self._advisor.stream(text)

        async def following() -> Event | None:
            return await anext(events, None)

        try:
            while (event := self._call(following)) is not None:
                yield event
        finally:
            self._call(events.aclose)

    def say(self, text: str) -> Reply:
        """One turn of the conversation."""
        return self._call(self._advisor.say, text)

    def recommend(self) -> Reply:
        """The answer now, on assumptions for what is not known."""
        return self._call(self._advisor.recommend)

    def undo(self) -> Reply:
        """Takes the last turn back; the reply says how the conversation then stands."""
        return self._call(self._advisor.undo)

    def branch(self, name: str) -> Reply:
        """Goes into a branch for a what-if; a new name begins one."""
        return self._call(self._advisor.branch, name)

    def leave(self) -> Reply:
        """Returns from the branch."""
        return self._call(self._advisor.leave)

    def switch(self, model: str) -> Reply:
        """Lets another model word the answers from now on; where it cannot be used, `problems` says why."""
        return self._call(self._advisor.switch, model)

    @property
    def cost(self) -> Cost:
        """What API models took so far, in tokens and US dollars."""
        return self._advisor.cost

    def transcript(self) -> dict[str, Any]:
        """The conversation with every source, as `llm-advisor sessions export --json` prints it."""
        return self._call(self._advisor.transcript)
