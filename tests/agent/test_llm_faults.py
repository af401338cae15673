"""Whatever a model server does, a turn ends in a useful answer, in time, and says in a sentence what was."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.events import Event, Failure, Message, Question, Recommendation, TurnEnd
from agent.llm import LiteLlmVoice
from agent.session import GraphSession, open_session
from tests.agent.conversing import of, said
from tests.agent.test_llm_session import SERVERS, obliging
from tests.fakes.model_script import Call, Calls, Cut, End, Fail, Full, Pause, Raw, Reply, Say, Think, words
from tests.fakes.model_server import FakeModelServer
from tests.fakes.voices import KEY, MODELS, FakeSmallRetriever, point_at
from tests.waiting import AT_MOST, HANGS, not_waited_for
from tools.model_calls.client import Limits

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
NEEDS = "a coding assistant on my RTX 3090, commercial use, 16k context, good quality"
ASKS = "what does q8_0 do to the cache?"
FRENCH = "Je veux un assistant de programmation pour mon entreprise, sur ma RTX 3060 12GB."
PATIENT = Limits(first=AT_MOST, idle=AT_MOST, total=AT_MOST, loading=0.2, understanding=AT_MOST)
BRIEF = Limits(first=1.5, idle=1.0, total=AT_MOST, loading=0.2, understanding=1.0)
"""Where a server hangs."""
SEARCH = Call("search_guides", {"query": "what does q8_0 do to the cache"})
ENDLESS: Reply = [Say("and so on, " * 200)] * 400
FAULTS: dict[str, tuple[Reply, str | None]] = {
    "slow": ([Pause(HANGS), Say("late")], "timeout"),
    "stuck in the answer": ([Say("Take "), Pause(HANGS)], "timeout"),
    "cut": ([Say("Take "), Cut()], "cut"),
    "reset": ([Cut()], "cut"),
    "400": ([Fail(400, "bad request")], "refused"),
    "401": ([Fail(401, f"Incorrect API key provided: {KEY}")], "bad_key"),
    "404": ([Fail(404, "model 'fake' not found")], "model_missing"),
    "429": ([Fail(429, "slow down")], "rate_limit"),
    "429 for an hour": ([Fail(429, "slow down", "3600")], "rate_limit"),
    "500": ([Fail(500, "broken")], "server"),
    "503": ([Fail(503, "overloaded")], "server"),
    "529": ([Fail(529, "overloaded")], "server"),
    "402": ([Fail(402, "Insufficient Balance")], "quota"),
    "429 without credit": ([Fail(429, "You exceeded your current quota, check your billing")], "quota"),
    "413": ([Fail(413, "Request too large")], "context_full"),
    "ended early": ([Say("Take "), End()], "cut"),
    "a page of HTML": ([Raw(b"<html>Log in</html>\n\n"), End()], "any"),
    "an error in the stream": ([Say("Take "), Raw(b'{"error":"the runner was killed"}\n'), End()], "cut"),
    "context": ([Fail(400, "prompt too long; exceeded max context length by 5 tokens")], "context_full"),
    "too long": ([Say("It takes a long time to"), Full()], "too_long"),
    "endless": (ENDLESS, "too_long"),
    "endless thinking": ([Think("hm " * 800)] * 400, "too_long"),
    "empty": ([], "empty"),
    "only thoughts": ([Say("<think>hm</think>")], "empty"),
    "invented": ([Say("Buy **GPT-9** for $999.")], "ungrounded"),
    "malformed": ([Raw(b"data: {\n\n{broken\n")], "any"),
    "wrong schema": ([Raw(b'data: {"choices": "none"}\n\n')], "any"),
}
TOOL_FAULTS: dict[str, Reply] = {
    "without arguments": [Call("search_guides", {})],
    "unknown tool": [Call("rm_rf", {"path": "/"})],
    "parallel": [
        Calls((SEARCH, SEARCH, Call("estimate_memory", {"model": "qwen3:8b"}), Call("search_guides", {})))
    ],
    "loop": [SEARCH],
    "wrong types": [Call("search_guides", {"query": {"text": "cache"}, "k": "many"})],
}


@pytest.fixture(params=SERVERS)
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@asynccontextmanager
async def talk(
    provider: str, folder: Path, monkeypatch: pytest.MonkeyPatch, limits: Limits = PATIENT
) -> AsyncIterator[tuple[FakeModelServer, GraphSession]]:
    """A conversation in which the needs are known."""
    with SERVERS[provider](obliging) as server:
        point_at(server, monkeypatch)
        retriever = FakeSmallRetriever(folder)
        session = await open_session(model=MODELS[provider], home=folder / "home", retriever=retriever)
        session._services.voice = LiteLlmVoice(MODELS[provider], retriever, limits)
        try:
            [event async for event in session.open()]
            await said(session, NEEDS)
            yield server, session
        finally:
            await session.close()


async def in_time(events: AsyncIterator[Event]) -> list[Event]:
    with not_waited_for():
        found = [event async for event in events]
    assert len(of(found, TurnEnd)) == 1
    assert isinstance(found[-1], TurnEnd)
    return found


async def works(server: FakeModelServer, session: GraphSession) -> None:
    """The next turn goes as if nothing had been."""
    server.replies = [obliging]
    events = await in_time(session.say(ASKS))
    assert not of(events, Failure)
    assert "The q8_0 cache is half as large [1]." in of(events, Message)[-1].text


@pytest.mark.parametrize("case", FAULTS)
async def test_a_recommendation_is_told_in_any_case(
    provider: str,
    case: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    reply, code = FAULTS[case]
    async with talk(provider, tmp_path, monkeypatch, BRIEF if code == "timeout" else PATIENT) as (
        server,
        session,
    ):
        server.replies = [reply]
        events = await in_time(session.recommend())
        (failure,) = of(events, Failure)
        assert code in ("any", failure.code)
        assert failure.message.count(".") >= 1
        assert failure.hint
        assert KEY not in str(events)
        best = of(events, Recommendation)[0].recommendation["candidates"][0]["model"]
        assert f"I recommend **{best}**" in of(events, Message)[-1].text
        assert "GPT-9" not in of(events, Message)[-1].text
        assert [spoken["role"] for spoken in session.history()][-1] == "advisor"
        await works(server, session)
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("case", ["slow", "cut", "500", "context", "endless", "invented", "wrong schema"])
async def test_a_question_is_answered_in_any_case(
    provider: str, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply, code = FAULTS[case]
    async with talk(provider, tmp_path, monkeypatch, BRIEF if code == "timeout" else PATIENT) as (
        server,
        session,
    ):
        server.replies = [reply]
        events = await in_time(session.say(ASKS))
        (failure,) = of(events, Failure)
        assert code in ("any", failure.code)
        assert "q8_0" in of(events, Message)[-1].text
        await works(server, session)


@pytest.mark.parametrize("case", TOOL_FAULTS)
async def test_faulty_calls_end_in_an_answer(
    provider: str, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stubborn(body: dict[str, Any]) -> Reply:
        return TOOL_FAULTS[case] if "tools" in body else words("The q8_0 cache is half as large.")

    async with talk(provider, tmp_path, monkeypatch) as (server, session):
        server.replies = [stubborn]
        events = await in_time(session.say(ASKS))
        assert not of(events, Failure)
        assert "half as large" in of(events, Message)[-1].text
        assert len(server.requests) <= 10
        await works(server, session)


async def test_what_passes_is_tried_again_without_a_word(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with talk(provider, tmp_path, monkeypatch) as (server, session):
        for passing in ([Fail(429, "slow down", "0.1")], [Fail(500, "broken")], [Cut()]):
            server.replies = [passing, obliging]
            events = await in_time(session.recommend())
            assert not of(events, Failure)
            assert of(events, Recommendation)


async def test_a_server_that_is_down_is_said(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with talk(provider, tmp_path, monkeypatch) as (_, session):
        with SERVERS[provider](obliging) as gone:
            pass
        point_at(gone, monkeypatch)
        session._services.voice = LiteLlmVoice(MODELS[provider], FakeSmallRetriever(tmp_path), PATIENT)
        events = await in_time(session.recommend())
        assert [failure.code for failure in of(events, Failure)] == ["unreachable"]
        assert of(events, Recommendation)


STAGES: dict[str, tuple[str, list[Any]]] = {
    "understand": (FRENCH, [[Pause(HANGS)]]),
    "first token": (ASKS, [[Pause(HANGS)]]),
    "stream": (ASKS, [[Say("The cache "), Pause(HANGS)]]),
    "after a tool": (ASKS, [[SEARCH], [Pause(HANGS)]]),
    "without tools": (ASKS, [[], [Pause(HANGS)]]),
    "repair": (ASKS, [[Say("It is 99.9 GiB smaller.")], [Pause(HANGS)]]),
    "wording": ("make it 32k", [[Say("I recommend "), Pause(HANGS)]]),
}


@pytest.mark.parametrize("stage", STAGES)
async def test_a_turn_is_cancelled_at_any_stage(
    provider: str, stage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, replies = STAGES[stage]
    async with talk(provider, tmp_path, monkeypatch) as (server, session):
        patient = Limits(understanding=HANGS)
        session._services.voice = LiteLlmVoice(MODELS[provider], FakeSmallRetriever(tmp_path), patient)
        [event async for event in session.recommend()]
        before = json.dumps(session.history())
        server.replies = list(replies)
        server.waiting.clear()
        server.left.clear()
        work = asyncio.create_task(said(session, text))
        assert await asyncio.to_thread(server.waiting.wait, AT_MOST)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert await asyncio.to_thread(server.left.wait, AT_MOST), "the server still waits"
        assert json.dumps(session.history()) == before
        await works(server, session)


async def test_a_tool_that_is_running_is_cancelled(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        loop.call_soon_threadsafe(began.set)
        time.sleep(0.3)
        return {}

    monkeypatch.setattr("agent.llm_tools.run_tool", slow)
    async with talk(provider, tmp_path, monkeypatch) as (server, session):
        server.replies = [[Call("estimate_memory", {"model": "qwen3:8b"})]]
        work = asyncio.create_task(said(session, ASKS))
        await asyncio.wait_for(began.wait(), 20)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        await works(server, session)


async def test_a_failed_reading_is_no_failure_of_the_turn(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unread(body: dict[str, Any]) -> Reply:
        reading = body["messages"][0]["content"].startswith("You read messages")
        return [Pause(HANGS)] if reading else obliging(body)

    async with talk(provider, tmp_path, monkeypatch, BRIEF) as (server, session):
        server.replies = [unread]
        events = await in_time(session.say(FRENCH))
        assert not of(events, Failure)
        assert len(of(events, Question)) + len(of(events, Recommendation)) == 1
