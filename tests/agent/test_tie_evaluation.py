"""Scenarios that break a tie: proposed with their cost, run on a word, counted in the recommendation."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.events import Event, Failure, Message, Progress, Recommendation, ToolCall, TurnEnd
from agent.proposed_evaluation import Wish, proposed_unasked
from agent.session import GraphSession
from knowledge.home import HOME_VARIABLE
from tests.agent.conversing import all_of, of, said, words
from tests.agent.proposed import HERE, SAYS, recommended, talking
from tests.fakes.listed import Listed
from tests.fakes.model_script import Pause, Reply, Say
from tests.fakes.model_server import FakeOllama, FakeOpenAI
from tests.fakes.voices import KEY, point_at
from tools.needs import Deployment, Needs, Slot, TaskNeed
from tools.recommend import recommend

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
API = "summaries of meetings through the API, only GPT models, 8k context, English, personal use"
FIRST, SECOND, SPARE = "gpt-5.6-luna", "gpt-5.6-sol", "gpt-5.4"
LING, MINI = "hf.co/bartowski/Ling-3.0-tiny-GGUF:Q8_0", "hf.co/bartowski/MiniCPM5-2B-GGUF:Q8_0"
COUNT = 20


class FakeManyOpenAI(FakeOpenAI):
    """The same for models of any name."""

    async def _route(self, path: str, headers: Any, body: Any, reader: Any, writer: Any) -> None:
        self.model = body.get("model", self.model)
        await super()._route(path, headers, body, reader, writer)


class FakeManyOllama(FakeOllama):
    """An Ollama that answers for every model that it lists."""

    async def _route(self, path: str, headers: Any, body: Any, reader: Any, writer: Any) -> None:
        if any(one.name == body.get("model") for one in self.listed):
            self.model = body["model"]
        await super()._route(path, headers, body, reader, writer)


def passing(**share: int) -> Callable[[dict[str, Any]], Reply]:
    """Models that pass the first so many scenarios of `own`, by a part of their name."""

    def reply(body: dict[str, Any]) -> Reply:
        number = int(re.findall(r"\d+", str(body["messages"][-1]["content"]))[-1])
        most = next(count for part, count in share.items() if part in body["model"].lower())
        return [Say(f"number {number}" if number < most else "no idea")]

    return reply


def own(folder: Path) -> Path:
    """A file of scenarios of the person's own, without a judge."""
    rows = "".join(
        f"\n  - id: s{n}\n    messages: [{{role: user, content: Say number {n}}}]"
        f'\n    checks: [{{exact: "number {n}"}}]'
        for n in range(COUNT)
    )
    path = folder / "mine.yaml"
    path.write_text(f"format: 1\nname: mine\nscenarios:{rows}\n", encoding="utf-8")
    return path


def candidates(events: list[Event]) -> list[dict[str, Any]]:
    (found,) = of(events, Recommendation)
    rows: list[dict[str, Any]] = found.recommendation["candidates"]
    return rows


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    monkeypatch.setattr("tools.brief.detect_machine", lambda: HERE)
    monkeypatch.setattr("tools.hardware.detect_machine", lambda: HERE)
    monkeypatch.setenv("OLLAMA_API_BASE", "http://127.0.0.1:9")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeManyOpenAI]:
    with FakeManyOpenAI(passing(luna=6, sol=20), usage=(100, 20)) as fake:
        point_at(fake, monkeypatch)
        monkeypatch.setenv("OLLAMA_API_BASE", "http://127.0.0.1:9")
        yield fake


async def test_a_tie_of_apis_is_proposed_with_scenarios_time_and_the_most_that_it_costs(
    tmp_path: Path, server: FakeManyOpenAI
) -> None:
    async with talking(tmp_path) as session:
        events = await recommended(session, API)
    assert server.requests == []
    first, second = candidates(events)[:2]
    assert (first["model"], second["model"], second["tied"]) == (FIRST, SECOND, True)
    (told,) = of(events, Message)
    assert "A measurement would decide." in told.proposal
    assert f"{FIRST} and {SECOND} tie" in told.proposal
    assert f"20 scenarios (retrieval) over {FIRST} and {SECOND}, judged by `{SPARE}`: about" in told.proposal
    assert len(set(re.findall(r"at most \$(\d+\.\d\d)", told.proposal))) == 1
    assert f"sends the scenarios to `{FIRST}`, `{SECOND}` and `{SPARE}`. May I?" in told.proposal


async def test_without_a_key_the_variable_and_the_command_are_told_and_nothing_is_offered(
    tmp_path: Path, server: FakeManyOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    async with talking(tmp_path) as session:
        text = words(await recommended(session, API))
        assert "OPENAI_API_KEY is not set" in text
        assert f"`llm-advisor evaluate {FIRST} {SECOND} --rubric retrieval" in text
        await said(session, "yes")
        assert server.requests == []
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        assert "May I?" in words(await said(session, "evaluate"))
    assert server.requests == []


async def test_a_shown_difference_breaks_the_tie_and_is_evidence_in_later_turns_too(
    tmp_path: Path, server: FakeManyOpenAI
) -> None:
    async with talking(tmp_path) as session:
        await recommended(session, API)
        await said(session, f"evaluate {own(tmp_path)}")
        done = await said(session, "yes")
        later = await all_of(session.recommend())
        why = words(await said(session, "why not the other one?"))
    steps = of(done, Progress)
    assert (steps[-1].done, steps[-1].total) == (2 * COUNT, 2 * COUNT)
    assert FIRST in steps[-1].model
    assert SECOND in steps[-1].model
    results = of(done, Message)[0].text
    assert f"`{FIRST}` passes 6 of 20 scenarios: 30 % (15 to 52 % at 95 %)." in results
    assert f"`{SECOND}` passes 20 of 20 scenarios: 100 % (84 to 100 % at 95 %)." in results
    assert "p = 0.00012 (exact McNemar test)" in results
    (anew,) = of(done, Recommendation)
    assert anew.changed.startswith(
        f"The scenarios break the tie: {SECOND} passes 70 points more than {FIRST}"
    )
    for events in (done, later):
        first, *others = candidates(events)
        assert first["model"] == SECOND
        kinds = [row["kind"] for row in first["quality"]["basis"]]
        assert kinds[0] == "measurement"
        assert re.fullmatch(
            rf"your scenarios: 20 of 20 on \d{{4}}-\d\d-\d\d, rubric {tmp_path}/mine\.yaml",
            first["quality"]["basis"][0]["source"],
        )
        assert "measurement" in [reason["evidence"][0]["kind"] for reason in first["why"][:2]]
        beaten = next(c for c in others if c["model"] == FIRST)
        assert not beaten["tied"]
        assert "70 points fewer" in beaten["why"][0]["text"]
    assert why
    (call,) = [one for one in of(done, ToolCall) if one.name == "evaluate"]
    assert [row["passed"] for row in call.result["models"]] == [6, 20]
    assert len(of(done, TurnEnd)) == 1
    assert "A measurement would decide" not in words(done) + words(later)


async def test_where_no_difference_is_shown_the_tie_stays_with_the_number_that_would_show_it(
    tmp_path: Path, server: FakeManyOpenAI
) -> None:
    server.replies = [passing(luna=16, sol=18)]
    async with talking(tmp_path) as session:
        await recommended(session, API)
        await said(session, f"evaluate {own(tmp_path)}")
        done = await said(session, "evaluate")
    (anew,) = of(done, Recommendation)
    assert "The tie stays: 20 scenarios show no difference" in anew.changed
    assert (
        "the gap of 10 points may be chance (p = 0.5), and about 55 scenarios would show it" in anew.changed
    )
    first, second = candidates(done)[:2]
    assert (first["model"], second["model"], second["tied"]) == (FIRST, SECOND, True)
    assert second["quality"]["basis"][0]["source"].startswith("your scenarios: 18 of 20 on ")


async def test_the_results_outlive_the_session_are_taken_back_and_are_dropped_with_the_task(
    tmp_path: Path, server: FakeManyOpenAI
) -> None:
    async with talking(tmp_path) as session:
        await recommended(session, API)
        await said(session, f"evaluate {own(tmp_path)}")
        await said(session, "yes")
    async with talking(tmp_path) as session:
        assert candidates(await all_of(session.recommend()))[0]["model"] == SECOND
        await said(session, "actually it is for code")
        back = candidates(await said(session, "no, for summaries of meetings after all"))
        assert all("scenarios" not in str(row["quality"]["basis"][:1]) for row in back)
        await all_of(session.undo())
        undone = await all_of(session.undo())
        assert candidates(undone)[0]["model"] == SECOND


async def test_a_paid_run_is_never_started_by_a_yes_to_something_else(
    tmp_path: Path, server: FakeManyOpenAI
) -> None:
    async with talking(tmp_path) as session:
        await recommended(session, API)
        await said(session, "what does a quantized KV cache cost in quality?")
        await said(session, "yes")
        assert server.requests == []
        again = words(await said(session, "evaluate"))
        assert "at most $" in again
        assert server.requests == []


async def test_the_ceiling_of_the_conversation_is_kept(tmp_path: Path, server: FakeManyOpenAI) -> None:
    async with talking(tmp_path) as session:
        session._services.account.max_usd = 0.001
        text = words(await recommended(session, API))
        assert "may spend only $0.00 more (--max-cost)" in text
        await said(session, "yes")
    assert server.requests == []


async def test_earlier_parts_of_a_run_are_counted_once_against_the_ceiling_of_the_conversation(
    tmp_path: Path, server: FakeManyOpenAI
) -> None:
    server.replies = [passing(luna=16, sol=18)]
    async with talking(tmp_path) as session:
        session._services.account.max_usd = 1000.0
        await recommended(session, API)
        await said(session, f"evaluate {own(tmp_path)}")
        await said(session, "yes")
        spent = session._services.account.usd
        assert spent > 0
        assert session.models.spent().usd == pytest.approx(spent)
        session._services.account.max_usd = 1.5 * spent
        again = await said(session, "evaluate")
        assert "all of them are answered already" in words(again)
        done = await said(session, "evaluate")
        assert session._services.account.usd == pytest.approx(spent)
    assert candidates(done)[0]["model"] == FIRST
    assert len(server.requests) == 2 * COUNT


async def test_what_was_finished_when_it_is_stopped_is_not_asked_again(
    tmp_path: Path, server: FakeManyOpenAI
) -> None:
    answer = passing(luna=6, sol=20)
    server.replies = [lambda body: [Pause(0.05), *answer(body)]]
    enough = asyncio.Event()

    async def follow(session: GraphSession) -> None:
        async for event in session.say("yes"):
            if isinstance(event, Progress) and (event.done or 0) >= 8:
                enough.set()

    async with talking(tmp_path) as session:
        await recommended(session, API)
        await said(session, f"evaluate {own(tmp_path)}")
        turn = asyncio.create_task(follow(session))
        await enough.wait()
        turn.cancel()
        with pytest.raises(asyncio.CancelledError):
            await turn
        done = await said(session, "yes")
    began = of(done, Progress)[0]
    assert (began.done or 0) >= 8
    assert len(server.requests) <= 2 * COUNT + 8  # those under way when it was stopped
    assert candidates(done)[0]["model"] == SECOND


async def test_a_model_that_fails_decides_nothing_and_what_is_finished_is_kept(
    tmp_path: Path, server: FakeManyOpenAI
) -> None:
    from tests.fakes.model_script import Fail

    answer = passing(luna=6, sol=20)
    server.replies = [lambda body: [Fail(401, "bad key")] if "sol" in body["model"] else answer(body)]
    async with talking(tmp_path) as session:
        await recommended(session, API)
        await said(session, f"evaluate {own(tmp_path)}")
        failed = await said(session, "yes")
        server.replies = [answer]
        asked = words(await said(session, "evaluate"))
        done = await said(session, "yes")
    assert not of(failed, Recommendation)
    assert not of(failed, Failure)
    assert f"`{SECOND}`:" in words(failed)
    assert "What is finished is kept" in words(failed)
    assert "20 of 40 answers are there already" in asked
    assert candidates(done)[0]["model"] == SECOND


async def test_offline_nothing_is_proposed(tmp_path: Path, server: FakeManyOpenAI) -> None:
    async with talking(tmp_path, offline=True) as session:
        assert "evaluate" not in words(await recommended(session, API))
        assert "--offline forbids" in words(await said(session, "evaluate"))


async def test_local_models_whose_speed_cannot_decide_are_compared_by_scenarios(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.proposing.speed_could_decide", lambda *_: False)
    there = (Listed(LING, 1), Listed(MINI, 1), Listed("judge:7b", 5))
    with FakeManyOllama(passing(ling=6, mini=20), model=LING, listed=there) as fake:
        monkeypatch.setenv("OLLAMA_API_BASE", fake.url)
        async with talking(tmp_path) as session:
            events = await recommended(session)
            asked = words(events)
            await said(session, f"evaluate {own(tmp_path)}")
            done = await said(session, "yes")
            why = words(await said(session, "why this one?"))
            why_not = words(await said(session, "why not Ling-3.0-tiny?"))
    assert "it passes 100 % of your scenarios against 30 %" in why
    assert "that one passes 100 % of your scenarios against 30 %" in why_not
    assert "judged by `ollama_chat/judge:7b`" in asked
    assert "no cost" in asked
    assert "I can measure" not in asked
    assert candidates(events)[0]["model"] == "Ling-3.0-tiny"
    assert candidates(done)[0]["model"] == "MiniCPM5-2B"


async def test_speed_goes_first_where_it_could_break_the_tie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = (Listed(LING, 1), Listed(MINI, 1))
    with FakeOllama([Say("x")], model=LING, listed=there) as fake:
        monkeypatch.setenv("OLLAMA_API_BASE", fake.url)
        async with talking(tmp_path) as session:
            text = words(await recommended(session, SAYS))
    assert "I can measure" in text
    assert "scenarios (" not in text


async def test_an_api_and_a_local_model_are_asked_the_same_where_both_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs = Needs(task=Slot(value=TaskNeed(name="code")), deployment=Slot(value=Deployment(mode="either")))
    local = recommend(Needs(task=Slot(value=TaskNeed(name="code")), priority=Slot(value="speed"))).candidates[
        0
    ]
    api = recommend(needs).candidates[0]
    assert (local.model, api.kind) == ("Ling-3.0-tiny", "api")
    pair = (replace(api, model=FIRST, model_id=FIRST), replace(local, tied=True))
    with FakeManyOllama([Say("x")], model=LING, listed=(Listed(LING, 1), Listed("judge:7b", 5))) as fake:
        monkeypatch.setenv("OLLAMA_API_BASE", fake.url)
        without = proposed_unasked(pair, needs, Wish())
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        found = proposed_unasked(pair, needs, Wish())
        assert fake.requests == []
    assert without is not None
    assert without.offer is None
    assert "OPENAI_API_KEY is not set" in without.text
    assert found is not None
    assert found.offer is not None
    assert [row["tag"] for row in found.offer["models"]] == [FIRST, f"ollama_chat/{LING}"]
    assert found.offer["judge"] == "ollama_chat/judge:7b"
    assert f"sends the scenarios to `{FIRST}`. May I?" in found.text
    monkeypatch.setenv("OLLAMA_API_BASE", "http://127.0.0.1:9")
    assert proposed_unasked(pair, needs, Wish()) is None
