"""`search --json --stdin`: queries that are there together are embedded together, and answered in order."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from knowledge.corpus import load_guides
from knowledge.query_vectors import TOGETHER
from knowledge.retrieval import open_retriever
from tests.knowledge.fakes import FakeEmbedder, write_guides
from tools.commands import search as module
from tui import json_requests
from tui.json_requests import answer_lines

if TYPE_CHECKING:
    from knowledge.embedding import Vectors
    from tests.tui.cli_help import Program


class FakeCounting(FakeEmbedder):
    """Remembers how many texts came at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.sizes.append(len(texts))
        return super().embed(texts)


@pytest.fixture
def embedder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCounting]:
    """That of the search's retriever, over two small guides."""
    made = FakeCounting()
    guides = load_guides([write_guides(tmp_path / "guides")])
    retriever = open_retriever(tmp_path / "home", guides=guides, embedder=made)
    made.sizes.clear()
    monkeypatch.setattr(module, "_retriever", lambda offline: retriever)
    yield made
    retriever.close()


def test_queries_that_are_there_together_are_embedded_together(
    program: Program, embedder: FakeCounting
) -> None:
    queries = [f"cache per token {number}" for number in range(100)]
    lines = program("search", "--json", "--stdin", stdin=[{"query": query} for query in queries]).lines
    assert [line["query"] for line in lines] == queries
    assert all(line["passages"][0]["heading"][-1] == "Cache" for line in lines)
    assert embedder.sizes == [TOGETHER, TOGETHER, TOGETHER, 100 - 3 * TOGETHER]


def test_together_or_alone_the_answer_is_the_same(program: Program, embedder: FakeCounting) -> None:
    queries = ["cache per token", "commercial use", "size of Q4_K_M", "cache per token"]
    together = program("search", "--json", "--stdin", stdin=[{"query": query} for query in queries]).lines
    alone = [program("search", "--json", "--stdin", stdin=[{"query": query}]).lines[0] for query in queries]
    assert together == alone


def test_bad_lines_among_them_keep_their_places(program: Program, embedder: FakeCounting) -> None:
    stdin = b'{"query": "cache"}\n[1]\n{"query": "?!"}\n{"q": 1}\n\n{"query": "apache", "k": 1}\n'
    lines = program("search", "--json", "--stdin", stdin=stdin).lines
    assert ["error" in line for line in lines] == [False, True, True, True, False]
    assert embedder.sizes == [2]


def test_an_embedder_that_fails_ahead_leaves_the_words(program: Program, embedder: FakeCounting) -> None:
    embedder.failing = True
    lines = program("search", "--json", "--stdin", stdin=[{"query": "cache"}, {"query": "apache"}]).lines
    assert [line["note"] for line in lines] == ["Searched by words alone: The embedder stopped."] * 2


def test_closing_does_not_wait_for_what_was_expected(tmp_path: Path) -> None:
    gate = threading.Event()

    class Slow(FakeEmbedder):
        slow = False

        def embed(self, texts: Sequence[str]) -> Vectors:
            if self.slow and len(texts) > 1:
                gate.wait(20)
            return super().embed(texts)

    guides = load_guides([write_guides(tmp_path / "guides")])
    embedder = Slow()
    retriever = open_retriever(tmp_path / "home", guides=guides, embedder=embedder)
    embedder.slow = True
    retriever.expect(["one query", "another query", "?"])
    assert retriever.search("a third query").passages
    retriever.close()
    gate.set()


def test_requests_are_announced_as_they_come(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Blocks(io.BytesIO):
        """Gives one block at a time, as a pipe does."""

        def read(self, size: int | None = -1) -> bytes:
            return next(blocks, b"")

    blocks = iter([b'{"n": 1}\n', b'{"n": 2}\n{"n"', b': 3}\n{"n": 4}\nx\n', b'{"n": 5}'])
    monkeypatch.setattr(json_requests, "binary_stdin", Blocks)
    told: list[list[object]] = []
    answer_lines(dict, lambda requests: told.append([request["n"] for request in requests]))
    assert told == [[3, 4]]
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer.get("n") for answer in answers] == [1, 2, 3, 4, None, 5]


def test_whoever_sends_one_line_and_waits_is_answered_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from tui.cli import main; main()", "memory", "--json", "--stdin"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "LLM_ADVISOR_HOME": str(tmp_path)},
        cwd=Path(__file__).resolve().parents[2],
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for model in ("llama3.1:8b", "qwen3:4b"):
            process.stdin.write(json.dumps({"model": model}).encode() + b"\n")
            process.stdin.flush()
            assert "total_bytes" in json.loads(process.stdout.readline())
        process.stdin.close()
        assert process.wait(timeout=60) == 0
