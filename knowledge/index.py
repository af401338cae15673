"""The vector index: a Chroma collection in the state folder, verified whenever it is opened.

    index/
      current        name of the generation in use, replaced atomically
      lock           held by whoever builds
      g-<hash>-<n>/  one generation: Chroma's files, and manifest.json, written last
      readers/       a locked file for everyone who reads a generation

Every generation carries the corpus hash and the embedder's name; an index of other guides,
of another embedder, or with a damaged file is never used.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knowledge.embedding import Embedder
from knowledge.errors import AdvisorError
from knowledge.index_readers import hold

if TYPE_CHECKING:
    import numpy as np
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

FORMAT = 3
COLLECTION = "guides"
POINTER = "current"
MANIFEST = "manifest.json"
VIEW_SEPARATOR = "#"
ASKED = "asked"
"""View of a passage that holds the questions that it answers."""


class IndexUnusableError(AdvisorError):
    """There is no index, or it is damaged, or of other guides or another embedder: build it (again)."""

    code = "index"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a generation holds, to be verified at opening."""

    format: int
    corpus: str
    embedder: str
    dimensions: int
    passages: int
    vectors: int
    files: dict[str, str]
    """SHA-256 of the files that Chroma does not write to when it reads."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """What lies near a query."""

    hits: tuple[tuple[str, float], ...]
    """Ids of passages, each with the cosine similarity of its nearest view, best first."""
    told: float
    """The best similarity of a passage's own words, those of questions left out."""


class VectorIndex:
    """An opened generation. Safe to use from several threads."""

    def __init__(self, collection: Collection, manifest: Manifest, close: Callable[[], None]) -> None:
        """`close` lets go of what the collection stands on."""
        self._collection = collection
        self._close = close
        self._lock = threading.Lock()
        self.manifest = manifest

    def nearest(self, vector: NDArray[np.float32], count: int) -> Nearest:
        """The nearest `count` passages."""
        # A passage has several vectors: ask for more, keep each passage's best.
        wanted = min(count * 2, self.manifest.vectors)
        with self._lock:
            try:
                found = self._collection.query(
                    query_embeddings=[vector.tolist()], n_results=wanted, include=["distances"]
                )
                distances = (found["distances"] or [[]])[0]
            except Exception as error:
                raise self.explained(error) from error
        best: dict[str, float] = {}
        told = 0.0
        for view, distance in zip(found["ids"][0], distances, strict=True):
            name, _, part = view.partition(VIEW_SEPARATOR)
            best.setdefault(name, 1.0 - float(distance))
            if part != ASKED:
                told = max(told, 1.0 - float(distance))
        return Nearest(tuple(best.items())[:count], told)

    def explained(self, error: Exception) -> AdvisorError:
        """What to say of an error of Chroma."""
        return IndexUnusableError("The guide index cannot be read.")

    def vectors_of(self, digests: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Vectors by the digest of the words that they were made of; what cannot be read is left out."""
        import numpy as np

        wanted: Any = {"digest": {"$in": list(digests)}}  # Chroma types it more narrowly than it reads it
        try:
            with self._lock:
                held = self._collection.get(where=wanted, include=["embeddings", "metadatas"])
            rows = np.asarray(held["embeddings"], dtype=np.float32)
            return {
                str(fields["digest"]): row for fields, row in zip(held["metadatas"] or (), rows, strict=True)
            }
        except Exception:
            return {}

    def close(self) -> None:
        """Lets go of the files."""
        self._close()


def open_index(folder: Path, corpus: str, embedder: Embedder) -> VectorIndex:
    """Opens and verifies the current generation.

    Raises:
        IndexUnusableError: there is none, or it does not pass; the message says which.
    """
    while True:
        name = pointed(folder)
        generation = folder / name
        if not name or not generation.is_dir():
            raise IndexUnusableError("The guide index is not built yet.", code="index_missing")
        release = hold(generation)
        try:
            return _opened(generation, corpus, embedder, release)
        except IndexUnusableError:
            release()
            # Another advisor may have put a new generation in its place meanwhile.
            if pointed(folder) == name:
                raise


def _opened(generation: Path, corpus: str, embedder: Embedder, release: Callable[[], None]) -> VectorIndex:
    manifest = read_manifest(generation)
    _check(manifest, corpus, embedder)
    _check_files(generation, manifest)
    client: ClientAPI | None = None

    def close() -> None:
        close_client(client)
        release()

    try:
        client = chroma_client(generation)
        collection = client.get_collection(COLLECTION, embedding_function=None)
        metadata = collection.metadata or {}
        sound = (
            metadata.get("corpus") == manifest.corpus
            and metadata.get("embedder") == manifest.embedder
            and collection.count() == manifest.vectors
        )
        index = VectorIndex(collection, manifest, close)
        # A first query reads the graph, so that nothing is read of the files later.
        sound = sound and bool(index.nearest(unit_vector(manifest.dimensions), 1).hits)
    except Exception as error:
        close_client(client)
        raise IndexUnusableError("The guide index is damaged.") from error
    if not sound:
        close_client(client)
        raise IndexUnusableError("The guide index does not hold what it says.")
    return index


def unit_vector(dimensions: int) -> NDArray[np.float32]:
    """Any vector of unit length, for a query whose answer does not matter."""
    import numpy as np

    return np.full(dimensions, dimensions**-0.5, dtype=np.float32)


def _check(manifest: Manifest, corpus: str, embedder: Embedder) -> None:
    if manifest.format != FORMAT:
        raise IndexUnusableError("The guide index is of another version.", code="index_old")
    if manifest.corpus != corpus:
        raise IndexUnusableError("The guides have changed since the index was built.", code="index_old")
    if manifest.embedder != embedder.name or embedder.dimensions not in (None, manifest.dimensions):
        raise IndexUnusableError("The guide index was built with another embedder.", code="index_old")


def _check_files(generation: Path, manifest: Manifest) -> None:
    if dict(vector_files(generation)) != manifest.files:
        raise IndexUnusableError("The guide index is damaged.")
    database = generation / "chroma.sqlite3"
    try:
        # Chroma itself can crash on a damaged database, so it is read by SQLite first.
        connection = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)
        try:
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise IndexUnusableError("The guide index is damaged.") from error
    if verdict != ("ok",):
        raise IndexUnusableError("The guide index is damaged.")


def vector_files(generation: Path) -> Iterator[tuple[str, str]]:
    """Chroma's vector files with their hashes; to its database it also writes when it reads."""
    try:
        for path in sorted(generation.glob("*/*")):
            yield path.relative_to(generation).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise IndexUnusableError("The guide index cannot be read.") from error


def chroma_client(generation: Path) -> ClientAPI:
    """Chroma on the files of a generation."""
    import chromadb
    from chromadb.config import Settings

    return chromadb.PersistentClient(str(generation), settings=Settings(anonymized_telemetry=False))


def close_client(client: ClientAPI | None) -> None:
    """Lets go of the files of a Chroma client."""
    # The local client has it, the interface that it is typed as does not.
    close = getattr(client, "close", None)
    if close is not None:
        close()


def pointed(folder: Path) -> str:
    """The name of the generation in use; empty where there is none."""
    try:
        name = (folder / POINTER).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return name if name.startswith("g-") and Path(name).name == name else ""


def current_generation(folder: Path) -> Path | None:
    """The folder of the generation in use."""
    name = pointed(folder)
    return folder / name if name and (folder / name).is_dir() else None


def forget_index(folder: Path) -> None:
    """Makes the next build start anew: the generation in use is not used any more."""
    (folder / POINTER).unlink(missing_ok=True)


def read_manifest(generation: Path) -> Manifest:
    """What a generation says about itself.

    Raises:
        IndexUnusableError: it says nothing that can be read.
    """
    try:
        return Manifest(**json.loads((generation / MANIFEST).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise IndexUnusableError("The guide index is damaged.") from error
