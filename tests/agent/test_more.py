"""Questions that put a recommendation to the test: people at once, other bits, a better machine, an API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.events import Message, Recommendation
from agent.more import bits_named, puts_to_the_test
from agent.reply import UNCOVERED
from agent.session import GraphSession
from agent.topics import topic_of
from tests.agent.conversing import all_of, of, opened, said
from tools.brief import defaults


@pytest.fixture
async def team(tmp_path: Path) -> AsyncIterator[GraphSession]:
    session, _ = await opened(tmp_path)
    await said(session, "we are a team of 8 in a company with 2x RTX 3090, a chatbot, 16k context")
    await all_of(session.recommend())
    yield session
    await session.close()


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[GraphSession]:
    session, _ = await opened(tmp_path)
    await said(
        session, "chat on an M4 Pro Mac with 48 GB, quality first, 32k context, only me, nothing may leave it"
    )
    await all_of(session.recommend())
    yield session
    await session.close()


async def _answer(session: GraphSession, question: str) -> Message:
    events = await said(session, question)
    assert not of(events, Recommendation)
    (message,) = of(events, Message)
    assert message.citations, message.text
    assert UNCOVERED not in message.text
    return message


@pytest.mark.parametrize(
    "question",
    [
        "how many of us can use it at the same time?",
        "can all 8 of us use it together without it getting slow?",
        "how fast is it if all 8 use it?",
        "how many people can work with it?",
    ],
)
async def test_people_at_once_are_told_with_what_was_assumed(team: GraphSession, question: str) -> None:
    text = (await _answer(team, question)).text
    assert "the memory holds" in text
    assert "planned for 8" in text
    assert defaults()["why"]["team"] in text
    assert text.count("**") == 2, "of the first choice alone"


async def test_the_most_at_once_is_where_the_curve_of_speeds_ends(team: GraphSession) -> None:
    text = (await _answer(team, "how many of us can use it at the same time?")).text
    most = int(text.partition("holds ")[2].split()[0])
    listed = [int(line.split(":")[0]) for line in text.splitlines()[1:]]
    assert max(listed) <= most
    assert 8 in listed


@pytest.mark.parametrize("question", ["what would a better machine bring?", "is upgrading worth it?"])
async def test_a_better_machine_is_told_from_the_recommender(team: GraphSession, question: str) -> None:
    text = (await _answer(team, question)).text
    assert "If you had" in text or "No larger machine" in text


async def test_cost_against_an_api_tells_both(team: GraphSession) -> None:
    text = (await _answer(team, "what does it cost compared to an API?")).text
    assert "of electricity" in text
    assert "For comparison, the API of" in text


@pytest.mark.parametrize(
    ("question", "quant"),
    [
        ("what if 8-bit?", "Q8_0"),
        ("is Q3 not bad?", "Q3_K_M"),
        ("could I use Q8 then?", "Q8_0"),
        ("would Q4 be much worse?", "Q4_K_M"),
        ("why not Q2_K?", "Q2_K"),
    ],
)
async def test_other_bits_stand_beside_the_recommended_ones(
    alone: GraphSession, question: str, quant: str
) -> None:
    (found,) = of(await all_of(alone.recommend()), Recommendation)
    mine = found.recommendation["candidates"][0]["quant"]
    text = (await _answer(alone, question)).text
    assert f"{mine} (recommended)" in text
    if quant != mine:
        assert f"{quant} (as asked)" in text


async def test_figures_of_a_comparison_are_those_of_the_recommendation(alone: GraphSession) -> None:
    (found,) = of(await all_of(alone.recommend()), Recommendation)
    top = found.recommendation["candidates"][0]
    text = (await _answer(alone, "compare the first three")).text
    assert f"expected quality {top['quality']['score']:.0f} of 100" in text
    for candidate in found.recommendation["candidates"][:3]:
        assert f"**{candidate['model']}**" in text


def test_what_a_quantization_is_puts_nothing_to_the_test() -> None:
    assert not puts_to_the_test("what is Q4_K_M")
    assert bits_named("why Q6_K and not Q8_0?", "Q8_0") == ("Q6_K", "Q8_0")


@pytest.mark.parametrize("question", ["which license has it?", "what is a better model for code?"])
def test_other_questions_are_not_about_a_better_machine(question: str) -> None:
    assert (topic_of(question) or ("",))[0] != "better_machine"


@pytest.fixture
async def classifier(tmp_path: Path) -> AsyncIterator[GraphSession]:
    session, _ = await opened(tmp_path)
    await said(session, "classify short Spanish notes on an A100 80GB, 1500 of them labeled, all stays local")
    await all_of(session.recommend())
    yield session
    await session.close()


async def test_training_memory_is_that_of_the_recommended_classifier(classifier: GraphSession) -> None:
    (found,) = of(await all_of(classifier.recommend()), Recommendation)
    text = (await _answer(classifier, "how much memory does training need?")).text
    assert text.startswith(f"**{found.recommendation['candidates'][0]['model']}**: training with texts of")
    assert "full fine-tuning: about" in text


@pytest.mark.parametrize(
    ("question", "model"),
    [
        ("QLoRA of llama 3.1 8B with 512 tokens, does it fit in 80GB?", "Llama-3.1-8B-Instruct by QLoRA"),
        ("we would like to try QLoRA on a bigger model too, how much memory?", "by QLoRA: about"),
    ],
)
async def test_training_of_a_language_model_is_planned(
    classifier: GraphSession, question: str, model: str
) -> None:
    assert model in (await _answer(classifier, question)).text


def test_a_language_model_is_no_language() -> None:
    assert (topic_of("why not a language model?") or ("",))[0] != "languages"
    assert (topic_of("which languages does it speak?") or ("",))[0] == "languages"


async def test_three_models_in_a_list_are_compared_and_change_no_need(alone: GraphSession) -> None:
    text = (await _answer(alone, "compare qwen3.8 27b, gemma 4 31b and claude-fable-5")).text
    assert all(name in text for name in ("Qwen3.8-27B", "gemma-4-31B-it", "claude-fable-5"))
    assert "claude-fable-5 is out: it runs behind an API, and nothing may leave your machines" in text
