"""Numbers written as words before a unit, as digits: "twelve gigabytes" is as much a figure as 12 GB."""

from __future__ import annotations

import re
from functools import cache

from agent.understanding.data import load

_SMALLEST, _LARGEST = 2.0, 999.0
"""`one` and its like are articles as well; `billions` counts nothing."""
_SPACED = re.compile(r"(?<![\d.,])\d{1,3}(?: \d{3})+(?=\s(?:tokens?|jetons?)\b)", re.IGNORECASE)
"""Thousands as the French and others write them."""
_MEASURED = (
    r"(?:(?:thousand|million|billion|trillion|tausend|millionen|milliarden)[\s-]+)?"
    r"(?:gi?g(?:a|i)?(?:bi)?bytes?|gigs?\b|[kmgt]i?b\b|mebibytes?|megabytes?|terabytes?|tokens?|tok\b|jetons?"
    r"|percent|per cent|prozent|seconds?|sekunden?|minutes?|minuten|hours?|stunden|bits?\b"
    r"|parameters?|parametern?)"
)


@cache
def _pattern() -> tuple[re.Pattern[str], dict[str, float]]:
    words: dict[str, float] = load("numbers")["words"]
    known = {word: value for word, value in words.items() if _SMALLEST <= value <= _LARGEST}
    names = "|".join(sorted(map(re.escape, known), key=len, reverse=True))
    units = "|".join(word for word, value in words.items() if 1 <= value <= 9)
    found = re.compile(
        rf"(?<![\w-])(?P<word>{names})(?:[\s-](?P<unit>{units}))?(?=[\s-]+{_MEASURED})", re.IGNORECASE
    )
    return found, {word.lower(): value for word, value in words.items()}


def in_digits(text: str) -> str:
    """The text with such words as digits; everything else stays."""
    pattern, values = _pattern()

    def digits(match: re.Match[str]) -> str:
        value = values[match["word"].lower()] + (values[match["unit"].lower()] if match["unit"] else 0)
        return f"{value:g}"

    return pattern.sub(digits, _SPACED.sub(lambda match: match[0].replace(" ", ""), text))
