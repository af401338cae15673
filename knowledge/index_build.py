"""Builds a generation of the vector index beside the one in use, and then switches to it.

A build that is killed leaves a folder without a pointer to it: the old index stays in use, and the next build
removes the rest. Passages whose words have not changed keep their vectors: a corrected guide costs a moment.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from knowledge.chunking import Chunk
from knowledge.embedding import Embedder, dimensions_of
from knowledge.errors import AdvisorError, ServiceError
from knowledge.files import replace_text
from knowledge.index import (
    COLLECTION,
    FORMAT,
    MANIFEST,
    POINTER,
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
from knowledge.index_fill import Known, Progress, configuration, count_vectors, fill
from knowledge.index_readers import GONE, remove_unread
from knowledge.locking import locked

if TYPE_CHECKING:
    from chromadb.api import ClientAPI

LOCK_SECONDS = 300.0
_DATABASE_PREFIX = re.compile(r"^.*\(code: \d+\) ")


class StateFolderError(ServiceError):
    """The state folder cannot be written, or is full."""

    code = "state_folder"


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
        with locked(folder, LOCK_SECONDS, "another process holds the guide index"):
            if _is_built(folder, corpus, embedder):
                return  # Another process was faster.
            _remove_others(folder, pointed(folder))
            generation = folder / f"g-{corpus[:12]}-{time.time_ns():x}"
            generation.mkdir()
            vectors, dimensions = count_vectors(chunks), dimensions_of(embedder)
            _fill(generation, chunks, vectors, corpus, embedder, progress)
            manifest = Manifest(
                format=FORMAT,
                corpus=corpus,
                embedder=embedder.name,
                dimensions=dimensions,
                passages=len(chunks),
                vectors=vectors,
                files=dict(vector_files(generation)),
            )
            replace_text(generation / MANIFEST, json.dumps(asdict(manifest), indent=1))
            replace_text(folder / POINTER, generation.name)
    except OSError as error:
        raise StateFolderError(
            f"The state folder cannot be written: {error.strerror or error}.",
            hint="Free some space, or set LLM_ADVISOR_HOME to a folder that can be written.",
        ) from error


def _fill(
    generation: Path,
    chunks: Sequence[Chunk],
    vectors: int,
    corpus: str,
    embedder: Embedder,
    progress: Progress | None,
) -> None:
    client: ClientAPI | None = None
    try:
        client = chroma_client(generation)
        collection = client.create_collection(
            COLLECTION,
            embedding_function=None,
            configuration=configuration(vectors),
            metadata={"corpus": corpus, "embedder": embedder.name},
        )
        with _index_before(generation.parent, embedder) as known:
            fill(collection, chunks, vectors, embedder, known, progress)
    except (AdvisorError, OSError):
        raise
    except Exception as error:
        # Chroma wraps a full disk and a folder without write permission in errors of its own.
        raise OSError(_DATABASE_PREFIX.sub("", str(error).partition("\n")[0]) or repr(error)) from error
    finally:
        close_client(client)


@contextmanager
def _index_before(folder: Path, embedder: Embedder) -> Iterator[Known]:
    """The vectors of the generation in use; none where it is damaged or of another embedder."""
    index = None
    with contextlib.suppress(IndexUnusableError):
        generation = current_generation(folder)
        if generation is not None:
            index = open_index(folder, read_manifest(generation).corpus, embedder)
    try:
        yield (lambda digests: {}) if index is None else index.vectors_of
    finally:
        if index is not None:
            index.close()


def _is_built(folder: Path, corpus: str, embedder: Embedder) -> bool:
    try:
        open_index(folder, corpus, embedder).close()
    except IndexUnusableError:
        return False
    return True


def _remove_others(folder: Path, kept: str) -> None:
    """Removes generations but the one in use and those that are read; the lock says that none is built."""
    for path in [*folder.glob("g-*"), *folder.glob(f"{GONE}*")]:
        if path.name != kept:
            remove_unread(path)
