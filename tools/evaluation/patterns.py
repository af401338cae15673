"""Regular expressions of a rubric: compiled with limits, and searched with one of time.

A pattern may need exponential time (`(a|aa)+$`) or, with counts, any amount of memory (`a{1000000000}`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import prod
from typing import Any

from tools.evaluation.texts import composed

SECONDS = 0.5
"""For one search."""
MOST_COUNT = 1_000
"""Of one counted repeat, as `{3,1000}`."""
MOST_PRODUCT = 20_000
"""Of all counts of a pattern multiplied: more than nested repeats can come to."""
MOST_SEARCHED = 200_000
"""Characters of an answer that are searched."""
_COUNTS = re.compile(r"\{\s*(\d*)\s*(?:,\s*(\d*)\s*)?\}")


class SlowPatternError(Exception):
    """A search took longer than its limit."""


def checked_pattern(pattern: str) -> str:
    """The pattern as it is.

    Raises:
        ValueError: it cannot be read, or could take any amount of memory.
    """
    counts = [max(int(n or 0) for n in match.groups(default="0")) for match in _COUNTS.finditer(pattern)]
    if any(count > MOST_COUNT for count in counts) or prod(max(1, count) for count in counts) > MOST_PRODUCT:
        raise ValueError(
            f"the counts of the pattern are too large (each at most {MOST_COUNT:,}, multiplied at most "
            f"{MOST_PRODUCT:,})"
        )
    _compiled(pattern)
    return pattern


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Any:  # noqa: ANN401 - `regex` has no types
    import regex

    try:
        return regex.compile(composed(pattern), regex.V0)
    except (regex.error, RecursionError, OverflowError, MemoryError) as error:
        raise ValueError(
            f"this is no regular expression: {str(error)[:120] or type(error).__name__}"
        ) from None


def found(pattern: str, text: str) -> bool:
    """Whether the pattern is found in a text, both in Unicode's composed form.

    Raises:
        SlowPatternError: it took longer than half a second.
    """
    try:
        searched = composed(text[:MOST_SEARCHED])
        return _compiled(pattern).search(searched, timeout=SECONDS, concurrent=True) is not None
    except TimeoutError:
        raise SlowPatternError(f"the pattern took longer than {SECONDS:g} s") from None
