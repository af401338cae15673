"""Names of models that fit what is being typed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

MOST = 40
_APART = re.compile(r"[^a-z0-9.]+")


@lru_cache(maxsize=4096)
def _plain(name: str) -> str:
    return _APART.sub(" ", name.lower()).strip()


def suggestions(names: Sequence[str], typed: str) -> list[str]:
    """The names that fit, best first: all words in them, else the letters in this order.

    Args:
        names: hub ids and API models.
        typed: what stands in the field; nothing gives nothing.
    """
    words = _plain(typed).split()
    if not words:
        return []
    joined = "".join(words)
    found = [
        name
        for name in names
        if all(word in _plain(name) for word in words) or joined in _plain(name).replace(" ", "")
    ]
    if found:
        return sorted(found, key=lambda name: _order(name, words))[:MOST]
    in_order = re.compile(".*?".join(map(re.escape, joined)))
    spans = [(match, name) for name in names if (match := in_order.search(_plain(name))) is not None]
    spans.sort(key=lambda one: (one[0].end() - one[0].start(), len(one[1])))
    return [name for _, name in spans[:MOST]]


def _order(name: str, words: Sequence[str]) -> tuple[bool, bool, int, str]:
    """Names with the words side by side come first, then those that begin with the first, then the short."""
    own = _plain(name.split("/", 1)[-1])
    apart = "".join(words) not in _plain(name).replace(" ", "")
    return apart, not own.startswith(words[0]), len(own), name.lower()
