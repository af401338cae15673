"""What a turn does: asks, clarifies once, supposes without keeping, changes, answers along the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.events import Message, NeedsChanged, Question, Recommendation
from agent.intake import UNCHANGED, UNREAD
from tests.agent.conversing import NEEDS, all_of, models, of, opened, said, words


async def test_an_unknown_card_is_said_and_its_memory_asked_for_once(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    first = await said(session, "chat on my Zorblatt X9000 graphics card")
    (question,) = of(first, Question)
    assert (question.slot, question.clarifies) == ("hardware", True)
    assert "Zorblatt X9000" in question.text
    second = await said(session, "it has 12 GB")
    answer = await all_of(session.recommend())
    await session.close()
    assert not [q for q in of(second, Question) if q.slot == "hardware"]
    (found,) = of(answer, Recommendation)
    assert found.recommendation["candidates"][0]["hardware"]["name"].startswith("1 x card with 12 GB")


async def test_an_ambiguous_card_is_clarified_once(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    (question,) = of(await said(session, "code on an A100"), Question)
    assert question.clarifies
    assert len(question.options) >= 2
    later = await said(session, "no preference, you decide")
    await session.close()
    assert not [q for q in of(later, Question) if q.clarifies]


async def test_a_contradiction_is_clarified_once_in_words(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    first = await said(session, "Nothing may leave my PC, but I want to use the OpenAI API. Chat, RTX 3070.")
    (question,) = of(first, Question)
    assert (question.slot, question.clarifies) == ("deployment", True)
    assert "everything stays local" in question.options
    await said(session, "everything stays local")
    answer = await all_of(session.recommend())
    await session.close()
    assert of(answer, NeedsChanged)[-1].needs["deployment"]["value"]["mode"] == "local"


async def test_a_supposition_leaves_the_needs_and_a_critique_changes_them(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    await said(session, NEEDS)
    answer = await all_of(session.recommend())
    before = of(answer, NeedsChanged)[-1].needs
    supposed = await said(session, "what if I had two of them?")
    assert "2 x RTX 3090" in str(of(supposed, Recommendation)[0].recommendation["candidates"][0]["hardware"])
    assert "your own needs stay as they are" in words(supposed)
    again = await all_of(session.recommend())
    assert of(again, NeedsChanged)[-1].needs == before
    smaller = await said(session, "smaller please")
    await session.close()
    assert of(smaller, NeedsChanged)[-1].needs["model"]["value"]["max_params_b"]
    assert models(smaller) != models(answer)


async def test_a_change_of_mind_is_repeated_in_words(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    await said(session, NEEDS)
    await all_of(session.recommend())
    events = await said(session, "make it 32k")
    await session.close()
    assert "Noted: 32,768 tokens of context." in words(events)
    assert of(events, Recommendation)[0].recommendation["candidates"][0]["context"] == 32768


@pytest.mark.parametrize("text", ["what should I use?", "which model is best?", "recommend something"])
async def test_a_bare_question_for_a_model_is_answered_with_a_question(text: str, tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    first = await said(session, text)
    now = await said(session, "just recommend something")
    await session.close()
    assert len(of(first, Question)) == 1
    assert models(now)


@pytest.mark.parametrize("ending", [". Just recommend.", ", 16k context, just recommend now"])
async def test_needs_and_the_wish_to_hear_now_may_stand_in_one_message(ending: str, tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    events = await said(session, "a coding assistant on one RTX 3090" + ending)
    await session.close()
    assert models(events)
    assert not of(events, Question)


async def test_an_answer_that_cannot_be_read_is_said_and_not_asked_again(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    (question,) = of(await said(session, "give me a good LLM"), Question)
    events = await said(session, "blue bananas forever")
    await session.close()
    assert UNREAD in words(events) or of(events, NeedsChanged)
    assert question.slot not in [q.slot for q in of(events, Question)]


async def test_a_question_along_the_way_is_answered_and_the_open_one_stays(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    (question,) = of(await said(session, "chat on an RTX 3090"), Question)
    events = await said(session, "what is a KV cache?")
    assert of(events, Message)[0].citations
    assert f"Still open: {question.text}" in words(events)
    assert not of(events, Question)
    await session.close()


async def test_what_is_supposed_before_any_recommendation_is_a_need(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    events = await said(session, "what if I only have an RTX 3060 12GB?")
    await session.close()
    assert "3060" in of(events, NeedsChanged)[0].needs["hardware"]["value"]["text"]
    assert bool(of(events, Question)) != bool(of(events, Recommendation))


async def test_a_supposition_never_replaces_what_was_said(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    await said(session, "chat on an RTX 3090")
    supposed = await said(session, "what if I had two of them?")
    answer = await all_of(session.recommend())
    await session.close()
    assert "2 x RTX 3090" in str(of(supposed, Recommendation)[0].recommendation["candidates"][0]["hardware"])
    assert of(answer, NeedsChanged)[-1].needs["hardware"]["value"]["text"] == "an RTX 3090"


async def test_what_was_only_supposed_is_never_the_choice_that_something_replaces(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    await said(session, "chat on an RTX 3060 12GB, at home")
    first = models(await all_of(session.recommend()))[0]
    supposed = models(await said(session, "what if I had a GTX 1060 6GB?"))[0]
    assert supposed != first
    faster = words(await said(session, "smaller"))
    await session.close()
    assert supposed not in faster.split("\n\n")[0]
    assert first in faster.split("\n\n")[0]


async def test_asking_again_changes_nothing_and_says_so(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    await said(session, NEEDS)
    first = models(await all_of(session.recommend()))
    again = await said(session, "recommend now")
    await session.close()
    assert models(again) == first
    assert UNCHANGED in words(again)


async def test_nothing_fits_is_a_recommendation_too(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    await said(session, "Run Llama 3.1 405B on my RTX 3090, personal chat, 8k, local")
    events = await all_of(session.recommend())
    assert models(events) == []
    assert "Nothing fits" in words(events)
    assert "What would change this:" in words(events)
    follow = await said(session, "another model is fine, no matter which")
    await session.close()
    assert not of(follow, Question)


async def test_a_critique_before_any_recommendation_is_a_priority(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    (question,) = of(await said(session, "a model for my law office"), Question)
    events = await said(session, "cheaper")
    bye = await said(session, "thanks, bye")
    await session.close()
    (changed,) = of(events, NeedsChanged)
    assert changed.needs["priority"]["value"] == "cost"
    assert "task" not in changed.needs or changed.needs["task"]["quote"] != "cheaper"
    assert f"Still open: {question.text}" in words(events)
    assert "Good-bye" in words(bye)
    assert not of(bye, Recommendation)


async def test_part_of_an_option_names_it(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    (question,) = of(await said(session, "code on an A100"), Question)
    events = await said(session, "40")
    await session.close()
    assert question.clarifies
    (changed,) = of(events, NeedsChanged)
    assert "40" in changed.needs["hardware"]["value"]["text"]
    assert "could not read" not in words(events)
