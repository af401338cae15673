"""The Python API: sync and async, what a reply holds, and the examples of its page."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest

from agent import Advisor, AsyncAdvisor
from agent.events import Recommendation, TurnEnd
from agent.lock import SessionBusyError
from knowledge.errors import UsageError
from knowledge.home import HOME_VARIABLE
from tests.agent.conversing import NEEDS
from tests.fakes.retriever import FakeRetriever

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "python-api.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.fixture(autouse=True)
def _words_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No embedder is loaded, and every conversation is kept in a folder of the test."""
    monkeypatch.setattr("agent.session.open_retriever", lambda folder, **_: FakeRetriever(folder))
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))


def test_a_conversation_ends_in_a_recommendation(tmp_path: Path) -> None:
    with Advisor() as advisor:
        asked = advisor.say("a coding assistant for my RTX 3060 12GB")
        assert asked.question is not None
        assert asked.question.options
        assert asked.recommendation is None
        assert asked.best is None
        assert set(asked.needs) >= {"task", "hardware"}
        assert asked.assumptions
        reply = advisor.recommend()
        follow = advisor.say("why not Llama 3.3 70B?")
        assert [one["role"] for one in advisor.history] == ["user", "advisor", "advisor", "user", "advisor"]
    assert reply.question is None
    assert reply.best is not None
    assert reply.best["model"] in reply.text
    assert [call.name for call in reply.tools] == ["recommend"]
    assert reply.problems == []
    assert follow.citations
    assert follow.needs == reply.needs


def test_nothing_fits_is_a_reply_and_no_error() -> None:
    with Advisor() as advisor:
        reply = advisor.say("fine-tune a 70B model in full on a Raspberry Pi 5, commercial, just tell me")
    assert reply.recommendation is not None or reply.question is not None


def test_a_conversation_goes_on_is_taken_back_and_branched() -> None:
    with Advisor(session="work") as advisor:
        assert advisor.resumed is None
        advisor.say(NEEDS)
        best = advisor.recommend().best
        advisor.branch("aside")
        assert advisor.say("I have two RTX 4090 instead").best != best
        assert advisor.leave().best == best
        assert advisor.session == "work"
        with pytest.raises(SessionBusyError, match="open in another process"), Advisor(session="work"):
            pass
    with Advisor(session="work") as advisor:
        assert advisor.resumed is not None
        assert advisor.resumed.best == best
        assert advisor.transcript()["branches"][0]["branch"] == "aside"
        advisor.undo()
        assert advisor.undo().needs == {}


def test_events_come_one_by_one_and_a_turn_can_be_left() -> None:
    with Advisor() as advisor:
        events = list(advisor.stream(NEEDS + ", just tell me"))
        assert isinstance(events[-1], TurnEnd)
        assert any(isinstance(event, Recommendation) for event in events)
        for _ in advisor.stream("actually I have an RTX 4060"):
            break
        assert "4060" not in str(advisor.say("16k context please").needs)


async def test_in_an_event_loop() -> None:
    async with AsyncAdvisor(session="a") as one, AsyncAdvisor(session="b") as other:
        replies = await asyncio.gather(one.say(NEEDS + ", just tell me"), other.say("chat on an RTX 4060"))
        assert replies[0].best is not None
        assert "4060" in str(replies[1].needs)
        transcript = await one.transcript()
        assert transcript["recommendation"] == replies[0].recommendation


async def test_sync_works_beside_a_running_loop() -> None:
    with Advisor() as advisor:
        assert advisor.say("chat on an RTX 3090").needs


def test_what_is_not_open_says_so() -> None:
    with pytest.raises(RuntimeError, match="`with`"):
        Advisor().say("hello")
    with pytest.raises(UsageError), Advisor("gpt-5", offline=True):
        pass


@pytest.mark.parametrize("example", EXAMPLES, ids=["sync", "async", "sessions"])
def test_the_examples_of_the_page_run(example: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(example, str(PAGE), "exec"), {"__name__": "example"})
    assert capsys.readouterr().out.strip()


def test_importing_it_loads_nothing_heavy() -> None:
    code = (
        "import sys, agent; from agent import Advisor; Advisor()\n"
        "heavy = {'langgraph', 'torch', 'litellm', 'chromadb', 'pydantic', 'anyio'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
