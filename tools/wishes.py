"""What a person wants or rejects of a model's maker, age and data, held against a model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from knowledge.catalog.publishers import (
    brands_of,
    countries_of,
    has_open_data,
    publisher_of,
    publishers,
)
from knowledge.catalog.records import ModelRecord
from tools.needs import ModelWish

COUNTRY_NAMES = {
    "CN": "China", "US": "the United States", "FR": "France", "DE": "Germany", "GB": "Britain", "KR": "Korea",
    "IN": "India", "IL": "Israel", "AE": "the United Arab Emirates", "CA": "Canada", "CH": "Switzerland",
    "europe": "Europe", "eu": "the European Union",
}  # fmt: skip


def is_called(words: Iterable[str], *names: str) -> bool:
    """Whether a word (a family, maker or model) stands in one of the names, not inside another word.

    `phi` is in `phi-4` and `Phi3`, and not in `dolphin`.
    """
    patterns = [re.compile(rf"(?<![a-z]){re.escape(word)}(?![a-z])", re.IGNORECASE) for word in words]
    return any(pattern.search(name) for pattern in patterns for name in names)


def names_of(identity: str, *others: str) -> tuple[str, ...]:
    """What a model goes by: its id, its family, and its maker's name where that is known."""
    maker = publisher_of(identity)
    return (identity, *others, *((maker.name,) if maker is not None else ()))


def place_refusal(wish: ModelWish, org: str, *names: str) -> str | None:
    """Why the seat of a model's maker speaks against it; None where it does not, or is not known.

    Args:
        wish: what is wanted and ruled out.
        org: hub id of the model, or provider of an API.
        names: names of the model, which may tell that it derives from another maker's.
    """
    maker = publisher_of(org)
    for place in wish.excluded_places:
        codes = countries_of((place,))
        if maker is not None and maker.country in codes:
            return f"{maker.name} sits in {place_name(maker.country)}, which you ruled out"
        if any(is_called(brands_of(code), *names) for code in codes):
            return f"it derives from a model from {place_name(place)}, which you ruled out"
    if not wish.places:
        return None
    asked = " or ".join(place_name(place) for place in wish.places)
    if maker is None:
        return f"where its maker sits is not known, and you asked for {asked}"
    if maker.country not in countries_of(wish.places):
        return f"{maker.name} sits in {place_name(maker.country)}, and you asked for {asked}"
    return None


def place_name(place: str) -> str:
    """A country or region in words."""
    return COUNTRY_NAMES.get(place, place)


def kind_refusal(wish: ModelWish, model: ModelRecord) -> str | None:
    """Why a model's age, data or way of answering speaks against it."""
    if wish.newer_than is not None and (model.release_date or "") <= wish.newer_than:
        when = f"released {model.release_date}" if model.release_date else "its release date is not known"
        return f"{when}, and you asked for one after {wish.newer_than}"
    if wish.open_data and not has_open_data(model.id):
        return "its training data is not known to be published"
    if wish.no_thinking and model.thinking == "yes":
        return "it always thinks before it answers, and you want none of that"
    return None


def unknown_place(wish: ModelWish, org: str) -> str | None:
    """What to say of a model whose maker's seat is not known where seats are ruled out."""
    if not wish.excluded_places or publisher_of(org) is not None:
        return None
    ruled_out = " and ".join(place_name(place) for place in wish.excluded_places)
    return f"Where its maker sits is not known; you ruled out {ruled_out}."


def maker_names() -> tuple[str, ...]:
    """Names of makers in lower case, as people say them."""
    found = (
        re.sub(r"\s*\(.*\)| ai$| ai labs$| cloud$", "", row.name.lower()) for row in publishers().publishers
    )
    return tuple(sorted(dict.fromkeys(name for name in found if len(name) >= 3), key=len, reverse=True))


def lasting(wish: ModelWish) -> ModelWish:
    """The part of a wish that holds for every model of an answer: what is ruled out."""
    return ModelWish(excluded=wish.excluded, excluded_places=wish.excluded_places)


def without_choice(wish: ModelWish) -> ModelWish:
    """A wish that names no model, family or size any more."""
    return wish.model_copy(update={"named": (), "families": (), "min_params_b": None, "max_params_b": None})


def loosenings(wish: ModelWish) -> Iterator[tuple[str, ModelWish]]:
    """Each constraint on the maker, age, data and thinking given up, with the condition in words."""
    free = ModelWish()
    for name, words in (
        ("places", "makers from elsewhere were fine"),
        ("excluded_places", "makers from anywhere were fine"),
        ("excluded", "the models that you ruled out were fine"),
        ("newer_than", "an older model were fine"),
        ("open_data", "the training data did not have to be published"),
        ("no_thinking", "a model that thinks first were fine"),
    ):
        if getattr(wish, name) != getattr(free, name):
            yield words, wish.model_copy(update={name: getattr(free, name)})
