"""Who publishes a model, where the publisher sits, and whose training data is open."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

from knowledge.catalog.records import Record

_DATA = Path(__file__).resolve().parent / "data" / "publishers.json"


class Publisher(Record):
    """An organization that publishes models."""

    org: str
    """Organization of a hub id, or provider of an API."""
    name: str
    country: str
    """ISO 3166 code of its seat."""
    seat: str
    brands: tuple[str, ...] = ()
    """Names of its models that derivatives of others carry."""
    basis: str = ""
    """What the seat rests on, where the account is not the company's own."""


class OpenData(Record):
    """Models whose training data is published."""

    match: str
    """Beginning of hub ids."""
    source: str


class Publishers(Record):
    """The file."""

    note: str
    source: str
    as_of: str
    regions: dict[str, tuple[str, ...]]
    publishers: tuple[Publisher, ...]
    open_data: tuple[OpenData, ...]


@cache
def publishers() -> Publishers:
    """The table of `data/publishers.json`, read once."""
    return TypeAdapter(Publishers).validate_json(_DATA.read_bytes())


@cache
def _by_org() -> dict[str, Publisher]:
    return {row.org.lower(): row for row in publishers().publishers}


def publisher_of(model_id: str) -> Publisher | None:
    """The publisher of a hub id or of a provider's name; None where it is not known."""
    return _by_org().get(model_id.split("/", 1)[0].lower())


def countries_of(places: tuple[str, ...]) -> frozenset[str]:
    """ISO codes of countries and regions (`europe`)."""
    regions = publishers().regions
    return frozenset(code for place in places for code in regions.get(place, (place,)))


@cache
def brands_of(country: str) -> tuple[str, ...]:
    """Names of models from a country, as derivatives of other makers carry them."""
    return tuple(brand for row in publishers().publishers if row.country == country for brand in row.brands)


def has_open_data(model_id: str) -> bool:
    """Whether the training data of a model is known to be published."""
    return any(model_id.lower().startswith(row.match.lower()) for row in publishers().open_data)
