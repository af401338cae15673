"""When the bundled facts were gathered: `data/dates.json`, which the catalog's builder writes.

A price map carries no date: it is from the newest day in the names of its models, at the earliest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

from knowledge.catalog.records import Record

FILE = Path(__file__).resolve().parent / "data" / "dates.json"
_DAY = re.compile(r"(?<!\d)(20\d\d)-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])(?!\d)")


class Dates(Record):
    """Newest row of each kind, ISO 8601."""

    catalog: str
    scores: str
    litellm: str
    """Version of the LiteLLM package whose map `prices` dates."""
    prices: str


@cache
def shipped_dates() -> Dates:
    """The file, read once."""
    return TypeAdapter(Dates).validate_json(FILE.read_bytes())


def newest_name(keys: Iterable[str]) -> str | None:
    """The newest day in the names of models (`gpt-6.1-sol-2026-09-29`); None where none has one."""
    found = [match for key in keys for match in _DAY.findall(key)]
    return "-".join(max(found)) if found else None


def price_map_day(version: str | None, keys: Iterable[str]) -> str | None:
    """The day from which a price map is at the earliest.

    Args:
        version: of the LiteLLM package that it came with; the one that `dates.json` names is looked up there.
        keys: of the map.
    """
    shipped = shipped_dates()
    return shipped.prices if version == shipped.litellm else newest_name(keys)
