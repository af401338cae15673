"""What the recommended configuration costs, in a conversation."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.session import GraphSession
from tests.agent.conversing import all_of, models, opened, said, words
from tools.needs import Needs
from tools.recommend import recommend

NEEDS = "chat on an RTX 3090, personal use, 8k context, English, quality matters"
COSTS = ["what would it cost?", "how much is it per month?", "is it expensive?", "was kostet das?"]


@pytest.fixture
async def session(tmp_path: Path) -> AsyncIterator[GraphSession]:
    session, _ = await opened(tmp_path)
    yield session
    await session.close()


@pytest.mark.parametrize("question", COSTS)
async def test_a_local_recommendation_is_billed_by_its_own_electricity(
    session: GraphSession, question: str
) -> None:
    await said(session, NEEDS)
    first = models(await all_of(session.recommend()))[0]
    told = words(await said(session, question))
    assert told.startswith(f"**{first}**")
    assert "of electricity for an assumed" in told
    assert "behind an API" not in told


async def test_the_bill_is_that_of_the_options_and_of_the_volume_that_is_named(session: GraphSession) -> None:
    await said(session, NEEDS)
    (found,) = [e for e in await all_of(session.recommend()) if e.type == "needs"]
    options = recommend(Needs.model_validate(found.as_json()["needs"])).candidates
    usual = words(await said(session, "what would it cost?"))
    assert f"${options[0].usd_per_month:.2f}" in usual
    assert "the API of" in usual
    assert "2,000,000 tokens in" in words(
        await said(session, "what would it cost for 2 million tokens a day?")
    )
    second = words(await said(session, "what does the second one cost?"))
    assert second.startswith(f"**{options[1].model}**")
    assert f"${options[1].usd_per_month:.2f}" in second


async def test_an_api_is_priced_where_it_is_named(session: GraphSession) -> None:
    await said(session, NEEDS)
    await all_of(session.recommend())
    assert "behind an API" in words(await said(session, "how much would the API cost?"))


async def test_an_api_is_priced_where_it_is_recommended(session: GraphSession) -> None:
    await said(session, "chat through an API, commercial use")
    await all_of(session.recommend())
    assert "at an assumed volume" in words(await said(session, "what would it cost?"))


async def test_before_the_recommendation_the_bill_says_that_it_may_change(session: GraphSession) -> None:
    await said(session, "a chatbot, and nothing may leave my machine")
    told = words(await said(session, "what would it cost?"))
    assert "With what I know so far" in told
    assert "Still open:" in told


@pytest.mark.parametrize("question", ["what does it cost?", "how much would the API cost?"])
async def test_an_embedder_has_no_bill_and_no_crash(session: GraphSession, question: str) -> None:
    await said(session, "an embedding model for my notes on an RTX 3060")
    await all_of(session.recommend())
    assert words(await said(session, question))
