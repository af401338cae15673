"""Tokens and dollars of API models, and a ceiling that is never passed."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from agent.cost import Account
from agent.events import Cost, Event, Failure, Message
from agent.session import GraphSession, open_session
from agent.voice import VoiceError
from tests.agent.test_llm_session import NEEDS, obliging
from tests.fakes.model_script import Cut, Pause, Say
from tests.fakes.model_server import FakeOpenAI
from tests.fakes.voices import FakeSmallRetriever, point_at
from tools.model_calls import client as llm_client
from tools.model_calls.tokens import Usage, most_tokens
from tools.token_price import FREE, Price, price_of

MODEL = "openai/gpt-4.1-mini"
PRICE = Price(0.4, 1.6, 0.1)
ASKED = [{"role": "user", "content": "hello"}]


@pytest.fixture(autouse=True, scope="module")
def _loaded() -> None:
    """LiteLLM is there: its import in the background outlives a test that does not wait for it."""
    llm_client.load()


def test_prices_come_from_the_map_and_only_from_the_providers_own_row() -> None:
    found = price_of(MODEL)
    assert found is not None
    assert found == price_of("gpt-4.1-mini")
    assert 0 < found.input < found.output
    assert price_of("somewhere/gpt-4.1-mini") is None
    assert price_of("openai/no-such-model") is None
    assert price_of("hosted_vllm/mine") is FREE


def test_long_prompts_and_cached_tokens_have_their_own_price() -> None:
    price = Price(1.0, 10.0, 0.5, 200_000, 2.0, 15.0)
    assert price.usd(100_000, 1_000) == pytest.approx(0.11)
    assert price.usd(100_000, 0, 100_000) == pytest.approx(0.05)
    assert price.usd(300_000, 1_000) == pytest.approx(0.615)


def test_what_the_server_says_is_counted() -> None:
    account = Account()
    with account.request("m", PRICE, ASKED, None, 100) as bill:
        bill.count(Usage(1000, 500))
    assert (account.prompt_tokens, account.answer_tokens, account.estimated) == (1000, 500, False)
    assert account.usd == account.bound_usd == pytest.approx(0.0012)


def test_without_a_count_it_is_estimated_and_the_worst_case_bounds_it() -> None:
    account = Account()
    with account.request("m", PRICE, ASKED, None, 100) as bill:
        bill.hear("x" * 320)
    assert account.estimated
    assert account.answer_tokens == 100
    assert account.usd < account.bound_usd


@pytest.mark.parametrize(
    ("error", "counted"),
    [
        (VoiceError("bad_key", ""), False),
        (VoiceError("unreachable", ""), False),
        (VoiceError("cut", ""), True),
        (VoiceError("timeout", ""), True),
        (asyncio.CancelledError(), True),
    ],
)
def test_a_failed_request_counts_where_the_server_may_have_worked(
    error: BaseException, counted: bool
) -> None:
    account = Account()
    with pytest.raises(type(error)), account.request("m", PRICE, ASKED, None, 100):
        raise error
    assert (account.bound_usd > 0) is counted


def test_the_ceiling_stops_before_it_is_passed() -> None:
    account = Account(max_usd=0.01)
    sent = 0

    def spend() -> None:
        nonlocal sent
        while sent < 1000:
            with account.request("m", PRICE, ASKED, None, 1000) as bill:
                bill.count(Usage(most_tokens(ASKED, None), 1000))  # the worst that can come
                sent += 1

    with pytest.raises(VoiceError) as caught:
        spend()
    assert caught.value.code == "cost"
    assert 0.01 - PRICE.usd(most_tokens(ASKED, None), 1000) < account.usd <= 0.01
    assert sent > 1


def test_no_tokenizer_makes_more_tokens_than_are_reckoned_with() -> None:
    text = "überall 日本語 🙂" * 50
    assert most_tokens([{"role": "user", "content": text}], None) >= len(text.encode())


def test_a_ceiling_needs_a_price_and_local_models_need_none() -> None:
    account = Account(max_usd=1.0)
    with pytest.raises(VoiceError) as caught, account.request("m", None, ASKED, None, 10):
        pass
    assert caught.value.code == "no_price"
    with account.request("m", FREE, ASKED, None, 10):
        pass
    assert account.counted == 0


def test_a_count_is_kept_and_never_goes_back() -> None:
    account = Account()
    with account.request("m", PRICE, ASKED, None, 10) as bill:
        bill.count(Usage(10, 10))
    again = Account(max_usd=1.0)
    again.restore(json.loads(json.dumps(account.as_json())))
    assert again.as_json() == account.as_json()
    again.restore({"usd": 0.0, "prompt_tokens": 1})
    assert again.as_json() == account.as_json()


async def _open(folder: Path, **more: Any) -> tuple[GraphSession, list[Event]]:
    session = await open_session(
        model=MODEL, session="s", home=folder / "home", retriever=FakeSmallRetriever(folder), **more
    )
    return session, [event async for event in session.open()]


def _of(events: list[Event], kind: type[Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


@pytest.mark.allow_hosts(["127.0.0.1"])
async def test_a_conversation_tells_its_cost_and_resumes_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeOpenAI(obliging, model="gpt-4.1-mini", usage=(1000, 100)) as server:
        point_at(server, monkeypatch)
        session, _ = await _open(tmp_path)
        first = [event async for event in session.say(NEEDS)]
        second = [event async for event in session.recommend()]
        await session.close()
        asked = len(server.requests)
        resumed, opening = await _open(tmp_path)
        spent = resumed.models.spent()
        await resumed.close()
    assert not _of(opening, Failure)
    costs = _of(first + second, Cost)
    assert costs[-1] == spent
    assert [event.type for event in second[-2:]] == ["cost", "turn_end"]
    assert (spent.prompt_tokens, spent.answer_tokens, spent.estimated) == (1000 * asked, 100 * asked, False)
    assert spent.usd == pytest.approx(asked * (1000 * 0.4 + 100 * 1.6) / 1e6)


@pytest.mark.allow_hosts(["127.0.0.1"])
async def test_a_server_that_states_nothing_is_counted_by_estimate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeOpenAI(obliging, model="gpt-4.1-mini", usage=None) as server:
        point_at(server, monkeypatch)
        session, _ = await _open(tmp_path)
        events = [event async for event in session.recommend()]
        await session.close()
    cost = _of(events, Cost)[0]
    assert cost.estimated
    assert cost.usd > 0


@pytest.mark.allow_hosts(["127.0.0.1"])
async def test_a_ceiling_finishes_the_turn_in_guided_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeOpenAI(obliging, model="gpt-4.1-mini", usage=(4000, 4000)) as server:
        point_at(server, monkeypatch)
        session, _ = await _open(tmp_path, max_cost=0.02)
        turns = [[event async for event in session.recommend()] for _ in range(6)]
        await session.close()
        assert 0 < len(server.requests) < 6
    stopped = [turn for turn in turns if _of(turn, Failure)]
    assert stopped
    assert {failure.code for turn in stopped for failure in _of(turn, Failure)} == {"cost"}
    assert all("I recommend" in _of(turn, Message)[-1].text for turn in stopped)
    spent = session.models.spent().usd
    assert spent is not None
    assert 0 < spent <= 0.02


@pytest.mark.allow_hosts(["127.0.0.1"])
async def test_an_unknown_price_under_a_ceiling_is_said_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeOpenAI(obliging) as server:
        point_at(server, monkeypatch)
        session = await open_session(
            model="openai/fake", home=tmp_path, retriever=FakeSmallRetriever(tmp_path), max_cost=1.0
        )
        opening = [event async for event in session.open()]
        turn = [event async for event in session.recommend()]
        await session.close()
        assert server.requests == []
    assert [failure.code for failure in _of(opening, Failure)] == ["no_price"]
    assert [failure.code for failure in _of(turn, Failure)] == ["no_price"]


@pytest.mark.allow_hosts(["127.0.0.1"])
@pytest.mark.parametrize("reply", [[Say("I recommend "), Cut()], [Say("I recommend "), Pause(30)]])
async def test_what_was_cut_or_cancelled_still_counts(
    reply: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeOpenAI(reply, model="gpt-4.1-mini") as server:
        point_at(server, monkeypatch)
        session, _ = await _open(tmp_path)

        async def turn() -> None:
            async for _ in session.recommend():
                pass

        work = asyncio.create_task(turn())
        if isinstance(reply[-1], Pause):
            assert await asyncio.to_thread(server.waiting.wait, 30)
            await asyncio.sleep(0.05)
            work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        spent = session.models.spent()
        await session.close()
        asked = len(server.requests)
        resumed, opening = await _open(tmp_path)
        document = await resumed.transcript()
        await resumed.close()
        assert len(server.requests) == asked  # a stopped turn is not gone on with
    assert spent.estimated
    assert spent.usd is not None
    assert spent.usd > 0
    assert [cost.usd for cost in _of(opening, Cost)] == [spent.usd]
    assert document["cost"]["usd"] == spent.usd
