"""Which option leads in one thing, in a conversation."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.leading import leading_of
from agent.session import GraphSession
from tests.agent.conversing import all_of, opened, said, words
from tools.needs import Needs
from tools.recommend import recommend

NEEDS = "chat on an RTX 3090, personal use, 8k context, English, quality matters"


@pytest.fixture
async def session(tmp_path: Path) -> AsyncIterator[GraphSession]:
    session, _ = await opened(tmp_path)
    yield session
    await session.close()


async def test_the_fastest_of_the_options_is_told_and_the_needs_stay(session: GraphSession) -> None:
    await said(session, NEEDS)
    (found,) = [e for e in await all_of(session.recommend()) if e.type == "needs"]
    options = recommend(Needs.model_validate(found.as_json()["needs"])).candidates
    fastest = max(options, key=lambda c: c.configuration.speed.mid if c.configuration.speed else 0)  # type: ignore[union-attr]
    events = await said(session, "which is fastest")
    assert not [e for e in events if e.type == "recommendation"], "a question decides nothing anew"
    told = words(events)
    assert told.startswith(f"The fastest of these is **{fastest.model}**")
    assert all(c.model in told for c in options)
    for question in ("which is cheapest", "which is the smallest"):
        assert "of these is **" in words(await said(session, question))


async def test_cache_types_are_listed_one_to_a_line(session: GraphSession) -> None:
    await said(session, NEEDS)
    await all_of(session.recommend())
    told = words(await said(session, "what if I quantize the cache"))
    assert len([line for line in told.splitlines() if line.strip().startswith("- ")]) == 3


def test_other_questions_are_not_for_it() -> None:
    assert leading_of("why not gpt-oss-20b?", Needs()) is None
