"""How well the search finds the answers of the labeled queries: words and vectors alone, and together.

Run by `make bench`. The figures are those of `knowledge.evaluation.scores`; the interval is a bootstrap over
queries.
"""

from __future__ import annotations

import random
import time

from knowledge.evaluation.labeled import KINDS, load_queries
from knowledge.evaluation.scores import Row, mean, score
from knowledge.retrieval import open_retriever

ROUNDS = 1_000


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
    low, high = _interval(row, 5)
    print(
        f"{name:24}{row.recall(1):8.3f}{row.recall(5):10.3f}  ({low:.2f} to {high:.2f})"
        f"{row.reciprocal_rank():9.3f}{row.ndcg(10):9.3f}"
    )


def _interval(row: Row, k: int) -> tuple[float, float]:
    """The middle 95 % of recall@k over bootstrap samples of the queries."""
    draw = random.Random(0)
    hits = [float(result.within(k)) for result in row.results]
    means = sorted(mean(draw.choices(hits, k=len(hits))) for _ in range(ROUNDS))
    return means[int(0.025 * ROUNDS)], means[int(0.975 * ROUNDS)]


if __name__ == "__main__":
    run()
