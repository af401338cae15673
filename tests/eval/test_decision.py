"""What a sound decision does whatever the catalog holds: over memory, age, evidence and options."""

from __future__ import annotations

import itertools
from datetime import date

import pytest

from knowledge.catalog.store import load_catalog
from tests.tools.asking import answer
from tools.candidates import Candidate
from tools.quality import quality_of

LADDERS = (
    # Cards as people name them, from 4 to 640 GB.
    (
        "RTX 3050 4GB",
        "RTX 2060 6GB",
        "RTX 3060 8GB",
        "RTX 3060 12GB",
        "RTX 4060 Ti 16GB",
        "RTX 3090",
        "RTX 5090",
        "RTX A6000",
        "A100 80GB",
        "2x A100 80GB",
        "4x A100 80GB",
        "8x A100 80GB",
    ),
    (
        "GTX 1650",
        "RTX 3060 Laptop 6GB",
        "RTX 4060",
        "RTX 4070",
        "RTX 4080",
        "RTX 4090",
        "RTX 5090",
        "2x RTX 3090",
        "2x RTX 5090",
        "H100 80GB",
        "2x H100 80GB",
        "4x H100 80GB",
        "8x H100 80GB",
    ),
)
TASKS = ("code", "chat", "reasoning")
RISES = 8
MONTHS = 18


@pytest.mark.parametrize("ladder", LADDERS, ids=["3050 to A100", "1650 to H100"])
@pytest.mark.parametrize("task", TASKS)
def test_more_memory_never_gives_a_worse_answer(task: str, ladder: tuple[str, ...]) -> None:
    scores = [round(answer(task, text).candidates[0].quality.score, 1) for text in ladder]
    assert scores == sorted(scores), list(zip(ladder, scores, strict=True))
    assert sum(later > earlier for earlier, later in itertools.pairwise(scores)) >= RISES


@pytest.mark.parametrize("text", ["RTX 3090", "RTX 4090 + 64GB RAM", "RTX 3090 + 64GB RAM"])
def test_no_old_model_stands_above_a_newer_one_with_better_measured_scores(text: str) -> None:
    options = answer("code", text, context=32768, license={"use": "commercial"}).candidates
    newest = max(_day(c) for c in options)
    for above, below in itertools.combinations(options, 2):
        old = (newest - _day(above)).days > MONTHS * 30.4
        assert not (old and _day(below) > _day(above) and _measured(below) > _measured(above)), above.model


def test_old_models_do_not_lead() -> None:
    for task, text in itertools.product(TASKS, LADDERS[0]):
        released = _day(answer(task, text).candidates[0])
        assert (date(2026, 11, 20) - released).days < MONTHS * 30.4, (task, text)


def test_large_machines_are_not_given_tiny_models() -> None:
    for task in TASKS:
        for text in ("RTX 3090", "2x RTX 3090", "A100 80GB", "8x H100 80GB"):
            assert (answer(task, text).candidates[0].params_total_b or 0) > 20


def test_every_machine_gets_three_different_options() -> None:
    for task, text in itertools.product(TASKS, LADDERS[0]):
        options = answer(task, text).candidates
        assert len(options) >= 3
        assert len({c.model_id for c in options}) == len(options)
        assert all(c.trade_off for c in options)


def test_no_option_is_beaten_in_everything_by_another_that_is_shown() -> None:
    for task, text in itertools.product(TASKS, LADDERS[0]):
        options = answer(task, text).candidates
        for one, other in itertools.permutations(options, 2):
            if one.kind == other.kind:
                assert not (_surely_better(one, other) and _no_dearer(one, other)), (one.model, other.model)


def test_sizes_alone_decide_nothing() -> None:
    """Many a model is expected to be worse than one of half its size: newer, or measured."""
    models = [m for m in load_catalog().models if m.kind == "chat" and (m.params_total or 0) > 1e9]
    figures = [(m.params_total or 0, quality_of(m.id, "chat").score) for m in models]
    worse = sum(a[0] > 2 * b[0] and a[1] < b[1] for a, b in itertools.permutations(figures, 2))
    assert worse > 1000


def _surely_better(one: Candidate, other: Candidate) -> bool:
    spread = (one.quality.spread**2 + other.quality.spread**2) ** 0.5
    return bool(one.quality.score - other.quality.score > spread)


def _no_dearer(one: Candidate, other: Candidate) -> bool:
    mine, its = one.configuration, other.configuration
    assert mine is not None
    assert its is not None
    assert mine.speed is not None
    assert its.speed is not None
    faster = mine.speed.mid >= its.speed.mid
    smaller = one.used_bytes <= other.used_bytes
    assert one.scores is not None
    assert other.scores is not None
    freer = one.scores.license >= other.scores.license and one.scores.context >= other.scores.context
    return faster and smaller and freer


def _day(candidate: Candidate) -> date:
    text = candidate.release_date or "2020-01"
    return date.fromisoformat(text if len(text) > 7 else f"{text}-15")


def _measured(candidate: Candidate) -> float:
    figure = quality_of(str(candidate.model_id), "code")
    return figure.score if figure.measured else 0.0
