"""How well the search finds the answers of the labeled queries: words and vectors alone, and together.

A passage is relevant where it matches all patterns of a query, or of a part of one that needs several
passages. The rank of a query is the place at which every part is found; recall@k is the share of the
answerable queries with a rank of at most k, MRR the mean of 1 / rank, nDCG@10 as in Jarvelin and Kekalainen
(2002) with relevance 0 or 1.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from knowledge.retrieval import Ranking, Retriever, fuse

QUERIES = Path(__file__).parent / "queries.jsonl"
KINDS = ("exact", "paraphrase", "table", "multi", "unanswerable")
DEPTH = 10


@dataclass(frozen=True, slots=True)
class Labeled:
    """A query with what answers it."""

    kind: str
    text: str
    parts: tuple[tuple[str, ...], ...]
    """Patterns that one passage must match; several parts where the answer stands in several passages, none
    where nothing answers the query."""

    def answered_by(self, passage: str) -> tuple[int, ...]:
        """Numbers of the parts that a passage holds."""
        return tuple(
            number
            for number, patterns in enumerate(self.parts)
            if all(re.search(pattern, passage) for pattern in patterns)
        )


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


def load_queries(path: Path = QUERIES) -> tuple[Labeled, ...]:
    """The labeled queries."""
    lines = path.read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines if line.strip()]
    return tuple(Labeled(record["kind"], record["query"], _parts(record)) for record in records)


def _parts(record: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    parts = record["parts"] if "parts" in record else [record["must_match"]]
    return tuple(tuple(patterns) for patterns in parts if patterns)


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
        covered[bool(query.parts)].append(found.covered)
        if not query.parts:
            continue
        held = [query.answered_by(text) for text in passages]
        words, vectors = retriever.rankings(query.text)
        vectors = vectors or Ranking(())
        for name, hits in (
            ("hybrid", fuse([words, vectors])),
            ("words only", words.hits),
            ("vectors only", vectors.hits),
        ):
            first = tuple(held[number] for number, _ in hits[:DEPTH])
            results[name].append(Result(query.kind, len(query.parts), first, sum(map(bool, held))))
    return Scores(
        rows={name: Row(tuple(found)) for name, found in results.items()},
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
