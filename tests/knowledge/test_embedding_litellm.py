"""Embedders behind an API: the real LiteLLM against fake servers on loopback."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from knowledge.embedding import ChildEmbedder, EmbedderError
from knowledge.embedding_litellm import Client, load
from knowledge.litellm_setup import import_quietly
from knowledge.model_worker import WorkerError
from knowledge.search_models import ApiEmbedder
from tests.fakes.embedding_server import KEY, FakeEmbeddingServer, refusal
from tests.knowledge.fakes import FakeEmbedder
from tests.waiting import HANGS, not_waited_for

if TYPE_CHECKING:
    from knowledge.embedding import Vectors

pytestmark = [pytest.mark.timeout(120), pytest.mark.allow_hosts(["127.0.0.1"])]


@pytest.fixture(scope="module")
def litellm() -> Any:
    return import_quietly()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def bags(texts: Sequence[str]) -> list[list[float]]:
    """Bags of words, three times as long as unit vectors."""
    return [[3 * float(number) for number in row] for row in FakeEmbedder().embed(texts)]


def use(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("OPENAI_API_BASE", f"{url}/v1")
    monkeypatch.setenv("OLLAMA_API_BASE", url)


def asked(client: Client, *texts: str, query: bool = False, seconds: float = 20.0) -> Vectors:
    import numpy as np

    answer = client.answer({"texts": list(texts), "query": query, "seconds": seconds})
    return np.frombuffer(base64.b64decode(answer["vectors"]), dtype="<f4").reshape(len(texts), -1)


def test_openai_gives_unit_vectors_in_the_order_of_the_texts(
    litellm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["one two", "three", "four \u2603\nfive"]
    with FakeEmbeddingServer(bags) as server:
        use(monkeypatch, server.url)
        vectors = asked(Client(litellm, "openai/text-embedding-3-small"), *texts)
    assert vectors == pytest.approx(FakeEmbedder().embed(texts), abs=1e-6)
    assert [request.path for request in server.asked] == ["/v1/embeddings"]
    assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"


def test_ollama_gets_the_words_that_its_model_wants(litellm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeEmbeddingServer(bags) as server:
        use(monkeypatch, server.url)
        client = Client(litellm, "ollama/nomic-embed-text")
        asked(client, "a passage")
        vector = asked(client, "a query", query=True)[0]
    assert float(vector @ vector) == pytest.approx(1)
    assert {request.path for request in server.asked} == {"/api/embed"}
    assert server.texts == ["search_document: a passage", "search_query: a query"]
    assert not any("authorization" in request.headers for request in server.asked)


@pytest.mark.parametrize("model", ["openai/e", "ollama/e"])
def test_a_busy_server_is_asked_again(litellm: Any, monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    first = [refusal(429, **{"Retry-After": "1"}), refusal(503)]
    with FakeEmbeddingServer(bags, first) as server:
        use(monkeypatch, server.url)
        started = time.monotonic()
        assert asked(Client(litellm, model), "text").shape == (1, 64)
        assert time.monotonic() - started > 1
    assert len(server.asked) == 3


@pytest.mark.parametrize("model", ["openai/e", "ollama/e"])
@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "{} refused the key"),
        (404, "{} does not have the model {}/e"),
        (400, "{} refused the request"),
    ],
)
def test_what_will_not_get_better_is_said_at_once(
    litellm: Any, monkeypatch: pytest.MonkeyPatch, model: str, status: int, said: str
) -> None:
    with FakeEmbeddingServer(bags, [refusal(status)] * 9) as server:
        use(monkeypatch, server.url)
        with pytest.raises(WorkerError) as caught:
            asked(Client(litellm, model), "text")
    provider = model.partition("/")[0]
    assert said.format(provider, provider) in str(caught.value)
    assert KEY not in str(caught.value)
    assert len(server.asked) == 1


def test_nobody_waits_longer_than_agreed_for_a_busy_server(
    litellm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeEmbeddingServer(bags, [refusal(429)] * 99) as server:
        use(monkeypatch, server.url)
        with not_waited_for(), pytest.raises(WorkerError, match="takes no more requests"):
            asked(Client(litellm, "openai/e"), "text", seconds=4)
    assert 1 < len(server.asked) < 99


@pytest.mark.parametrize("model", ["openai/e", "ollama/e"])
def test_a_server_that_does_not_answer(litellm: Any, monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    with FakeEmbeddingServer(bags, [HANGS]) as server:
        use(monkeypatch, server.url)
        with not_waited_for(), pytest.raises(WorkerError, match="took too long"):
            asked(Client(litellm, model), "text", seconds=3)


@pytest.mark.parametrize("model", ["openai/e", "ollama/e"])
def test_a_server_that_is_not_there(litellm: Any, monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    use(monkeypatch, "http://127.0.0.1:9")
    with pytest.raises(WorkerError, match=f"{model.partition('/')[0]} cannot be reached"):
        asked(Client(litellm, model), "text", seconds=2)


def test_without_a_key(litellm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(WorkerError, match="openai refused the key; set it in the environment"):
        asked(Client(litellm, "openai/e"), "text")


def test_a_provider_that_does_not_exist() -> None:
    with pytest.raises(WorkerError, match="LiteLLM knows no provider for nowhere/e"):
        load("nowhere/e")


@pytest.mark.parametrize(
    ("vectors", "said"),
    [
        (lambda texts: [[1.0, 2.0], [1.0]], "several lengths"),
        (lambda texts: [[1.0, 2.0]], "1 vectors for 2 texts"),
        (lambda texts: [[0.0, 0.0], [1.0, 0.0]], "cannot be right"),
    ],
)
def test_vectors_that_cannot_be_right(
    litellm: Any,
    monkeypatch: pytest.MonkeyPatch,
    vectors: Callable[[Sequence[str]], list[list[float]]],
    said: str,
) -> None:
    with FakeEmbeddingServer(vectors) as server:
        use(monkeypatch, server.url)
        with pytest.raises(WorkerError, match=said):
            asked(Client(litellm, "openai/e"), "one", "two")


def test_a_model_that_changes_its_dimensions(litellm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = iter((4, 5))

    def vectors(texts: Sequence[str]) -> list[list[float]]:
        size = next(lengths)
        return [[1.0] * size for _ in texts]

    with FakeEmbeddingServer(vectors) as server:
        use(monkeypatch, server.url)
        client = Client(litellm, "openai/e")
        assert asked(client, "one").shape == (1, 4)
        with pytest.raises(WorkerError, match="several lengths"):
            asked(client, "two")


SPY = """
import os, sys
def note(event, arguments, path=os.environ["SPY_FILE"]):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        with open(path, "a") as file:
            file.write(f"{arguments[1:] if event == 'socket.connect' else arguments}\\n")
sys.addaudithook(note)
"""


def test_its_process_speaks_to_the_provider_alone_and_keeps_the_key_to_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "spy").mkdir()
    (tmp_path / "spy" / "sitecustomize.py").write_text(SPY)
    monkeypatch.setenv("SPY_FILE", str(tmp_path / "sockets"))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'spy'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    with FakeEmbeddingServer(bags, [refusal(401)]) as server:
        use(monkeypatch, server.url)
        embedder = ChildEmbedder(ApiEmbedder("openai/text-embedding-3-small"), log=tmp_path / "log")
        try:
            with pytest.raises(EmbedderError) as caught:
                embedder.embed_queries(["text"])
            unknown = embedder.dimensions
            assert embedder.embed(["one", "two"]).shape == (2, 64)
            assert (unknown, embedder.dimensions) == (None, 64)
        finally:
            embedder.close()
        port = server.url.rpartition(":")[2]
    assert KEY not in caught.value.message + caught.value.hint + (tmp_path / "log").read_text()
    assert caught.value.message == (
        "The embedder failed: openai refused the key; set it in the environment (for example OPENAI_API_KEY)."
    )
    connections = (tmp_path / "sockets").read_text().splitlines()
    assert connections
    assert all("127.0.0.1" in line and port in line for line in connections), connections
