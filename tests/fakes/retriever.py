"""The shipped guides without an embedder: searched by words alone, as while the real one is loading."""

from __future__ import annotations

import atexit
import tempfile
from functools import cache
from pathlib import Path

from knowledge.corpus import SHIPPED, Guide, load_guides
from knowledge.index_fill import Progress
from knowledge.retrieval import Retriever
from tests.knowledge.fakes import FakeEmbedder


@cache
def _guides() -> tuple[Guide, ...]:
    return tuple(load_guides((SHIPPED,)))


@cache
def _words() -> Path:
    """Where the words of the shipped guides are counted once for all retrievers of this process."""
    folder = tempfile.TemporaryDirectory(prefix="words-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


class FakeRetriever(Retriever):
    """Searches by words; loads nothing in the background."""

    def __init__(self, home: Path) -> None:
        super().__init__(_guides(), home / "index", FakeEmbedder(), words=_words())

    def warm(self, progress: Progress | None = None) -> None:
        """Does nothing."""
