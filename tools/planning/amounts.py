"""An amount of text in words (`500MB`, `10,000 pages`, `3000 documents x 2,000 tokens`), read."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from knowledge.errors import UsageError

_NUMBER = r"(\d+(?:[,\u00a0 _]\d{3})+(?:\.\d+)?|\d*\.?\d+)"
_TERM = re.compile(r"(-?)" + _NUMBER + r"\s*([a-z]*)\s*([a-z]*)")
MOST = 10**18
"""Bytes or tokens; more than anybody has is a slip."""
HINT = 'For example "500MB", "125M tokens", "10,000 pages" or "3000 documents x 2,000 tokens".'


@cache
def text_units() -> dict[str, Any]:
    """The table of units, from `tools/data/text_amounts.json`."""
    text = files("tools").joinpath("data/text_amounts.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount of text; one of the two is what was said, the other follows from it."""

    said: str
    stated_bytes: int | None = None
    stated_tokens: int | None = None
    documents: int | None = None
    """Documents, where they were counted."""

    def bytes(self, vocabulary: int = 50_304) -> int:
        """Bytes of raw text; about, where tokens or pages were stated."""
        if self.stated_bytes is not None:
            return self.stated_bytes
        return int((self.stated_tokens or 0) * bytes_per_token(vocabulary))

    def tokens(self, vocabulary: int = 50_304) -> int:
        """Tokens under a vocabulary; about, where bytes or pages were stated."""
        if self.stated_tokens is not None:
            return self.stated_tokens
        return int((self.stated_bytes or 0) / bytes_per_token(vocabulary))


def bytes_per_token(vocabulary: int) -> float:
    """Bytes of English text in a token: four under a usual vocabulary, one where tokens are bytes."""
    units = text_units()
    return 1.0 if vocabulary <= units["byte_vocabulary"] else float(units["bytes_per_token"])


def _number(text: str) -> float:
    return float(re.sub(r"[,\u00a0 _](?=\d{3})", "", text))


def _term(found: re.Match[str]) -> tuple[float, str]:
    """A number and what it counts: `bytes`, `tokens`, `pieces`, or `none` for anything else."""
    value, first, second = _number(found[2]), found[3], found[4]
    if found[1]:
        return value, "none"
    units = text_units()
    # `MB` is a size before it is a scale; `5 b tokens` is a scale before it is a size.
    if first in units["scales"] and (second in units["tokens"] or second in units["pieces"]):
        value, first = value * units["scales"][first], second
    for kind in ("bytes", "tokens"):
        if first in units[kind]:
            return value * units[kind][first], kind
    if first in units["pieces"]:
        return value, "pieces"
    return value, "none"


def read_amount(text: str, name: str = "dataset") -> Amount:
    """Reads an amount of text.

    Args:
        text: The words.
        name: What the amount is of, for the error.

    Raises:
        UsageError: It is no amount, has no unit, or is zero or beyond anything real.
    """
    terms = [_term(found) for found in _TERM.finditer(text.lower())]
    pieces = [value for value, kind in terms if kind == "pieces"]
    sized = [(value, kind) for value, kind in terms if kind in ("bytes", "tokens")]
    if len(sized) != 1 or len(pieces) > 1 or len(terms) != len(sized) + len(pieces):
        why = "counts documents without their length" if pieces and not sized else "is no amount of text"
        raise UsageError(f"`{name}`: `{text.strip()[:60]}` {why}.", hint=HINT)
    (value, kind), count = sized[0], pieces[0] if pieces else 1.0
    whole = value * count
    if not 1 <= whole <= MOST:
        raise UsageError(f"`{name}`: `{text.strip()[:60]}` is no amount that can be planned with.", hint=HINT)
    return Amount(
        said=text.strip(),
        stated_bytes=int(whole) if kind == "bytes" else None,
        stated_tokens=int(whole) if kind == "tokens" else None,
        documents=int(pieces[0]) if pieces else None,
    )
