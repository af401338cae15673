"""The index on a Chroma server: a real one on loopback, and servers that misbehave."""

from __future__ import annotations

import base64
import re
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from knowledge import index_server, retrieval, server_link
from knowledge.corpus import load_guides
from knowledge.embedding import EmbedderError
from knowledge.errors import AdvisorError
from knowledge.index import IndexUnusableError
from knowledge.index_place import FolderIndex
from knowledge.index_server import ServerIndex, collection_name
from knowledge.retrieval import Retriever, open_retriever
from knowledge.server_link import ChromaServerError, ServerLink
from tests.fakes.chroma_server import chroma_server, fake_server
from tests.knowledge.fakes import FakeEmbedder, write_guides
from tests.knowledge.test_index import Corpus
from tests.waiting import HANGS, not_waited_for

if TYPE_CHECKING:
    from knowledge.embedding import Vectors

pytestmark = pytest.mark.enable_socket


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with chroma_server(tmp_path_factory.mktemp("chroma")) as found:
        yield found


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return Corpus(tmp_path / "guides")


@pytest.fixture
def place(address: str) -> Iterator[ServerIndex]:
    """An empty server."""
    yield ServerIndex(address)
    link = ServerLink(address)
    for collection in link.collections(1_000):
        link.delete(collection.name)
    link.close()


def names(place: ServerIndex) -> list[str]:
    link = ServerLink(place.address)
    found = sorted(collection.name for collection in link.collections(1_000))
    link.close()
    return found


def nearest(place: ServerIndex, corpus: str, query: str) -> str:
    index = place.open(corpus, FakeEmbedder())
    try:
        return index.nearest(FakeEmbedder().embed([query])[0], 3).hits[0][0]
    finally:
        index.close()


def test_two_advisors_share_what_one_built(place: ServerIndex, corpus: Corpus) -> None:
    with pytest.raises(IndexUnusableError, match="holds no index"):
        place.open(corpus.hash, FakeEmbedder())
    place.build(corpus.chunks, corpus.hash, FakeEmbedder())
    wanted = next(chunk for chunk in corpus.chunks if chunk.heading[-1] == "Cache")
    assert nearest(place, corpus.hash, "cache grows with context for each token") == wanted.id
    index = place.open(corpus.hash, FakeEmbedder())
    assert index.manifest.passages == len(corpus.chunks)
    assert (index.manifest.embedder, index.manifest.corpus) == ("fake", corpus.hash)
    index.close()
    assert names(place) == [collection_name(corpus.hash, "fake")]


def test_other_guides_and_other_embedders_have_collections_of_their_own(
    place: ServerIndex, corpus: Corpus
) -> None:
    place.build(corpus.chunks, corpus.hash, FakeEmbedder())
    place.build(corpus.reworded, "1" * 64, FakeEmbedder())
    place.build(corpus.chunks, corpus.hash, FakeEmbedder("other"))
    assert len(names(place)) == 3
    assert nearest(place, corpus.hash, "commercial use")


def test_only_changed_passages_are_embedded_again(place: ServerIndex, corpus: Corpus) -> None:
    place.build(corpus.chunks, corpus.hash, FakeEmbedder())
    seen: list[str] = []

    class Listening(FakeEmbedder):
        def embed(self, texts: Sequence[str]) -> Vectors:
            seen.extend(texts)
            return super().embed(texts)

    place.build([*corpus.chunks[1:], corpus.reworded[0]], "1" * 64, Listening())
    assert len(seen) == 1


def test_builders_at_once_leave_one_collection(place: ServerIndex, corpus: Corpus) -> None:
    failures: list[Exception] = []

    def build() -> None:
        try:
            place.build(corpus.chunks, corpus.hash, FakeEmbedder())
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=build) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert names(place) == [collection_name(corpus.hash, "fake")]
    assert nearest(place, corpus.hash, "commercial use")


def test_a_build_that_fails_or_dies_is_never_used(
    place: ServerIndex, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder = FakeEmbedder()
    embedder.failing = True
    with pytest.raises(EmbedderError):
        place.build(corpus.chunks, corpus.hash, embedder)
    assert names(place) == []
    with monkeypatch.context() as patched:  # A killed build removes nothing.
        patched.setattr(ServerLink, "delete", lambda self, name: None)
        with pytest.raises(EmbedderError):
            place.build(corpus.chunks, corpus.hash, embedder)
    (left,) = names(place)
    with pytest.raises(IndexUnusableError):
        place.open(corpus.hash, FakeEmbedder())
    place.build(corpus.chunks, corpus.hash, FakeEmbedder())
    assert left in names(place), "it may be somebody's build that goes on"
    monkeypatch.setattr(index_server, "LEFT_SECONDS", -1)
    place.build(corpus.reworded, "1" * 64, FakeEmbedder())
    assert left not in names(place)


@pytest.mark.parametrize("damage", ["a vector gone", "not complete", "of another corpus"])
def test_a_collection_that_is_not_what_it_says_is_built_again(
    place: ServerIndex, corpus: Corpus, damage: str
) -> None:
    place.build(corpus.chunks, corpus.hash, FakeEmbedder())
    link = ServerLink(place.address)
    collection = link.collection(collection_name(corpus.hash, "fake"))
    assert collection is not None
    if damage == "a vector gone":
        collection.delete(ids=[corpus.chunks[0].id])
    else:
        changed = {"complete": False} if damage == "not complete" else {"corpus": "0" * 64}
        collection.modify(metadata={**(collection.metadata or {}), **changed})
    link.close()
    with pytest.raises(IndexUnusableError, match=r"not whole|something else"):
        place.open(corpus.hash, FakeEmbedder())
    place.build(corpus.chunks, corpus.hash, FakeEmbedder())
    assert nearest(place, corpus.hash, "commercial use")


def test_the_search_uses_the_server_that_is_set(
    place: ServerIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_ADVISOR_CHROMA", place.address)
    guides = load_guides([write_guides(tmp_path / "guides")])
    for number in range(2):
        embedder = FakeEmbedder()
        retriever = open_retriever(tmp_path / str(number), guides=guides, embedder=embedder)
        result = retriever.search("cache per token")
        assert result.notice is None
        assert result.passages[0].heading[-1] == "Cache"
        assert not list((tmp_path / str(number)).glob("index/g-*"))
        retriever.close()
    assert embedder.batches == 1, "the second advisor embeds nothing but the query"
    assert len(names(place)) == 1


def test_a_collection_that_goes_away_leaves_the_words(
    place: ServerIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_ADVISOR_CHROMA", place.address)
    guides = load_guides([write_guides(tmp_path / "guides")])
    retriever = open_retriever(tmp_path, guides=guides, embedder=FakeEmbedder())
    link = ServerLink(place.address)
    link.delete(names(place)[0])
    link.close()
    for _ in range(2):
        result = retriever.search("cache per token")
        assert result.notice is not None
        assert result.notice.startswith("Searched by words alone: The Chroma server at http://127.0.0.1:")
        assert result.passages[0].heading[-1] == "Cache"
    retriever.close()


def trouble(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: bool = False
) -> Retriever:
    monkeypatch.setenv("LLM_ADVISOR_CHROMA", address)
    guides = load_guides([write_guides(tmp_path / "guides")])
    return open_retriever(tmp_path, guides=guides, embedder=FakeEmbedder(), offline=offline)


ANSWERS = {
    "refused": (401, b'{"error": "AuthError", "message": "no"}', "application/json", "refuses this advisor"),
    "forbidden": (403, b"<html>", "text/html", "refuses this advisor"),
    "broken": (502, b"<html>Bad gateway</html>", "text/html", "answered with an error"),
    "inner error": (500, b'{"error": "InternalError", "message": "x"}', "application/json", "InternalError"),
    "a web page": (200, b"<html>hello</html>", "text/html", "is no Chroma server"),
    "other JSON": (200, b'{"hello": 1}', "application/json", "is no Chroma server"),
    "a list": (200, b"[]", "application/json", "is no Chroma server"),
    "not found": (404, b"nothing here", "text/plain", "is no Chroma server"),
    "moved": (302, b"", "text/plain", "is no Chroma server"),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
def test_a_server_that_cannot_be_used_leaves_the_words(
    answer: tuple[int, bytes, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, body, kind, words = answer
    with fake_server(status, body, kind) as address:
        retriever = trouble(address, tmp_path, monkeypatch)
        assert retriever.trouble is not None
        assert words in retriever.trouble
        assert retriever.trouble.endswith(".")
        result = retriever.search("cache per token")
        assert result.passages[0].heading[-1] == "Cache"
        assert result.notice == f"Searched by words alone: {retriever.trouble}"
        retriever.close()


def test_a_server_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        retriever = trouble(f"http://127.0.0.1:{taken.getsockname()[1]}", tmp_path, monkeypatch)
    assert retriever.trouble is not None
    assert "cannot be reached" in retriever.trouble


def test_a_server_that_is_slow_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_link, "ANSWER_SECONDS", 0.2)
    with fake_server(200, b"{}", delay=HANGS) as address:
        with not_waited_for():
            retriever = trouble(address, tmp_path, monkeypatch)
        assert retriever.trouble is not None
        assert "in time" in retriever.trouble


def test_after_a_failure_the_next_queries_do_not_wait(place: ServerIndex, corpus: Corpus) -> None:
    place.build(corpus.chunks, corpus.hash, FakeEmbedder())
    index = place.open(corpus.hash, FakeEmbedder())
    vector = FakeEmbedder().embed(["cache"])[0]
    index.close()  # A closed session fails like a server that is gone.
    with pytest.raises(AdvisorError) as first:
        index.nearest(vector, 3)
    with pytest.raises(AdvisorError) as second:
        index.nearest(vector, 3)
    assert second.value is first.value


def test_offline_opens_no_socket_not_even_to_this_machine(
    place: ServerIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []
    monkeypatch.setattr(socket, "create_connection", lambda *a, **k: opened.append(a))
    monkeypatch.setattr(socket.socket, "connect", lambda *a: opened.append(a))
    retriever = trouble(place.address, tmp_path, monkeypatch, offline=True)
    notice = retriever.search("cache per token").notice
    assert notice is not None
    assert "--offline opens no connection" in notice
    assert opened == []
    assert isinstance(retriever.embedder, FakeEmbedder)
    assert not retriever.embedder.ready, "no model is loaded for nothing"


def test_secrets_are_sent_and_never_shown() -> None:
    seen: list[dict[str, str]] = []
    with fake_server(403, b"{}", seen=seen) as address:
        with_user = address.replace("//", "//ann:hid%20den@") + "/"
        for token in (None, "quiet"):
            place = ServerIndex(with_user, token)
            assert place.label == address
            with pytest.raises(ChromaServerError) as caught:
                place.open("0" * 64, FakeEmbedder())
            said = f"{caught.value.message} {caught.value.hint}"
            assert not re.search("ann|hid|quiet", said)
            assert "CHROMA_TOKEN" in said
    basic = base64.b64encode(b"ann:hid den").decode()
    assert [headers["Authorization"] for headers in seen] == [f"Basic {basic}", "Bearer quiet"]
    assert [headers.get("X-Chroma-Token") for headers in seen] == [None, "quiet"]


def test_a_server_that_comes_back_is_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class FakePlace(FolderIndex):
        """Down at first."""

        down = True

        def check(self) -> None:
            if self.down:
                raise ChromaServerError("The server is down.")

    monkeypatch.setattr(retrieval, "RETRY_SECONDS", 0.0)
    guides = load_guides([write_guides(tmp_path / "guides")])
    retriever = Retriever(guides, tmp_path / "index", FakeEmbedder(), place=FakePlace(tmp_path / "index"))
    retriever.prepare()
    assert retriever.search("cache").notice == "Searched by words alone: The server is down."
    monkeypatch.setattr(FakePlace, "down", False)
    until = time.monotonic() + 20
    while retriever.search("cache").notice is not None and time.monotonic() < until:
        time.sleep(0.02)
    assert retriever.search("cache").notice is None
    retriever.close()


def test_names_follow_the_rules_of_chroma() -> None:
    found = {
        collection_name(letter * 64, embedder)
        for letter in "ab"
        for embedder in ("all-MiniLM-L6-v2", "litellm:openai/text-embedding-3-small", "\u00fc", "x" * 300)
    }
    assert len(found) == 8
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", name) for name in found)


def test_passages_that_repeat_an_id_are_an_error_of_one_sentence(place: ServerIndex, corpus: Corpus) -> None:
    twice = [*corpus.chunks, replace(corpus.chunks[0], text="other words")]
    with pytest.raises(AdvisorError) as caught:
        place.build(twice, corpus.hash, FakeEmbedder())
    assert caught.value.message.endswith(".")
    assert names(place) == []
