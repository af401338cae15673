"""The vector index on a Chroma server that several advisors share.

A collection is named after the embedder, the guides and the format, and its metadata say all three and the
number of vectors. It is filled under a name of its own and takes its real name, marked complete, when it is
whole: a build that is killed is never used, and nobody sees half of one. Advisors that build at once each
fill a collection; the first to finish wins, and the others use its. Nothing that others may use is deleted.

The server gets vectors, file names, line numbers and digests; the text of the guides stays here.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from knowledge.chunking import Chunk
from knowledge.embedding import Embedder, dimensions_of
from knowledge.errors import AdvisorError
from knowledge.index import FORMAT, IndexUnusableError, Manifest, Nearest, VectorIndex, unit_vector
from knowledge.index_fill import Known, Progress, configuration, count_vectors, fill
from knowledge.server_link import ChromaServerError, ServerLink

if TYPE_CHECKING:
    import numpy as np
    from chromadb.api.models.Collection import Collection
    from numpy.typing import NDArray

APP = "llm-advisor"
PAUSE_SECONDS = 30.0
"""After a query that failed the next ones do not wait for the server."""
LEFT_SECONDS = 24 * 3600
"""What a killed build left is removed after that by the next build."""
LISTED = 1_000


class ServerVectors(VectorIndex):
    """A collection on a server."""

    def __init__(self, collection: Collection, manifest: Manifest, link: ServerLink) -> None:
        super().__init__(collection, manifest, link.close)
        self._link = link
        self._failed: tuple[float, AdvisorError] | None = None

    def nearest(self, vector: NDArray[np.float32], count: int) -> Nearest:
        """As in a folder.

        Raises:
            ChromaServerError: the server cannot be used now.
        """
        if self._failed is not None and time.monotonic() < self._failed[0]:
            raise self._failed[1]
        try:
            found = super().nearest(vector, count)
        except AdvisorError as error:
            self._failed = time.monotonic() + PAUSE_SECONDS, error
            raise
        self._failed = None
        return found

    def explained(self, error: Exception) -> AdvisorError:
        return self._link.explained(error)


@dataclass(frozen=True, slots=True)
class ServerIndex:
    """Where the index is: on a Chroma server (see `index_place`)."""

    address: str
    """Of the server, as it is set; may hold a user and a password."""
    token: str | None = None
    offline: bool = False
    """Forbids any connection, also to this machine."""

    @property
    def label(self) -> str:
        """The server as a person may see it."""
        return ServerLink.label_of(self.address)

    def check(self) -> None:
        """Says before anything is loaded that the server may not be used.

        Raises:
            ChromaServerError: because of `--offline`.
        """
        if self.offline:
            raise ChromaServerError(
                f"The index is on the Chroma server at {self.label}, and --offline opens no connection.",
                hint="Leave --offline away, or remove the setting `chroma`.",
            )

    def open(self, corpus: str, embedder: Embedder) -> VectorIndex:
        """Opens and verifies the collection of these guides and this embedder.

        Raises:
            IndexUnusableError: there is none, or it does not hold what it should.
            ChromaServerError: the server cannot be used.
        """
        link = self._linked()
        try:
            return _opened(link, corpus, embedder)
        except BaseException:
            link.close()
            raise

    def build(
        self, chunks: Sequence[Chunk], corpus: str, embedder: Embedder, progress: Progress | None = None
    ) -> None:
        """Fills a collection and gives it its name; one that another advisor finished meanwhile stays.

        Raises:
            ChromaServerError: the server cannot be used, or does not let this advisor build.
            EmbedderError: the embedder failed.
        """
        with contextlib.closing(self._linked()) as link, link.errors(building=True):
            _remove_left(link)
            _build(link, chunks, corpus, embedder, progress)

    def _linked(self) -> ServerLink:
        self.check()
        return ServerLink(self.address, self.token)


def collection_name(corpus: str, embedder: str) -> str:
    """The name of a collection, by Chroma's rules: up to 63 letters, digits and dashes."""
    readable = re.sub(r"[^a-z0-9]+", "-", embedder.lower()).strip("-")[:14].strip("-") or "embedder"
    other = hashlib.sha256(f"{embedder} {FORMAT}".encode()).hexdigest()[:12]
    return f"{APP}-{readable}-{other}-{corpus[:16]}"


def _metadata(corpus: str, embedder: str, dimensions: int, passages: int, vectors: int) -> dict[str, Any]:
    return {
        "app": APP,
        "format": FORMAT,
        "corpus": corpus,
        "embedder": embedder,
        "dimensions": dimensions,
        "passages": passages,
        "vectors": vectors,
    }


def _opened(link: ServerLink, corpus: str, embedder: Embedder) -> VectorIndex:
    with link.errors():
        collection = link.collection(collection_name(corpus, embedder.name))
        if collection is None:
            raise IndexUnusableError(
                f"The Chroma server at {link.label} holds no index of these guides.", code="index_missing"
            )
        manifest = _manifest(collection)
        if manifest is None or not _is_of(manifest, corpus, embedder):
            raise IndexUnusableError(f"The index on the Chroma server at {link.label} is of something else.")
        index = ServerVectors(collection, manifest, link)
        if (
            collection.count() != manifest.vectors
            or not index.nearest(unit_vector(manifest.dimensions), 1).hits
        ):
            raise IndexUnusableError(f"The index on the Chroma server at {link.label} is not whole.")
        return index


def _manifest(collection: Collection) -> Manifest | None:
    """What a collection says of itself; None where it is not complete, or not ours."""
    held = collection.metadata or {}
    try:
        if not held["complete"] or held["app"] != APP:
            return None
        return Manifest(
            format=int(held["format"]),
            corpus=str(held["corpus"]),
            embedder=str(held["embedder"]),
            dimensions=int(held["dimensions"]),
            passages=int(held["passages"]),
            vectors=int(held["vectors"]),
            files={},
        )
    except (KeyError, TypeError, ValueError):
        return None


def _is_of(manifest: Manifest, corpus: str, embedder: Embedder) -> bool:
    return (manifest.format, manifest.corpus, manifest.embedder) == (FORMAT, corpus, embedder.name)


def _build(
    link: ServerLink, chunks: Sequence[Chunk], corpus: str, embedder: Embedder, progress: Progress | None
) -> None:
    vectors = count_vectors(chunks)
    metadata = _metadata(corpus, embedder.name, dimensions_of(embedder), len(chunks), vectors)
    beside = f"{APP}-new-{secrets.token_hex(8)}"
    collection = link.create(beside, configuration(vectors), {**metadata, "started": int(time.time())})
    try:
        fill(collection, chunks, vectors, embedder, _known(link, embedder), progress)
        _name(link, collection, corpus, embedder, {**metadata, "complete": True, "built": int(time.time())})
    except BaseException:
        # What cannot be removed now, a later build removes.
        with contextlib.suppress(Exception):
            link.delete(beside)
        raise


def _name(
    link: ServerLink, collection: Collection, corpus: str, embedder: Embedder, metadata: dict[str, Any]
) -> None:
    """Gives a full collection its name; where a sound one has it already, ours is removed."""
    name = collection_name(corpus, embedder.name)
    held = link.collection(name)
    if held is not None:
        manifest = _manifest(held)
        if manifest and _is_of(manifest, corpus, embedder) and held.count() == manifest.vectors:
            link.delete(collection.name)
            return
        # Whoever has it open goes on using it: it keeps its identity.
        held.modify(name=f"{APP}-old-{secrets.token_hex(8)}")
    try:
        collection.modify(name=name, metadata=metadata)
    except AdvisorError:
        raise
    except Exception:
        if link.collection(name) is None:
            raise
        link.delete(collection.name)  # Another advisor was faster by a moment.


def _known(link: ServerLink, embedder: Embedder) -> Known:
    """The vectors of the newest other index of this embedder; none where there is none."""
    found = [
        collection
        for collection in link.collections(LISTED)
        if (manifest := _manifest(collection)) is not None
        and manifest.embedder == embedder.name
        and embedder.dimensions in (None, manifest.dimensions)
    ]
    if not found:
        return lambda digests: {}
    newest = max(found, key=lambda collection: int((collection.metadata or {}).get("built", 0)))
    manifest = _manifest(newest)
    assert manifest is not None
    return VectorIndex(newest, manifest, lambda: None).vectors_of


def _remove_left(link: ServerLink) -> None:
    """Removes what builds left that were killed a day ago."""
    for collection in link.collections(LISTED):
        held = collection.metadata or {}
        started = held.get("started")
        if (
            held.get("app") == APP
            and collection.name.startswith(f"{APP}-new-")
            and isinstance(started, int)
            and time.time() - started > LEFT_SECONDS
        ):
            with contextlib.suppress(Exception):
                link.delete(collection.name)
