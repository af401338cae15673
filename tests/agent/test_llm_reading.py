"""Messages that a model reads: in one request, with mistakes, late, and switched off."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent.understanding import Asked
from tests.fakes.model_script import Answer, Cut, Fail, Pause, Reply, Say, words
from tests.fakes.voices import Stage, stage
from tests.waiting import HANGS, not_waited_for
from tools.model_calls.client import Limits
from tools.needs import Needs

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
FRENCH = "Je veux un assistant de programmation hors ligne sur ma RTX 3060 12GB, pour mon entreprise."
READ = {
    "intent": "needs",
    "task": {"value": "code", "quote": "assistant de programmation"},
    "deployment": {"value": "offline", "quote": "hors ligne"},
    "license": {"value": "commercial", "quote": "pour mon entreprise"},
}


@pytest.fixture(params=["ollama", "openai"])
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def said(document: dict[str, Any]) -> Reply:
    return words(json.dumps(document, ensure_ascii=False))


async def read(on: Stage, text: str, asked: Asked | None = None) -> Any:
    return await on.voice.understand(text, Needs(), asked, on.emit)


async def test_a_message_is_read_in_one_request(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage(provider, tmp_path, monkeypatch, said(READ)) as on:
        found = await read(on, FRENCH, Asked("task", ("code", "chat")))
        assert found.values["task"].value.name == "code"
        assert found.values["deployment"].value.offline
        assert {slot.source for slot in found.values.values()} == {"inferred"}
        assert len(on.server.requests) == 1
        assert "assistant de programmation" in on.sent(0)
        assert "`task`" in on.sent(0)
        assert on.streamed == ""


async def test_ollama_is_held_to_the_form_and_an_unknown_api_model_is_told_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage("ollama", tmp_path / "o", monkeypatch, said(READ)) as on:
        await read(on, FRENCH)
        assert on.server.requests[0]["format"]["properties"]["task"]["required"] == ["value", "quote"]
    async with stage("openai", tmp_path / "a", monkeypatch, said(READ)) as on:
        await read(on, FRENCH)
        assert "response_format" not in on.server.requests[0]


async def test_a_refused_form_is_asked_for_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.model_calls.client.takes_form", _yes)
    refusal = [Fail(400, "Unknown parameter: response_format")]
    async with stage("openai", tmp_path, monkeypatch, refusal, said(READ)) as on:
        assert (await read(on, FRENCH)).values["task"].value.name == "code"
        await read(on, FRENCH)
        assert ["response_format" in body for body in on.server.requests] == [True, False, False]


async def _yes(profile: object) -> bool:
    return True


WRONG: dict[str, tuple[Answer, str]] = {
    "prose": (words("You need a coding model."), "no readable JSON object"),
    "type": (said({**READ, "task": {"value": "programming", "quote": "programmation"}}), "`task`"),
    "no quote": (said({**READ, "task": "code"}), "`value` and `quote`"),
    "invented quote": (said({**READ, "budget": 1, "task": {"value": "code", "quote": "coding"}}), "stand in"),
    "invented number": (said({**READ, "context": {"value": 9000, "quote": "12GB"}}), "number in `context`"),
}


@pytest.mark.parametrize("case", WRONG)
async def test_mistakes_are_named_once_and_repaired(
    provider: str, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong, named = WRONG[case]
    async with stage(provider, tmp_path, monkeypatch, wrong, said(READ)) as on:
        found = await read(on, FRENCH)
        assert found.values["task"].value.name == "code"
        assert not found.problems
        assert named in on.server.requests[1]["messages"][-1]["content"]


@pytest.mark.parametrize("case", WRONG)
async def test_what_stays_wrong_is_dropped_and_the_rest_kept(
    provider: str, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage(provider, tmp_path, monkeypatch, WRONG[case][0]) as on:
        found = await read(on, FRENCH)
        assert len(on.server.requests) == 2
        if case == "prose":
            assert found is None
        else:
            assert found.values["license"].value.use == "commercial"
            assert ("task" in found.values) == (case == "invented number")
            assert "context" not in found.values


FAILURES: dict[str, Reply] = {
    "down": [Cut()],
    "cut": [Say('{"intent": '), Cut()],
    "key": [Fail(401, "bad key")],
    "missing": [Fail(404, "model 'fake' not found")],
    "server": [Fail(500, "broken")],
    "empty": [],
}


@pytest.mark.parametrize("case", FAILURES)
async def test_a_failure_leaves_the_message_to_the_parser_without_a_word(
    provider: str, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage(provider, tmp_path, monkeypatch, FAILURES[case]) as on:
        assert await read(on, FRENCH) is None
        assert not on.failures


async def test_a_slow_model_is_not_waited_for_and_soon_not_asked(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = Limits(understanding=0.3)
    async with stage(provider, tmp_path, monkeypatch, [Pause(HANGS), Say("{}")], limits=limits) as on:
        with not_waited_for():
            for _ in range(3):
                assert await read(on, FRENCH) is None
        assert len(on.server.requests) == 2


async def test_reading_can_be_switched_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = Limits(understanding=0)
    async with stage("ollama", tmp_path, monkeypatch, said(READ), limits=limits) as on:
        assert await read(on, FRENCH) is None
        assert on.server.requests == []
