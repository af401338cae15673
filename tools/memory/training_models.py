"""Models whose training was measured and that the catalog does not hold: older ones, by their hub id."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from knowledge.catalog.records import Architecture, ModelRecord


@cache
def _records() -> dict[str, ModelRecord]:
    raw = json.loads(files("tools.memory").joinpath("data/training_models.json").read_text(encoding="utf-8"))
    found = {}
    for row in raw["models"]:
        shape = Architecture(**row["architecture"])
        for name in row["ids"]:
            found[_key(name)] = ModelRecord(
                id=name,
                family=name.split("/")[0],
                kind="base",
                params_total=None,
                context_length=None,
                license=None,
                commercial_use="unknown",
                architecture=shape,
                as_of=raw["as_of"],
            )
    return found


def _key(name: str) -> str:
    return name.strip().lower().replace("_", ".")


def training_model(name: str) -> ModelRecord | None:
    """The model of this hub id; None where it is not one of them."""
    return _records().get(_key(name))
