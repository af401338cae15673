"""`accuracy`: how far the figures are from published measurements."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from knowledge.errors import UsageError
from tools.accuracy.registry import PARTS, report_of
from tools.commands.requests import Name, Request

Document = dict[str, Any]


class AccuracyQuery(Request):
    """Request of `accuracy`."""

    part: Name | None = Field(None, description=f"one of {', '.join(PARTS)}; all if not given")


def accuracy(query: AccuracyQuery) -> Document:
    """The error report of one part, or of all.

    Raises:
        UsageError: There is no such part.
    """
    if query.part is not None and query.part not in PARTS:
        raise UsageError(
            f"There is no accuracy report on `{query.part[:60]}`.", hint=f"There is: {', '.join(PARTS)}."
        )
    names = PARTS if query.part is None else (query.part,)
    return {"parts": {name: [table.as_json() for table in report_of(name)] for name in names}}
