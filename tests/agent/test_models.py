"""Switching the model and pulling one in mid-conversation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.events import Confirm, Event, Failure, Message, Mode, Progress, Recommendation, TurnEnd
from agent.session import GraphSession, open_session
from knowledge.errors import UsageError
from tests.agent.test_llm_session import NEEDS, obliging
from tests.fakes.model_script import Pause
from tests.fakes.model_server import FakeOllama
from tests.fakes.voices import FakeSmallRetriever
from tools.model_calls import client as llm_client

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
FAKE = "ollama_chat/fake"
LAYER = {"status": "pulling 1a2b", "digest": "sha256:1a2b", "total": 1000}


@pytest.fixture(autouse=True, scope="module")
def _loaded() -> None:
    """LiteLLM is there: its import in the background outlives a test that does not wait for it."""
    llm_client.load()


@asynccontextmanager
async def talking(
    folder: Path, monkeypatch: pytest.MonkeyPatch, **server: Any
) -> AsyncIterator[tuple[GraphSession, FakeOllama]]:
    with FakeOllama(obliging, **server) as fake:
        monkeypatch.setenv("OLLAMA_API_BASE", fake.url)
        session = await open_session(home=folder / "home", retriever=FakeSmallRetriever(folder))
        [event async for event in session.open()]
        try:
            yield session, fake
        finally:
            await session.close()


async def _all(events: AsyncIterator[Event]) -> list[Event]:
    return [event async for event in events]


def _of(events: list[Event], kind: type[Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


async def test_the_conversation_is_kept_over_a_switch_and_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with talking(tmp_path, monkeypatch) as (session, server):
        await _all(session.say(NEEDS))
        before = await _all(session.recommend())
        assert server.requests == []
        switched = await _all(session.models.switch(FAKE))
        assert switched == [Mode("ollama", FAKE), TurnEnd()]
        with_model = await _all(session.recommend())
        assert server.requests
        sent = len(server.requests)
        assert await _all(session.models.switch("guided")) == [Mode("guided", None), TurnEnd()]
        after = await _all(session.recommend())
        assert len(server.requests) == sent
    found = [_of(events, Recommendation) for events in (before, with_model, after)]
    assert found[0] == found[1] == found[2]
    assert [said["role"] for said in session.history()][:2] == ["user", "advisor"]
    assert len(session.history()) == 5


@pytest.mark.parametrize(
    ("model", "code", "says"),
    [
        ("ollama_chat/absent", "model_missing", "does not have the model absent"),
        ("openai/gpt-4.1-mini", "no_key", "OPENAI_API_KEY"),
        ("nosuchprovider/model", "unknown_model", "no provider"),
        ("", "usage", "no spaces"),
        ("two words", "usage", "no spaces"),
    ],
)
async def test_a_switch_that_fails_keeps_the_old_model_and_says_why(
    model: str, code: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    async with talking(tmp_path, monkeypatch) as (session, server):
        await _all(session.models.switch(FAKE))
        events = await _all(session.models.switch(model))
        failure = _of(events, Failure)[0]
        assert failure.code == code
        assert says in failure.message
        assert failure.message.endswith(f"It stays with {FAKE}.")
        assert "This turn" not in failure.hint
        assert session.models.model == FAKE
        worded = await _all(session.recommend())
        assert server.requests
        assert not _of(worded, Failure)


async def test_a_server_that_is_gone_keeps_guided_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with talking(tmp_path, monkeypatch) as (session, _):
        monkeypatch.setenv("OLLAMA_API_BASE", "http://127.0.0.1:9")
        events = await _all(session.models.switch(FAKE))
        assert _of(events, Failure)[0].message.endswith("It stays with guided mode.")
        assert _of(await _all(session.recommend()), Message)


async def test_offline_no_model_can_be_switched_to_or_pulled(tmp_path: Path) -> None:
    session = await open_session(home=tmp_path, retriever=FakeSmallRetriever(tmp_path), offline=True)
    for turn in (session.models.switch(FAKE), session.models.switch("auto"), session.models.pull("x")):
        events = await _all(turn)
        assert isinstance(events[0], Failure)
        assert "--offline" in events[0].message
        assert isinstance(events[-1], TurnEnd)
    await session.close()


async def test_the_model_is_loaded_with_the_window_of_the_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with talking(tmp_path, monkeypatch) as (session, server):
        await _all(session.models.switch(FAKE))
        for _ in range(200):
            if server.loads:
                break
            await asyncio.sleep(0.02)
        await _all(session.recommend())
        load = server.loads[0]
        assert load["keep_alive"] == "30m"
        windows = {request["options"]["num_ctx"] for request in server.requests}
        assert windows == {load["options"]["num_ctx"]}


async def test_nothing_is_pulled_without_a_yes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with talking(tmp_path, monkeypatch) as (session, server):
        events = await _all(session.models.pull("qwen3:4b"))
        assert [event.type for event in events] == ["confirm", "turn_end"]
        question = events[0]
        assert isinstance(question, Confirm)
        assert "2.5 GB" in question.text
        assert question.size_bytes is not None
        assert _of(await _all(session.models.pull("some/other")), Confirm)[0].size_bytes is None
        assert server.paths == []


async def test_a_pull_tells_how_far_it_is_and_uses_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with talking(tmp_path, monkeypatch) as (session, server):
        server.pull_steps = [
            {"status": "pulling manifest"},
            {**LAYER},
            *({**LAYER, "completed": n} for n in range(0, 1000, 10)),
            Pause(0.3),
            {**LAYER, "completed": 1000},
            {"status": "verifying sha256 digest"},
            {"status": "success"},
        ]
        events = await _all(session.models.pull("fake", confirmed=True))
        assert server.pulls == ["fake"]
        steps = _of(events, Progress)
        assert [step.step for step in steps if step.step != "pulling"] == [
            "pulling manifest",
            "verifying sha256 digest",
            "success",
        ]
        assert (steps[-3].completed_bytes, steps[-3].total_bytes) == (1000, 1000)
        assert len(steps) < 15  # not one for each line of the server
        assert events[-2:] == [Mode("ollama", FAKE), TurnEnd()]


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        (
            [{"status": "pulling manifest"}, {"error": "pull model manifest: file does not exist"}],
            "model_missing",
        ),
        ([{**LAYER}, {"error": "write: no space left on device"}], "disk"),
        ([{**LAYER}, {"error": "sk-secret in here"}], "pull"),
        ([{**LAYER, "completed": 10}], "cut"),
    ],
)
async def test_a_pull_that_fails_is_said_and_changes_nothing(
    steps: list[Any], code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with talking(tmp_path, monkeypatch) as (session, server):
        server.pull_steps = steps
        events = await _all(session.models.pull("fake", confirmed=True))
        failures = _of(events, Failure)
        assert [failure.code for failure in failures] == [code]
        assert "secret" not in failures[0].message + failures[0].hint
        assert isinstance(events[-1], TurnEnd)
        assert session.models.model == "guided"


async def test_a_pull_that_is_stopped_closes_the_connection_and_leaves_a_usable_conversation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with talking(tmp_path, monkeypatch) as (session, server):
        server.pull_steps = [{**LAYER, "completed": 10}, Pause(30), {"status": "success"}]

        work = asyncio.create_task(_all(session.models.pull("fake", confirmed=True)))
        assert await asyncio.to_thread(server.waiting.wait, 10)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert await asyncio.to_thread(server.left.wait, 2)
        assert _of(await _all(session.recommend()), Recommendation)
        server.pull_steps = [{"status": "success"}]
        assert _of(await _all(session.models.pull("fake", confirmed=True)), Mode)


async def test_a_name_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with talking(tmp_path, monkeypatch) as (session, server):
        for name in ("", "a b", "../../x", "x; rm -rf /", "-f"):
            with pytest.raises(UsageError):
                await _all(session.models.pull(name, confirmed=True))
        assert server.paths == []
