"""The search over the shipped guides, on our own labeled queries (`knowledge/evaluation/queries.jsonl`)."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from knowledge.chunking import MAX_CHARACTERS, Chunk
from knowledge.evaluation.labeled import KINDS, Labeled, load_queries
from knowledge.evaluation.scores import Scores, score
from knowledge.retrieval import Retriever

# Whoever comes first builds the index, which takes long on a busy machine.
pytestmark = [pytest.mark.index, pytest.mark.timeout(600)]
QUERIES = load_queries()


@pytest.fixture(scope="session")
def scores(shipped: Retriever) -> Scores:
    return score(shipped, QUERIES)


def holds(query: Labeled, chunk: Chunk) -> tuple[int, ...]:
    return query.answered_by(" ".join(chunk.heading) + "\n" + chunk.text)


def test_the_labels_are_enough_and_distinct() -> None:
    kinds = Counter(query.kind for query in QUERIES)
    assert set(kinds) == set(KINDS)
    assert sum(kinds.values()) >= 400
    assert min(kinds.values()) >= 20
    assert len({query.text.lower() for query in QUERIES}) == len(QUERIES)


def test_every_answerable_query_has_an_answer_and_not_everything_is_one(shipped: Retriever) -> None:
    for query in QUERIES:
        held = [holds(query, chunk) for chunk in shipped.chunks]
        assert (query.parts == ()) == (query.kind == "unanswerable"), query.text
        assert (len(query.parts) > 1) <= (query.kind == "multi"), query.text
        for part in range(len(query.parts)):
            answers = sum(part in parts for parts in held)
            assert answers, f"no passage answers part {part} of: {query.text}"
            assert answers <= 0.12 * len(shipped.chunks), f"any passage would do for: {query.text}"


def test_recall(scores: Scores) -> None:
    hybrid = scores.rows["hybrid"]
    assert hybrid.recall(5) >= 0.96
    assert hybrid.ndcg(10) >= 0.76
    assert hybrid.recall(1) >= 0.81
    assert hybrid.reciprocal_rank() >= 0.88
    assert hybrid.only("table").recall(5) >= 0.90
    assert hybrid.only("exact").recall(5) >= 0.95
    assert hybrid.only("multi").recall(5) >= 0.90


def test_together_is_no_worse_than_each_alone(scores: Scores) -> None:
    hybrid = scores.rows["hybrid"]
    for part in ("words only", "vectors only"):
        assert hybrid.recall(5) >= scores.rows[part].recall(5)
        assert hybrid.ndcg(10) >= scores.rows[part].ndcg(10)


def test_what_the_guides_do_not_cover_is_said(scores: Scores) -> None:
    assert scores.false_answers <= 0.05
    assert scores.missed_answers <= 0.05


def test_passages_are_short_enough_to_show_and_to_embed(shipped: Retriever) -> None:
    assert max(len(chunk.text) for chunk in shipped.chunks) <= MAX_CHARACTERS
    assert not any(re.search(r"\x00|\ufffd", chunk.text) for chunk in shipped.chunks)
