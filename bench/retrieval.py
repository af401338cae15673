"""How well the search finds the answers of the labeled queries: words and vectors alone, and together.

Run by `make bench`. A passage is relevant where it matches all patterns of a query; recall@k is the share of
the answerable queries with a relevant passage among the first k, MRR the mean of 1 / rank of the first one,
nDCG@10 as in Jarvelin and Kekalainen (2002) with relevance 0 or 1. The interval is a bootstrap over queries.
"""

from __future__ import annotations

import json
import math
import random
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from knowledge.retrieval import Ranking, Retriever, fuse, open_retriever

QUERIES = Path(__file__).resolve().parent.parent / "tests" / "knowledge" / "queries.jsonl"
KINDS = ("exact", "paraphrase", "table", "multi", "unanswerable")
DEPTH = 10
ROUNDS = 1_000


@dataclass(frozen=True, slots=True)
class Labeled:
    """A query with the patterns that a passage must match to answer it; none where nothing answers it."""

    kind: str
    text: str
    must_match: tuple[str, ...]

    def answered_by(self, passage: str) -> bool:
        return bool(self.must_match) and all(re.search(pattern, passage) for pattern in self.must_match)


@dataclass(frozen=True, slots=True)
class Result:
    """The relevance of the first passages found for one query, and how many relevant ones there are."""

    kind: str
    relevant: tuple[bool, ...]
    total: int

    @property
    def rank(self) -> int | None:
        return self.relevant.index(True) + 1 if True in self.relevant else None


@dataclass(frozen=True, slots=True)
class Row:
    """The results of one way to search."""

    results: tuple[Result, ...]

    def only(self, kind: str) -> Row:
        return Row(tuple(result for result in self.results if result.kind == kind))

    def recall(self, k: int) -> float:
        return self._mean([float(any(result.relevant[:k])) for result in self.results])

    def reciprocal_rank(self) -> float:
        return self._mean([1 / result.rank if result.rank else 0.0 for result in self.results])

    def ndcg(self, k: int) -> float:
        return self._mean([_ndcg(result, k) for result in self.results])

    def interval(self, k: int) -> tuple[float, float]:
        """The middle 95 % of recall@k over bootstrap samples of the queries."""
        draw = random.Random(0)
        hits = [float(any(result.relevant[:k])) for result in self.results]
        means = sorted(self._mean(draw.choices(hits, k=len(hits))) for _ in range(ROUNDS))
        return means[int(0.025 * ROUNDS)], means[int(0.975 * ROUNDS)]

    @staticmethod
    def _mean(values: Sequence[float]) -> float:
        return sum(values) / len(values) if values else 0.0


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


def load_queries(path: Path = QUERIES) -> tuple[Labeled, ...]:
    """The labeled queries."""
    lines = path.read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines if line.strip()]
    return tuple(Labeled(record["kind"], record["query"], tuple(record["must_match"])) for record in records)


def score(retriever: Retriever, queries: Sequence[Labeled]) -> Scores:
    """Runs all queries on a ready retriever."""
    passages = [" ".join(chunk.heading) + "\n" + chunk.text for chunk in retriever.chunks]
    results: dict[str, list[Result]] = {"hybrid": [], "words only": [], "vectors only": []}
    covered: dict[bool, list[bool]] = {True: [], False: []}
    seconds = []
    for query in queries:
        started = time.perf_counter()
        found = retriever.search(query.text)
        seconds.append(time.perf_counter() - started)
        covered[bool(query.must_match)].append(found.covered)
        if not query.must_match:
            continue
        relevant = {number for number, text in enumerate(passages) if query.answered_by(text)}
        words, vectors = retriever.rankings(query.text)
        vectors = vectors or Ranking(())
        for name, hits in (
            ("hybrid", fuse([words, vectors])),
            ("words only", words.hits),
            ("vectors only", vectors.hits),
        ):
            first = tuple(number in relevant for number, _ in hits[:DEPTH])
            results[name].append(Result(query.kind, first, len(relevant)))
    return Scores(
        rows={name: Row(tuple(found)) for name, found in results.items()},
        false_answers=sum(covered[False]) / max(1, len(covered[False])),
        missed_answers=1 - sum(covered[True]) / max(1, len(covered[True])),
        seconds=tuple(sorted(seconds)),
    )


def run() -> None:
    """Prints the table."""
    started = time.perf_counter()
    retriever = open_retriever()
    ready = time.perf_counter() - started
    try:
        if retriever.trouble is not None:
            print(f"retrieval: {retriever.trouble}")
            return
        scores = score(retriever, load_queries())
        count = len(retriever.chunks)
    finally:
        retriever.close()
    answerable = len(scores.rows["hybrid"].results)
    print(f"retrieval: {count} passages, {answerable} answerable queries of {len(scores.seconds)}")
    print(f"{'':24}recall@1  recall@5  (95 %)         MRR  nDCG@10")
    for name, row in scores.rows.items():
        _print_row(name, row)
    for kind in KINDS[:-1]:
        _print_row(f"hybrid, {kind}", scores.rows["hybrid"].only(kind))
    print(f"false answers {scores.false_answers:.1%}, missed answers {scores.missed_answers:.1%}")
    middle, late = (scores.seconds[int(share * (len(scores.seconds) - 1))] for share in (0.5, 0.95))
    print(f"ready after {ready:.1f} s; a query takes {middle * 1e3:.0f} ms, p95 {late * 1e3:.0f} ms")


def _print_row(name: str, row: Row) -> None:
    low, high = row.interval(5)
    print(
        f"{name:24}{row.recall(1):8.3f}{row.recall(5):10.3f}  ({low:.2f} to {high:.2f})"
        f"{row.reciprocal_rank():9.3f}{row.ndcg(10):9.3f}"
    )


def _ndcg(result: Result, k: int) -> float:
    gain = sum(1 / math.log2(place + 2) for place, hit in enumerate(result.relevant[:k]) if hit)
    ideal = sum(1 / math.log2(place + 2) for place in range(min(k, result.total)))
    return gain / ideal if ideal else 0.0


if __name__ == "__main__":
    run()
