"""Whether every figure that a person reads was computed: a check of its own, apart from the product's."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_FIGURE = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*")
MOST_SMALL = 10
"""Whole numbers up to this are ways of speaking: "two cards", "3 people"."""


def numbers(text: str) -> set[str]:
    """The figures of a text as they are written, without thousands separators and trailing noughts."""
    found = set()
    for match in _FIGURE.finditer(text):
        plain = match[0].replace(",", "")
        found.add(plain.rstrip("0").rstrip(".") if "." in plain else plain)
    return found


def unshown(read: str, sources: Iterable[str]) -> set[str]:
    """Figures of what a person reads that stand in none of the sources.

    Args:
        read: messages and questions.
        sources: the same turns in guided mode, what the person typed, and what the tools gave.
    """
    known: set[str] = set()
    for source in sources:
        known |= numbers(source)
    return {one for one in numbers(read) - known if not (one.isdigit() and int(one) <= MOST_SMALL)}


def spoken(events: Iterable[dict[str, Any]]) -> str:
    """What a person reads of a turn."""
    return "\n".join(event["text"] for event in events if event["type"] in ("message", "question"))
