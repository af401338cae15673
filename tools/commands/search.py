"""`search`: passages of the guides."""

from __future__ import annotations

import atexit
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from knowledge.errors import UsageError
from tools.claims.beside import disagreements
from tools.commands.requests import Number, Request

if TYPE_CHECKING:
    from knowledge.retrieval import Retriever

Document = dict[str, Any]
MAX_PASSAGES = 50


class SearchQuery(Request):
    """Request of `search`."""

    query: Annotated[str, Field(max_length=1_000_000)] = Field(description="what to look for, in any words")
    k: Annotated[int, Number, Field(ge=1, le=MAX_PASSAGES)] = Field(5, description="passages at most")


@cache
def _retriever(offline: bool) -> Retriever:
    """One for the whole process: loading the embedder takes seconds, a search milliseconds."""
    from knowledge.progress_line import ProgressLine
    from knowledge.retrieval import open_retriever

    retriever = open_retriever(offline=offline, progress=ProgressLine())
    atexit.register(retriever.close)
    return retriever


def expect(queries: Sequence[SearchQuery], *, offline: bool = False) -> None:
    """Says which queries come next, so that the embedder can read them together."""
    if queries:
        _retriever(offline).expect([query.query for query in queries])


def search(query: SearchQuery, *, offline: bool = False) -> Document:
    """The passages that answer a query best, best first; builds the index where it is missing.

    Args:
        query: What to look for.
        offline: Forbids an embedder behind an API and a Chroma server; the words alone answer then.

    Raises:
        UsageError: The query holds no word, or the settings cannot be read.
    """
    if not any(char.isalnum() for char in query.query):
        # Said before seconds go into loading the embedder.

        raise UsageError(
            "The query is empty.", hint="Ask in a few words, such as: which quantization for a 24 GB card"
        )
    found = _retriever(offline).search(query.query, query.k)
    document: Document = {
        "query": query.query,
        "passages": [
            {
                "text": passage.text,
                "guide": passage.guide,
                "heading": list(passage.heading),
                "file": passage.file,
                "lines": list(passage.lines),
                "score": passage.score,
                "as_of": passage.as_of,
                "origin": passage.origin,
                "provenance": passage.provenance,
                "disagreements": disagreements(passage),
            }
            for passage in found.passages
        ],
        "covered": found.covered,
    }
    if found.notice:
        document["note"] = found.notice
    return document
