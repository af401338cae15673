"""The code paths of a large corpus on a small one (`bench/large.py` has a hundred thousand passages)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bench.large import SyntheticEmbedder, agreement, queries_of, synthetic_guides
from knowledge.retrieval import DEPTH, Retriever
from knowledge.words import open_words, passages_key

PASSAGES = 3_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large") / "index"
    retriever = Retriever(synthetic_guides(PASSAGES), folder, SyntheticEmbedder())
    retriever.prepare()
    assert retriever.trouble is None
    retriever.close()
    return folder


@pytest.fixture(scope="module")
def retriever(folder: Path) -> Iterator[Retriever]:
    """Opened again: from the stored words and the stored vectors."""
    opened = Retriever(synthetic_guides(PASSAGES), folder, SyntheticEmbedder())
    opened.prepare()
    assert opened.trouble is None
    yield opened
    opened.close()


def test_every_passage_is_there(retriever: Retriever) -> None:
    assert len(retriever.chunks) >= PASSAGES
    assert not isinstance(retriever.chunks, tuple), "they are read from the store"


def test_a_passage_is_found_by_some_of_its_words(retriever: Retriever) -> None:
    queries = queries_of(retriever.chunks, 40)
    found = [retriever.search(query) for query in queries]
    hits = sum(
        any(set(query.split()) <= set(passage.text.split()) for passage in result.passages)
        for query, result in zip(queries, found, strict=True)
    )
    assert hits >= 36
    assert all(result.notice is None and result.covered for result in found)


def test_the_graph_finds_what_an_exact_search_finds(retriever: Retriever) -> None:
    assert agreement(retriever, queries_of(retriever.chunks, 60)) >= 0.95


def test_the_first_words_of_many_are_those_of_a_full_sort(retriever: Retriever, folder: Path) -> None:
    lexical = open_words(folder, passages_key(synthetic_guides(PASSAGES)), ()).lexical
    for query in queries_of(retriever.chunks, 20):
        scores = lexical.scores(query)
        hits = retriever.rankings(query)[0].hits
        order = scores.argsort(kind="stable")[::-1][:DEPTH]
        assert [number for number, _ in hits] == [int(n) for n in order if scores[n] > 0]
        assert np.allclose([score for _, score in hits], scores[order][: len(hits)])


def test_words_that_all_or_none_hold_rank_too(retriever: Retriever) -> None:
    assert retriever.rankings("zebracrossing")[0].hits == ()
    assert len(retriever.rankings("part")[0].hits) == DEPTH
