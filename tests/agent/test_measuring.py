"""The measurement that would decide: proposed with a recommendation, run on a yes, and then decided anew."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from agent.events import (
    Confirm,
    Event,
    Failure,
    Message,
    Progress,
    Question,
    Recommendation,
    ToolCall,
    TurnEnd,
)
from agent.session import GraphSession
from knowledge.home import HOME_VARIABLE
from knowledge.measured_here import load_runs
from tests.agent.conversing import all_of, of, said, words
from tests.agent.proposed import FIRST, HERE, QUICK, SAYS, recommended, talking
from tests.fakes.model_server import FakeOpenAI
from tests.fakes.paced_server import Pace, PacedServer
from tests.fakes.scripted_models import STRENGTHS
from tests.fakes.voices import MODELS, point_at
from tests.waiting import not_waited_for

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
PROPOSED = "A measurement would decide."


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    monkeypatch.setattr("tools.brief.detect_machine", lambda: HERE)
    monkeypatch.setattr("tools.hardware.detect_machine", lambda: HERE)
    monkeypatch.setattr("agent.measuring.OFFERED", QUICK)
    monkeypatch.setenv("OLLAMA_API_BASE", "http://127.0.0.1:9")


@contextmanager
def serving(monkeypatch: pytest.MonkeyPatch, pace: Pace) -> Iterator[PacedServer]:
    with PacedServer(pace) as server:
        monkeypatch.setenv("OLLAMA_API_BASE", server.url)
        yield server


def speed_of(events: list[Event], model_id: str) -> dict[str, object]:
    """The speed of an option of the turn's recommendation."""
    (found,) = of(events, Recommendation)
    speeds = {c["model_id"]: c["speed"] for c in found.recommendation["candidates"]}
    speed: dict[str, object] = speeds[model_id]
    return speed


def ends_once(events: list[Event]) -> bool:
    return len(of(events, TurnEnd)) == 1 and isinstance(events[-1], TurnEnd)


async def test_what_would_decide_is_proposed_with_time_and_cost_and_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(monkeypatch, Pace(model=FIRST)) as server:
        async with talking(tmp_path) as session:
            events = await recommended(session)
            assert server.bodies() == []
    text = words(events)
    assert PROPOSED in text
    assert f"`{FIRST}`" in text
    for part in ("about ", "at most ", "no cost", "Say **measure**"):
        assert part in text
    assert not of(events, Question)
    assert not of(events, Confirm)
    assert ends_once(events)
    assert load_runs() == ()


async def test_a_model_that_is_named_is_measured_after_a_yes_whether_it_was_recommended_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(monkeypatch, Pace(0.02, tps=120, model="qwen3:0.6b")) as server:
        async with talking(tmp_path) as session:
            found = of(await recommended(session), Recommendation)[-1].recommendation
            asked = await said(session, "please measure qwen3:0.6b")
            assert server.bodies() == []
            done = await said(session, "yes")
    assert "Qwen/Qwen3-0.6B" not in [c["model_id"] for c in found["candidates"]]
    assert "I can measure `qwen3:0.6b` on this machine's Ollama: " in words(asked)
    (run,) = load_runs()
    assert run.model_id == "Qwen/Qwen3-0.6B"
    assert "**Qwen3-0.6B**, measured here now" in words(done)
    assert ends_once(done)


@pytest.mark.parametrize("answer", ["yes", "measure", "/bench"])
async def test_a_yes_measures_tells_both_figures_and_recommends_anew(
    answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(monkeypatch, Pace(0.02, tps=120, model=FIRST)):
        async with talking(tmp_path) as session:
            before = await recommended(session)
            done = await said(session, answer)
            (run,) = load_runs()
            later = await all_of(session.recommend())
    steps = of(done, Progress)
    assert [step.action for step in steps] == ["bench"] * len(steps)
    assert {step.total for step in steps} == {2}
    assert any(step.seconds_left is not None for step in steps)
    call = next(one for one in of(done, ToolCall) if one.name == "bench")
    assert call.result["served_as"] == FIRST
    told = of(done, Message)[0]
    assert "measured here now (ollama, Q4_K_M, a prompt of" in told.text
    assert "the estimate" in told.text
    assert told.citations[0]["kind"] == "measurement"
    assert "measured" not in speed_of(before, str(run.model_id))
    assert speed_of(done, str(run.model_id))["measured"]
    assert of(done, Recommendation)[0].changed
    assert ends_once(done)
    assert f"measure `{FIRST}`" not in words(later)


async def test_a_no_leaves_it_and_only_its_name_brings_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(monkeypatch, Pace(0.02, tps=120, model=FIRST)) as server:
        async with talking(tmp_path) as session:
            await recommended(session)
            assert "I left it as it is." in words(await said(session, "no thanks"))
            assert not of(await said(session, "yes"), Progress)
            assert server.bodies() == []
            assert of(await said(session, "please measure it"), Progress)


async def test_after_another_question_a_bare_yes_means_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(monkeypatch, Pace(model=FIRST)) as server:
        async with talking(tmp_path) as session:
            await recommended(session)
            await said(session, "what does a quantized KV cache cost in quality?")
            await said(session, "yes")
            assert server.bodies() == []


async def test_what_is_not_pulled_is_named_with_its_command_and_not_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(monkeypatch, Pace(model="llama2:7b")) as server:
        async with talking(tmp_path) as session:
            text = words(await recommended(session))
            assert "It cannot run yet, because this machine's Ollama does not have " in text
            await said(session, "yes")
            assert server.bodies() == []


async def test_without_a_server_nothing_is_proposed_and_asking_for_it_says_why(tmp_path: Path) -> None:
    async with talking(tmp_path) as session:
        assert PROPOSED not in words(await recommended(session))
        asked = await said(session, "measure")
    assert "Ollama does not answer at http://127.0.0.1:9." in words(asked)
    assert ends_once(asked)


async def test_offline_nothing_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def looked(**_: object) -> object:
        raise AssertionError("the server was asked")

    monkeypatch.setattr("tools.measuring.deciding.list_models", looked)
    async with talking(tmp_path, offline=True) as session:
        assert PROPOSED not in words(await recommended(session))
        assert "--offline forbids" in words(await said(session, "measure"))


async def test_a_server_on_another_computer_is_not_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looked(**_: object) -> object:
        raise AssertionError("the server was asked")

    monkeypatch.setattr("tools.measuring.deciding.list_models", looked)
    monkeypatch.setenv("OLLAMA_API_BASE", "http://models.example:11434")
    async with talking(tmp_path) as session:
        assert PROPOSED not in words(await recommended(session))
        assert "not on this computer" in words(await said(session, "measure"))


async def test_another_machine_than_this_one_is_not_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(monkeypatch, Pace(model=FIRST)):
        async with talking(tmp_path) as session:
            assert PROPOSED not in words(await recommended(session, f"{SAYS}, on an RTX 4090"))


async def cut_short(session: GraphSession, rounds: int) -> None:
    """Says yes, and cancels the turn after so many rounds, long before it would end."""
    enough = asyncio.Event()

    async def follow() -> None:
        async for event in session.say("yes"):
            if isinstance(event, Progress) and (event.done or 0) >= rounds:
                enough.set()

    turn = asyncio.create_task(follow())
    await enough.wait()
    turn.cancel()
    with not_waited_for(), pytest.raises(asyncio.CancelledError):
        await turn


async def test_it_is_stopped_at_once_keeps_its_rounds_and_can_be_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.measuring.OFFERED", replace(QUICK, repeats=200))
    with serving(monkeypatch, Pace(0.02, tps=400, model=FIRST)):
        async with talking(tmp_path) as session:
            await recommended(session)
            await cut_short(session, 2)
            (kept,) = load_runs()
            assert not kept.complete
            assert kept.points[0].samples >= 2
            monkeypatch.setattr("agent.measuring.OFFERED", QUICK)
            again = await said(session, "yes")
    assert ends_once(again)
    assert of(again, Recommendation)


async def test_a_server_that_dies_ends_the_turn_and_not_the_conversation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(monkeypatch, Pace(0.02, tps=120, model=FIRST, dies_at=1)):
        async with talking(tmp_path) as session:
            await recommended(session)
            failed = await said(session, "yes")
            after = await recommended(session, "cheaper")
    assert of(failed, Failure)
    assert not of(failed, Recommendation)
    assert "Nothing was measured" in words(failed)
    assert ends_once(failed)
    assert ends_once(after)


async def test_the_proposal_outlives_the_session_and_undo_takes_the_answer_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(monkeypatch, Pace(0.02, tps=120, model=FIRST)):
        async with talking(tmp_path) as session:
            await recommended(session)
        async with talking(tmp_path) as session:
            assert of(await said(session, "yes"), Progress)
            undone = words(await all_of(session.undo()))
    assert "What was done outside the conversation stays." in undone
    assert len(load_runs()) == 1


async def test_where_a_model_words_the_answers_the_proposal_stands_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        FakeOpenAI(STRENGTHS["good"]) as words_server,
        PacedServer(Pace(0.02, tps=120, model=FIRST)) as server,
    ):
        point_at(words_server, monkeypatch)
        monkeypatch.setenv("OLLAMA_API_BASE", server.url)
        async with talking(tmp_path, model=MODELS["openai"]) as session:
            proposed = await recommended(session)
            assert server.bodies() == []
            asked = len(words_server.requests)
            done = await said(session, "yes")
    assert f"I can measure `{FIRST}`" in words(proposed)
    assert asked
    assert of(done, Progress)
    assert of(done, Recommendation)[0].changed
    assert ends_once(done)


async def test_a_wanted_speed_within_the_estimate_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = "general chat, personal use, 8k context, English, everything stays local, 25 tokens per second"
    with serving(monkeypatch, Pace(model="hf.co/bartowski/gemma-4-12B-it-GGUF:Q6_K")):
        async with talking(tmp_path) as session:
            text = words(await recommended(session, chat))
    assert "You asked for 25 tokens per second, and " in text
    assert " is estimated at " in text


async def test_after_a_kill_the_next_opening_measures_nothing_before_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.measuring.OFFERED", replace(QUICK, repeats=200))
    with serving(monkeypatch, Pace(0.02, tps=400, model=FIRST)) as server:
        async with talking(tmp_path) as session:
            await recommended(session)
            await cut_short(session, 0)
            session._cut = False  # a process that is killed leaves its turn as it stands
        asked = len(server.bodies())
        monkeypatch.setattr("agent.measuring.OFFERED", QUICK)
        async with talking(tmp_path) as session:
            last = session.history()[-1]["text"]
            assert last.startswith("That was cut off when the program ended; what was finished is kept.")
            assert last.endswith("Say **measure** to go on.")
            assert len(server.bodies()) == asked
            assert of(await said(session, "yes"), Recommendation)


async def test_a_model_that_is_gone_stops_no_other_and_a_failure_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(monkeypatch, Pace(0.02, tps=120, model=FIRST)) as server:
        async with talking(tmp_path) as session:
            await recommended(session)
            offer = session._state["offered"]
            assert offer is not None
            gone = {"model": "Gone", "model_id": "org/gone", "tag": "gone:1b"}
            offer["models"] = [gone, *offer["models"]]
            await session._graph.aupdate_state(session._config, {"offered": offer}, as_node="respond")
            await session._graph.ainvoke(None, session._config)
            await session._remember()
            done = await said(session, "go")
            assert server.bodies()
    (failed,) = of(done, Failure)
    assert "gone:1b" in failed.message
    assert of(done, Recommendation)
    assert "measured here now" in words(done)


async def test_what_failed_is_proposed_anew_and_not_run_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(monkeypatch, Pace(0.02, tps=120, model=FIRST, refuses=500)) as server:
        async with talking(tmp_path) as session:
            await recommended(session)
            assert of(await said(session, "yes"), Failure)
            again = await said(session, "yes")
    assert "I can measure" in words(again)
    assert not of(again, Progress)
    assert server.pace.refuses
