"""Waiting, stopping and staying out of the way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.llm import LiteLlmVoice, fit_messages
from agent.voice import VoiceError
from tests.fakes.model_script import Call, Pause, Reply, Say, words
from tests.fakes.model_server import FakeOllama
from tests.fakes.voices import FakeSmallRetriever, point_at, stage
from tests.waiting import AT_MOST, HANGS, not_waited_for
from tools.model_calls import client as llm_client
from tools.model_calls.client import Limits
from tools.model_calls.profiles import Profile
from tools.needs import Needs

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
DRAFT = "Take **Qwen3-14B** [1]."
STALL_SECONDS = 0.05
DRIPPING: Reply = [part for _ in range(1000) for part in (Say("a "), Pause(HANGS / 1000))]


@pytest.fixture(autouse=True, scope="module")
def _loaded() -> None:
    """LiteLLM is there: these tests measure what comes after its import."""
    llm_client.load()


@pytest.fixture(params=["ollama", "openai"])
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_a_slow_first_token_is_waited_for_and_said(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = Limits(loading=0.1)
    async with stage(provider, tmp_path, monkeypatch, [Pause(0.4), Say(DRAFT)], limits=limits) as on:
        assert await on.voice.word(DRAFT, on.emit) == DRAFT
        assert on.steps == ["the model is loading" if provider == "ollama" else "waiting for the model"]


async def test_a_quick_answer_says_nothing_of_waiting(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage(provider, tmp_path, monkeypatch, [Say(DRAFT)]) as on:
        await on.voice.word(DRAFT, on.emit)
        assert on.steps == []


@pytest.mark.parametrize(
    ("limits", "reply"),
    [
        (Limits(first=0.2), [Pause(HANGS), Say(DRAFT)]),
        (Limits(idle=0.2), [Say("Take "), Pause(HANGS), Say(DRAFT)]),
        (Limits(total=0.3, idle=HANGS), DRIPPING),
    ],
    ids=["first token", "between tokens", "in all"],
)
async def test_waiting_has_an_end(
    provider: str,
    limits: Limits,
    reply: list[Say | Pause],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with stage(provider, tmp_path, monkeypatch, reply, limits=limits) as on:
        with not_waited_for(), pytest.raises(VoiceError) as caught:
            await on.voice.word(DRAFT, on.emit)
        assert caught.value.code == "timeout"
        assert await asyncio.to_thread(on.server.left.wait, AT_MOST)


@pytest.mark.parametrize(
    "before", [[], [Say("Take this. Then ")]], ids=["before the first token", "in the answer"]
)
async def test_cancelling_closes_the_connection_at_once(
    provider: str, before: list[Say], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage(provider, tmp_path, monkeypatch, [*before, Pause(HANGS), Say(DRAFT)]) as on:
        work = asyncio.create_task(on.voice.word(DRAFT, on.emit))
        await asyncio.to_thread(on.server.waiting.wait, AT_MOST)
        await asyncio.sleep(0.2)  # what was sent has arrived
        assert bool(on.streamed) == bool(before)
        work.cancel()
        with not_waited_for(), pytest.raises(asyncio.CancelledError):
            await work
        assert await asyncio.to_thread(on.server.left.wait, AT_MOST), "the server still waits"
        on.server.replies = [[Say(DRAFT)]]
        assert await on.voice.word(DRAFT, on.emit) == DRAFT


async def _longest_stall(work: asyncio.Task[Any], clock: Callable[[], float] = time.thread_time) -> float:
    """Seconds for which the event loop came to nothing else, at most, until `work` was done.

    By the processor time of its thread, which other tests on the same machine do not lengthen.
    """
    longest, last = 0.0, clock()
    while not work.done():
        await asyncio.sleep(0.002)
        now = clock()
        longest, last = max(longest, now - last), now
    await work
    return longest


async def test_a_streamed_turn_never_holds_up_the_event_loop(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer: Reply = [part for word in words("The cache halves. " * 30) for part in (word, Pause(0.002))]
    search = Call("search_guides", {"query": "cache"})
    replies: list[Reply] = [[search], answer] * 4
    slow: dict[str, Any] = {"show_seconds": 0.5} if provider == "ollama" else {}
    async with stage(provider, tmp_path, monkeypatch, *replies, **slow) as on:
        stalls = []
        for _ in range(4):
            turn = asyncio.create_task(on.voice.answer("cache?", Needs(), "Draft.", on.emit))
            stalls.append(await _longest_stall(turn))
        # The first turn warms up.
        assert min(stalls[1:]) < STALL_SECONDS, stalls


async def test_an_answer_that_comes_at_once_leaves_room_for_the_rest(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    burst: list[Reply] = [words("The cache halves. " * 400)]
    async with stage(provider, tmp_path, monkeypatch, *burst) as on:
        stalls = []
        for _ in range(4):
            turn = asyncio.create_task(on.voice.word("The cache halves. " * 400, on.emit))
            stalls.append(await _longest_stall(turn))
        assert min(stalls[1:]) < STALL_SECONDS, stalls


async def test_a_slow_show_is_asked_once_and_not_on_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage("ollama", tmp_path, monkeypatch, [Say(DRAFT)], show_seconds=2.5) as on:
        work = asyncio.create_task(on.voice.word(DRAFT, on.emit))
        assert await _longest_stall(work, time.perf_counter) < 2.0
        await on.voice.word(DRAFT, on.emit)
        assert on.server.paths.count("/api/show") == 1


async def test_nothing_is_left_running_after_closing(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage(provider, tmp_path, monkeypatch, [Say(DRAFT)]) as on:
        await on.voice.word(DRAFT, on.emit)
    for _ in range(20):  # generators that were dropped close themselves a little later
        if len(asyncio.all_tasks()) == 1:
            break
        await asyncio.sleep(0.02)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_ollama_gets_the_same_window_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replies: list[Reply] = [
        [Call("search_guides", {"query": "cache"})],
        words("It halves [1]."),
        [Say(DRAFT)],
    ]
    async with stage("ollama", tmp_path, monkeypatch, *replies, context=8192) as on:
        await on.voice.answer("cache?", Needs(), "Draft.", on.emit)
        await on.voice.word(DRAFT, on.emit)
        assert [request["options"]["num_ctx"] for request in on.server.requests] == [8192] * 3
        assert {request["keep_alive"] for request in on.server.requests} == {"30m"}
        assert all(request["stream"] for request in on.server.requests)


async def test_thinking_is_switched_off_where_ollama_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    can = ("completion", "tools", "thinking")
    async with stage("ollama", tmp_path, monkeypatch, [Say(DRAFT)], capabilities=can) as on:
        await on.voice.word(DRAFT, on.emit)
        assert on.server.requests[0]["think"] is False


async def test_a_model_without_tools_answers_from_the_guides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    can = ("completion",)
    answer = words("The cache halves [1].")
    async with stage("ollama", tmp_path, monkeypatch, answer, capabilities=can) as on:
        spoken = await on.voice.answer("what is the cache of q8_0?", Needs(), "Draft.", on.emit)
        assert spoken.text == "The cache halves [1]."
        assert spoken.citations
        assert not on.failures
        assert "tools" not in on.server.requests[0]
        assert len(on.server.requests) == 1


async def test_ollama_that_is_not_there_is_noticed_each_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with FakeOllama([Say(DRAFT)]) as server:
        point_at(server, monkeypatch)
        voice = LiteLlmVoice("ollama_chat/fake", FakeSmallRetriever(tmp_path))
        assert await voice.word(DRAFT, lambda event: None) == DRAFT
    for one in (voice, LiteLlmVoice("ollama_chat/fake", FakeSmallRetriever(tmp_path / "other"))):
        with pytest.raises(VoiceError, match=f"Ollama does not answer at {server.url}") as caught:
            await one.word(DRAFT, lambda event: None)
        assert caught.value.code == "unreachable"
    await voice.close()
    assert capfd.readouterr() == ("", "")


async def test_a_model_that_ollama_does_not_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage("ollama", tmp_path, monkeypatch, [Say(DRAFT)], model="other") as on:
        with pytest.raises(VoiceError, match="does not have the model fake") as caught:
            await on.voice.word(DRAFT, on.emit)
        assert "`ollama pull fake`" in caught.value.hint


@pytest.mark.parametrize("model", ["no-such-model", "nosuchprovider/model"])
async def test_a_provider_that_does_not_exist(
    model: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    voice = LiteLlmVoice(model, FakeSmallRetriever(tmp_path))
    with pytest.raises(VoiceError) as caught:
        await voice.word(DRAFT, lambda event: None)
    assert caught.value.code == "unknown_model"
    await voice.close()
    assert capfd.readouterr() == ("", "")


async def test_a_missing_key_is_a_matter_of_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    voice = LiteLlmVoice("openai/gpt-4.1-mini", FakeSmallRetriever(tmp_path))
    with pytest.raises(VoiceError) as caught:
        await voice.word(DRAFT, lambda event: None)
    assert caught.value.code == "no_key"
    assert "OPENAI_API_KEY" in caught.value.message
    await voice.close()


def _profile(context: int) -> Profile:
    return Profile("x/y", "y", "x", "x", context=context, answer_tokens=1200)


def test_the_oldest_results_give_way_when_the_context_is_full() -> None:
    messages = [
        {"role": "system", "content": "rules"},
        {"role": "user", "content": "question"},
        *({"role": "tool", "tool_call_id": str(n), "content": "x" * 4000} for n in range(4)),
    ]
    fitted = fit_messages(messages, None, _profile(6000))
    kept = [len(message["content"]) > 1000 for message in fitted[2:]]
    assert kept == [False, False, True, True]
    assert fitted[:2] == messages[:2]
    assert len(messages[2]["content"]) == 4000
    assert fit_messages(messages, None, _profile(60_000)) == messages


def test_a_prompt_that_cannot_fit_is_not_sent() -> None:
    messages = [{"role": "user", "content": "x" * 40_000}]
    with pytest.raises(VoiceError, match="context") as caught:
        fit_messages(messages, None, _profile(4096))
    assert caught.value.code == "context_full"
