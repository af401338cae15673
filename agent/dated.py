"""How old the facts are that a reply rests on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from knowledge.catalog.age import facts_of

OF_THE_CATALOG = frozenset({"catalog", "benchmark", "tool"})
"""Kinds of evidence that rest on the catalog, its prices and its scores."""


def age_of(citations: Sequence[dict[str, str]]) -> dict[str, Any] | None:
    """The `facts` of a reply as documents have them; None where it rests on no facts of the catalog.

    Args:
        citations: what it rests on; a guide and the person's own words have no age here.
    """
    rows = [row["locator"] for row in citations if row["kind"] in OF_THE_CATALOG]
    return facts_of(rows).as_json() if rows else None
