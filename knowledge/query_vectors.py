"""The vectors of queries: those asked before are kept, those asked next are made many at a time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from knowledge.embedding import Embedder

if TYPE_CHECKING:
    from concurrent.futures import Future

    import numpy as np
    from numpy.typing import NDArray

TOGETHER = 32
"""Queries that are embedded together where several are known before they are asked."""
KEPT = 256


class QueryVectors:
    """Safe to use from several threads."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._ahead: dict[str, tuple[Future[NDArray[np.float32]], int]] = {}

    def vector(self, words: str) -> NDArray[np.float32]:
        """The vector of a query.

        Raises:
            EmbedderError: as the embedder.
        """
        with self._lock:
            known = self._kept.get(words)
            ahead = self._ahead.pop(words, None)
        if known is not None:
            return known
        if ahead is None:
            found: NDArray[np.float32] = self._embedder.embed_queries([words])[0]
        else:
            made, row = ahead
            found = made.result()[row]
        with self._lock:
            self._kept[words] = found
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found

    def expect(self, queries: Iterable[str]) -> None:
        """Makes the vectors of queries that will be asked next, in the background."""
        from concurrent.futures import Future

        words = list(dict.fromkeys(queries))
        batches: list[tuple[list[str], Future[NDArray[np.float32]]]] = [
            (words[start : start + TOGETHER], Future()) for start in range(0, len(words), TOGETHER)
        ]
        with self._lock:
            self._ahead = {text: (made, row) for batch, made in batches for row, text in enumerate(batch)}
        threading.Thread(target=self._read_ahead, args=(batches,), name="queries", daemon=True).start()

    def _read_ahead(self, batches: Iterable[tuple[list[str], Future[NDArray[np.float32]]]]) -> None:
        for texts, made in batches:
            try:
                made.set_result(self._embedder.embed_queries(texts))
            except Exception as error:
                made.set_exception(error)
