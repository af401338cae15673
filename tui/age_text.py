"""How old the facts of an answer are, as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tui.claims import line_of, map_of
from tui.output import section, wrapped


def age_words(document: Mapping[str, Any]) -> str:
    """The days and the age in one sentence; empty for an answer that does not tell them."""
    return line_of(map_of(document.get("facts")).get("line"))


def age_notes(facts: Mapping[str, Any] | None) -> list[str]:
    """The sentence of a reply's `facts` and, past six months, the warning; nothing where it has none."""
    return [words for key in ("line", "warning") if (words := line_of((facts or {}).get(key)))]


def age_lines(document: Mapping[str, Any], *, warn: bool = False) -> list[str]:
    """The last lines of an answer.

    Args:
        document: the answer.
        warn: also tell that the facts are old; else the answer's own notes do.
    """
    words = age_words(document)
    warning = line_of(map_of(document.get("facts")).get("warning")) if warn else ""
    lines = section("Mind", wrapped(warning, "  ", "  ")) if warning else []
    return [*lines, "", *wrapped(words)] if words else []
