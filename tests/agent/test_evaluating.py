"""The evaluation before a fine-tune: proposed with its command, run on a word, and told by the thresholds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.evaluating import within_ceiling
from agent.events import Event, Failure, Message, Progress, Question, Recommendation, ToolCall, TurnEnd
from agent.proposed_evaluation import Wish, evaluation_of
from agent.session import GraphSession
from knowledge.home import HOME_VARIABLE
from tests.agent.conversing import all_of, of, said, words
from tests.agent.proposed import HERE, recommended, talking
from tests.fakes.listed import Listed
from tests.fakes.model_script import Say
from tests.fakes.model_server import FakeOllama
from tests.fakes.voices import point_at
from tools.measuring.deciding import library_tag
from tools.needs import Deployment, Needs, Slot, TaskNeed, Training
from tools.ollama_models import ServerModel
from tools.recommend import recommend

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
TUNE = (
    "fine-tune a model with QLoRA for customer support chat, personal use, 2k context, English, "
    "everything stays local"
)
BASE = "hf.co/bartowski/granite-4.2-8b-GGUF:Q8_0"
OWN = """
format: 1
name: mine
scenarios:
  - id: one
    messages: [{role: user, content: Say yes.}]
    checks: [{exact: "yes"}]
  - id: two
    messages: [{role: user, content: Say yes again.}]
    checks: [{exact: "yes"}]
"""


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    monkeypatch.setattr("tools.brief.detect_machine", lambda: HERE)
    monkeypatch.setenv("OLLAMA_API_BASE", "http://127.0.0.1:9")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A person's own file of scenarios."""
    path = tmp_path / "mine.yaml"
    path.write_text(OWN, encoding="utf-8")
    return path


async def test_before_a_fine_tune_the_example_of_the_task_is_proposed_with_a_judge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = (Listed(BASE, 1), Listed("small:1b", 1), Listed("judge:7b", 5))
    with FakeOllama([Say("x")], model=BASE, listed=there) as server:
        point_at(server, monkeypatch)
        async with talking(tmp_path) as session:
            proposed = await recommended(session, TUNE)
        assert server.requests == []
    (decision,) = of(proposed, Recommendation)
    assert decision.recommendation["candidates"][0]["role"] == "finetune-base"
    text = words(proposed)
    assert "20 scenarios (support) over granite-4.2-8b, judged by `ollama_chat/judge:7b`: about " in text
    assert "no cost" in text
    assert "Say **evaluate**" in text
    assert not of(proposed, Question)


async def test_the_base_is_evaluated_on_a_word_and_the_verdict_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeOllama([Say("nothing of the kind")], model=BASE) as server:
        point_at(server, monkeypatch)
        async with talking(tmp_path) as session:
            assert "name one with --judge" in words(await recommended(session, TUNE))
            assert "20 scenarios (classification)" in words(await said(session, "evaluate classification"))
            assert server.requests == []
            done = await said(session, "evaluate")
    steps = of(done, Progress)
    assert (steps[-1].action, steps[-1].done, steps[-1].total) == ("evaluate", 20, 20)
    call = next(one for one in of(done, ToolCall) if one.name == "evaluate")
    assert (call.name, call.result["passed"], call.result["answers"]) == ("evaluate", 0, 20)
    told, worded = of(done, Message)
    assert "passes 0 of 20 scenarios: 0 % (0 to 16 % at 95 %)." in told.text
    assert "Below 50 %: fine-tuning should help." in told.text
    assert told.citations[0]["kind"] == "guide"
    assert len(of(done, TurnEnd)) == 1
    (anew,) = of(done, Recommendation)
    assert anew.changed.startswith("Fine-tuning should help: granite-4.2-8b passes only 0 % untuned.")
    assert anew.changed in worded.text
    assert "0 of 20 of the example scenarios, which are not yours (classification)" in worded.text
    assert not worded.proposal


async def test_the_persons_own_file_is_estimated_first_and_then_run(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeOllama([Say("yes")], model=BASE) as server:
        point_at(server, monkeypatch)
        async with talking(tmp_path) as session:
            await recommended(session, TUNE)
            asked = words(await said(session, f"evaluate {own}"))
            assert server.requests == []
            done = await said(session, "yes")
            missing = await said(session, "evaluate nowhere.yaml")
    assert f"2 scenarios ({own})" in asked
    assert "evaluate FILE.yaml" not in asked
    assert "passes 2 of 2 scenarios" in words(done)
    assert "It cannot be told yet" in words(done)
    assert "nowhere.yaml" in words(missing)
    assert not of(missing, Failure)


async def test_without_the_model_the_command_is_told_and_nothing_offered(tmp_path: Path) -> None:
    async with talking(tmp_path) as session:
        text = words(await recommended(session, TUNE))
        assert "llm-advisor evaluate ollama_chat/" in text
        assert "gets the model first" in text
        assert not of(await said(session, "yes"), Progress)


async def test_offline_nothing_is_proposed(tmp_path: Path) -> None:
    async with talking(tmp_path, offline=True) as session:
        assert "evaluate the base" not in words(await recommended(session, TUNE))


def passing(most: int) -> str:
    """Twenty scenarios, of which a model that always says yes passes so many."""

    def wanted(number: int) -> str:
        return "yes" if number < most else "no"

    rows = "".join(
        f"\n  - id: s{n}\n    messages: [{{role: user, content: Question {n}.}}]"
        f"\n    checks: [{{exact: '{wanted(n)}'}}]"
        for n in range(20)
    )
    return f"format: 1\nname: mine\nscenarios:{rows}\n"


async def evaluated(session: GraphSession, folder: Path, most: int) -> list[Event]:
    """The turn that evaluates the base on scenarios of which it passes so many of twenty."""
    own = folder / f"mine{most}.yaml"
    own.write_text(passing(most), encoding="utf-8")
    await recommended(session, TUNE)
    await said(session, f"evaluate {own}")
    return await said(session, "yes")


@pytest.fixture
def base(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeOllama]:
    with FakeOllama([Say("yes")], model=BASE) as server:
        point_at(server, monkeypatch)
        yield server


async def test_a_base_that_passes_enough_is_recommended_as_it_is_and_can_be_tuned_all_the_same(
    tmp_path: Path, base: FakeOllama
) -> None:
    async with talking(tmp_path) as session:
        done = await evaluated(session, tmp_path, 20)
        later = await all_of(session.recommend())
        anyway = await said(session, "fine-tune it anyway")
    assert len(base.requests) == 20
    (anew,) = of(done, Recommendation)
    assert anew.changed.startswith("Fine-tuning may not be needed: granite-4.2-8b passes 100 % untuned.")
    for events in (done, later):
        (found,) = of(events, Recommendation)
        document = found.recommendation
        first = document["candidates"][0]
        assert (first["model"], first["role"], first["training"]) == ("granite-4.2-8b", "generator", None)
        assert first["commands"]
        assert first["quality"]["basis"][0]["source"].startswith("your scenarios: 20 of 20 on ")
        assert "fine-tune it anyway" in document["would_change"][0]["if"]
        assert document["needs"]["training"]["value"]["method"] == "qlora"
        assert not any(c["tied"] for c in document["candidates"])
    (tuned,) = of(anyway, Recommendation)
    first = tuned.recommendation["candidates"][0]
    assert (first["model"], first["role"]) == ("granite-4.2-8b", "finetune-base")
    assert first["quality"]["basis"][0]["kind"] == "measurement"
    assert "Noted: the fine-tune all the same." in words(anyway)
    assert "evaluate the base" not in words(anyway)


async def test_a_base_that_passes_too_little_stays_with_its_rate_as_evidence(
    tmp_path: Path, base: FakeOllama
) -> None:
    async with talking(tmp_path) as session:
        done = await evaluated(session, tmp_path, 4)
    (anew,) = of(done, Recommendation)
    first = anew.recommendation["candidates"][0]
    assert first["role"] == "finetune-base"
    assert anew.changed.startswith("Fine-tuning should help: granite-4.2-8b passes only 20 % untuned.")
    assert "Passes 4 of 20 of your scenarios" in first["why"][0]["text"]
    assert first["why"][1]["evidence"][1]["kind"] == "guide"
    assert not any(reason["text"].startswith("Run the untrained model") for reason in first["why"])


async def test_an_undecided_rate_says_what_to_try_and_how_many_more_would_tell(
    tmp_path: Path, base: FakeOllama
) -> None:
    async with talking(tmp_path) as session:
        done = await evaluated(session, tmp_path, 15)
    (anew,) = of(done, Recommendation)
    assert anew.recommendation["candidates"][0]["role"] == "finetune-base"
    assert "the interval holds 70 %; about " in anew.changed
    assert " more scenarios would decide" in anew.changed
    assert "Try the prompt, examples and retrieval first." in anew.changed


async def test_an_evaluation_that_costs_asks_for_the_money_and_keeps_to_the_ceiling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.brief.detect_machine", lambda: HERE)
    needs = Needs(task=Slot(value=TaskNeed(name="chat")), training=Slot(value=Training(method="qlora")))
    first = recommend(needs).candidates[0]
    monkeypatch.setattr(
        "agent.evaluation_parties.models_here", lambda: (ServerModel(str(library_tag(first)), 1),)
    )
    paid = evaluation_of([first], needs, Wish(voice="openai/gpt-4.1-mini"))
    assert paid.offer is not None
    assert 0 < paid.offer["max_usd"] < 5
    most = f"at most ${paid.offer['max_usd']:.2f}"
    assert f"This spends money, {most}, and sends the scenarios to `openai/gpt-4.1-mini`. May I?" in paid.text
    assert within_ceiling(paid.offer, 0.0001)["max_usd"] == 0.0001
    assert within_ceiling(paid.offer, None) == paid.offer
    unpriced = evaluation_of([first], needs, Wish(voice="openai/nobody-knows-it"))
    assert unpriced.offer is None
    assert "no price known" in unpriced.text
    private = needs.model_copy(update={"deployment": Slot(value=Deployment(mode="local"))})
    assert "openai/" not in evaluation_of([first], private, Wish(voice="openai/gpt-4.1-mini")).text


async def test_own_scenarios_are_not_displaced_by_an_example(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeOllama([Say("yes")], model=BASE) as server:
        point_at(server, monkeypatch)
        async with talking(tmp_path) as session:
            await recommended(session, TUNE)
            await said(session, f"evaluate {own}")
            counted = await said(session, "yes")
            asked = words(await said(session, "should I still fine-tune?"))
            await said(session, "evaluate classification")
            example = await said(session, "yes")
            later = await recommended(session, "cheaper")
    assert "Whether to fine-tune is still open" in of(counted, Recommendation)[0].changed
    assert "2 of 2 passed" in asked
    assert "passes 0 of 20" in words(example)
    assert not of(example, Recommendation)
    assert "Passes 2 of 2 of your scenarios" in words(later)
    assert "evaluate the base" not in words(later)


async def test_a_broken_file_is_named_and_looked_at_again_on_a_yes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "mine.yaml"
    own.write_text("format: 1\nscenarios: [", encoding="utf-8")
    with FakeOllama([Say("yes")], model=BASE) as server:
        point_at(server, monkeypatch)
        async with talking(tmp_path) as session:
            await recommended(session, TUNE)
            assert "mine.yaml" in words(await said(session, f"evaluate {own}"))
            own.write_text(OWN, encoding="utf-8")
            assert "2 scenarios" in words(await said(session, "yes"))
            assert server.requests == []
