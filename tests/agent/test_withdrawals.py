"""What is said of a withdrawal: what was lifted, and what still stands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.session import GraphSession
from agent.wording import lifted_words
from tests.agent.conversing import opened, said, words
from tools.needs import ModelWish, Slot

NEEDS = "chat on a 3060, not Chinese, no Llama, commercial, 8k context, English, just me, quality"


@pytest.fixture
async def session(tmp_path: Path) -> AsyncIterator[GraphSession]:
    session, _ = await opened(tmp_path)
    yield session
    await session.close()


async def test_what_was_lifted_is_named_and_what_still_stands(session: GraphSession) -> None:
    await said(session, NEEDS)
    told = words(await said(session, "Chinese is fine after all"))
    assert "no longer required: no maker in China" in told
    assert "still without llama" in told
    told = words(await said(session, "Llama is fine too"))
    assert "no longer required: without llama" in told
    assert "still" not in told.split(".")[0]


async def test_a_slot_that_is_taken_back_is_named_by_what_it_held(session: GraphSession) -> None:
    await said(session, NEEDS)
    assert "no longer required: commercial use" in words(await said(session, "actually forget the license"))


async def test_a_new_constraint_lifts_nothing(session: GraphSession) -> None:
    await said(session, NEEDS)
    told = words(await said(session, "no Gemma either"))
    assert "no longer" not in told
    assert "gemma" in told.split(".")[0].lower()


def test_parts_of_a_wish_are_lifted_one_by_one() -> None:
    before = Slot[ModelWish](
        value=ModelWish(excluded=("llama", "qwen"), excluded_places=("CN",), max_params_b=8.0)
    )
    after = Slot[ModelWish](value=ModelWish(excluded=("qwen",), excluded_places=("CN",)))
    assert lifted_words("model", before, after) == ["without llama", "at most 8B parameters"]
    assert lifted_words("model", before, before) == []
    assert len(lifted_words("model", before, None)) == 4
    assert lifted_words("model", None, after) == []
