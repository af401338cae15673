"""The order after a second reading: what it may change, how long it may take, what happens where it fails."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from knowledge.corpus import load_guides
from knowledge.reranking import ChildReranker, RerankerError, SecondReading, reordered
from knowledge.reranking_worker import MOST_PAIRS, Timed
from knowledge.retrieval import Retriever
from tests.knowledge.fakes import FakeEmbedder, FakeReranker, write_guides

FUSED = [(7, 1.0), (3, 0.8), (5, 0.6), (9, 0.4)]


def test_the_reranker_decides_where_the_fused_scores_are_near() -> None:
    assert [number for number, _ in reordered(FUSED, [-2.0, 4.0, 0.0, 1.0])] == [3, 9, 5, 7]


def test_a_lead_in_both_stays_a_lead_of_one() -> None:
    found = reordered(FUSED, [9.0, 1.0, 1.0, 0.0])
    assert found[0] == (7, 1.0)
    assert [number for number, _ in found] == [7, 3, 5, 9]


def test_what_was_not_read_stays_behind_what_was() -> None:
    found = reordered(FUSED, [0.0, 5.0])
    assert [number for number, _ in found] == [3, 7, 5, 9]
    scores = [score for _, score in found]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("scores", [[], [3.0], [2.0, 2.0, 2.0, 2.0]])
def test_scores_that_tell_nothing_change_no_place(scores: list[float]) -> None:
    assert [number for number, _ in reordered(FUSED, scores)] == [7, 3, 5, 9]


class FakeClock:
    """Seconds that pass only where somebody says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """The clock of the worker."""
    found = FakeClock()
    monkeypatch.setattr("knowledge.reranking_worker.time", found)
    return found


class SlowPairs:
    """A cross-encoder whose pairs take a given time."""

    def __init__(self, clock: FakeClock, seconds: float) -> None:
        self.clock, self.seconds = clock, seconds
        self.batches: list[int] = []

    def __call__(self, pairs: Sequence[tuple[str, str]]) -> Sequence[float]:
        self.batches.append(len(pairs))
        self.clock.now += self.seconds * len(pairs)
        return [float(len(passage)) for _, passage in pairs]


def test_a_slow_model_reads_fewer_and_keeps_to_the_time(clock: FakeClock) -> None:
    pairs = SlowPairs(clock, 0.02)
    found = Timed(pairs, 0.02 / 13).scores("query", ["passage"] * 20, 0.2)
    assert clock.now <= 0.2
    assert 2 <= len(found) < 20


def test_a_fast_model_reads_all_in_batches(clock: FakeClock) -> None:
    pairs = SlowPairs(clock, 0.0)
    assert Timed(pairs, 1e-6).scores("query", ["a", "bb"] * 10, 5) == [1.0, 2.0] * 10
    assert max(pairs.batches) == MOST_PAIRS


def test_a_model_too_slow_for_two_reads_none_until_it_is_faster(clock: FakeClock) -> None:
    pairs = SlowPairs(clock, 0.0)
    timed = Timed(pairs, 0.25 / 7)
    assert timed.scores("query", ["a", "b"], 0.45) == []
    assert pairs.batches == []
    assert timed.scores("query", ["a", "b"], 0.45) == [1.0, 1.0]


def test_a_long_passage_is_known_to_take_longer(clock: FakeClock) -> None:
    pairs = SlowPairs(clock, 0.0)
    assert Timed(pairs, 0.001).scores("query", ["a", "b", "c" * 10_000], 1) == [1.0, 1.0, 10_000.0]
    slow = SlowPairs(clock, 0.01)
    assert len(Timed(slow, 0.01 / 7).scores("query", ["a", "b", "c" * 10_000], 1)) == 2


@pytest.fixture
def retriever(tmp_path: Path) -> Iterator[Retriever]:
    guides = load_guides([write_guides(tmp_path / "guides")])
    opened = Retriever(guides, tmp_path / "index", FakeEmbedder(), reranker=FakeReranker())
    opened.prepare()
    yield opened
    opened.close()


def test_a_search_is_read_again(tmp_path: Path, retriever: Retriever) -> None:
    query = "the permission of a company with monthly users of a model and its weights"
    guides = load_guides([tmp_path / "guides"])
    plain = Retriever(guides, tmp_path / "index", FakeEmbedder())
    plain.prepare()
    before, after = plain.search(query, 4), retriever.search(query, 4)
    fused = [(0, 1.0), (1, 0.9), (2, 0.8)]
    assert plain.reranked(query, fused) is None
    assert retriever.reranked(query, fused) != fused
    assert after.notice is None
    assert sorted(p.text for p in after.passages) == sorted(p.text for p in before.passages)
    assert after.passages[0].heading[-1] == "Llama"
    plain.close()


def test_a_reranker_that_fails_leaves_the_order_and_says_so(tmp_path: Path) -> None:
    reranker = FakeReranker()
    reranker.failing = True
    guides = load_guides([write_guides(tmp_path / "guides")])
    retriever = Retriever(guides, tmp_path / "index", FakeEmbedder(), reranker=reranker)
    retriever.prepare()
    result = retriever.search("cache per token")
    assert result.passages[0].heading[-1] == "Cache"
    assert result.notice == "The passages were not read again: The reranker stopped."
    retriever.close()
    assert reranker.closed


def test_while_it_is_loading_nothing_is_said() -> None:
    order, notice = SecondReading(FakeReranker()).order("query", FUSED, str)
    assert (order, notice) == (FUSED, None)


NONSENSE = """
import json, sys
print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    print(json.dumps({"id": json.loads(line)["id"], "scores": "x"}), flush=True)
"""


def test_a_process_that_answers_nonsense(tmp_path: Path) -> None:

    script = "import json, sys\nprint(json.dumps({'ready': True}), flush=True)\n"
    script += (
        "for line in sys.stdin: print(json.dumps({'id': json.loads(line)['id'], 'scores': 'x'}), flush=True)"
    )
    reranker = ChildReranker("x", command=[sys.executable, "-c", script], log=tmp_path / "log", patience=20)
    with pytest.raises(RerankerError, match="no score"):
        reranker.scores("query", ["passage"], 1)
    reranker.close()
