"""The reranker's own process (see `model_worker`): a cross-encoder on the processor.

    -> {"id": 1, "query": "...", "passages": ["..."], "seconds": 0.3}
    <- {"ready": true}
    <- {"id": 1, "scores": [3.2, -1.5]}

usage: python -P -m knowledge.reranking_worker FOLDER
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from knowledge.model_worker import Answer, Document, WorkerError, serve

MOST_PAIRS = 4
"""Read at once; more would make the time that is left hard to keep."""
MAX_TOKENS = 512
"""Of query and passage together: passages are shorter, a query may not be."""
USUAL = "the memory of a model " * 30
"""A text as long as a usual passage, to see how long a pair takes."""

RECOVERY = 0.8
"""The estimate shrinks by this where it forbade to read at all."""

Predict = Callable[[Sequence[tuple[str, str]]], Sequence[float]]


class Timed:
    """A cross-encoder that keeps to a time limit by what its pairs took so far.

    The time of a batch goes with its longest pair, to which the others are padded.
    """

    def __init__(self, predict: Predict, rate: float) -> None:
        """`rate` is a first estimate: seconds for a character of a pair."""
        self._predict = predict
        self._rate = rate

    def scores(self, query: str, passages: Sequence[str], seconds: float) -> list[float]:
        """Scores of the first passages, as many as the time allows; none where it is not enough for two."""
        until = time.monotonic() + seconds
        found: list[float] = []
        while len(found) < len(passages):
            started = time.monotonic()
            batch = self._batch(query, passages[len(found) :], until - started)
            if not batch or (not found and len(batch) < min(2, len(passages))):
                break
            found += [float(score) for score in self._predict([(query, passage) for passage in batch])]
            self._rate = max((time.monotonic() - started) / _characters(query, batch), 1e-9)
        if not found:
            # One slow moment must not keep it from trying again.
            self._rate *= RECOVERY
        return found

    def _batch(self, query: str, passages: Sequence[str], seconds: float) -> Sequence[str]:
        size = min(MOST_PAIRS, len(passages))
        while size and _characters(query, passages[:size]) * self._rate > seconds:
            size -= 1
        return passages[:size]


def _characters(query: str, passages: Sequence[str]) -> int:
    return len(passages) * (len(query) + max(map(len, passages)) + 1)


def load(folder: str) -> tuple[Document, Answer]:
    """The cross-encoder of a folder."""
    from sentence_transformers import CrossEncoder

    model = CrossEncoder(
        folder,
        device="cpu",
        local_files_only=True,
        trust_remote_code=False,
        model_kwargs={"use_safetensors": True},
    )
    if getattr(model, "num_labels", 1) != 1:
        raise WorkerError("it gives several labels, not one score")
    limit = model.max_length
    model.max_length = min(limit, MAX_TOKENS) if limit else MAX_TOKENS

    def predict(pairs: Sequence[tuple[str, str]]) -> Sequence[float]:
        found: Sequence[float] = model.predict(list(pairs), batch_size=MOST_PAIRS, show_progress_bar=False)
        return found

    predict([("ready", "ready")])
    started = time.monotonic()
    predict([("ready", USUAL)] * 2)
    timed = Timed(predict, (time.monotonic() - started) / _characters("ready", [USUAL] * 2))

    def answer(request: Mapping[str, Any]) -> Document:
        found = timed.scores(request["query"], request["passages"], float(request["seconds"]))
        if any(score != score for score in found):
            raise WorkerError("it gave scores that are no numbers")
        return {"scores": found}

    return {}, answer


if __name__ == "__main__":
    serve(lambda: load(sys.argv[1]))
