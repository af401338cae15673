"""How well the search finds the answers of the labeled queries: words and vectors alone, and together.

A passage is relevant where it matches all patterns of a query, or of a part of one that needs several
passages. The rank of a query is the place at which every part is found; recall@k is the share of the
answerable queries with a rank of at most k, MRR the mean of 1 / rank, nDCG@10 as in Jarvelin and Kekalainen
(2002) with relevance 0 or 1.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.evaluation.labeled import Labeled
from knowledge.fusion import Ranking, fuse
from knowledge.index_fill import Progress
from knowledge.retrieval import Retriever

DEPTH = 10
WAYS = ("hybrid", "reranked", "words only", "vectors only")
"""Ways to search; `reranked` is the hybrid search with a cross-encoder behind it, where one is set."""


@dataclass(frozen=True, slots=True)
class Result:
    """Which parts of the answer the first passages found hold, and how many passages hold any."""

    kind: str
    parts: int
    found: tuple[tuple[int, ...], ...]
    total: int

    @property
    def rank(self) -> int | None:
        """The place at which the whole answer is found, from 1; None where it is not."""
        held: set[int] = set()
        for place, parts in enumerate(self.found, 1):
            held.update(parts)
            if len(held) == self.parts:
                return place
        return None

    def within(self, k: int) -> bool:
        """Whether the first `k` passages hold the whole answer."""
        return self.rank is not None and self.rank <= k


@dataclass(frozen=True, slots=True)
class Row:
    """The results of one way to search."""

    results: tuple[Result, ...]

    def only(self, kind: str) -> Row:
        return Row(tuple(result for result in self.results if result.kind == kind))

    def recall(self, k: int) -> float:
        return mean([float(result.within(k)) for result in self.results])

    def reciprocal_rank(self) -> float:
        return mean([1 / result.rank if result.rank else 0.0 for result in self.results])

    def ndcg(self, k: int) -> float:
        return mean([_ndcg(result, k) for result in self.results])


@dataclass(frozen=True, slots=True)
class Scores:
    """All figures of one run."""

    rows: dict[str, Row]
    false_answers: float
    """Share of the unanswerable queries that the search takes for covered."""
    missed_answers: float
    """Share of the answerable queries that it takes for not covered."""
    seconds: tuple[float, ...]
    """Of each query, sorted."""


def score(retriever: Retriever, queries: Sequence[Labeled], progress: Progress | None = None) -> Scores:
    """Runs all queries on a ready retriever.

    Args:
        retriever: with its vectors.
        queries: what is asked.
        progress: called with the queries done and the queries in all.
    """
    passages = [" ".join(chunk.heading) + "\n" + chunk.text for chunk in retriever.chunks]
    results: dict[str, list[Result]] = {name: [] for name in WAYS}
    covered: dict[bool, list[bool]] = {True: [], False: []}
    seconds = []
    for number, query in enumerate(queries, 1):
        started = time.perf_counter()
        found = retriever.search(query.text)
        seconds.append(time.perf_counter() - started)
        covered[bool(query.parts)].append(found.covered)
        if progress is not None:
            progress(number, len(queries))
        if not query.parts:
            continue
        held = [query.answered_by(text) for text in passages]
        words, vectors = retriever.rankings(query.text)
        vectors = vectors or Ranking(())
        fused = fuse([words, vectors])
        for name, hits in (
            ("hybrid", fused),
            ("reranked", retriever.reranked(query.text, fused)),
            ("words only", words.hits),
            ("vectors only", vectors.hits),
        ):
            if hits is not None:
                first = tuple(held[place] for place, _ in hits[:DEPTH])
                results[name].append(Result(query.kind, len(query.parts), first, sum(map(bool, held))))
    return Scores(
        rows={name: Row(tuple(found)) for name, found in results.items() if found},
        false_answers=sum(covered[False]) / max(1, len(covered[False])),
        missed_answers=1 - sum(covered[True]) / max(1, len(covered[True])),
        seconds=tuple(sorted(seconds)),
    )


def mean(values: Sequence[float]) -> float:
    """The mean; 0 of nothing."""
    return sum(values) / len(values) if values else 0.0


def _ndcg(result: Result, k: int) -> float:
    gain = sum(1 / math.log2(place + 2) for place, hit in enumerate(result.found[:k]) if hit)
    ideal = sum(1 / math.log2(place + 2) for place in range(min(k, result.total)))
    return gain / ideal if ideal else 0.0
