"""Every failure is one sentence with a next step, and never a key."""

from __future__ import annotations

import pytest

from agent.voice import VoiceError, hint_in_turn
from tools.model_calls.errors import LAST, TABLE, explained, named

KEY = "sk-1234567890abcdef"


class FakeError(Exception):
    """An exception as LiteLLM raises them."""

    def __init__(self, text: str, status: int | None = None, inner: Exception | None = None) -> None:
        super().__init__(text)
        self.status_code = status
        self.original_exception = inner


class AuthenticationError(FakeError):
    """Known by its name."""


class MidStreamFallbackError(FakeError):
    """Known by its name."""


class Timeout(FakeError):  # noqa: N818 - LiteLLM's name
    """Known by its name."""


CASES: dict[str, tuple[Exception, str, str]] = {
    "key": (AuthenticationError(f"Incorrect API key provided: {KEY}", 401), "openai", "bad_key"),
    "no key": (FakeError("The api_key client option must be set", 500), "openai", "bad_key"),
    "down": (FakeError("Cannot connect to host 127.0.0.1:11434", 500), "ollama", "unreachable"),
    "api down": (FakeError("OpenAIException - Connection error.", 500), "openai", "unreachable"),
    "missing": (FakeError('{"error": "model \'x\' not found"}', 404), "ollama", "model_missing"),
    "api missing": (FakeError("no such model", 404), "openai", "model_missing"),
    "no tools": (FakeError("registry.ollama.ai/x does not support tools", 400), "ollama", "no_tools"),
    "full": (FakeError("prompt too long; exceeded max context length by 5", 400), "ollama", "context_full"),
    "full 2": (
        FakeError("This model's maximum context length is 8192 tokens", 400),
        "openai",
        "context_full",
    ),
    "full 3": (FakeError("the request exceeds the available context size", 400), "openai", "context_full"),
    "memory": (
        FakeError("model requires more system memory (5.6 GiB) than is available (3.1 GiB)", 500),
        "ollama",
        "memory",
    ),
    "rate": (FakeError("slow down", 429), "openai", "rate_limit"),
    "provider": (FakeError("LLM Provider NOT provided. Pass in", 400), "", "unknown_model"),
    "cut": (
        MidStreamFallbackError("x", 500, FakeError("Response payload is not completed", 500)),
        "x",
        "cut",
    ),
    "slow in a stream": (MidStreamFallbackError("x", 500, Timeout("x", 408)), "x", "timeout"),
    "garbage": (FakeError("KeyError: 'message', Got unexpected response", 400), "ollama", "malformed"),
    "server": (FakeError("boom", 503), "openai", "server"),
    "unknown": (FakeError(KEY), "openai", "model"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_failure_is_recognized(case: str) -> None:
    error, provider, code = CASES[case]
    found = explained(error, "http://box:11434", "qwen3:8b", provider)
    assert found.code == code
    assert found.message.endswith(".")
    assert "{" not in found.message + found.hint
    assert KEY not in found.message + found.hint


def test_the_four_messages_of_ollama_are_distinct_and_say_what_to_do() -> None:
    codes = ("unreachable", "model_missing", "no_tools", "context_full")
    found = [named(code, "http://127.0.0.1:11434", "qwen3:8b", "ollama") for code in codes]
    assert len({error.message for error in found}) == 4
    assert "Ollama does not answer at http://127.0.0.1:11434" in found[0].message
    assert "`ollama serve`" in found[0].hint
    assert "`ollama pull qwen3:8b`" in found[1].hint


def test_the_part_of_a_message_that_is_shown_is_harmless() -> None:
    found = explained(CASES["memory"][0], "s", "qwen3:32b", "ollama")
    assert "(5.6 GiB) than is available (3.1 GiB)" in found.message


def test_a_loop_of_causes_ends() -> None:
    error = FakeError("x")
    error.original_exception = error
    assert explained(error, "s", "n", "p").code == LAST.code


def test_every_row_has_one_sentence_and_a_hint() -> None:
    for row in TABLE:
        assert row.message.endswith(".")
        assert row.message.count(". ") == 0
        assert row.hint.endswith(".")


def test_only_a_failure_that_ends_the_answer_says_how_the_turn_goes_on() -> None:
    assert hint_in_turn(named("timeout", "s", "n", "p")).endswith(" This turn goes on in guided mode.")
    assert "guided" not in hint_in_turn(named("no_tools", "s", "n", "p"))
    assert hint_in_turn(VoiceError("no_key", "There is none.", "Set it.")) == "Set it."


@pytest.mark.parametrize(
    ("said", "least", "most"),
    [("2", 2, 2), ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0), ("Fri, 01 Jan 2100 00:00:00 GMT", 1e9, 1e10)],
)
def test_a_server_may_say_when_to_come_again_in_seconds_or_by_a_date(
    said: str, least: float, most: float
) -> None:
    error = FakeError("slow down", 429)
    error.litellm_response_headers = {"Retry-After": said}  # type: ignore[attr-defined]
    wait = explained(error, "s", "n", "openai").wait
    assert wait is not None
    assert least <= wait <= most


@pytest.mark.parametrize("said", ["soon", "", "-1", "99 bottles"])
def test_what_cannot_be_read_of_a_wait_is_left_alone(said: str) -> None:
    error = FakeError("slow down", 429)
    error.litellm_response_headers = {"retry-after": said}  # type: ignore[attr-defined]
    assert explained(error, "s", "n", "openai").wait is None
