"""Free questions after a recommendation: each from a tool or a guide, with its source, or honestly not."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.answers import TELLERS
from agent.events import Message, Recommendation
from agent.reply import UNCOVERED
from agent.session import GraphSession
from agent.topics import topic_of
from tests.agent.conversing import all_of, models, of, opened, said, words


@pytest.fixture
async def session(tmp_path: Path) -> AsyncIterator[GraphSession]:
    session, _ = await opened(tmp_path)
    await said(
        session, "chat for my company on an RTX 3090 with 64GB RAM, 16k context, everything stays local"
    )
    await all_of(session.recommend())
    yield session
    await session.close()


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("why this one?", "expected quality"),
        ("are you sure?", "give or take"),
        ("why not the second one?", "points below|as much as"),
        ("which of these may I sell?", "commercial use"),
        ("is it good at German?", "card"),
        ("can it read images?", "it has"),
        ("how fast is it?", "tokens per second"),
        ("how much memory does it need?", "GiB of"),
        ("compare the first two", "expected quality"),
        ("does Qwen3 32B fit?", "Qwen3-32B"),
        ("show me the benchmarks", "published scores|no public score"),
        ("how much would the API cost?", "a month"),
        ("how do I install it?", "ollama run|llama-server"),
        ("what is the longest context?", "this machine holds up to"),
        ("how big is the download?", "download is about"),
        ("when was it released?", "released 20"),
        ("which quantization should I use?", "Q4_K_M: "),
        ("what if I quantize the cache?", "q8_0 cache: "),
        ("what about Mistral?", "istral"),
        ("why not 70B?", "70"),
        ("why not GPT-5?", "behind an API"),
        ("what hardware do I need for Llama 3.3 70B?", "smallest sets that hold it"),
        ("which GPU would I need for it?", "smallest sets that hold it"),
        ("what is the largest model that fits my machine?", "Largest is not best"),
        ("how long until the first token?", "first token comes in about"),
        ("how fast is it with 4 users?", "together"),
        ("why not something else?", "Ruled out:"),
        ("why did you reject the others?", "Ruled out:"),
        ("why not a bigger one?", "it would run|it does not fit"),
        ("why not a smaller model?", "points below"),
        ("why not Llama 3.3 70B?", "Llama-3.3-70B"),
        ("explain the KV cache", "From the guide"),
    ],
)
async def test_a_question_gets_an_answer_with_a_source(
    session: GraphSession, question: str, answer: str
) -> None:
    events = await said(session, question)
    (message,) = of(events, Message)
    assert message.citations, message.text
    assert any(part in message.text for part in answer.split("|")), message.text
    assert not of(events, Recommendation)


async def test_figures_of_an_answer_are_those_of_the_recommendation(session: GraphSession) -> None:
    (found,) = of(await all_of(session.recommend()), Recommendation)
    top = found.recommendation["candidates"][0]
    (message,) = of(await said(session, "how much memory does it need?"), Message)
    assert top["model"] in message.text
    assert f"{top['memory']['total_bytes'] / (1 << 30):.1f} GiB" in message.text
    assert f"about {top['speed']['tokens_per_second']['mid']:.0f} tokens" in message.text


@pytest.mark.parametrize("question", ["tell me a joke", "who won the world cup?", "what's the weather?"])
async def test_what_is_off_topic_is_not_answered_from_the_guides(
    session: GraphSession, question: str
) -> None:
    (message,) = of(await said(session, question), Message)
    assert message.text == UNCOVERED
    assert not message.citations


async def test_ruling_a_family_out_says_so_and_keeps_it_out(session: GraphSession) -> None:
    events = await said(session, "no Qwen please")
    assert "without qwen" in words(events)
    assert not [name for name in models(events) if "qwen" in name.lower()]


async def test_of_nothing_there_is_nothing_to_tell(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    events = await said(session, "how fast is it?")
    await session.close()
    assert "Tell me what the model is for" in words(events) or of(events, Message)[0].citations


@pytest.mark.parametrize(
    ("question", "topic"),
    [
        ("may I sell it?", "license"),
        ("Welche Lizenz hat es?", "license"),
        ("how many tok/s?", "speed"),
        ("was kostet die API?", "price"),
        ("does it support tool calling?", "features"),
        ("warum nicht Llama?", "why_not"),
    ],
)
def test_topics(question: str, topic: str) -> None:
    found = topic_of(question)
    assert found is not None
    assert found[0] == topic
    assert topic in TELLERS or found[1] == "none"


def test_no_topic_where_nothing_is_meant() -> None:
    assert topic_of("hello there") is None


@pytest.mark.parametrize(
    ("questions", "wanted"),
    [
        (("how fast is it?", "and on an RTX 4060?"), "On RTX 4060: "),
        (("how much memory does it need?", "with 64k?"), "65,536 tokens"),
        (("and with 64k?",), "65,536 tokens"),
        (("how long until the first token?", "with a 4,000 token prompt?"), "a prompt of 4,000 tokens"),
        (("how long until the first token with a prompt of 12k?",), "a prompt of 12,288 tokens"),
    ],
)
async def test_the_last_question_is_asked_again_under_other_conditions(
    session: GraphSession, questions: tuple[str, ...], wanted: str
) -> None:
    *_, events = [await said(session, question) for question in questions]
    text = words(events)
    assert wanted in text, text
    (again,) = of(await all_of(session.recommend()), Recommendation)
    assert "RTX 3090" in again.recommendation["candidates"][0]["hardware"]["name"], "the needs stay"


async def test_a_longer_prompt_takes_longer(session: GraphSession) -> None:
    seconds = []
    for prompt in ("2,000", "12,000"):
        text = words(await said(session, f"how long until the first token with a prompt of {prompt} tokens?"))
        found = re.search(r"comes in about ([\d.]+) s", text)
        assert found is not None, text
        seconds.append(float(found[1]))
    assert seconds[1] > 3 * seconds[0]


async def test_two_named_models_are_set_against_each_other(session: GraphSession) -> None:
    for question in ("why Qwen3 8B and not Gemma 3 12B?", "compare Qwen3 8B and Gemma 3 12B"):
        text = words(await said(session, question))
        assert re.search(r"\b(Qwen3-8B|gemma-3-12b-it) comes before (Qwen3-8B|gemma-3-12b-it) \(", text), text
        assert "For it speak: " in text


async def test_the_first_choice_is_set_against_a_named_one(session: GraphSession) -> None:
    (found,) = of(await all_of(session.recommend()), Recommendation)
    best, second = (c["model"] for c in found.recommendation["candidates"][:2])
    assert f"{best} comes before " in words(await said(session, "why this one and not Qwen3-8B?"))
    text = words(await said(session, "why this one and not the second?"))
    assert f"{best} comes before {second}" in text


async def test_models_behind_an_api_are_compared_by_their_own_keys(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    await said(session, "summarization of 100k tokens a day behind an API, no hardware")
    (found,) = of(await all_of(session.recommend()), Recommendation)
    best, second = (c["model"] for c in found.recommendation["candidates"][:2])
    text = words(await said(session, "why this one and not the second?"))
    await session.close()
    assert re.search(rf"\b{re.escape(best)} comes before \S*{re.escape(second)}", text), text
    assert "is out" not in text


async def test_the_verdict_is_spoken_first_and_once(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    await said(session, "summarization of 100k tokens a day behind an API, no hardware")
    events = await all_of(session.recommend())
    await session.close()
    (found,) = of(events, Recommendation)
    verdict = found.recommendation["verdict"]
    text = of(events, Message)[-1].text
    assert text.replace("**", "").startswith(verdict)
    assert text.replace("**", "").count(verdict) == 1
