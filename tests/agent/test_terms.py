"""Words that people ask back about: explained in terms of use, and the open question stays open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.events import Message, NeedsChanged, Question, Recommendation
from agent.interview import questions
from agent.session import GraphSession
from agent.terms import asked_term, compared_terms, terms
from tests.agent.conversing import all_of, of, opened, said, words


@pytest.fixture
async def session(tmp_path: Path) -> AsyncIterator[GraphSession]:
    session, _ = await opened(tmp_path)
    yield session
    await session.close()


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("what is context?", "context"),
        ("What's VRAM", "VRAM"),
        ("quantization?", "quantization"),
        ("what does quantized mean?", "quantization"),
        ("sorry, what is a re-ranker exactly", "reranker"),
        ("what's a license class?", "license class"),
        ("what are tokens", "token"),
        ("I don't know what RAG means", "RAG"),
        ("can you explain the KV cache to me?", "KV cache"),
        ("was ist ein Token?", "token"),
        ("qu'est-ce que la quantification ?", "quantization"),
        ("\u00bfqu\u00e9 es la cuantizaci\u00f3n?", "quantization"),
        ("what is the best context length for novels?", None),
        ("what is context worth to me in dollars on a 3090?", None),
        ("what license does Qwen3 have?", None),
        ("tokens", None),
    ],
)
def test_which_term_is_asked(text: str, term: str | None) -> None:
    found = asked_term(text)
    assert (found.term if found is not None else None) == term


def test_after_a_recommendation_a_definite_word_is_about_it() -> None:
    assert asked_term("what is the license?", answered=True) is None
    assert asked_term("license?", answered=True) is None
    assert asked_term("what is a license?", answered=True) is not None


def test_every_term_has_its_section_and_no_two_share_a_name() -> None:
    slots = {*questions()["slots"], "model", "min_speed"}
    for names, term in terms():
        assert term.citations, term.term
        assert term.slot in slots
        assert names.fullmatch(term.term.lower()), term.term
        assert sum(other.fullmatch(term.term.lower()) is not None for other, _ in terms()) == 1, term.term


async def test_a_word_of_the_open_question_gets_the_questions_own_help(session: GraphSession) -> None:
    await said(session, "a chat assistant on an RTX 3090 for my company, English")
    events = await said(session, "")
    (question,) = of(events, Question)
    word = {"context": "context", "concurrency": "concurrency", "priority": "a benchmark"}[question.slot]
    events = await said(session, f"what is {word}?")
    told = words(events)
    assert questions()["slots"][question.slot]["help"] in told
    assert f"Still open: {question.text}" in told
    assert not of(events, Question) + of(events, Recommendation) + of(events, NeedsChanged)
    (message,) = of(events, Message)
    assert message.citations


async def test_another_word_leaves_the_question_open_without_its_help(session: GraphSession) -> None:
    (question,) = of(await said(session, "a model for my law office"), Question)
    told = words(await said(session, "what is a reranker?"))
    assert told.startswith("A reranker")
    assert told.endswith(f"Still open: {question.text}")
    assert len(told) < 400


async def test_without_a_question_there_is_a_short_definition(session: GraphSession) -> None:
    told = words(await said(session, "what is quantization?"))
    assert told.startswith("Quantization stores")
    assert "Pretraining" not in told


async def test_two_words_are_set_beside_each_other_at_any_time(session: GraphSession) -> None:
    (question,) = of(await said(session, "a model for my law office"), Question)
    asked = "what is the difference between LoRA and QLoRA?"
    told = words(await said(session, asked))
    assert "LoRA trains a small addition" in told
    assert "QLoRA is LoRA on top" in told
    assert f"Still open: {question.text}" in told
    await all_of(session.recommend())
    assert "QLoRA is LoRA on top" in words(await said(session, asked))


def test_a_question_without_a_comparison_compares_nothing() -> None:
    assert compared_terms("how much VRAM does a reranker need?") == []
    assert [t.term for t in compared_terms("RAG or fine-tuning?")] == ["RAG", "fine-tuning"]


async def test_an_empty_message_shows_the_open_question_again_and_marked(session: GraphSession) -> None:
    (question,) = of(await said(session, "a model for my law office"), Question)
    for text in ("", "  \n"):
        (again,) = of(await said(session, text), Question)
        assert (again.text, again.clarifies) == (question.text, True)
    # It is still the question that was asked: its own help, and its options.
    assert questions()["slots"][question.slot]["help"][:40] in words(await said(session, "what do you mean?"))
    events = await said(session, question.options[0])
    assert not [q for q in of(events, Question) if q.slot == question.slot]


async def test_an_empty_message_without_a_question_says_how_to_go_on(session: GraphSession) -> None:
    assert "Tell me what the model is for" in words(await said(session, ""))
    await said(session, "chat on an RTX 3090")
    await all_of(session.recommend())
    assert "Say what should be different" in words(await said(session, " "))
