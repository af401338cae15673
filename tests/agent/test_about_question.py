"""What is said of a question: what it means, why, whether it matters, and not knowing."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.about_question import kind_of
from agent.events import Question, Recommendation
from tests.agent.conversing import of, opened, said, words


@pytest.mark.parametrize(
    "text",
    [
        *(
            "I don't know",
            "i dont know",
            "no idea",
            "not sure",
            "idk",
            "dunno",
            "I have no clue",
            "hard to say",
        ),
        *("I'm not sure yet", "honestly, no idea", "Hmm, I don't really know", "beats me", "good question"),
        *("I don't know what graphics card I have", "not a clue", "no clue what that means", "who knows"),
        *(
            "keine Ahnung",
            "weiß nicht",
            "Das weiß ich leider nicht",
            "schwer zu sagen",
            "bin mir nicht sicher",
        ),
        *("je ne sais pas", "aucune idée", "je sais pas", "j'en sais rien", "no sé", "ni idea", "no lo sé"),
    ],
)
def test_not_knowing_is_recognized(text: str) -> None:
    assert kind_of(text) == "unknown"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("what do you mean?", "meaning"),
        ("What does that mean?", "meaning"),
        ("I don't understand the question", "meaning"),
        ("how do I find out?", "meaning"),
        ("Where can I see that?", "meaning"),
        ("was meinst du damit?", "meaning"),
        ("wie finde ich das heraus?", "meaning"),
        ("c'est quoi ?", "meaning"),
        ("¿qué significa eso?", "meaning"),
        ("why?", "why"),
        ("why do you ask?", "why"),
        ("why do you need to know that?", "why"),
        ("warum fragst du das?", "why"),
        ("pourquoi cette question ?", "why"),
        ("¿por qué lo preguntas?", "why"),
        ("does it matter?", "matters"),
        ("is that important?", "matters"),
        ("ist das wichtig?", "matters"),
        ("c'est important ?", "matters"),
        ("¿importa mucho?", "matters"),
    ],
)
def test_questions_about_the_question(text: str, kind: str) -> None:
    assert kind_of(text) == kind


@pytest.mark.parametrize(
    "text",
    [
        "8k",
        "not sure, maybe 16k",
        "commercial",
        "why not Llama?",
        "what is a KV cache?",
        "No preference, you decide.",
    ],
)
def test_answers_and_other_questions_are_not_about_the_question(text: str) -> None:
    assert kind_of(text) is None


@pytest.mark.parametrize("text", ["what do you mean?", "why do you ask?", "does it matter?"])
async def test_the_question_stands_after_it_was_explained(text: str, tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    (question,) = of(await said(session, "chat bot on my RTX 3090"), Question)
    events = await said(session, text)
    answered = await said(session, "8k")
    await session.close()
    assert not of(events, Question)
    assert not of(events, Recommendation)
    assert f"Still open: {question.text}" in words(events)
    assert question.slot not in [q.slot for q in of(answered, Question)]


async def test_not_knowing_gets_help_and_a_visible_assumption(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    (question,) = of(await said(session, "chat bot on my RTX 3090"), Question)
    assert question.slot == "context"
    events = await said(session, "I don't know")
    await session.close()
    assert "a page of text is about 700 tokens" in words(events)
    assert "For now I assume: 8,192 tokens of context" in words(events)
    assert question.slot not in [q.slot for q in of(events, Question)]


async def test_a_question_that_no_longer_matters_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, _ = await opened(tmp_path)
    (question,) = of(await said(session, "chat bot on my RTX 3090"), Question)
    monkeypatch.setattr("agent.about_question.turn_cost", lambda asked: 1000.0)
    events = await said(session, "does it matter?")
    await session.close()
    assert "No: no plausible answer changes the first choice" in words(events)
    assert question.slot not in [q.slot for q in of(events, Question)]
