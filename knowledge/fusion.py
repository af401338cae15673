"""Joining the rankings of the search by words and of the search by meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

RRF_K = 3
"""Of 1 / (k + rank). The usual 60 is for the long rankings of web search; among some hundred passages, of
which one or two answer, the first places must count for more (`make bench` prints the figures)."""
MARGIN_SHARE = 0.5
"""How much the margins between passages count beside their ranks: a name that only one passage holds puts it
far ahead, which its rank does not tell."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """What one half of the search says: passage numbers with its own score, best first."""

    hits: tuple[tuple[int, float], ...]
    told: float = 0.0
    """How near the nearest passage is by its own words alone."""

    @property
    def top(self) -> float:
        return self.hits[0][1] if self.hits else 0.0


def fuse(rankings: Sequence[Ranking]) -> list[tuple[int, float]]:
    """Reciprocal rank fusion with margins; scaled so that leading all rankings gives 1.

    Each ranking gives a passage 1 / (k + rank), and its place between the ranking's lowest and highest score.
    """
    scores: dict[int, float] = {}
    for ranking in rankings:
        low = min((score for _, score in ranking.hits), default=0.0)
        spread = ranking.top - low
        for rank, (number, score) in enumerate(ranking.hits, 1):
            by_rank = (RRF_K + 1) / (RRF_K + rank)
            by_margin = (score - low) / spread if spread > 0 else 1.0
            gain = (1 - MARGIN_SHARE) * by_rank + MARGIN_SHARE * by_margin
            scores[number] = scores.get(number, 0.0) + gain / len(rankings)
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))
