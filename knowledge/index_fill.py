"""Filling a Chroma collection with the vectors of passages: the same for a folder and for a server."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from knowledge.chunking import Chunk
from knowledge.embedding import Embedder, EmbedderError, dimensions_of
from knowledge.index import ASKED, VIEW_SEPARATOR
from knowledge.shipped_vectors import shipped_vectors

if TYPE_CHECKING:
    import numpy as np
    from chromadb.api.collection_configuration import CreateCollectionConfiguration
    from chromadb.api.models.Collection import Collection
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

Progress = Callable[[int, int], None]
"""Called with the passages done and the passages in all."""
Known = Callable[[Sequence[str]], Mapping[str, "NDArray[np.float32]"]]
"""Gives the vectors that are there already, by the digests of their words."""

TOGETHER = 32
"""Passages that are embedded at a time; more would be padded to the longest of them."""
STORED = 32
"""Vectors that are handed to Chroma at a time. It holds every thread of the process meanwhile, the screen's
too: 512 of them held up typing for 0.15 s while a first conversation was opened.
"""
GRAPH = {"max_neighbors": 32, "ef_construction": 200, "ef_search": 1_000}
"""Of HNSW: neighbors of a vector, and candidates that are kept while it is put in or looked for. A search
of the shipped guides looks at all of them; among a hundred thousand it finds 96 of 100 of the ten nearest."""


@dataclass(frozen=True, slots=True)
class View:
    """One vector to be stored."""

    id: str
    text: str
    file: str
    line: int

    @property
    def digest(self) -> str:
        """Of what the embedder reads: equal digests have equal vectors."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()


def count_vectors(chunks: Sequence[Chunk]) -> int:
    """How many vectors the passages have."""
    return sum(1 for chunk in chunks for _ in views_of(chunk))


def configuration(vectors: int) -> CreateCollectionConfiguration:
    """Chroma's settings of a collection for so many vectors."""
    return {
        "hnsw": {
            "space": "cosine",
            "ef_search": GRAPH["ef_search"],
            "ef_construction": GRAPH["ef_construction"],
            "max_neighbors": GRAPH["max_neighbors"],
            # Written out with the last batch: what waits in the log is indexed anew at every opening.
            "sync_threshold": max(2, vectors),
        }
    }


def fill(
    collection: Collection,
    chunks: Sequence[Chunk],
    vectors: int,
    embedder: Embedder,
    known: Known,
    progress: Progress | None,
) -> None:
    """Adds the vectors of all passages to an empty collection.

    Raises:
        EmbedderError: the embedder failed, or gave what is no vector.
        OSError: not every vector was stored.
        Exception: what Chroma raises.
    """
    import numpy as np

    waiting: list[View] = []
    rows: list[Vectors] = []
    done = 0
    maker = _Maker(embedder, known)
    for size, batch in _batches(chunks):
        waiting += batch
        rows.append(maker.vectors(batch))
        done += size
        if len(waiting) >= STORED or done == len(chunks):
            collection.add(
                ids=[view.id for view in waiting],
                embeddings=np.concatenate(rows),
                metadatas=[{"file": view.file, "line": view.line, "digest": view.digest} for view in waiting],
            )
            waiting, rows = [], []
        if progress is not None:
            progress(done, len(chunks))
    if collection.count() != vectors:
        raise OSError("not every passage was stored")


def _batches(chunks: Sequence[Chunk]) -> Iterator[tuple[int, list[View]]]:
    """How many passages come next, with their views."""
    # Alike in length, so that little of a batch is padding; the long ones first, so that the bar gets faster.
    sizes = [len(chunk.text) for chunk in chunks]
    order = sorted(range(len(sizes)), key=lambda number: -sizes[number])
    for start in range(0, len(order), TOGETHER):
        numbers = order[start : start + TOGETHER]
        yield (
            len(numbers),
            [view for number in numbers for view in views_of(chunks[number])],
        )


def views_of(chunk: Chunk) -> Iterator[View]:
    """What is embedded of a passage."""
    for part, text in enumerate(chunk.views):
        name = chunk.id + (f"{VIEW_SEPARATOR}{part}" if part else "")
        yield View(name, text, chunk.file, chunk.first_line)
    if chunk.asked:
        yield View(f"{chunk.id}{VIEW_SEPARATOR}{ASKED}", chunk.asked, chunk.file, chunk.first_line)


class _Maker:
    """Makes the vectors of views, each text once."""

    def __init__(self, embedder: Embedder, known: Known) -> None:
        self._embedder = embedder
        self._known = known
        self._shared: dict[str, NDArray[np.float32]] = {}
        """Of further views: the passages of a section share the questions that it answers."""

    def vectors(self, batch: Sequence[View]) -> Vectors:
        """A checked vector for each view, from an index before where its words have not changed."""
        import numpy as np

        digests = [view.digest for view in batch]
        kept = shipped_vectors(self._embedder.name, digests)
        held = {**kept, **self._known(digests), **self._shared}
        new = {view.digest: view.text for view in batch if view.digest not in held}
        texts = list(new.values())
        if texts:
            held.update(
                zip(new, _checked(self._embedder.embed(texts), len(texts), self._embedder), strict=True)
            )
        self._shared.update((view.digest, held[view.digest]) for view in batch if VIEW_SEPARATOR in view.id)
        return np.stack([held[view.digest] for view in batch])


def _checked(vectors: Vectors, count: int, embedder: Embedder) -> Vectors:
    """The vectors, if there is a finite unit vector of the right length for each text."""
    import numpy as np

    if vectors.shape != (count, dimensions_of(embedder)) or not np.isfinite(vectors).all():
        raise EmbedderError("The embedder gave vectors that cannot be right.")
    if np.abs(np.linalg.norm(vectors, axis=1) - 1).max(initial=0) > 0.01:
        raise EmbedderError("The embedder gave vectors that are not of unit length.")
    return vectors
