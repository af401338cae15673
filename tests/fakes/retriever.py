"""The shipped guides without an embedder: searched by words alone, as while the real one is loading."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from knowledge.corpus import SHIPPED, Guide, load_guides
from knowledge.index_fill import Progress
from knowledge.retrieval import Retriever
from tests.knowledge.fakes import FakeEmbedder


@cache
def _guides() -> tuple[Guide, ...]:
    return tuple(load_guides((SHIPPED,)))


class FakeRetriever(Retriever):
    """Searches by words; loads nothing in the background."""

    def __init__(self, home: Path) -> None:
        super().__init__(_guides(), home / "index", FakeEmbedder())

    def warm(self, progress: Progress | None = None) -> None:
        """Does nothing."""
