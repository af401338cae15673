"""What a model was made from, and the licenses that bind it for that reason.

A derivative stands under the license of its base beside its own: a tag on its page does not free it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from pathlib import Path

from pydantic import TypeAdapter

from knowledge.catalog.records import CommercialUse, ModelRecord, Record

_DATA = Path(__file__).resolve().parent / "data" / "lineage.json"
STRICTNESS: dict[CommercialUse, int] = {"yes": 0, "conditional": 1, "unknown": 2, "no": 3}
"""A model is as free as the strictest license that binds it; what nobody read may forbid anything."""
Find = Callable[[str], ModelRecord | None]
_DEEPEST = 8
"""Generations of bases that are followed: longer chains are a slip in the data."""


class NameRule(Record):
    """A name that tells the base of a model."""

    match: str
    license: str
    base: str
    source: str


class BaseRow(Record):
    """A base that the name of a model does not tell."""

    model: str
    base: str
    source: str


class Lineage(Record):
    """`data/lineage.json`."""

    note: str
    as_of: str
    names: tuple[NameRule, ...]
    models: tuple[BaseRow, ...]


class Inherited(Record):
    """A license that binds a model because of what it was made from."""

    license: str | None
    """Id of the base's license; None where it is not known."""
    base: str
    """Hub id or family of the base."""
    source: str
    as_of: str


@cache
def lineage() -> Lineage:
    """The table of bases."""
    return TypeAdapter(Lineage).validate_json(_DATA.read_bytes())


@cache
def _names() -> tuple[tuple[re.Pattern[str], NameRule], ...]:
    return tuple((re.compile(rule.match, re.IGNORECASE), rule) for rule in lineage().names)


@cache
def _rows() -> dict[str, BaseRow]:
    return {row.model.lower(): row for row in lineage().models}


@lru_cache(maxsize=4096)
def named_base(model_id: str) -> NameRule | None:
    """The base that a model's own name tells; the organization in front says nothing."""
    name = model_id.split("/", 1)[-1]
    return next((rule for pattern, rule in _names() if pattern.search(name)), None)


def inherited(record: ModelRecord, find: Find) -> tuple[Inherited, ...]:
    """The licenses of everything that a model was made from, nearest first, without its own.

    Args:
        record: the model.
        find: the catalog's record of a hub id, or None.
    """
    found: dict[str, Inherited] = {}
    _collect(record, find, found, _DEEPEST)
    return tuple(one for one in found.values() if one.license is None or one.license != record.license)


def _collect(record: ModelRecord, find: Find, found: dict[str, Inherited], left: int) -> None:
    for base_id, source in _bases(record):
        base = find(base_id)
        if base is not None and base.id != record.id:
            _add(found, base.license, base_id, source)
            if left:
                _collect(base, find, found, left - 1)
        elif base is None:
            rule = named_base(base_id)
            if rule is not None or not _same_maker(base_id, record):
                _add(found, rule.license if rule is not None else None, base_id, source)
    rule = named_base(record.id)
    if rule is not None:
        _add(found, rule.license, rule.base, rule.source)


def _bases(record: ModelRecord) -> list[tuple[str, str]]:
    """Hub ids of what a model was made from, each with who says so."""
    row, added = _rows().get(record.id.lower()), record.added
    named = [(row.base, row.source)] if row is not None else []
    if added is not None:
        stated = (*((added.base_model,) if added.base_model else ()), *added.bases)
        named += [(base, f"named as its base by the source ({added.source})") for base in stated]
    return list(dict(named).items())


def bases_of(record: ModelRecord) -> tuple[str, ...]:
    """Hub ids of what a model is known to be made from."""
    return tuple(base for base, _ in _bases(record))


def made_from(model_id: str) -> tuple[str, ...]:
    """Hub ids of the models that are known to be made from this one."""
    return tuple(row.model for row in lineage().models if row.base.lower() == model_id.lower())


def _same_maker(base_id: str, record: ModelRecord) -> bool:
    """A maker who builds on a model of their own states one license for both."""
    own = record.added.location if record.added is not None else record.id
    return base_id.split("/", 1)[0].lower() == own.split("/", 1)[0].lower()


def _add(found: dict[str, Inherited], license_id: str | None, base: str, source: str) -> None:
    one = Inherited(license=license_id, base=base, source=source, as_of=lineage().as_of)
    found.setdefault(license_id or base, one)


def strictest(uses: Iterable[CommercialUse]) -> CommercialUse:
    """The class that binds of several; `unknown` where there is none."""
    return max(uses, key=STRICTNESS.__getitem__, default="unknown")
