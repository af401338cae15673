"""The vector index: a Chroma collection in the state folder, built beside the old one and then switched to.

    index/
      current        name of the generation in use, replaced atomically
      lock           held by whoever builds
      g-<hash>-<n>/  one generation: Chroma's files, and manifest.json, written last

A build that is killed leaves a folder without a pointer to it: the old index stays in use, and the next build
removes the rest. Every generation carries the corpus hash and the embedder's name; an index of other guides,
of another embedder, or with a damaged file is never used.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from knowledge.chunking import Chunk
from knowledge.embedding import Embedder
from knowledge.errors import AdvisorError, ServiceError

if TYPE_CHECKING:
    import numpy as np
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

Progress = Callable[[int, int], None]
"""Called with the passages done and the passages in all."""

FORMAT = 1
COLLECTION = "guides"
BATCH = 32
EF_SEARCH = 200
"""Candidates that the HNSW graph keeps while it searches; more than anybody asks for."""
LOCK_SECONDS = 300.0
_POINTER = "current"
_MANIFEST = "manifest.json"
_SEPARATOR = "#"


class IndexUnusableError(AdvisorError):
    """There is no index, or it is damaged, or of other guides or another embedder: build it (again)."""

    code = "index"


class StateFolderError(ServiceError):
    """The state folder cannot be written, or is full."""

    code = "state_folder"


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


class VectorIndex:
    """An opened generation. Safe to use from several threads."""

    def __init__(self, collection: Collection, client: ClientAPI, manifest: Manifest) -> None:
        self._collection = collection
        self._client = client
        self._lock = threading.Lock()
        self.manifest = manifest

    def nearest(self, vector: NDArray[np.float32], count: int) -> list[tuple[str, float]]:
        """Ids of the nearest passages, each with its cosine similarity, best first."""
        # A long passage has several vectors: ask for more, keep each passage's best.
        wanted = min(count * 2, self.manifest.vectors)
        with self._lock:
            try:
                found = self._collection.query(
                    query_embeddings=[vector.tolist()], n_results=wanted, include=["distances"]
                )
                distances = (found["distances"] or [[]])[0]
            except Exception as error:
                raise IndexUnusableError("The guide index cannot be read.") from error
        best: dict[str, float] = {}
        for name, distance in zip(found["ids"][0], distances, strict=True):
            best.setdefault(name.partition(_SEPARATOR)[0], 1.0 - float(distance))
        return list(best.items())[:count]

    def close(self) -> None:
        """Lets go of the files."""
        _close(self._client)


def open_index(folder: Path, corpus: str, embedder: Embedder) -> VectorIndex:
    """Opens and verifies the current generation.

    Raises:
        IndexUnusableError: there is none, or it does not pass; the message says which.
    """
    generation = _current(folder)
    if generation is None:
        raise IndexUnusableError("The guide index is not built yet.", code="index_missing")
    manifest = _read_manifest(generation)
    _check(manifest, corpus, embedder)
    _check_files(generation, manifest)
    try:
        client = _client(generation)
        collection = client.get_collection(COLLECTION, embedding_function=None)
        metadata = collection.metadata or {}
        same = (
            metadata.get("corpus") == manifest.corpus
            and metadata.get("embedder") == manifest.embedder
            and collection.count() == manifest.vectors
        )
        sample = collection.get(limit=1, include=["embeddings"])["embeddings"]
        sizes = [] if sample is None else [len(vector) for vector in sample]
    except Exception as error:
        raise IndexUnusableError("The guide index is damaged.") from error
    if not same or sizes != [manifest.dimensions]:
        raise IndexUnusableError("The guide index does not hold what it says.")
    return VectorIndex(collection, client, manifest)


def build_index(
    folder: Path,
    chunks: Sequence[Chunk],
    corpus: str,
    embedder: Embedder,
    progress: Progress | None = None,
) -> None:
    """Builds a new generation and switches to it; the old one stays in use until then.

    Raises:
        StateFolderError: the folder cannot be written, or another process has been building for five minutes.
        EmbedderError: the embedder failed.
    """
    try:
        with _locked(folder):
            if _is_built(folder, corpus, embedder):
                return  # Another process was faster.
            _remove(folder, keep={_pointed(folder)})
            generation = folder / f"g-{corpus[:12]}-{time.time_ns():x}"
            generation.mkdir()
            _fill(generation, chunks, corpus, embedder, progress)
            _replace(folder / _POINTER, generation.name)
    except OSError as error:
        raise StateFolderError(
            f"The state folder cannot be written: {error.strerror or error}.",
            hint="Free some space, or set LLM_ADVISOR_HOME to a folder that can be written.",
        ) from error


def _fill(
    generation: Path, chunks: Sequence[Chunk], corpus: str, embedder: Embedder, progress: Progress | None
) -> None:
    views = [
        (chunk.id + (f"{_SEPARATOR}{part}" if part else ""), chunk, text)
        for chunk in chunks
        for part, text in enumerate(chunk.views)
    ]
    # Alike in length, so that little of a batch is padding; the long ones first, so that the bar gets faster.
    views.sort(key=lambda view: -len(view[2]))
    client = _client(generation)
    try:
        collection = client.create_collection(
            COLLECTION,
            embedding_function=None,
            configuration={
                "hnsw": {
                    "space": "cosine",
                    "ef_search": EF_SEARCH,
                    # Written out with the last batch: what waits in the log is indexed anew at every opening.
                    "sync_threshold": max(2, len(views)),
                }
            },
            metadata={"corpus": corpus, "embedder": embedder.name},
        )
        for start in range(0, len(views), BATCH):
            batch = views[start : start + BATCH]
            vectors = embedder.embed([text for _, _, text in batch])
            _check_vectors(vectors, len(batch), embedder)
            collection.add(
                ids=[name for name, _, _ in batch],
                embeddings=vectors,
                metadatas=[{"file": chunk.file, "line": chunk.first_line} for _, chunk, _ in batch],
            )
            if progress is not None:
                progress(min(start + BATCH, len(views)), len(views))
        if collection.count() != len(views):
            raise OSError("not every passage was stored")
    except (AdvisorError, OSError):
        raise
    except Exception as error:
        # Chroma wraps a full disk and a folder without write permission in errors of its own.
        raise OSError(str(error).splitlines()[0] if str(error) else repr(error)) from error
    finally:
        _close(client)
    manifest = Manifest(
        format=FORMAT,
        corpus=corpus,
        embedder=embedder.name,
        dimensions=embedder.dimensions,
        passages=len(chunks),
        vectors=len(views),
        files=dict(_steady_files(generation)),
    )
    _replace(generation / _MANIFEST, json.dumps(asdict(manifest), indent=1))


def _check_vectors(vectors: Vectors, count: int, embedder: Embedder) -> None:
    """Every passage has one finite unit vector of the right length."""
    import numpy as np

    from knowledge.embedding import EmbedderError

    if vectors.shape != (count, embedder.dimensions) or not np.isfinite(vectors).all():
        raise EmbedderError("The embedder gave vectors that cannot be right.")
    if np.abs(np.linalg.norm(vectors, axis=1) - 1).max(initial=0) > 0.01:
        raise EmbedderError("The embedder gave vectors that are not of unit length.")


def _check(manifest: Manifest, corpus: str, embedder: Embedder) -> None:
    if manifest.format != FORMAT:
        raise IndexUnusableError("The guide index is of another version.", code="index_old")
    if manifest.corpus != corpus:
        raise IndexUnusableError("The guides have changed since the index was built.", code="index_old")
    if manifest.embedder != embedder.name or manifest.dimensions != embedder.dimensions:
        raise IndexUnusableError("The guide index was built with another embedder.", code="index_old")


def _check_files(generation: Path, manifest: Manifest) -> None:
    if dict(_steady_files(generation)) != manifest.files:
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


def _steady_files(generation: Path) -> Iterator[tuple[str, str]]:
    """Chroma's vector files with their hashes; to its database it also writes when it reads."""
    try:
        for path in sorted(generation.glob("*/*")):
            yield path.relative_to(generation).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise IndexUnusableError("The guide index cannot be read.") from error


def _client(generation: Path) -> ClientAPI:
    import chromadb
    from chromadb.config import Settings

    return chromadb.PersistentClient(str(generation), settings=Settings(anonymized_telemetry=False))


def _close(client: ClientAPI) -> None:
    # The local client has it, the interface that it is typed as does not.
    close = getattr(client, "close", None)
    if close is not None:
        close()


def _pointed(folder: Path) -> str:
    try:
        name = (folder / _POINTER).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return name if name.startswith("g-") and Path(name).name == name else ""


def _current(folder: Path) -> Path | None:
    name = _pointed(folder)
    return folder / name if name and (folder / name).is_dir() else None


def _read_manifest(generation: Path) -> Manifest:
    try:
        return Manifest(**json.loads((generation / _MANIFEST).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise IndexUnusableError("The guide index is damaged.") from error


def _is_built(folder: Path, corpus: str, embedder: Embedder) -> bool:
    try:
        open_index(folder, corpus, embedder).close()
    except IndexUnusableError:
        return False
    return True


def _replace(path: Path, text: str) -> None:
    """Writes a small file so that it is either the old or the new one, whatever happens."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    with beside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


def _remove(folder: Path, keep: set[str]) -> None:
    """Removes generations that nobody points at; the lock says that none of them is being built."""
    for path in folder.glob("g-*"):
        if path.name not in keep:
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "lock", timeout=LOCK_SECONDS)
    try:
        lock.acquire()
    except Timeout:
        raise OSError("another process holds the guide index") from None
    try:
        yield
    finally:
        lock.release()
