"""The usable scores of the catalog as rows that constants are fitted on."""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import dataclass
from functools import cache

from knowledge.catalog.store import load_catalog
from tools.kin import group_of, maker_of
from tools.quality import features_of
from tools.scores import (
    age_factor,
    benchmark_table,
    board_key,
    information,
    logit_of,
    measure_of,
    runner_factor,
    share_of,
)

FEWEST = 3
"""Models from which the middle score of a benchmark is known."""


@dataclass
class Row:
    model: str
    maker: str
    family: str
    board: str
    benchmark: str
    y: float
    weight: float
    x: list[float]


@cache
def informations() -> dict[str, float]:
    """How much each benchmark tells models apart, from its middle score; see `tools.scores.information`."""
    shares: dict[str, list[float]] = defaultdict(list)
    catalog = load_catalog()
    for model in catalog.models:
        for result in catalog.benchmarks.for_model(model.id):
            share = share_of(result)
            if share is not None and measure_of(result.benchmark) is not None:
                shares[result.benchmark].append(share)
    middles = {name: statistics.median(found) for name, found in shares.items() if len(found) >= FEWEST}
    return {name: round(information(share), 3) for name, share in sorted(middles.items())}


def rows_of(group: str) -> list[Row]:
    """Every usable score of a group's models."""
    catalog = load_catalog()
    axes = benchmark_table()["groups"].get(group, [])
    found = []
    for model in catalog.models:
        x = features_of(model)
        if group_of(model) != group or x is None:
            continue
        for result in catalog.benchmarks.for_model(model.id):
            what, y = measure_of(result.benchmark), logit_of(result)
            if what is None or what.axis not in axes or y is None:
                continue
            age = 0.25 + 0.75 * age_factor(result.as_of)  # an old board still tells what size and maker mean
            told = informations().get(result.benchmark, 1.0)
            weight = what.trust * runner_factor(result) * age * told
            found.append(
                Row(
                    model.id,
                    maker_of(model.id),
                    model.family,
                    board_key(result),
                    result.benchmark,
                    y,
                    weight,
                    x,
                )
            )
    return found
