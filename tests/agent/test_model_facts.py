"""Models asked about before any needs are known, and older models that are wished for."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.api_facts import api_told
from agent.events import Message, Question, Recommendation
from agent.particulars import particulars
from agent.understanding import understand
from tests.agent.conversing import of, opened, said, words
from tools.needs import Needs
from tools.price_claims import price_claim


@pytest.mark.parametrize(
    ("question", "quant", "context", "memory_gib"),
    [
        ("How much VRAM does Llama 3.1 8B need at Q5_K_M?", "Q5_K_M", None, None),
        ("memory of Llama 3.1 8B in 8 bits with 32K context", "Q8_0", 32768, None),
        ("How much memory does Yi-34B-200K need?", None, None, None),
        ("Does Qwen 2.5 14B fit in 24 GB at Q4?", "Q4_K_M", None, 24),
        ("Does Qwen 2.5 14B fit on an RTX 3060 12GB?", None, None, 12),
        ("Is Llama 3.1 8B unquantized slow?", "F16", None, None),
    ],
)
def test_conditions_of_a_question(
    question: str, quant: str | None, context: int | None, memory_gib: int | None
) -> None:
    asked = particulars(question, understand(question, Needs()))
    assert (asked.quant, asked.context) == (quant, context)
    assert (asked.machine is None) is (memory_gib is None)
    if asked.machine is not None and memory_gib is not None:
        assert asked.machine.accelerator_bytes == memory_gib << 30


async def test_a_wished_older_model_is_explained_before_it_is_recommended(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    events = await said(session, "CodeLlama 34B for code on a 3090, personal use")
    await session.close()
    first = of(events, Message)[0]
    assert "released 2023-08-24" in first.text.lower()
    assert "Expected quality for code" in first.text
    assert "newer models beat it" in first.text
    assert "give or take" in first.text
    assert [c for c in first.citations if c["kind"] == "benchmark"]
    assert [event for event in events if isinstance(event, Recommendation | Question)]


async def test_a_wished_current_model_is_not_talked_down(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    events = await said(session, "Qwen3.8-27B for chat on a 3090, personal use")
    await session.close()
    assert "beat it" not in words(events)


async def test_memory_is_that_of_the_engine_and_the_older_figure_stands_beside_it(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    short = words(await said(session, "How much VRAM does Llama 3.1 70B need at Q4?"))
    long = words(await said(session, "How much VRAM does Llama 3.1 70B need at Q4 with 64K context?"))
    await session.close()
    assert "22 GB, which is wrong: too low" in short
    assert "65,536 tokens" in long
    assert "65,536 tokens" not in short


def test_api_models_by_the_price_map() -> None:
    told = api_told("what does gpt-4o-mini cost?")
    assert told is not None
    text, evidence = told
    assert "$0.15 in and $0.60 out per million tokens" in text
    assert "litellm" in evidence[0].source.lower()
    assert api_told("what does it cost?") is None
    ended = api_told("price of o1-pro")
    assert ended is not None
    assert "switched off on 2026-10-23" in ended[0]


def test_an_old_price_stands_beside_the_present_one() -> None:
    told = api_told("what does Claude 3.5 Sonnet cost?")
    assert told is not None
    text, evidence = told
    claim = price_claim("Claude 3.5 Sonnet")
    assert claim is not None
    assert claim.successor is not None
    assert "$15 in and $75 out" in text
    assert "asked $3 in and $15 out at the time" in text
    assert "retired" in text
    assert f"{claim.successor.name} costs {claim.successor}" in text
    assert any(e.kind == "guide" and "Claude 3.5 Sonnet price" in e.locator for e in evidence)


def test_of_a_retired_model_only_that_is_told_where_no_price_is_asked() -> None:
    told = api_told("what is the window of Gemini 1.5 Pro?", about_price=False)
    assert told is not None
    assert told[0].startswith("Gemini 1.5 Pro is retired: Google no longer serves it. Its successor ")
    current = api_told("what is the window of gpt-4o?", about_price=False)
    assert current is not None
    assert "older guide" not in current[0]
