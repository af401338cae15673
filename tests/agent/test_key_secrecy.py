"""A key is in the request and nowhere else: no event, log, file of the state folder, or finding of doctor."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest

from agent.session import open_session
from tests.agent.test_llm_session import NEEDS, obliging
from tests.fakes.model_script import Fail, Reply
from tests.fakes.model_server import FakeOpenAI
from tests.fakes.voices import FakeSmallRetriever, point_at
from tests.knowledge.test_keys import SECRET, FakeKeyring
from tools.commands.doctor import doctor, report
from tools.model_calls import client as llm_client

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


@pytest.fixture(params=["environment", "keyring"])
def stored(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where the key lies; the environment of the test is set up afterward."""
    before = keyring.get_keyring()
    if request.param == "keyring":
        keyring.set_keyring(FakeKeyring())  # type: ignore[no-untyped-call]
    yield str(request.param)
    keyring.set_keyring(before)


@pytest.mark.parametrize("reply", ["good", "refused"])
async def test_a_key_shows_nowhere(
    reply: str,
    stored: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    llm_client.load()
    monkeypatch.setenv("LLM_ADVISOR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LLM_ADVISOR_MODEL", "openai/gpt-4.1-mini")
    refusal: Reply = [Fail(401, f"Incorrect API key provided: {SECRET}")]
    with (
        caplog.at_level(logging.DEBUG),
        FakeOpenAI(obliging if reply == "good" else refusal, model="gpt-4.1-mini") as server,
    ):
        point_at(server, monkeypatch)
        if stored == "keyring":
            monkeypatch.delenv("OPENAI_API_KEY")
        else:
            monkeypatch.setenv("OPENAI_API_KEY", SECRET)
        session = await open_session(home=tmp_path / "home", retriever=FakeSmallRetriever(tmp_path))
        events = [event async for event in session.open()]
        events += [event async for event in session.say(NEEDS)]
        events += [event async for event in session.recommend()]
        events.append(session.models.spent())
        await session.close()
        assert server.headers[0]["authorization"] == f"Bearer {SECRET}"
    shown = json.dumps([event.as_json() for event in events])
    findings = doctor(offline=True)
    files = [path.read_bytes() for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert files
    assert SECRET not in shown + caplog.text + json.dumps(findings) + report(findings)
    assert not any(SECRET.encode() in data for data in files)
    assert SECRET not in "".join(capfd.readouterr())
    found = next(check for check in findings["checks"] if check["name"] == "chat model")
    assert found["state"] == "ok"
    assert f"key in the {stored} (OPENAI_API_KEY)" in found["found"]
