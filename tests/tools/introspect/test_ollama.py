"""A tag of an Ollama server: what it shows becomes a record, and what it lacks a plain error."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from knowledge.errors import NoAnswerError, ServiceError, UsageError
from tests.fakes.gguf_files import metadata_of, tensor_rows
from tests.fakes.http_server import Asked, FakeServer, Reply
from tests.tools.memory.helpers import model, request_of, rows
from tools.introspect.ollama import sight_ollama
from tools.introspect.sighting import record_of
from tools.memory.estimate import device_bytes, estimate_memory
from tools.memory.types import MemoryRequest

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
LLAMA = "meta-llama/Llama-3.2-1B-Instruct"
DIGEST = "ab" * 32


def shown(model_id: str = LLAMA, quant: str = "Q4_K_M", **changes: Any) -> dict[str, Any]:
    """The answer of /api/show for a model of the catalog, verbose."""
    a = model(model_id).architecture
    assert a is not None
    info = {f"{a.arch}.{key}": value for key, value in metadata_of(a, 131072).items()}
    info |= {"general.architecture": a.arch, "general.parameter_count": 1235814400}
    info |= {"tokenizer.ggml.tokens": None, "tokenizer.ggml.token_type": [1, 2, 3]}
    table = [{"name": n, "type": kind, "shape": list(dims)} for n, kind, dims in tensor_rows(a, quant)]
    return {
        "license": "LLAMA 3.2 COMMUNITY LICENSE AGREEMENT ...",
        "template": "{{ .Prompt }}",
        "details": {"family": "llama", "parameter_size": "1.2B", "quantization_level": quant},
        "model_info": info,
        "tensors": table,
        "capabilities": ["completion", "tools"],
        **changes,
    }


class FakeOllama(FakeServer):
    """Answers /api/show from a table, and /api/tags with their sizes."""

    def __init__(self, models: dict[str, dict[str, Any]]) -> None:
        super().__init__(self._answer)
        self.models = models

    def _answer(self, asked: Asked) -> Reply:
        if asked.path == "/api/tags":
            listed = [{"name": name, "size": 807693152, "digest": DIGEST} for name in self.models]
            return Reply(json.dumps({"models": listed}).encode())
        document = self.models.get(json.loads(asked.body)["model"])
        if document is None:
            return Reply(b'{"error":"model not found"}', 404)
        return Reply(json.dumps(document).encode())


Serve = Callable[..., FakeServer]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """`serve(tag=answer)` starts a server that OLLAMA_HOST names."""
    running: list[FakeServer] = []
    monkeypatch.delenv("OLLAMA_API_BASE", raising=False)

    def start(server: FakeServer) -> FakeServer:
        running.append(server.__enter__())
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        return server

    yield start
    for server in running:
        server.__exit__(None, None, None)


def added(tag: str) -> ModelRecord:
    return record_of(sight_ollama(tag), load_catalog(), None, date(2026, 11, 21))


def test_memory_of_a_tag_is_what_was_measured(serve: Serve) -> None:
    server = serve(FakeOllama({"llama3.2:1b": shown()}))
    found = added("llama3.2:1b")
    assert found.id == "local/llama3.2-1b"
    assert found.added is not None
    assert (found.added.base_model, found.added.same_weights) == (LLAMA, True)
    assert (found.added.quant, found.added.revision, found.added.file_bytes) == ("Q4_K_M", DIGEST, 807693152)
    assert (found.tool_calling, found.ollama_tag) == (True, "llama3.2:1b")
    for row in rows("llamacpp_server.csv"):
        if row["model_id"] == LLAMA:
            assert device_bytes(found, request_of(row)) == device_bytes(model(LLAMA), request_of(row))
    assert [asked.path for asked in server.asked] == ["/api/show", "/api/tags"]
    assert json.loads(server.asked[0].body) == {"model": "llama3.2:1b", "verbose": True}


def test_abilities_are_what_the_server_lists(serve: Serve) -> None:
    serve(FakeOllama({"own:latest": shown(capabilities=["completion", "vision", "thinking"])}))
    found = added("own:latest")
    assert (found.name, found.kind) == ("own", "vision")
    assert (found.tool_calling, found.thinking, found.vision) == (False, "hybrid", True)
    assert (found.license, found.commercial_use) == (None, "unknown")
    assert found.added is not None
    assert "capabilities" in found.added.sources["vision"]


def test_a_license_is_read_only_where_its_text_leaves_no_doubt(serve: Serve) -> None:
    apache = f"{' ' * 33}Apache License\n{' ' * 27}Version 2.0, January 2004"
    serve(FakeOllama({"a": shown(license=apache), "b": shown(license=apache[:50])}))
    assert (added("a").license, added("a").commercial_use) == ("apache-2.0", "yes")
    assert added("b").license is None


def test_an_older_server_without_tensors_gives_an_estimate_that_says_so(serve: Serve) -> None:
    serve(FakeOllama({"old:1b": shown(tensors=None, capabilities=None)}))
    with pytest.raises(UsageError, match="vocabulary is not stated"):
        added("old:1b")
    facts = shown(tensors=None, capabilities=None)
    facts["model_info"] |= {"llama.vocab_size": 128256}
    serve(FakeOllama({"old:1b": facts}))
    found = added("old:1b")
    estimate = estimate_memory(found, MemoryRequest())
    assert found.params_total == 1235814400
    assert (found.tool_calling, found.kind) == (None, "chat")
    assert not estimate.exact
    assert any("shares the embedding" in note for note in estimate.caveats)


def test_what_a_server_may_answer(serve: Serve) -> None:
    serve(FakeOllama({"cloud": shown(remote_model="big", remote_host="https://ollama.com"), "bare": {}}))
    with pytest.raises(NoAnswerError, match="no model `nothing`") as caught:
        added("nothing")
    assert caught.value.exit_status == 1
    with pytest.raises(UsageError, match="remote server"):
        added("cloud")
    with pytest.raises(UsageError, match="shows no facts"):
        added("bare")


@pytest.mark.parametrize("tag", ["", "../x", "a b", "x\n", "-rf", "a" * 300, "é"])
def test_tags_that_are_none_are_not_sent(serve: Serve, tag: str) -> None:
    server = serve(FakeOllama({}))
    with pytest.raises(UsageError, match="no Ollama tag"):
        added(tag)
    assert not server.asked


HOSTILE: dict[str, Any] = {
    "a shape of text": [{"name": "a", "type": "F32", "shape": ["x"]}],
    "a negative shape": [{"name": "a", "type": "F32", "shape": [-1, 4]}],
    "a shape of fractions": [{"name": "a", "type": "F32", "shape": [1.5]}],
    "an overflow": [{"name": "a", "type": "F32", "shape": [2**40, 2**40]}],
    "an unknown type": [{"name": "a", "type": "Q99", "shape": [32]}],
    "no name": [{"type": "F32", "shape": [32]}],
    "a name twice": [{"name": "a", "type": "F32", "shape": [32]}] * 2,
    "numbers": [1, 2, 3],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_tensor_tables(serve: Serve, name: str) -> None:
    serve(FakeOllama({"x": shown(tensors=HOSTILE[name])}))
    with pytest.raises(UsageError):
        added("x")


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), -5, 0, 10**30, "32", [1], {"a": 1}, True], ids=str
)
def test_hostile_metadata(serve: Serve, value: object) -> None:
    facts = shown()
    facts["model_info"]["llama.block_count"] = value
    serve(FakeOllama({"x": facts}))
    with pytest.raises(UsageError):
        added("x")


@pytest.mark.parametrize(
    "reply",
    [
        Reply(b"<html>hello</html>"),
        Reply(b"[1, 2]"),
        Reply(b"[" * 100_000),
        Reply(b"", 500),
        Reply(b"", 403),
        Reply(b"\xff\xfe"),
    ],
    ids=["html", "list", "nested", "500", "403", "bytes"],
)
def test_a_server_that_is_no_ollama(serve: Serve, reply: Reply) -> None:
    serve(FakeServer(lambda asked: reply))
    with pytest.raises(ServiceError) as caught:
        added("x")
    assert caught.value.exit_status == 3


def test_a_server_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.delenv("OLLAMA_API_BASE", raising=False)
        monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(ServiceError, match="No Ollama server answers") as caught:
            added("x")
    assert "ollama serve" in caught.value.hint
