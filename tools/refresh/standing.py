"""What of an overlay is in use: a row that a newer release of the bundled facts has overtaken is not."""

from __future__ import annotations

from knowledge.catalog.api_models import PriceMap, standing_prices
from knowledge.catalog.benchmarks import Benchmarks, board_of
from knowledge.catalog.overlay import Overlay, ScoreChange
from knowledge.catalog.records import BenchmarkResult
from knowledge.catalog.store import Catalog


def standing(overlay: Overlay, catalog: Catalog, prices: PriceMap) -> Overlay:
    """The overlay without the rows that no answer uses any more.

    Differences are told from the values in use, so that a value never changes without one.

    Args:
        overlay: as it is kept.
        catalog: the bundled catalog.
        prices: the bundled price map.
    """
    known = {record.id: record for record in catalog.models}
    return overlay.model_copy(
        update={
            "models": tuple(r for r in overlay.models if r.id in known and r.fetched >= known[r.id].as_of),
            "prices": tuple(standing_prices(overlay, prices)),
            "scores": tuple(row for row in overlay.scores if _stands(row, catalog.benchmarks)),
        }
    )


def _stands(score: ScoreChange, benchmarks: Benchmarks) -> bool:
    old = bundled_score(score, benchmarks)
    return old is None or score.as_of >= old.as_of


def bundled_score(score: ScoreChange, benchmarks: Benchmarks) -> BenchmarkResult | None:
    """The newest bundled score of the same model on the same board."""
    rows = (*benchmarks.for_name(score.model), *(benchmarks.for_model(score.hf_id) if score.hf_id else ()))
    same = [row for row in rows if board_of(row) == board_of(score)]
    return max(same, key=lambda row: row.as_of, default=None)
