"""Builds a generation of the vector index beside the one in use, and then switches to it.

A build that is killed leaves a folder without a pointer to it: the old index stays in use, and the next build
removes the rest. Passages whose words have not changed keep their vectors: a corrected guide costs a moment.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from knowledge.chunking import Chunk
from knowledge.embedding import Embedder, EmbedderError
from knowledge.errors import AdvisorError, ServiceError
from knowledge.index import (
    ASKED,
    COLLECTION,
    FORMAT,
    MANIFEST,
    POINTER,
    VIEW_SEPARATOR,
    IndexUnusableError,
    Manifest,
    chroma_client,
    close_client,
    current_generation,
    open_index,
    pointed,
    read_manifest,
    vector_files,
)

if TYPE_CHECKING:
    import numpy as np
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

Progress = Callable[[int, int], None]
"""Called with the vectors done and the vectors in all."""

BATCH = 32
EF_SEARCH = 200
"""Candidates that the HNSW graph keeps while it searches; more than anybody asks for."""
LOCK_SECONDS = 300.0
_DATABASE_PREFIX = re.compile(r"^.*\(code: \d+\) ")


class StateFolderError(ServiceError):
    """The state folder cannot be written, or is full."""

    code = "state_folder"


@dataclass(frozen=True, slots=True)
class _View:
    """One vector to be stored."""

    id: str
    text: str
    file: str
    line: int

    @property
    def digest(self) -> str:
        """Of what the embedder reads: equal digests have equal vectors."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()


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
            _remove(folder, keep={pointed(folder)})
            known = _known_vectors(folder, embedder)
            generation = folder / f"g-{corpus[:12]}-{time.time_ns():x}"
            generation.mkdir()
            views = _views(chunks)
            _fill(generation, views, corpus, embedder, known, progress)
            manifest = Manifest(
                format=FORMAT,
                corpus=corpus,
                embedder=embedder.name,
                dimensions=embedder.dimensions,
                passages=len(chunks),
                vectors=len(views),
                files=dict(vector_files(generation)),
            )
            _replace(generation / MANIFEST, json.dumps(asdict(manifest), indent=1))
            _replace(folder / POINTER, generation.name)
    except OSError as error:
        raise StateFolderError(
            f"The state folder cannot be written: {error.strerror or error}.",
            hint="Free some space, or set LLM_ADVISOR_HOME to a folder that can be written.",
        ) from error


def _views(chunks: Sequence[Chunk]) -> list[_View]:
    views = [
        _View(chunk.id + (f"{VIEW_SEPARATOR}{part}" if part else ""), text, chunk.file, chunk.first_line)
        for chunk in chunks
        for part, text in enumerate(chunk.views)
    ]
    views += [
        _View(f"{chunk.id}{VIEW_SEPARATOR}{ASKED}", chunk.asked, chunk.file, chunk.first_line)
        for chunk in chunks
        if chunk.asked
    ]
    # Alike in length, so that little of a batch is padding; the long ones first, so that the bar gets faster.
    return sorted(views, key=lambda view: -len(view.text))


def _fill(
    generation: Path,
    views: Sequence[_View],
    corpus: str,
    embedder: Embedder,
    known: Mapping[str, NDArray[np.float32]],
    progress: Progress | None,
) -> None:
    client: ClientAPI | None = None
    try:
        client = chroma_client(generation)
        collection = _new_collection(client, corpus, embedder, len(views))
        for start in range(0, len(views), BATCH):
            batch = views[start : start + BATCH]
            collection.add(
                ids=[view.id for view in batch],
                embeddings=_vectors(batch, embedder, known),
                metadatas=[{"file": view.file, "line": view.line, "digest": view.digest} for view in batch],
            )
            if progress is not None:
                progress(start + len(batch), len(views))
        if collection.count() != len(views):
            raise OSError("not every passage was stored")
    except (AdvisorError, OSError):
        raise
    except Exception as error:
        # Chroma wraps a full disk and a folder without write permission in errors of its own.
        raise OSError(_DATABASE_PREFIX.sub("", str(error).partition("\n")[0]) or repr(error)) from error
    finally:
        close_client(client)


def _new_collection(client: ClientAPI, corpus: str, embedder: Embedder, size: int) -> Collection:
    return client.create_collection(
        COLLECTION,
        embedding_function=None,
        configuration={
            "hnsw": {
                "space": "cosine",
                "ef_search": EF_SEARCH,
                # Written out with the last batch: what waits in the log is indexed anew at every opening.
                "sync_threshold": max(2, size),
            }
        },
        metadata={"corpus": corpus, "embedder": embedder.name},
    )


def _vectors(batch: Sequence[_View], embedder: Embedder, known: Mapping[str, NDArray[np.float32]]) -> Vectors:
    """A checked vector for each view, from the index before where its words have not changed."""
    import numpy as np

    new = [view.text for view in batch if view.digest not in known]
    made = iter(_checked(embedder.embed(new), len(new), embedder) if new else ())
    return np.stack([known[view.digest] if view.digest in known else next(made) for view in batch])


def _known_vectors(folder: Path, embedder: Embedder) -> dict[str, NDArray[np.float32]]:
    """The vectors of the generation in use by digest; none where it is damaged or of another embedder."""
    generation = current_generation(folder)
    if generation is None:
        return {}
    try:
        manifest = read_manifest(generation)
        index = open_index(folder, manifest.corpus, embedder)
    except IndexUnusableError:
        return {}
    try:
        return index.vectors_by_digest()
    finally:
        index.close()


def _checked(vectors: Vectors, count: int, embedder: Embedder) -> Vectors:
    """The vectors, if there is a finite unit vector of the right length for each text."""
    import numpy as np

    if vectors.shape != (count, embedder.dimensions) or not np.isfinite(vectors).all():
        raise EmbedderError("The embedder gave vectors that cannot be right.")
    if np.abs(np.linalg.norm(vectors, axis=1) - 1).max(initial=0) > 0.01:
        raise EmbedderError("The embedder gave vectors that are not of unit length.")
    return vectors


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
