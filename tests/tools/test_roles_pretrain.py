"""Models trained from scratch: the guide's tables by GPU memory and by size of the corpus."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tools.asking import GIB, answer, brief, machine, recommended
from tools.candidates import Candidate
from tools.memory.pretrain import estimate_pretraining, pretrain_configs
from tools.needs import HardwareNeed, Slot
from tools.roles.pretrain import tokens_of

CARDS = (
    "GTX 1650 4GB",
    "GTX 1660 6GB",
    "RTX 3070",
    "RTX 3060 12GB",
    "RTX 4060 Ti 16GB",
    "RTX 3090",
    "A100 40GB",
)
SCRATCH = {"method": "scratch"}


def _options(card: str, **slots: Any) -> tuple[Candidate, ...]:
    return answer("chat", card, training=SCRATCH, **slots).candidates


def _first(card: str, **slots: Any) -> str:
    return str(_options(card, **slots)[0].extra["config"]["name"])


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("size", [None, 5_000_000, 500_000_000, 20_000_000_000])
def test_what_is_offered_fits_the_card(card: str, size: int | None) -> None:
    data = {} if size is None else {"dataset": {"bytes": size}}
    found = _options(card, **data)
    assert found
    for candidate in found:
        assert candidate.role == "pretrain-config"
        assert candidate.model_id is None
        configuration, training = candidate.configuration, candidate.training
        assert configuration is not None
        assert configuration.memory is not None
        assert training is not None
        assert configuration.memory.total_bytes == training.estimate.total_bytes
        assert configuration.memory.total_bytes <= machine(card).devices[0].memory_bytes
        config = candidate.extra["config"]
        shape = next(c for c in pretrain_configs() if c.name == config["name"])
        assert config["batch_size"] in (shape.batch_size, shape.batch_size // 2)
        smaller = config["batch_size"] < shape.batch_size
        assert any("accumulate gradients" in text for text in candidate.caveats) is smaller


@pytest.mark.parametrize(
    ("card", "allowed"),
    [
        ("GTX 1650 4GB", {"tiny", "small"}),
        ("GTX 1660 6GB", {"small"}),
        ("RTX 3070", {"150M"}),
        ("RTX 3060 12GB", {"150M", "150M_1024", "200M"}),
        ("RTX 4060 Ti 16GB", {"150M", "150M_1024", "200M", "350M_1024"}),
        ("RTX 3090", {"150M", "350M_1024", "750M_1024"}),
        ("A100 40GB", {"150M", "750M_1024"}),
    ],
)
def test_by_gpu_memory_where_nothing_was_said_of_the_data(card: str, allowed: set[str]) -> None:
    """In doubt the guide begins with 150M; a smaller card gets what it holds."""
    assert _first(card) in allowed


def test_the_best_quality_takes_the_largest_that_fits() -> None:
    assert _first("A100 40GB", priority="quality") == "750M_1024"
    assert _first("GTX 1660 6GB", priority="speed") in ("small", "tiny")
    assert _first("A100 40GB", priority="speed") == "small"


@pytest.mark.parametrize(
    ("size", "allowed"),
    [
        (5_000_000, {"tiny", "small"}),
        (50_000_000, {"small", "150M"}),
        (500_000_000, {"150M", "150M_1024", "200M", "350M_1024"}),
        (5_000_000_000, {"350M_1024", "750M_1024"}),
        (20_000_000_000, {"750M_1024"}),
    ],
)
def test_by_size_of_the_corpus(size: int, allowed: set[str]) -> None:
    """Between the smallest and the recommended model of the guide's table."""
    assert _first("A100 40GB", dataset={"bytes": size}) in allowed


def test_more_data_never_asks_for_a_smaller_model() -> None:
    sizes = [10**n for n in range(5, 13)]
    params = [_options("A100 80GB", dataset={"bytes": size})[0].params_total_b or 0 for size in sizes]
    assert params == sorted(params)


def test_more_memory_never_gives_less() -> None:
    for data in ({}, {"dataset": {"bytes": 5_000_000_000}}):
        best = [_options(card, **data)[0].utility for card in CARDS]
        assert best == sorted(best)


def test_long_texts_take_the_long_configurations() -> None:
    for size in (500_000_000, 5_000_000_000):
        found = _options("RTX 3090", dataset={"bytes": size}, context=1024)[0]
        assert found.context_length == 1024


def test_tokens_of_the_data() -> None:
    assert tokens_of(brief(training=SCRATCH)) is None
    assert tokens_of(brief(training=SCRATCH, dataset={"bytes": 400})) == 100
    assert tokens_of(brief(training=SCRATCH, dataset={"bytes": 400, "tokens": 7})) == 7


def test_the_training_machine_counts() -> None:
    from tests.tools.asking import needs

    slot: Slot[HardwareNeed] = Slot(
        value=HardwareNeed(text="laptop with 16 GB RAM", training_text="A100 40GB")
    )
    wanted = needs("chat", slot, training=SCRATCH, dataset={"bytes": 20_000_000_000})
    found = recommended(wanted.model_dump_json()).candidates[0]
    assert found.extra["config"]["name"] == "750M_1024"
    assert "A100" in str(found.hardware)


def test_too_small_a_card_is_told_what_is_missing() -> None:
    found = answer("chat", "GT 1030 2GB", training=SCRATCH)
    if not found.candidates:
        assert found.error is not None
        assert "memory" in found.error["message"]
    rejected = answer("chat", "GTX 1660 6GB", training=SCRATCH).rejected
    assert {r.model for r in rejected} >= {"350M_1024", "750M_1024"}
    assert all("5.8 GiB are there" in r.reason for r in rejected)


def test_the_stated_memory_is_shown_beside_ours() -> None:
    document = answer("chat", "RTX 3090", training=SCRATCH).candidates[0].as_json()
    assert any("The guide states" in text for text in document["caveats"])
    assert document["license"]["id"] == "own"


def test_a_halved_batch_takes_less() -> None:
    from dataclasses import replace

    for config in pretrain_configs():
        whole = estimate_pretraining(config).total_bytes
        half = estimate_pretraining(replace(config, batch_size=config.batch_size // 2)).total_bytes
        assert 0.3 * whole < half < whole < 80 * GIB
