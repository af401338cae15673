"""A tool with side effects runs when the person says yes, and never otherwise."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.events import Event, Failure, Question, Ready, Recommendation, ToolCall, TurnEnd
from agent.session import GraphSession, open_session
from tests.agent.conversing import all_of, of, said, words
from tests.fakes.model_script import Call, Reply, Say
from tests.fakes.model_server import FakeOllama, FakeOpenAI
from tests.fakes.voices import MODELS, FakeSmallRetriever, point_at

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
ASKS = "can you add acme/tiny-llm from the hub to my models?"
SERVERS = {"ollama": FakeOllama, "openai": FakeOpenAI}


def adding(source: str) -> Any:
    """A model that wants to add `source` whatever it is asked."""

    def answer(body: dict[str, Any]) -> Reply:
        last = body["messages"][-1]
        if "tools" in body and last["role"] != "tool":
            return [Call("add_model", {"source": source})]
        return [Say(str(last["content"]).partition("Draft:\n")[2] or "I cannot tell.")]

    return answer


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """The arguments of every guarded tool that ran."""
    calls: list[dict[str, object]] = []

    def run(name: str, arguments: Mapping[str, object]) -> dict[str, Any]:
        calls.append({"tool": name, **arguments})
        commands = ["llm-advisor models remove added:tiny-llm"]
        return {"model": "tiny-llm", "unknown": ["license"], "commands": commands}

    monkeypatch.setattr("agent.consent.run_guarded", run)
    return calls


@asynccontextmanager
async def session(
    provider: str, folder: Path, monkeypatch: pytest.MonkeyPatch, source: str = "acme/tiny-llm"
) -> AsyncIterator[tuple[GraphSession, list[Event]]]:
    """A conversation with a model that wants to add something, after the question for it."""
    with SERVERS[provider](adding(source)) as server:
        point_at(server, monkeypatch)
        retriever = FakeSmallRetriever(folder)
        opened = await open_session(
            model=MODELS[provider], home=folder / "home", retriever=retriever, session="s"
        )
        try:
            assert any([isinstance(event, Ready) async for event in opened.open()])
            yield opened, await said(opened, ASKS)
        finally:
            await opened.close()


@pytest.mark.parametrize("provider", SERVERS)
async def test_the_person_is_asked_and_a_yes_runs_it(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ran: list[dict[str, object]]
) -> None:
    async with session(provider, tmp_path, monkeypatch) as (talk, asked):
        (question,) = of(asked, Question)
        assert (question.slot, question.options, question.clarifies) == ("confirm", ["yes", "no"], True)
        assert "acme/tiny-llm" in question.text
        assert "network" in question.reason
        assert ran == []
        done = await said(talk, "yes, please")
        assert ran == [{"tool": "add_model", "source": "acme/tiny-llm"}]
        assert [call.name for call in of(done, ToolCall)] == ["add_model"]
        assert "**tiny-llm** is among your models now." in words(done)
        assert len(of(done, TurnEnd)) == 1
        await said(talk, "yes")
        assert len(ran) == 1


@pytest.mark.parametrize("answer", ["no", "nope", "what is a cache?", "I need a chatbot on an RTX 3090"])
async def test_anything_but_a_yes_leaves_it(
    answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ran: list[dict[str, object]]
) -> None:
    async with session("ollama", tmp_path, monkeypatch) as (talk, _):
        events = await said(talk, answer)
        assert isinstance(events[-1], TurnEnd)
        assert ran == []
        assert ("I left it as it is." in words(events)) == answer.startswith("no")
        await said(talk, "yes")
        assert ran == []


async def test_the_question_survives_the_end_of_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ran: list[dict[str, object]]
) -> None:
    async with session("ollama", tmp_path, monkeypatch):
        pass
    retriever = FakeSmallRetriever(tmp_path)
    later = await open_session(home=tmp_path / "home", retriever=retriever, session="s")
    opening = [event async for event in later.open()]
    assert "Shall I look up" in of(opening, Question)[-1].text
    await said(later, "yes")
    await later.close()
    assert len(ran) == 1


async def test_what_the_person_did_not_name_is_not_even_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ran: list[dict[str, object]]
) -> None:
    async with session("ollama", tmp_path, monkeypatch, "evil/backdoor") as (talk, asked):
        assert "confirm" not in [question.slot for question in of(asked, Question)]
        assert "evil" not in words(asked)
        await said(talk, "yes")
        assert ran == []


async def test_a_failure_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(name: str, arguments: Mapping[str, object]) -> dict[str, Any]:
        return {"error": {"code": "service", "message": "The hub cannot be reached.", "hint": "Try later."}}

    monkeypatch.setattr("agent.consent.run_guarded", fails)
    async with session("ollama", tmp_path, monkeypatch) as (talk, _):
        events = await said(talk, "yes")
        assert words(events) == "That did not work: The hub cannot be reached. Try later."


async def test_a_way_that_fails_leaves_the_question_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ran: list[dict[str, object]]
) -> None:
    async with session("ollama", tmp_path, monkeypatch) as (talk, asked):
        failed = await all_of(talk.leave())
        assert of(failed, Failure)
        assert of(failed, Question) == of(asked, Question)
        assert not of(failed, Recommendation)
        await said(talk, "yes")
        assert len(ran) == 1


async def test_going_aside_leaves_what_was_asked_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ran: list[dict[str, object]]
) -> None:
    async with session("ollama", tmp_path, monkeypatch) as (talk, _):
        gone = await all_of(talk.branch("aside"))
        assert "Nothing was done about" in words(gone)
        assert not of(gone, Question)
        await said(talk, "yes")
        await all_of(talk.leave())
        await said(talk, "yes")
        assert ran == []


async def test_undo_takes_the_question_back_and_says_what_it_cannot_undo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ran: list[dict[str, object]]
) -> None:
    async with session("ollama", tmp_path, monkeypatch) as (talk, _):
        assert "stays" not in words(await all_of(talk.undo()))
        assert talk.history() == []
        await said(talk, "yes")
        assert ran == []
        await said(talk, ASKS)
        await said(talk, "yes")
        assert all(message["at"] for message in talk.history())
        back = words(await all_of(talk.undo()))
        assert "What was done outside the conversation stays." in back
        assert len(ran) == 1
