"""What a server has, over its real wire format and within short time limits."""

from __future__ import annotations

import pytest

from knowledge.errors import ServiceError
from tests.fakes.listed import Listed
from tests.fakes.model_server import FakeOllama
from tests.waiting import HANGS, not_waited_for
from tools.ollama_models import list_models, loaded_bytes

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
LISTED = (
    Listed("qwen3:4b", 2_500_000_000),
    Listed("gemma", 3_300_000_000, ("completion", "vision"), 8192),
    Listed("nomic-embed-text", 270_000_000, ("embedding",), 2048, family="nomic-bert"),
    Listed("old:7b", 4_000_000_000, None),
    Listed("gpt-oss:120b-cloud", 400, remote=True),
)


def test_models_with_size_abilities_and_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeOllama([], listed=LISTED, loaded_bytes=7) as server:
        monkeypatch.setenv("OLLAMA_API_BASE", server.url)
        found = {model.name: model for model in list_models()}
        assert loaded_bytes() == 7
    assert list(found) == sorted(found)
    small = found["qwen3:4b"]
    assert (small.size_bytes, small.tools, small.chats, small.context) == (2_500_000_000, True, True, 32768)
    assert small.cache_bytes_per_token == 32 * 8 * (128 + 128) * 2
    assert not found["gemma"].tools
    assert not found["nomic-embed-text"].chats
    assert found["old:7b"].capabilities is None
    assert found["old:7b"].chats
    assert found["gpt-oss:120b-cloud"].remote


def test_a_server_that_is_slow_to_show_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeOllama([], listed=LISTED, show_seconds=HANGS) as server:
        monkeypatch.setenv("OLLAMA_API_BASE", server.url)
        with not_waited_for():
            found = list_models()
    assert [model.capabilities for model in found] == [None] * len(LISTED)


def test_nobody_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_API_BASE", "http://127.0.0.1:9")
    with pytest.raises(ServiceError, match="does not answer") as caught:
        list_models()
    assert "ollama serve" in caught.value.hint
    assert loaded_bytes() == 0
