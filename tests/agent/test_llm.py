"""The contract of the voice, the same for a local server and for an API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent.events import ToolCall
from agent.voice import VoiceError
from tests.fakes.model_script import Call, Calls, Cut, Fail, Full, Raw, Reply, Say, Think, words
from tests.fakes.voices import KEY, stage
from tools.needs import Needs

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
MODEL = "meta-llama/Llama-3.1-8B-Instruct"
DRAFT = "I recommend **Qwen3-14B** as Q4_K_M with 16,384 tokens: 10.4 of 11.3 GiB [1]."
WORDED = "Take **Qwen3-14B** (Q4_K_M) with 16k tokens; it fills 10.4 of 11.3 GiB [1]."
MEMORY = Call("estimate_memory", {"model": MODEL, "quant": "Q4_K_M", "context": 8192})
SEARCH = Call("search_guides", {"query": "what does q8_0 do to the cache"})


@pytest.fixture(params=["ollama", "openai"])
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_a_draft_is_worded_and_streamed(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage(provider, tmp_path, monkeypatch, words(WORDED)) as on:
        assert await on.voice.word(DRAFT, on.emit) == WORDED
        assert on.streamed == WORDED
        assert DRAFT in on.sent(0)
        assert "tools" not in on.server.requests[0]


async def test_the_model_is_told_in_which_language_the_person_writes(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    german = "Nimm **Qwen3-14B** (Q4_K_M) mit 16.384 Token; 10,4 von 11,3 GiB [1]."
    async with stage(provider, tmp_path, monkeypatch, words(german)) as on:
        assert await on.voice.word(DRAFT, on.emit, "Was soll ich nehmen?" + "x" * 9000) == german
        assert "The person wrote: Was soll ich nehmen?" in on.sent(0)
        assert len(on.sent(0)) < 4000


async def test_an_unfounded_number_is_repaired_out_of_sight(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = WORDED.replace("10.4", "9.4")
    async with stage(provider, tmp_path, monkeypatch, [Say(wrong)], [Say(WORDED)]) as on:
        assert await on.voice.word(DRAFT, on.emit) == WORDED
        assert on.streamed == ""
        assert "9.4" in on.server.requests[1]["messages"][-1]["content"]
        assert "checking the wording" in on.steps


@pytest.mark.parametrize(
    "said",
    [f"The person wrote: hello\n\nDraft:\n{DRAFT}", "\u042f \u0441\u043e\u0432\u0435\u0442\u0443\u044e."],
)
async def test_a_repeated_request_or_other_letters_are_no_wording(
    provider: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage(provider, tmp_path, monkeypatch, words(said), words(WORDED)) as on:
        assert await on.voice.word(DRAFT, on.emit, "hello") == WORDED
        assert on.streamed == ""


async def test_only_what_holds_is_shown_while_it_comes_in(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = "Take **Qwen3-14B** as Q4_K_M.\nIt fills 10.4 of 11.3 GiB [1].\n"
    wrong = words(f"{first}It costs $999. The context is 16k tokens.")
    async with stage(provider, tmp_path, monkeypatch, wrong, words(WORDED)) as on:
        assert await on.voice.word(DRAFT, on.emit) == WORDED
        assert on.streamed == first


@pytest.mark.parametrize(
    "wrong", ["Take **Qwen3-32B** [1].", "Take **Qwen3-14B**.", "Take **Qwen3-14B** [1] [2], MIT."]
)
async def test_what_stays_unfounded_is_refused(
    provider: str, wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage(provider, tmp_path, monkeypatch, [Say(wrong)]) as on:
        with pytest.raises(VoiceError) as caught:
            await on.voice.word(DRAFT, on.emit)
        assert caught.value.code == "ungrounded"
        assert len(on.server.requests) == 2


CALLS: dict[str, list[Reply]] = {
    "two chunks": [[MEMORY, SEARCH]],
    "one chunk": [[Calls((MEMORY, SEARCH))]],
    "two rounds": [[MEMORY], [SEARCH]],
    "with text before": [[Say("Let me look."), MEMORY, SEARCH]],
}


@pytest.mark.parametrize("case", CALLS)
async def test_two_tool_calls_run_the_real_tools(
    provider: str, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    final = words("The cache of q8_0 is half as large [1].")
    async with stage(provider, tmp_path, monkeypatch, *CALLS[case], final) as on:
        spoken = await on.voice.answer("how much memory?", Needs(), "Draft.", on.emit)
        assert [tool.name for tool in on.tools] == ["estimate_memory", "search_guides"]
        assert on.tools[0].arguments == MEMORY.arguments
        assert on.tools[0].result["model_id"] == MODEL
        assert on.tools[0].result["total_bytes"] > 2**30
        assert spoken.text == "The cache of q8_0 is half as large [1]."
        assert spoken.citations[0]["kind"] == "guide"
        assert spoken.citations[0]["locator"].startswith("memory.md#")
        assert "_gib" in on.sent(-1)
        assert "_bytes" not in on.sent(-1)
        ids = [m["tool_call_id"] for m in on.server.requests[-1]["messages"] if m["role"] == "tool"]
        assert len(set(ids)) == 2
        assert all(ids)


async def test_the_figures_of_a_tool_are_let_through_and_others_are_not(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage(provider, tmp_path, monkeypatch, [MEMORY], [Say("It takes 1234.5 GiB.")]) as on:
        with pytest.raises(VoiceError) as caught:
            await on.voice.answer("how much memory?", Needs(), "Draft.", on.emit)
        assert caught.value.code == "ungrounded"
        total = on.tools[0].result["total_bytes"] / 2**30
    replies: list[Reply] = [[MEMORY], words(f"Llama 3.1 8B takes {total:.1f} GiB with 8k tokens.")]
    async with stage(provider, tmp_path, monkeypatch, *replies) as on:
        spoken = await on.voice.answer("how much memory?", Needs(), "Draft.", on.emit)
        assert f"{total:.1f} GiB" in spoken.text


async def test_calls_with_empty_arguments_get_ids_and_an_error_to_retry_on(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = Call("search_guides", {})
    replies: list[Reply] = [[Calls((empty, empty))], [SEARCH], words("The cache halves [1].")]
    async with stage(provider, tmp_path, monkeypatch, *replies) as on:
        spoken = await on.voice.answer("cache?", Needs(), "Draft.", on.emit)
        assert spoken.text == "The cache halves [1]."
        assert [tool.result.get("error", {}).get("code") for tool in on.tools] == ["usage", None]
        sent = [m for m in on.server.requests[1]["messages"] if m["role"] == "tool"]
        assert len({m["tool_call_id"] for m in sent}) == 2
        assert all("`query` is missing" in m["content"] for m in sent)


async def test_a_call_written_as_text_runs_and_is_not_shown(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = words('{"name": "search_guides", "arguments": {"query": "cache of q8_0"}}')
    async with stage(provider, tmp_path, monkeypatch, call, words("It halves [1].")) as on:
        spoken = await on.voice.answer("cache?", Needs(), "Draft.", on.emit)
        assert [tool.name for tool in on.tools] == ["search_guides"]
        assert spoken.text == "It halves [1]."
        assert on.streamed == "It halves [1]."


async def test_an_answer_in_braces_that_is_no_call_is_shown(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage(provider, tmp_path, monkeypatch, words("{this is no call}")) as on:
        spoken = await on.voice.answer("braces?", Needs(), "Draft.", on.emit)
        assert spoken.text == on.streamed == "{this is no call}"


def search(number: int) -> Call:
    """A search that is another one than those of other numbers."""
    return Call("search_guides", {"query": f"what does q{number}_0 do to the cache"})


async def test_the_budget_of_calls_and_rounds_ends_in_an_answer_without_tools(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    greedy: list[Reply] = [[Calls((search(n), search(n + 1), search(n + 2)))] for n in (1, 4)]
    async with stage(provider, tmp_path, monkeypatch, *greedy, words("It halves [1].")) as on:
        spoken = await on.voice.answer("cache?", Needs(), "Draft.", on.emit)
        assert spoken.text == "It halves [1]."
        assert len(on.tools) == 6
        assert "tools" not in on.server.requests[2]
    rounds: list[Reply] = [*[[search(n)] for n in range(6)], words("It halves [1].")]
    async with stage(provider, tmp_path, monkeypatch, *rounds) as on:
        assert (await on.voice.answer("cache?", Needs(), "Draft.", on.emit)).text == "It halves [1]."
        assert len(on.server.requests) == 7
        assert "tools" not in on.server.requests[6]


async def test_a_loop_of_the_same_call_runs_the_tool_once_and_ends(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop: list[Reply] = [*[[SEARCH]] * 6, words("It halves [1].")]
    async with stage(provider, tmp_path, monkeypatch, *loop) as on:
        assert (await on.voice.answer("cache?", Needs(), "Draft.", on.emit)).text == "It halves [1]."
        assert len(on.tools) == 1
        assert len(on.server.requests) == 7
        assert "You called this before" in on.sent(2)


async def test_an_empty_answer_is_asked_for_again_without_tools(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage(provider, tmp_path, monkeypatch, [], words("The cache halves [1].")) as on:
        spoken = await on.voice.answer("what is the cache of q8_0?", Needs(), "Draft.", on.emit)
        assert spoken.text == "The cache halves [1]."
        assert "tools" in on.server.requests[0]
        assert "tools" not in on.server.requests[1]
        assert "q8_0 halves it" in on.sent(1)  # the guide's passage was looked up for it
    async with stage(provider, tmp_path, monkeypatch, []) as on:
        with pytest.raises(VoiceError) as caught:
            await on.voice.answer("what?", Needs(), "Draft.", on.emit)
        assert caught.value.code == "empty"


async def test_marks_are_renumbered_and_invented_ones_go(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = Call("search_guides", {"query": "cache weights Apache license Llama", "k": 5})
    answer = words("Cache [2]. Again [2, 1]. Invented [9].")
    async with stage(provider, tmp_path, monkeypatch, [both], answer) as on:
        spoken = await on.voice.answer("cache?", Needs(), "As the guide says [1].", on.emit)
        assert spoken.text == "Cache [1]. Again [1, 2]. Invented."
        assert len(spoken.citations) == 2
        assert "As the guide says." in on.sent(0)


SPLIT = "<think>10.4 and 99 GiB?</think>Take **Qwen3-14B** [1]."


async def test_reasoning_never_shows_wherever_it_is_cut(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replies: list[Reply] = [
        [Think("hm"), Say(SPLIT[:place]), Say(SPLIT[place:])] for place in range(1, len(SPLIT))
    ]
    async with stage(provider, tmp_path, monkeypatch, *replies) as on:
        for place in range(1, len(SPLIT)):
            on.events.clear()
            assert await on.voice.word(DRAFT, on.emit) == "Take **Qwen3-14B** [1].", place
            assert on.streamed == "Take **Qwen3-14B** [1].", place


FAILURES: dict[str, tuple[Reply, str]] = {
    "cut": ([Say("Take "), Cut()], "cut"),
    "cut at once": ([Cut()], "cut"),
    "rate": ([Fail(429, "slow down")], "rate_limit"),
    "key": ([Fail(401, f"Incorrect API key provided: {KEY}")], "bad_key"),
    "context": ([Fail(400, "prompt too long; exceeded max context length by 5 tokens")], "context_full"),
    "server": ([Fail(503, "overloaded")], "server"),
    "too long": ([Say("It takes a long time to"), Full()], "too_long"),
    "missing": ([Fail(404, "model 'fake' not found")], "model_missing"),
}


REQUESTS = {"cut at once": 2, "rate": 3, "server": 2, "context": 2}
"""How often it is tried; with a full context once more without the list of tools."""


@pytest.mark.parametrize("case", FAILURES)
async def test_failures_are_told_in_one_sentence(
    provider: str,
    case: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    reply, code = FAILURES[case]
    async with stage(provider, tmp_path, monkeypatch, reply) as on:
        with pytest.raises(VoiceError) as caught:
            await on.voice.answer("cache?", Needs(), "Draft.", on.emit)
        assert caught.value.code == code
        assert KEY not in caught.value.message + caught.value.hint
        assert len(on.server.requests) == REQUESTS.get(case, 1)
    assert capfd.readouterr() == ("", "")


async def test_a_refusal_of_tools_is_worked_around_and_remembered(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = [Fail(400, "registry.ollama.ai/library/fake does not support tools")]
    async with stage(provider, tmp_path, monkeypatch, refusal, words("The cache halves [1].")) as on:
        for _ in range(2):
            spoken = await on.voice.answer("what is the cache of q8_0?", Needs(), "Draft.", on.emit)
            assert spoken.text == "The cache halves [1]."
            assert spoken.citations
        assert not on.failures
        assert ["tools" in request for request in on.server.requests] == [True, False, False]


async def test_the_needs_and_the_question_are_evidence(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs = Needs.model_validate({"context": {"value": 4096, "quote": "4k"}})
    async with stage(provider, tmp_path, monkeypatch, words("With 4k tokens and 77 users: yes.")) as on:
        spoken = await on.voice.answer("for 77 users?", needs, "Draft.", on.emit)
        assert spoken.text == "With 4k tokens and 77 users: yes."
        assert '"context": 4096' in on.sent(0)


async def test_a_tool_that_breaks_does_not_end_the_answer(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        raise ZeroDivisionError

    monkeypatch.setattr("agent.llm_tools.run_tool", broken)
    async with stage(provider, tmp_path, monkeypatch, [MEMORY], words("I cannot tell.")) as on:
        spoken = await on.voice.answer("memory?", Needs(), "Draft.", on.emit)
        assert spoken.text == "I cannot tell."
        assert isinstance(on.tools[0], ToolCall)
        assert on.tools[0].result["error"]["code"] == "internal"


async def test_what_is_malformed_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reply: Reply = [Say("Take "), Raw(b'{"no": "message"}\n')]
    async with stage("ollama", tmp_path, monkeypatch, reply) as on:
        with pytest.raises(VoiceError) as caught:
            await on.voice.word(DRAFT, on.emit)
        assert caught.value.code == "malformed"
