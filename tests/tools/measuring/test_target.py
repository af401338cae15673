"""Which server, engine and model is measured, by what servers really answer."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from knowledge.errors import NoAnswerError, ServiceError, UsageError
from tests.fakes.http_server import Asked, FakeServer, Reply
from tools.measuring import asking
from tools.measuring.asking import Questions, read_address
from tools.measuring.target import catalog_id, find_target, litellm_provider

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
SHOWN = {
    "details": {"quantization_level": "Q4_K_M"},
    "model_info": {"general.architecture": "llama", "llama.context_length": 131072},
}
LLAMA = {
    "/v1/models": {"data": [{"id": "any", "owned_by": "llamacpp"}]},
    "/props": {
        "build_info": "b6100-1",
        "model_path": "C:\\models\\Qwen3-8B-Q5_K_M.gguf",
        "default_generation_settings": {"n_ctx": 16384},
    },
}
VLLM = {
    "/v1/models": {
        "data": [{"id": "served", "owned_by": "vllm", "root": "Qwen/Qwen3-8B", "max_model_len": 40960}]
    },
    "/version": {"version": "0.19.0"},
}


def _server(answers: Mapping[str, object]) -> FakeServer:
    def answer(asked: Asked) -> Reply:
        found = answers.get(asked.path)
        return Reply(status=404) if found is None else Reply(json.dumps(found).encode())

    return FakeServer(answer)


def test_ollama_tells_format_window_and_what_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    running = {"models": [{"name": "llama3.1:8b", "context_length": 8192}]}
    answers = {"/api/version": {"version": "0.12.3"}, "/api/show": SHOWN, "/api/ps": running}
    with _server(answers) as server:
        monkeypatch.delenv("OLLAMA_API_BASE", raising=False)
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        found = find_target("ollama_chat/llama3.1:8b")
    assert (found.kind, found.engine, found.engine_version) == ("ollama", "ollama", "0.12.3")
    assert (found.model_id, found.quant) == ("meta-llama/Llama-3.1-8B-Instruct", "Q4_K_M")
    assert (found.context, found.send_context, found.longest) == (8192, True, 131072)
    assert (found.loaded, found.local) == (True, True)


def test_a_model_that_is_not_loaded_keeps_the_servers_own_window() -> None:
    with _server({"/api/version": {"version": "0.12.3"}, "/api/show": SHOWN}) as server:
        found = find_target("llama3.1:8b", server.url)
        assert (found.loaded, found.context, found.send_context) == (False, None, False)
        assert find_target("llama3.1:8b", server.url, context=4096).send_context


@pytest.mark.parametrize("key", ["schlüssel", "a\nX-Other: 1", "sk-→"])
def test_a_key_that_no_header_can_hold_is_refused_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("MY_KEY", key)
    with pytest.raises(UsageError) as caught:
        find_target("m", "http://127.0.0.1:1", key_variable="MY_KEY")
    assert key[:3] not in caught.value.message + caught.value.hint


def test_a_server_that_trickles_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every byte comes in time, and the answer never ends."""

    def answer(asked: Asked) -> Reply:
        return Reply(b" " * 400, pause=0.05)

    with FakeServer(answer) as server, Questions(read_address(server.url), {}) as questions:
        with pytest.raises(ServiceError) as caught:
            questions.ask("/v1/models", seconds=0.2)
        assert caught.value.code == "timeout"
        monkeypatch.setattr(asking, "MAX_BYTES", 2)
        assert questions.ask("/v1/models", seconds=5) == (200, {})


def test_what_ollama_does_not_have_is_status_1_with_what_it_has() -> None:
    tags = {"/api/version": {"version": "1"}, "/api/tags": {"models": [{"name": "qwen3:4b"}]}}
    with _server(tags) as server, pytest.raises(NoAnswerError) as caught:
        find_target("nope", server.url)
    assert "qwen3:4b" in caught.value.hint


def test_a_name_of_the_catalog_finds_its_tag() -> None:
    def answer(asked: Asked) -> Reply:
        if asked.path == "/api/show":
            there = json.loads(asked.body)["model"] == "qwen3:8b"
            return Reply(json.dumps(SHOWN).encode()) if there else Reply(status=404)
        known = {"/api/version": {"version": "1"}, "/api/tags": {"models": [{"name": "qwen3:8b"}]}}
        return Reply(json.dumps(known.get(asked.path, {})).encode())

    with FakeServer(answer) as server:
        for name in ("Qwen/Qwen3-8B", "Qwen3-8B"):
            assert find_target(name, server.url).served_as == "qwen3:8b"
        with pytest.raises(NoAnswerError):
            find_target("Qwen/Qwen3-4B", server.url)


def test_a_model_of_ollamas_cloud_says_nothing_of_this_machine() -> None:
    shown = SHOWN | {"remote_host": "https://ollama.com:443"}
    with _server({"/api/version": {"version": "1"}, "/api/show": shown}) as server:
        found = find_target("big:cloud", server.url)
    assert (found.local, found.price, found.loaded) == (False, None, True)


def test_llama_server_tells_its_file_and_takes_any_name() -> None:
    with _server(LLAMA) as server:
        found = find_target("whatever", f"{server.url}/v1")
    assert (found.engine, found.engine_version, found.served_as) == ("llama.cpp", "b6100-1", "whatever")
    assert (found.model_id, found.quant, found.context) == ("Qwen/Qwen3-8B", "Q5_K_M", 16384)


def test_vllm_tells_what_is_behind_the_served_name() -> None:
    with _server(VLLM) as server:
        found = find_target(None, server.url)
        assert (found.engine, found.engine_version, found.served_as) == ("vllm", "0.19.0", "served")
        assert (found.model_id, found.context) == ("Qwen/Qwen3-8B", 40960)
        with pytest.raises(NoAnswerError) as caught:
            find_target("other", server.url)
    assert "served" in caught.value.hint


@pytest.mark.parametrize(
    ("root", "quant", "notes"),
    [
        ("Qwen/Qwen3-8B", "BF16", 1),
        ("openai/gpt-oss-20b", "MXFP4", 1),
        ("Qwen/Qwen3-8B-AWQ", "AWQ", 0),
        ("RedHatAI/Qwen3-8B-FP8-dynamic", "FP8", 0),
        ("Qwen/Qwen3-8B-GPTQ-Int8", "INT8", 0),
        ("RedHatAI/Qwen3-8B-quantized.w4a16", "GPTQ", 0),
        ("/models/Qwen3-8B", None, 0),
    ],
)
def test_the_format_is_in_the_name_or_as_published(root: str, quant: str | None, notes: int) -> None:
    row = {"id": "served", "owned_by": "vllm", "root": root}
    with _server(VLLM | {"/v1/models": {"data": [row]}}) as server:
        found = find_target(None, server.url)
    assert (found.quant, len(found.notes)) == (quant, notes)


def test_lm_studio_tells_the_format_itself() -> None:
    rows = [{"id": "other", "quantization": "Q8_0"}, {"id": "qwen3-8b", "quantization": "Q4_K_M"}]
    answers = {"/v1/models": {"data": [{"id": "qwen3-8b"}]}, "/api/v0/models": {"data": rows}}
    with _server(answers) as server:
        found = find_target(None, server.url)
    assert (found.engine, found.quant, found.model_id) == ("lmstudio", "Q4_K_M", "Qwen/Qwen3-8B")


def test_a_server_that_tells_nothing_is_measured_all_the_same() -> None:
    with _server({}) as server:
        found = find_target("m", server.url)
        assert (found.engine, found.model_id, found.context) == ("unknown", None, None)
        with pytest.raises(UsageError):
            find_target(None, server.url)


def test_a_server_that_hangs_up_on_questions_is_measured_all_the_same() -> None:
    with FakeServer(lambda asked: Reply(b"<html>", headers={"Transfer-Encoding": "nonsense"})) as server:
        assert find_target("m", server.url).engine == "unknown"


def test_nobody_there_is_status_3() -> None:
    with _server({}) as server:
        url = server.url
    with pytest.raises(ServiceError, match="No model server"):
        find_target("m", url)


def test_a_key_goes_to_the_endpoint_that_it_was_named_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-secret")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-other")
    with _server(VLLM) as server:
        found = find_target(None, server.url, key_variable="MY_KEY")
        assert {asked.headers.get("authorization") for asked in server.asked} == {"Bearer sk-secret"}
        assert "sk-" not in repr(found)
        server.asked.clear()
        find_target(None, server.url)
        assert {asked.headers.get("authorization") for asked in server.asked} == {None}
        with pytest.raises(UsageError, match="NOT_SET"):
            find_target(None, server.url, key_variable="NOT_SET")


def test_a_local_server_behind_litellm_is_asked_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    with _server(VLLM) as server:
        monkeypatch.setenv("HOSTED_VLLM_API_BASE", f"{server.url}/v1")
        found = find_target("hosted_vllm/served")
    assert (found.kind, found.engine, found.served_as, found.local) == ("openai", "vllm", "served", True)


@pytest.mark.parametrize(
    ("text", "base", "path", "label"),
    [
        ("localhost:8080", "http://localhost:8080", "/v1", "localhost:8080"),
        ("http://h:1/v1/", "http://h:1", "/v1", "h:1"),
        ("https://u:p@h/openai/v1/chat/completions", "https://h/openai", "/v1", "h"),
        ("http://[::1]:9", "http://[::1]:9", "/v1", "[::1]:9"),
    ],
)
def test_addresses_as_people_write_them(text: str, base: str, path: str, label: str) -> None:
    found = read_address(text)
    assert (found.base, found.path, found.label) == (base, path, label)
    assert "u:p" not in repr(found)
    assert "'p'" not in repr(found)


@pytest.mark.parametrize("text", ["ftp://h", "http://", "http://h:x", "http://[", "http://h?a=1"])
def test_what_is_no_address_is_said(text: str) -> None:
    with pytest.raises(UsageError):
        read_address(text)


def test_which_names_are_of_a_provider() -> None:
    assert litellm_provider("openai/gpt-4.1-mini") == "openai"
    assert litellm_provider("gpt-4.1-mini") == "openai"
    assert litellm_provider("openai/gpt-oss-20b") is None  # a hub id
    for tag in (
        "llama3.1:8b",
        "ollama_chat/qwen3:8b",
        "hf.co/bartowski/x-GGUF:Q4_K_M",
        "gpt-oss:20b",
        "fake",
    ):
        assert litellm_provider(tag) is None


def test_a_name_that_was_only_guessed_names_no_model_of_the_catalog() -> None:
    assert catalog_id("lama-3.1-8b") is None
    assert catalog_id("default", "qwen3:8b") == "Qwen/Qwen3-8B"
