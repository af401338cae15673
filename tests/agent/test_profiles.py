"""Where a model is and what it can."""

from __future__ import annotations

import pytest

from agent.profiles import read_profile
from agent.prompt_budget import wanted_window
from agent.voice import VoiceError
from knowledge.ollama import ollama_url
from tests.fakes.model_server import FakeOllama
from tools.model_calls.profiles import split_model

URLS = {
    "": "http://127.0.0.1:11434",
    "0.0.0.0": "http://127.0.0.1:11434",
    "0.0.0.0:8080": "http://127.0.0.1:8080",
    ":8080": "http://127.0.0.1:8080",
    "box": "http://box:11434",
    "box:80": "http://box:80",
    "http://box": "http://box:11434",
    "http://box:1234/": "http://box:1234",
    "https://box": "https://box",
    "https://box/ollama/": "https://box/ollama",
    "[::1]:9": "http://[::1]:9",
    "box:nonsense": "http://box:11434",
}


@pytest.mark.parametrize("host", URLS)
def test_ollama_host_with_and_without_scheme(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OLLAMA_API_BASE", raising=False)
    monkeypatch.setenv("OLLAMA_HOST", host)
    assert ollama_url() == URLS[host]


def test_the_api_base_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "elsewhere")
    monkeypatch.setenv("OLLAMA_API_BASE", "http://box/ollama/")
    assert ollama_url() == "http://box/ollama"


async def test_an_address_that_is_none_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OLLAMA_API_BASE", raising=False)
    monkeypatch.setenv("OLLAMA_HOST", "http://[::1")
    with pytest.raises(VoiceError, match="OLLAMA_HOST is no address"):
        await read_profile("ollama_chat/qwen3:8b")


def test_names_are_split_at_the_provider() -> None:
    assert split_model("ollama_chat/hf.co/org/name:Q4_K_M") == ("ollama", "hf.co/org/name:Q4_K_M")
    assert split_model("ollama/qwen3:8b") == ("ollama", "qwen3:8b")
    assert split_model("openai/gpt-4.1") == ("openai", "gpt-4.1")
    assert split_model("gpt-4.1") == ("", "gpt-4.1")


@pytest.mark.allow_hosts(["127.0.0.1"])
async def test_ollama_is_asked_what_its_model_can(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeOllama(capabilities=("completion", "thinking"), context=4096) as server:
        monkeypatch.setenv("OLLAMA_API_BASE", server.url)
        profile = await read_profile("ollama/fake")
    assert (profile.model, profile.name, profile.tools, profile.context) == (
        "ollama_chat/fake",
        "fake",
        False,
        4096,
    )
    assert profile.options["num_ctx"] == 4096
    assert profile.options["reasoning_effort"] == "none"
    assert profile.note is not None
    assert "ollama_chat/fake" in profile.note


@pytest.mark.allow_hosts(["127.0.0.1"])
async def test_a_long_context_is_not_asked_for_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeOllama(context=262_144) as server:
        monkeypatch.setenv("OLLAMA_API_BASE", server.url)
        profile = await read_profile("ollama_chat/fake")
    assert profile.options["num_ctx"] == profile.context == wanted_window()
    assert "reasoning_effort" not in profile.options
    assert profile.note is None


@pytest.mark.allow_hosts(["127.0.0.1"])
async def test_something_else_at_the_address_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeOllama(show_document=["nonsense"]) as server:
        monkeypatch.setenv("OLLAMA_API_BASE", server.url)
        with pytest.raises(VoiceError, match="cannot be read") as caught:
            await read_profile("ollama_chat/fake")
    assert caught.value.code == "malformed"
