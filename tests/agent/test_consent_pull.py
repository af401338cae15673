"""A model may propose a download into Ollama: the person says yes, sees how far it is, or stays offline."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.events import Event, Progress, Question, ToolCall, TurnEnd
from agent.session import GraphSession, open_session
from tests.agent.conversing import of, said, words
from tests.fakes.model_script import Call, Reply, Say
from tests.fakes.model_server import FakeOllama
from tests.fakes.voices import MODELS, FakeSmallRetriever, point_at

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
STEPS: list[Any] = [
    {"status": "pulling manifest"},
    {"status": "pulling 1a2b", "digest": "sha256:1a2b", "total": 1000, "completed": 500},
    {"status": "success"},
]


def pulling(tag: str) -> Any:
    """A model that wants to download `tag` whatever it is asked."""

    def answer(body: dict[str, Any]) -> Reply:
        last = body["messages"][-1]
        if "tools" in body and last["role"] != "tool":
            return [Call("pull_model", {"model": tag})]
        return [Say(str(last["content"]).partition("Draft:\n")[2] or "I cannot tell.")]

    return answer


@asynccontextmanager
async def asked_for(
    tag: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[GraphSession, FakeOllama, list[Event]]]:
    """A conversation in which the person asks for a download of qwen3:4b, and a model that wants `tag`."""
    with FakeOllama(pulling(tag)) as server:
        server.pull_steps = STEPS
        point_at(server, monkeypatch)
        opened = await open_session(
            model=MODELS["ollama"], home=folder / "home", retriever=FakeSmallRetriever(folder), session="s"
        )
        try:
            assert [event async for event in opened.open()]
            yield opened, server, await said(opened, "what is qwen3:4b, and can you download it for me?")
        finally:
            await opened.close()


async def test_a_yes_downloads_and_tells_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asked_for("qwen3:4b", tmp_path, monkeypatch) as (talk, server, asked):
        (question,) = of(asked, Question)
        assert (question.slot, question.options) == ("confirm", ["yes", "no"])
        assert "`qwen3:4b`" in question.text
        assert "gigabytes" in question.reason
        assert server.pulls == []
        done = await said(talk, "yes")
        assert server.pulls == ["qwen3:4b"]
        assert [step.completed_bytes for step in of(done, Progress)][1] == 500
        assert [call.result["pulled"] for call in of(done, ToolCall)] == ["qwen3:4b"]
        assert "`ollama run qwen3:4b`" in words(done)
        assert len(of(done, TurnEnd)) == 1


async def test_a_no_and_a_failure_leave_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with asked_for("qwen3:4b", tmp_path, monkeypatch) as (talk, server, _):
        assert "I left it as it is." in words(await said(talk, "no"))
        assert server.pulls == []
        await said(talk, "can you download qwen3:4b for me?")
        server.pull_steps = [{"error": "pull model manifest: file does not exist"}]
        failed = words(await said(talk, "yes"))
        assert "That did not work: Ollama's registry has no model qwen3:4b." in failed


async def test_what_the_person_did_not_name_is_not_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asked_for("evil:9b", tmp_path, monkeypatch) as (talk, server, asked):
        assert not [question for question in of(asked, Question) if question.slot == "confirm"]
        await said(talk, "yes")
        assert server.pulls == []


async def test_a_yes_that_is_given_offline_opens_no_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asked_for("qwen3:4b", tmp_path, monkeypatch) as (_, server, _asked):
        pass
    later = await open_session(
        home=tmp_path / "home", retriever=FakeSmallRetriever(tmp_path), session="s", offline=True
    )
    assert [event async for event in later.open()]
    told = words(await said(later, "yes"))
    await later.close()
    assert "--offline forbids the network." in told
    assert server.pulls == []
