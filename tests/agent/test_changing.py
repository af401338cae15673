"""One need changed in place: what is read, what is computed anew, what stays open, and the way back."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.events import Event, Failure, Message, NeedsChanged, Question, Recommendation, TurnEnd
from agent.session import GraphSession
from agent.slot_text import changed_slot, editing
from knowledge.errors import UsageError
from tests.agent.conversing import NEEDS, all_of, models, of, opened, said
from tools.needs import SLOTS, Needs
from tui.needs_options import read_needs

VALUES = {
    "task": "a coding assistant",
    "deployment": "everything stays on my machine",
    "hardware": "2x RTX 3090, 64 GB RAM",
    "license": "commercial, 2000 users, in the EU",
    "context": "64k",
    "priority": "speed",
    "min_speed": "at least 30 tokens per second",
    "concurrency": "12",
    "volume": "2 million tokens a day",
    "budget": "50 a month",
    "languages": "en, de",
    "features": "tool calling, images",
    "training": "qlora",
    "dataset": "5000 labeled examples, 12 classes",
    "model": "no Llama",
}
assert set(VALUES) == set(SLOTS)


async def changed(session: GraphSession, slot: str, text: str) -> list[Event]:
    return await all_of(session.change(slot, text))


@pytest.mark.parametrize("slot", SLOTS)
def test_the_words_to_edit_are_read_back_as_the_same_value(slot: str) -> None:
    needs = Needs().updated(**changed_slot(Needs(), slot, VALUES[slot]))
    text = editing(needs, slot).text
    assert text
    assert getattr(needs.updated(**changed_slot(needs, slot, text)), slot).value == getattr(needs, slot).value


@pytest.mark.parametrize("slot", SLOTS)
def test_every_suggestion_can_be_read(slot: str) -> None:
    needs = read_needs({"task": "code", "hardware": "RTX 3090", "context": "8k"})
    for suggestion in editing(needs, slot).suggestions:
        assert changed_slot(needs, slot, suggestion)[slot].source == "user"


def test_an_assumption_is_what_is_edited_where_nothing_was_said() -> None:
    assert editing(Needs(), "context", 16384).text == "16k"
    assert editing(Needs(), "languages", "en").text == "en"


def test_a_new_wish_replaces_the_one_before() -> None:
    needs = Needs().updated(**changed_slot(Needs(), "model", "no Llama"))
    wish = changed_slot(needs, "model", "no Qwen")["model"].value
    assert wish.excluded == ("qwen",)


def test_words_of_another_kind_are_refused() -> None:
    with pytest.raises(UsageError, match="not understood"):
        changed_slot(Needs(), "context", "purple")
    with pytest.raises(UsageError, match="no need `color`"):
        changed_slot(Needs(), "color", "blue")


async def test_a_change_ranks_anew_at_once_and_says_what_moved(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    await said(session, NEEDS)
    first = models(await all_of(session.recommend()))
    events = await changed(session, "hardware", "GTX 1650 4GB")
    assert not of(events, Question)
    now = models(events)
    assert now != first
    line = of(events, Recommendation)[0].changed
    assert line.startswith(f"{now[0]} takes the place of {first[0]}: ")
    assert line in of(events, Message)[-1].text
    needs = of(events, NeedsChanged)[-1].needs
    assert needs["hardware"]["source"] == "user"
    assert needs["hardware"]["quote"] == "GTX 1650 4GB"
    assert session.history()[-2] == session.history()[-2] | {
        "role": "user",
        "text": "hardware: GTX 1650 4GB",
    }
    assert models(await all_of(session.undo())) == first
    await session.close()


async def test_the_open_question_stays_open_unless_it_is_answered(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    (question,) = of(await said(session, "a coding assistant on my RTX 3060 12GB"), Question)
    other = "context" if question.slot != "context" else "priority"
    events = await changed(session, other, VALUES[other])
    (message,) = of(events, Message)
    assert message.open_slot == question.slot
    assert message.text.endswith(f"Still open: {question.text}")
    assert not of(events, Question)
    assert not of(events, Recommendation)
    answered = await changed(session, question.slot, VALUES[question.slot])
    asked = [event.slot for event in of(answered, Question)]
    assert question.slot not in asked
    assert bool(asked) != bool(of(answered, Recommendation))
    await session.close()


async def test_a_need_is_taken_back(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    await said(session, NEEDS)
    await all_of(session.recommend())
    events = await changed(session, "context", "")
    last = of(events, NeedsChanged)[-1]
    assert "context" not in last.needs
    assert any(row["slot"] == "context" for row in last.assumptions)
    assert of(events, Recommendation)
    await session.close()


@pytest.mark.parametrize(
    ("slot", "text"),
    [("context", "purple"), ("hardware", "RTX 9999 XT"), ("color", "blue"), ("budget", ""), ("color", "")],
)
async def test_what_cannot_be_read_changes_nothing(tmp_path: Path, slot: str, text: str) -> None:
    session, _ = await opened(tmp_path)
    await said(session, NEEDS)
    before = session.history()
    events = await changed(session, slot, text)
    (failure,) = of(events, Failure)
    assert failure.message
    assert [type(event) for event in events].count(TurnEnd) == 1
    assert session.history() == before
    assert "quality" in str((await session.transcript())["needs"])
    back = await all_of(session.undo())
    assert not of(back, Failure)  # the message is what is taken back
    assert session.history() == []
    await session.close()
