"""Makes the similarities of any embedder comparable with those of all-MiniLM-L6-v2.

Whether the guides cover a query is decided partly by the best cosine (`coverage`), on limits found with
all-MiniLM-L6-v2. Another embedder has another scale: with some, unrelated texts have a cosine of 0.7. So the
labeled queries are looked up once with it, and a straight line brings its medians of answerable and of
unanswerable queries onto those of all-MiniLM-L6-v2. An embedder that does not tell the two kinds apart has no
say in the decision.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from knowledge.embedding import Embedder
from knowledge.evaluation.labeled import load_queries
from knowledge.files import replace_text
from knowledge.index import IndexUnusableError, VectorIndex, forget_index
from knowledge.index_fill import TOGETHER

ANSWERABLE = 0.56
UNANSWERABLE = 0.25
"""Medians of the best cosine of all-MiniLM-L6-v2 over the labeled queries and the shipped guides."""
LEAST_SEPARATION = 0.65
"""Share of the pairs of an answerable and an unanswerable query in which the first has the higher cosine; 0.5
is chance."""
SAME = 0.995
"""Cosine of two vectors of one text by one model; servers round differently from call to call."""
PROBE = "How much memory does a quantized model with 8 billion parameters need?"
NEAREST = 60
"""Passages looked at, as in a search."""
FILE = "calibration.json"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Calibration:
    """How an embedder's cosines are read."""

    format: int
    embedder: str
    slope: float
    offset: float
    separation: float
    probe: list[float]
    """The vector of `PROBE`: a model behind an API can be changed under the same name."""

    @property
    def tells(self) -> bool:
        """Whether the embedder's cosines say anything about what the guides cover."""
        return self.separation >= LEAST_SEPARATION

    def similarity(self, cosine: float) -> float | None:
        """The cosine on the scale of all-MiniLM-L6-v2; None where it tells nothing."""
        return self.slope * cosine + self.offset if self.tells else None

    def same_model(self, probe: Sequence[float]) -> bool:
        """Whether `probe`, a unit vector, is what the calibrated model gave for `PROBE`."""
        return len(probe) == len(self.probe) and (
            sum(a * b for a, b in zip(probe, self.probe, strict=True)) >= SAME
        )


class Scale:
    """The calibration of one index folder: read from it, or made with the first index."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._calibration: Calibration | None = None

    def fit(self, embedder: Embedder, index: VectorIndex) -> None:
        """Reads the calibration, or makes and stores it.

        Args:
            embedder: of the index.
            index: over the guides.

        Raises:
            EmbedderError: the embedder failed.
            IndexUnusableError: the model is not the one that the index was built with, though it has the same
                name; the index is forgotten, so that the next build starts anew.
        """
        probe = embedder.embed_queries([PROBE])[0].tolist()
        stored = read_calibration(self._folder, embedder.name)
        if stored is None:
            stored = self._measured(embedder, index, probe)
            store_calibration(self._folder, stored)
        elif not stored.same_model(probe):
            with suppress(OSError):
                forget_index(self._folder)
                (self._folder / FILE).unlink(missing_ok=True)
            raise IndexUnusableError(
                f"{embedder.name} gives other vectors than when the guide index was built."
            )
        self._calibration = stored

    def _measured(self, embedder: Embedder, index: VectorIndex, probe: Sequence[float]) -> Calibration:
        queries = load_queries()
        best: dict[bool, list[float]] = {True: [], False: []}
        for start in range(0, len(queries), TOGETHER):
            batch = queries[start : start + TOGETHER]
            for query, vector in zip(batch, embedder.embed_queries([q.text for q in batch]), strict=True):
                best[bool(query.parts)].append(index.nearest(vector, NEAREST).told)
        return calibrated(embedder.name, best[True], best[False], probe)

    @property
    def tells(self) -> bool:
        """As `Calibration.tells`; False before `fit`."""
        return self._calibration is not None and self._calibration.tells

    def similarity(self, cosine: float) -> float | None:
        """The cosine on the scale of all-MiniLM-L6-v2; None where it tells nothing."""
        return None if self._calibration is None else self._calibration.similarity(cosine)


def calibrated(
    embedder: str, answerable: Sequence[float], unanswerable: Sequence[float], probe: Sequence[float]
) -> Calibration:
    """The calibration that follows from the best cosines of labeled queries.

    Args:
        embedder: its name.
        answerable: one cosine for each query that the shipped guides answer.
        unanswerable: one for each that they do not.
        probe: the vector of `PROBE`.
    """
    pairs = [(a > b) + (a == b) / 2 for a in answerable for b in unanswerable]
    separation = sum(pairs) / len(pairs) if pairs else 0.0
    high, low = median(answerable or [0.0]), median(unanswerable or [0.0])
    slope = (ANSWERABLE - UNANSWERABLE) / (high - low) if high > low else 0.0
    return Calibration(
        format=_FORMAT,
        embedder=embedder,
        slope=slope,
        offset=ANSWERABLE - slope * high,
        separation=separation if high > low else 0.0,
        probe=[float(number) for number in probe],
    )


def read_calibration(folder: Path, embedder: str) -> Calibration | None:
    """The stored one of an index folder; None where there is none of this embedder."""
    try:
        found = Calibration(**json.loads((folder / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return found if (found.format, found.embedder) == (_FORMAT, embedder) else None


def store_calibration(folder: Path, calibration: Calibration) -> None:
    """Keeps it beside the index; where that cannot be written it is made again the next time."""
    with suppress(OSError):
        replace_text(folder / FILE, json.dumps(asdict(calibration)))
