"""The queue of turns, and the session behind its thread, without a screen."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator

import pytest

from agent.events import Delta, Event, Failure, Message, Ready, TurnEnd
from agent.protocol import Session
from tests.tui.fakes import FakeSession
from tui.bridge import Bridge
from tui.turns import Input, Turns


class FakeView:
    """Notes what it is shown."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def turn_began(self, given: Input) -> None:
        self.seen.append(f"began {given.text}")

    async def turn_event(self, event: Event) -> None:
        self.seen.append(event.type)

    async def turn_ended(self, given: Input, *, failed: bool, stopped: bool) -> None:
        self.seen.append(f"ended {given.text}{' failed' if failed else ''}{' stopped' if stopped else ''}")


async def _events(given: Input) -> AsyncGenerator[Event, None]:
    if given.text == "slow":
        await asyncio.sleep(60)
    if given.text == "broken":
        raise RuntimeError
    if given.text == "refused":
        yield Failure("x", "no", "")
    else:
        yield Message("yes")


def _inputs(*texts: str) -> list[Input]:
    return [Input("say", text) for text in texts]


async def test_turns_run_in_order_and_a_broken_one_stops_nothing() -> None:
    view = FakeView()
    turns = Turns(view, _events)
    turns.waiting = _inputs("a", "broken", "refused", "b")
    await turns.run()
    assert view.seen == [
        *("began a", "message", "ended a"),
        *("began broken", "error", "ended broken failed"),
        *("began refused", "error", "ended refused failed"),
        *("began b", "message", "ended b"),
    ]
    assert not turns.active


async def test_a_cancelled_turn_ends_as_stopped_and_leaves_the_rest_waiting() -> None:
    view = FakeView()
    turns = Turns(view, _events)
    turns.waiting = _inputs("slow", "b")
    task = asyncio.create_task(turns.run())
    await asyncio.sleep(0.01)
    assert turns.active
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert view.seen == ["began slow", "ended slow stopped"]
    assert [given.text for given in turns.take_back()] == ["b"]
    assert turns.waiting == []


def _bridge(session: FakeSession) -> Bridge:
    async def opens() -> Session:
        session.thread = threading.current_thread().name
        return session

    bridge = Bridge(opens)
    bridge.start()
    return bridge


async def _all(events: AsyncGenerator[Event, None]) -> list[Event]:
    return [event async for event in events]


async def test_the_session_lives_in_a_thread_of_its_own() -> None:
    session = FakeSession([Delta("a"), Message("a")], history=[{"role": "user", "text": "x"}])
    bridge = _bridge(session)
    assert await _all(bridge.open()) == [Ready("test", "guided", None)]
    assert session.thread == "session"
    assert await _all(bridge.say("x")) == [Delta("a"), Message("a"), TurnEnd()]
    assert await bridge.history() == [{"role": "user", "text": "x"}]
    assert await bridge.passage("nowhere") is None
    await bridge.close()
    assert session.closed


async def test_a_turn_begins_only_after_the_stopped_one_is_cleaned_up() -> None:
    session = FakeSession([Delta("a"), 60.0], [Message("b")])
    bridge = _bridge(session)
    await _all(bridge.open())
    events = bridge.say("x")
    assert await anext(events) == Delta("a")
    await events.aclose()
    assert await _all(bridge.say("y")) == [Message("b"), TurnEnd()]
    assert session.stopped == 1
    await bridge.close()


async def test_errors_cross_over_and_an_unopened_session_says_so() -> None:
    bridge = _bridge(FakeSession([ValueError("inside")]))
    with pytest.raises(RuntimeError, match="not open"):
        await _all(bridge.say("x"))
    await _all(bridge.open())
    with pytest.raises(ValueError, match="inside"):
        await _all(bridge.say("x"))
    await bridge.close()


async def test_closing_what_was_never_started_is_fine() -> None:
    async def opens() -> Session:
        raise AssertionError

    await Bridge(opens).close()
