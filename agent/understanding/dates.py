"""Reads how new a model has to be: `nothing older than 2025`, `released after March 2025`."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta
from functools import cache

from agent.understanding.data import load
from agent.understanding.text import Text


@cache
def _forms() -> tuple[tuple[bool, re.Pattern[str]], ...]:
    """Patterns with `year` and perhaps `month`, and whether that time itself still counts as new enough."""
    data = load("families")["dated"]
    month = "|".join(data["months"])
    when = rf"(?:(?P<month>{month})\.? )?(?P<year>20[12]\d)(?!\w)"
    return tuple(
        (name == "from", re.compile(rf"(?<!\w){form.replace('WHEN', when)}"))
        for name in ("from", "after")
        for form in data[name]
    )


def newer_than(text: Text) -> tuple[str, tuple[int, int]] | None:
    """The ISO date after which a model has to be released, and the range of the words; None if unsaid."""
    for inclusive, pattern in _forms():
        match = pattern.search(text.low)
        if match is None:
            continue
        year, named = int(match["year"]), match["month"]
        month = load("families")["dated"]["months"].get(named or "", 1 if inclusive else 12)
        first = date(year, month, 1)
        last = first - timedelta(days=1) if inclusive else first.replace(day=monthrange(year, month)[1])
        return last.isoformat(), match.span()
    return None
