"""A model server that fails, on the real screen over the real session: what is read, and what goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from agent.protocol import Session
from agent.session import open_session
from tests.fakes.model_script import Cut, Fail, Pause, Reply, Say, words
from tests.fakes.model_server import FakeModelServer, FakeOllama, FakeOpenAI
from tests.fakes.voices import KEY, MODELS, FakeSmallRetriever, point_at
from tests.tui.driving import say, settled, shown
from tui.app import AdvisorApp
from tui.widgets.composer import Composer
from tui.widgets.messages import FailureMessage, UserMessage
from tui.widgets.recommendation import RecommendationBlock

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
NEEDS = "a coding assistant on my RTX 3090, commercial use, 16k context, good quality"
SERVERS: dict[str, type[FakeModelServer]] = {"ollama": FakeOllama, "openai": FakeOpenAI}


@asynccontextmanager
async def talking(
    server: FakeModelServer,
    model: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[tuple[AdvisorApp, Pilot[int]]]:
    """The screen over the real session, whose model is behind this server."""
    point_at(server, monkeypatch)

    async def opens() -> Session:
        return await open_session(model=model, home=folder / "home", retriever=FakeSmallRetriever(folder))

    app = AdvisorApp(opens, state=folder)
    app.animation_level = "none"
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await settled(pilot)
        yield app, pilot


@dataclass(frozen=True, slots=True)
class Case:
    """A way to fail, and what is to be read of it."""

    provider: str
    reply: Reply
    message: str
    hint: str


CASES = {
    "wrong key": Case(
        "openai", [Fail(401, "Incorrect API key provided")], "refused the key", "OPENAI_API_KEY"
    ),
    "no such model": Case(
        "openai", [Fail(404, "no such model")], "does not know the model", "Check the model"
    ),
    "not pulled": Case("ollama", [Fail(404, "model 'fake' not found")], "does not have", "ollama pull fake"),
    "rate limit": Case(
        "openai", [Fail(429, "slow down", "0.01")], "no more requests for now", "Wait a minute"
    ),
    "cut": Case("ollama", [Say("I recommend "), Cut()], "broke off in the middle", "Try again"),
    "silence": Case("openai", [Say("I recommend "), Pause(30)], "took too long to answer", "Try again"),
    "broken": Case("ollama", [Fail(500, "<html>oops</html>")], "failed while it answered", "try again"),
}
"""Each with a fake server of its provider; the texts are parts of what is read."""


def obliging(body: dict[str, Any]) -> Reply:
    """A model that words what it is given."""
    return words(body["messages"][-1]["content"].partition("Draft:\n")[2])


def check_problem(app: AdvisorApp, case: Case, count: int) -> None:
    """One clear sentence on the screen, with its hint in the conversation, and nothing of the machinery."""
    failures = list(app.chat.query(FailureMessage))
    assert len(failures) == count
    assert case.message in failures[-1].message
    assert case.hint in failures[-1].hint
    text = " ".join(shown(app).split())
    assert f"Problem: {failures[-1].message}" in text
    everything = text + "".join(failure.message + failure.hint for failure in failures)
    assert not [word for word in ("litellm.", "Traceback", "Error code", "<html>", KEY) if word in everything]


@pytest.mark.parametrize("name", CASES)
async def test_one_sentence_is_read_and_the_guided_answer_comes(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES[name]
    monkeypatch.setenv("LLM_ADVISOR_IDLE_SECONDS", "0.2")
    with SERVERS[case.provider](case.reply) as server:
        async with talking(server, MODELS[case.provider], tmp_path, monkeypatch) as (app, pilot):
            await say(pilot, NEEDS)
            check_problem(app, case, 1)
            composer = app.chat.query_one(Composer)
            assert composer.text == ""  # it was answered, by the built-in words
            assert [said.text for said in app.chat.query(UserMessage)] == [NEEDS]
            assert app.chat.presenter.question is not None
            await pilot.press("ctrl+r")
            await settled(pilot)
            assert app.chat.query(RecommendationBlock)
            check_problem(app, case, 2)


async def test_once_the_server_answers_again_nothing_more_is_said_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeOllama([Say("I recommend "), Cut()]) as server:
        async with talking(server, MODELS["ollama"], tmp_path, monkeypatch) as (app, pilot):
            await say(pilot, NEEDS)
            assert "Problem:" in shown(app)
            server.replies = [obliging]
            await pilot.press("ctrl+r")
            await settled(pilot)
            assert "Problem:" not in shown(app)
            assert len(app.chat.query(FailureMessage)) == 1
            assert len(server.requests) > 1


async def test_a_server_that_is_gone_is_named_and_what_is_typed_meanwhile_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeOllama(obliging) as server:
        async with talking(server, MODELS["ollama"], tmp_path, monkeypatch) as (app, pilot):
            await say(pilot, NEEDS)
            assert not app.chat.query(FailureMessage)
            server.stop()
            await pilot.press("ctrl+r", *"and then")
            await settled(pilot)
            gone = Case("ollama", [], f"Ollama does not answer at {server.url}", "ollama serve")
            check_problem(app, gone, 1)
            assert app.chat.query_one(Composer).text == "and then"
            assert app.chat.query(RecommendationBlock)
