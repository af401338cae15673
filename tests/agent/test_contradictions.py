"""Contradictions are put with both sides, once, and marked; a change of mind is not questioned."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.events import NeedsChanged, Question
from tests.agent.conversing import all_of, of, opened, said

CASES = [
    (["I have no GPU and want a chat bot"], "I have an RTX 4090", "hardware", ("no GPU", "RTX 4090")),
    (["coding on my RTX 4090"], "I have no GPU", "hardware", ("RTX 4090", "no GPU")),
    (["It must stay offline on my RTX 4090, coding"], "use GPT-5 please", "deployment", ("offline", "GPT-5")),
    (["I want to use GPT-5 for code"], "everything has to stay local", "deployment", ("GPT-5", "local")),
    (["zero budget, chat in English"], "I would rent an H100", "budget", ("zero budget", "H100")),
    (["chat on a 3090, private use"], "we use it commercially", "license", ("private use", "commercially")),
    ([], "coding model, no GPU, RTX 4090", "hardware", ("no GPU", "RTX 4090")),
    ([], "8 GB laptop and I want to run a 70B model for chat", "hardware", ("8 GB laptop", "70B")),
    (["English only chat on a 3090"], "it should be multilingual", "languages", ("English", "multilingual")),
]


@pytest.mark.parametrize(("before", "now", "slot", "quotes"), CASES, ids=[case[1] for case in CASES])
async def test_both_sides_are_quoted_and_the_question_is_marked(
    before: list[str], now: str, slot: str, quotes: tuple[str, str], tmp_path: Path
) -> None:
    session, _ = await opened(tmp_path)
    for text in before:
        await said(session, text)
    (question,) = of(await said(session, now), Question)
    again = await said(session, question.options[0])
    await session.close()
    assert (question.slot, question.clarifies) == (slot, True)
    assert all(quote.lower() in question.text.lower() for quote in quotes)
    assert len(question.options) == 2
    assert slot not in [q.slot for q in of(again, Question)]


@pytest.mark.parametrize(("choice", "mode"), [("the first", "local"), ("2", "api")])
async def test_the_chosen_side_holds(choice: str, mode: str, tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    await said(session, "coding, everything stays local on my RTX 4090")
    await said(session, "use GPT-5 please")
    await said(session, choice)
    events = await all_of(session.recommend())
    await session.close()
    needs = of(events, NeedsChanged)[-1].needs
    assert needs["deployment"]["value"]["mode"] == mode
    assert ("model" in needs) == (mode == "api")


@pytest.mark.parametrize(
    ("before", "now", "slot"),
    [
        ("chat on a 3090, private use", "actually, make that commercial", "license"),
        ("I have no GPU and want a chat bot", "no, sorry, I have an RTX 4090", "hardware"),
        ("English only chat on a 3090", "change of plan: it should be multilingual", "languages"),
    ],
)
async def test_a_change_of_mind_replaces_without_a_question(
    before: str, now: str, slot: str, tmp_path: Path
) -> None:
    session, _ = await opened(tmp_path)
    await said(session, before)
    events = await said(session, now)
    await session.close()
    assert not [q for q in of(events, Question) if q.clarifies]
    assert slot in of(events, NeedsChanged)[0].needs


async def test_what_fits_is_no_contradiction(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    events = await said(session, "a 70B model on two RTX 3090, chat")
    await session.close()
    assert not [q for q in of(events, Question) if q.clarifies]


async def test_other_words_settle_it_as_well(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    await said(session, "I want everything local but use GPT-5")
    needs = of(await said(session, "local then"), NeedsChanged)[-1].needs
    assert needs["deployment"]["value"]["mode"] == "local"
    assert "model" not in needs
    await session.close()
