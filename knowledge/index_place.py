"""Where the vector index is kept: in the state folder, or on a Chroma server."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from knowledge.chunking import Chunk
from knowledge.embedding import Embedder
from knowledge.index import VectorIndex, open_index
from knowledge.index_build import build_index
from knowledge.index_fill import Progress
from knowledge.index_server import ServerIndex
from knowledge.server_link import TOKEN_VARIABLE

if TYPE_CHECKING:
    from knowledge.settings import Settings


class IndexPlace(Protocol):
    """A place that indexes are built and opened in."""

    @property
    def label(self) -> str:
        """The place as a person may see it, without secrets."""
        ...

    def check(self) -> None:
        """Says before anything is loaded that the place may not be used.

        Raises:
            AdvisorError: why.
        """
        ...

    def open(self, corpus: str, embedder: Embedder) -> VectorIndex:
        """Opens and verifies the index of these guides and this embedder.

        Raises:
            IndexUnusableError: there is none that can be used: build it.
            AdvisorError: the place cannot be used.
        """
        ...

    def build(
        self, chunks: Sequence[Chunk], corpus: str, embedder: Embedder, progress: Progress | None = None
    ) -> None:
        """Builds the index; one that is in use stays so until the new one is whole.

        Raises:
            AdvisorError: the place cannot be used, or the embedder failed.
        """
        ...


@dataclass(frozen=True, slots=True)
class FolderIndex:
    """Files in the state folder."""

    folder: Path

    @property
    def label(self) -> str:
        return str(self.folder)

    def check(self) -> None:
        """A folder may always be used."""

    def open(self, corpus: str, embedder: Embedder) -> VectorIndex:
        """See `open_index`."""
        return open_index(self.folder, corpus, embedder)

    def build(
        self, chunks: Sequence[Chunk], corpus: str, embedder: Embedder, progress: Progress | None = None
    ) -> None:
        """See `build_index`."""
        build_index(self.folder, chunks, corpus, embedder, progress)


def index_place(settings: Settings, folder: Path, *, offline: bool = False) -> IndexPlace:
    """The place that is set.

    Args:
        settings: of this call.
        folder: the index folder, where no server is set.
        offline: forbids a server, also one on this machine.
    """
    if settings.chroma is None:
        return FolderIndex(folder)
    return ServerIndex(str(settings.chroma), os.environ.get(TOKEN_VARIABLE, "").strip() or None, offline)
