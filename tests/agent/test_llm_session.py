"""A whole conversation with a model behind it, and one without: what is imported, said and fallen back on."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.events import (
    Delta,
    Event,
    Failure,
    Message,
    NeedsChanged,
    Question,
    Ready,
    Recommendation,
    ToolCall,
    TurnEnd,
)
from agent.session import GraphSession, open_session
from tests.fakes.model_script import Call, Cut, Fail, Pause, Reply, Say, words
from tests.fakes.model_server import FakeModelServer, FakeOllama, FakeOpenAI
from tests.fakes.voices import MODELS, FakeSmallRetriever, point_at

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
NEEDS = "a coding assistant on my RTX 3090, commercial use, 16k context, good quality"
SERVERS: dict[str, type[FakeModelServer]] = {"ollama": FakeOllama, "openai": FakeOpenAI}


def obliging(body: dict[str, Any]) -> Reply:
    """A model that words as it should: the draft itself, or a search and what it found."""
    last = body["messages"][-1]
    if last["role"] == "tool":
        return words("The q8_0 cache is half as large [1].")
    if last["content"].startswith("The person asks:"):
        return [Call("search_guides", {"query": "what does q8_0 do to the cache"})]
    return words(last["content"].partition("Draft:\n")[2])


async def _turn(session: GraphSession, text: str) -> list[Event]:
    return [event async for event in session.say(text)]


def _of(events: list[Event], kind: type[Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


async def _open(provider: str, folder: Path) -> tuple[GraphSession, list[Event]]:
    retriever = FakeSmallRetriever(folder)
    session = await open_session(model=MODELS[provider], home=folder / "home", retriever=retriever)
    return session, [event async for event in session.open()]


@pytest.mark.parametrize("provider", SERVERS)
async def test_a_conversation_from_needs_to_a_follow_up(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with SERVERS[provider](obliging) as server:
        point_at(server, monkeypatch)
        session, opening = await _open(provider, tmp_path)
        assert _of(opening, Ready)[0].model == MODELS[provider]
        first = await _turn(session, NEEDS)
        rest = [event async for event in session.recommend()]
        follow = await _turn(session, "what does q8_0 do to the cache?")
        await session.close()
    everything = [*first, *rest, *follow]
    assert not _of(everything, Failure)
    recommendation = _of(first + rest, Recommendation)[0].recommendation
    message = _of(first + rest, Message)[-1]
    assert recommendation["candidates"][0]["model"] in message.text
    assert "".join(e.text for e in _of(rest, Delta)) == message.text
    assert [e.name for e in _of(follow, ToolCall)] == ["search_guides"]
    assert _of(follow, Message)[0].text.endswith("The q8_0 cache is half as large [1].")
    assert _of(follow, Message)[0].citations[0]["locator"].startswith("memory.md#")
    for turn in (first, rest, follow):
        assert len(_of(turn, TurnEnd)) == 1
        assert isinstance(turn[-1], TurnEnd)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("provider", SERVERS)
@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ([Say("I recommend "), Cut()], "cut"),
        ([Fail(429, "slow down")], "rate_limit"),
        ([Say("Buy **GPT-9** for $999.")], "ungrounded"),
    ],
    ids=["cut", "rate", "ungrounded"],
)
async def test_a_failure_leaves_the_guided_words_and_is_said(
    provider: str, reply: Reply, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SERVERS[provider](reply) as server:
        point_at(server, monkeypatch)
        session, _ = await _open(provider, tmp_path)
        await _turn(session, NEEDS)
        events = [event async for event in session.recommend()]
        assert [failure.code for failure in _of(events, Failure)] == [code]
        message = _of(events, Message)[0].text
        best = _of(events, Recommendation)[0].recommendation["candidates"][0]["model"]
        assert f"I recommend **{best}**" in message
        assert "GPT-9" not in message
        assert isinstance(events[-1], TurnEnd)
        server.replies = [obliging]
        again = [event async for event in session.recommend()]
        assert not _of(again, Failure)
        assert f"I recommend **{best}**" in _of(again, Message)[-1].text
        await session.close()


async def test_the_same_needs_give_the_same_recommendation_with_any_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    with FakeOllama(obliging) as server:
        point_at(server, monkeypatch)
        for model in ("guided", MODELS["ollama"]):
            folder = tmp_path / model.replace("/", "-")
            session = await open_session(model=model, home=folder, retriever=FakeSmallRetriever(folder))
            [event async for event in session.open()]
            await _turn(session, NEEDS)
            events = [event async for event in session.recommend()]
            found.append((_of(events, Recommendation), _of(events, Message)))
            await session.close()
    assert found[0] == found[1]


@pytest.mark.parametrize("provider", SERVERS)
async def test_a_message_in_another_language_is_understood_and_its_source_shown(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "Je veux un assistant de programmation hors ligne sur ma RTX 3060 12GB, pour mon entreprise."
    read = {
        "intent": "needs",
        "task": {"value": "code", "quote": "assistant de programmation"},
        "license": {"value": "commercial", "quote": "pour mon entreprise"},
    }

    def understanding(body: dict[str, Any]) -> Reply:
        asked = body["messages"][0]["content"].startswith("You read messages")
        return words(json.dumps(read)) if asked else obliging(body)

    with SERVERS[provider](understanding) as server:
        point_at(server, monkeypatch)
        session, _ = await _open(provider, tmp_path)
        needs = _of(await _turn(session, said), NeedsChanged)[0].needs
        [event async for event in session.recommend()]
        later = _of(await _turn(session, "it is for personal use"), NeedsChanged)[0].needs
        await session.close()
    assert (needs["task"]["value"]["name"], needs["task"]["source"]) == ("code", "inferred")
    assert (needs["hardware"]["value"]["text"], needs["hardware"]["source"]) == ("RTX 3060 12GB", "user")
    assert needs["license"]["value"]["use"] == "commercial"
    assert (later["license"]["value"]["use"], later["license"]["source"]) == ("personal", "user")


async def test_a_question_is_worded_but_not_streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = "Auf welchem Rechner soll es laufen?"
    with FakeOllama([Say(asked)]) as server:
        point_at(server, monkeypatch)
        session, _ = await _open("ollama", tmp_path)
        events = await _turn(session, "I want to chat with a model")
        await session.close()
    assert [question.text for question in _of(events, Question)] == [asked]
    assert not _of(events, Delta)


async def test_a_cancelled_turn_closes_the_connection_and_the_next_one_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeOllama([Say("I recommend "), Pause(30)]) as server:
        point_at(server, monkeypatch)
        session, _ = await _open("ollama", tmp_path)

        async def turn() -> None:
            async for _ in session.recommend():
                pass

        work = asyncio.create_task(turn())
        assert await asyncio.to_thread(server.waiting.wait, 30)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert await asyncio.to_thread(server.left.wait, 2)
        server.replies = [obliging]
        events = [event async for event in session.recommend()]
        await session.close()
    assert not _of(events, Failure)
    assert _of(events, Recommendation)


def test_importing_a_session_imports_no_litellm() -> None:
    code = "import sys, agent.session, agent.llm; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(done.stdout.split())
    assert "agent" in loaded
    assert not loaded & {"litellm", "openai", "httpx", "aiohttp", "torch", "chromadb"}


def test_litellm_is_imported_only_where_models_are_called() -> None:
    root = Path(__file__).resolve().parents[2]
    found = [
        path.relative_to(root).as_posix()
        for folder in ("agent", "knowledge", "tools", "tui")
        for path in (root / folder).rglob("*.py")
        if "import litellm" in (text := path.read_text(encoding="utf-8")) or "from litellm" in text
    ]
    senders = ["tools/measuring/litellm_sender.py", "tools/model_calls/client.py"]
    assert sorted(found) == ["knowledge/litellm_setup.py", *senders]
