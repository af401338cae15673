from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from knowledge.corpus import load_guides
from knowledge.errors import UsageError
from knowledge.fusion import Ranking, fuse
from knowledge.query_text import MAX_QUERY_CHARACTERS
from knowledge.retrieval import (
    LOADING,
    Passage,
    Retriever,
    locator,
    open_retriever,
)
from tests.knowledge.fakes import MEMORY, FakeEmbedder, write_guides
from tests.waiting import AT_MOST, HANGS, not_waited_for


@pytest.fixture
def guides(tmp_path: Path) -> Path:
    return write_guides(tmp_path / "guides")


@pytest.fixture
def retriever(tmp_path: Path, guides: Path) -> Iterator[Retriever]:
    opened = open_retriever(tmp_path / "home", guides=load_guides([guides]), embedder=FakeEmbedder())
    assert opened.trouble is None
    yield opened
    opened.close()


def test_a_passage_says_where_it_stands(retriever: Retriever) -> None:
    result = retriever.search("size of an 8B model by quantization Q4_K_M", k=2)
    best = result.passages[0]
    assert best.guide == "Memory of a model"
    assert best.heading == ("Memory of a model", "Weights", "Size by quantization")
    assert (best.file, best.lines, best.as_of) == ("memory.md", (12, 21), "2026-11-20")
    assert "| Q4_K_M | 4.9 GB |" in best.text
    assert locator(best) == "memory.md#Size by quantization:12-21"
    assert result.covered
    assert result.notice is None
    assert len(result.passages) == 2
    assert 0 < result.passages[1].score <= best.score <= 1


def test_every_line_of_a_locator_is_in_the_file(retriever: Retriever, guides: Path) -> None:
    for passage in retriever.search("memory license cache", k=50).passages:
        lines = (guides / passage.file).read_text().split("\n")[passage.lines[0] - 1 : passage.lines[1]]
        assert passage.text.split("\n")[-1] == lines[-1]


def test_what_the_guides_do_not_hold_is_said(retriever: Retriever) -> None:
    result = retriever.search("pizza dough with yeast")
    assert not result.covered
    assert result.passages, "the nearest are still shown"


@pytest.mark.parametrize("query", ["", "   ", "\n\t\x00", "?!", "[]()", "\u200b"])
def test_an_empty_query_is_refused(retriever: Retriever, query: str) -> None:
    with pytest.raises(UsageError, match="empty"):
        retriever.search(query)


def test_a_number_of_passages_below_one_is_refused(retriever: Retriever) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        retriever.search("memory", k=0)


@pytest.mark.parametrize(
    "query",
    ["[/bold] cache [link=x]", "cache\x1b[31m\x07\x00", "cache \U0001f600 \u7f13\u5b58", '{"cache": 1}'],
)
def test_odd_characters_do_no_harm(retriever: Retriever, query: str) -> None:
    result = retriever.search(query)
    assert result.query == query
    assert result.passages[0].heading[-1] in {"Cache", "Memory of a model"}


def test_a_long_query_is_cut_and_that_is_said(retriever: Retriever) -> None:
    result = retriever.search("cache " * 20_000)
    assert result.notice == f"Only the first {MAX_QUERY_CHARACTERS:,} characters of the query were used."
    assert retriever.search("x" * 100_000).passages
    assert retriever.search("cache " * 300).notice is None


def test_until_the_vectors_are_there_words_answer(tmp_path: Path, guides: Path) -> None:
    gate = threading.Event()

    class Slow(FakeEmbedder):
        def warm(self) -> None:
            threading.Thread(target=self._load).start()

        def _load(self) -> None:
            gate.wait(HANGS)
            self.ready = True

    retriever = open_retriever(tmp_path / "home", wait=False, guides=load_guides([guides]), embedder=Slow())
    with not_waited_for():
        result = retriever.search("cache per token")
    gate.set()
    assert result.notice == LOADING
    assert result.passages[0].heading[-1] == "Cache"
    until = time.monotonic() + AT_MOST
    while not retriever.ready and time.monotonic() < until:
        time.sleep(0.02)
    assert retriever.search("cache per token").notice is None
    retriever.close()


def test_without_the_embedder_words_answer_and_say_so(tmp_path: Path, guides: Path) -> None:
    embedder = FakeEmbedder()
    embedder.failing = True
    retriever = open_retriever(tmp_path / "home", guides=load_guides([guides]), embedder=embedder)
    result = retriever.search("commercial use of Apache")
    assert result.notice == "Searched by words alone: The embedder stopped."
    assert result.passages[0].heading[-1] == "Apache 2.0"
    assert result.covered
    assert not retriever.search("pizza dough").covered


def test_an_embedder_that_dies_between_two_queries(retriever: Retriever) -> None:
    assert isinstance(retriever.embedder, FakeEmbedder)
    assert retriever.search("cache").notice is None
    retriever.embedder.failing = True
    assert retriever.search("the cache").notice == "Searched by words alone: The embedder stopped."
    retriever.embedder.failing = False
    assert retriever.search("cache").notice is None


def test_a_state_folder_that_cannot_be_written(tmp_path: Path, guides: Path) -> None:
    (tmp_path / "home").write_text("a file")
    retriever = open_retriever(tmp_path / "home", guides=load_guides([guides]), embedder=FakeEmbedder())
    result = retriever.search("cache per token")
    assert result.notice is not None
    assert "state folder cannot be written" in result.notice
    assert result.passages[0].heading[-1] == "Cache"


def test_changed_guides_are_indexed_again(tmp_path: Path, guides: Path) -> None:
    home = tmp_path / "home"
    renamed = MEMORY.replace("## Cache", "## Key-value store")
    for text, found in ((MEMORY, "Cache"), (renamed, "Key-value store")):
        write_guides(guides, memory=text)
        retriever = open_retriever(home, guides=load_guides([guides]), embedder=FakeEmbedder())
        assert retriever.trouble is None
        assert retriever.search("128 KiB for each token").passages[0].heading[-1] == found
        assert retriever.search("cache per token").notice is None
        retriever.close()
    embedder = FakeEmbedder()
    open_retriever(home, guides=load_guides([guides]), embedder=embedder).close()
    assert embedder.batches == 0, "unchanged guides are not embedded again"


def test_a_damaged_index_is_built_again_without_a_word(tmp_path: Path, guides: Path) -> None:
    home = tmp_path / "home"
    open_retriever(home, guides=load_guides([guides]), embedder=FakeEmbedder()).close()
    next((home / "index").glob("g-*/chroma.sqlite3")).write_bytes(b"garbage" * 999)
    retriever = open_retriever(home, guides=load_guides([guides]), embedder=FakeEmbedder())
    assert retriever.search("cache").notice is None
    retriever.close()


def test_no_guides_find_nothing(tmp_path: Path) -> None:
    retriever = open_retriever(
        tmp_path / "home", guides=load_guides([tmp_path / "none"]), embedder=FakeEmbedder()
    )
    result = retriever.search("cache")
    assert (result.passages, result.covered) == ((), False)
    retriever.close()


def test_threads_share_a_retriever(retriever: Retriever) -> None:
    queries = {"cache per token": "Cache", "apache commercial": "Apache 2.0", "700 million users": "Llama"}
    wrong: list[str] = []

    def ask() -> None:
        for _ in range(10):
            for query, heading in queries.items():
                if retriever.search(query).passages[0].heading[-1] != heading:
                    wrong.append(query)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_fusion_rewards_what_both_rankings_have() -> None:
    words = Ranking(((7, 9.0), (1, 8.0), (2, 7.0)))
    meaning = Ranking(((1, 0.9), (3, 0.8)))
    fused = fuse([words, meaning])
    assert [number for number, _ in fused] == [1, 7, 3, 2]
    assert all(0 < score <= 1 for _, score in fused)


def test_a_lead_by_far_counts_more_than_a_lead_by_a_hair() -> None:
    first, second = Ranking(((1, 9.0), (2, 1.0), (3, 0.5))), Ranking(((2, 0.61), (1, 0.6), (3, 0.1)))
    assert [number for number, _ in fuse([first, second])] == [1, 2, 3]
    close = Ranking(((1, 9.0), (2, 8.99), (3, 0.5)))
    assert fuse([close, Ranking(((2, 0.9), (1, 0.3), (3, 0.1)))])[0][0] == 2


def test_fusion_of_few_rankings() -> None:
    words = Ranking(((7, 9.0), (1, 8.0)))
    assert fuse([words])[0] == (7, 1.0)
    assert fuse([Ranking(((4, 1.0),)), Ranking(((4, 1.0),))]) == [(4, 1.0)]
    assert fuse([Ranking(()), Ranking(())]) == []


def test_a_locator_without_a_heading() -> None:
    assert locator(Passage("t", "g", (), "a.md", (1, 2), 1.0)) == "a.md#:1-2"


def test_importing_the_search_imports_nothing_heavy() -> None:
    script = (
        "import sys, knowledge.retrieval, knowledge.build; "
        "heavy = {'chromadb', 'torch', 'bm25s', 'sentence_transformers', 'numpy', 'filelock'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
