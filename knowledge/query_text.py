"""A query as the search reads it."""

from __future__ import annotations

import unicodedata

from knowledge.errors import UsageError

MAX_QUERY_CHARACTERS = 2_000


def cleaned(query: str) -> tuple[str, list[str]]:
    """The query without control characters and of bounded length, and what to say about that.

    Raises:
        UsageError: it holds nothing to search for.
    """
    kept = "".join(
        " " if unicodedata.category(char)[0] == "C" else char for char in query[: MAX_QUERY_CHARACTERS * 4]
    )
    words = " ".join(kept.split())
    notices = []
    if len(words) > MAX_QUERY_CHARACTERS or len(query) > MAX_QUERY_CHARACTERS * 4:
        words = words[:MAX_QUERY_CHARACTERS].rpartition(" ")[0] or words[:MAX_QUERY_CHARACTERS]
        notices.append(f"Only the first {MAX_QUERY_CHARACTERS:,} characters of the query were used.")
    if not any(char.isalnum() for char in words):
        raise UsageError(
            "The query is empty.",
            hint="Ask in a few words, for example: how much memory does a 70B model need",
        )
    return words, notices
