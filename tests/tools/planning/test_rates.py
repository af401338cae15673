"""Operations per second of accelerators and processors."""

from __future__ import annotations

import pytest

from tests.tools.asking import MACHINES, machine
from tools.planning.pretrain_tables import plan_tables
from tools.planning.rates import compute_of, widest
from tools.planning.retrieval import retrieval_table

SHARES = {"training": plan_tables()["utilization"], "encoding": retrieval_table()["utilization"]}


@pytest.mark.parametrize("share", SHARES.values(), ids=SHARES)
@pytest.mark.parametrize("name", MACHINES)
def test_a_known_rate_is_an_interval_with_its_source(name: str, share: dict[str, float]) -> None:
    found = compute_of(machine(name), share)
    assert found.rate is not None
    assert 0 < found.rate.low < found.rate.mid < found.rate.high
    assert found.evidence.source
    assert found.basis


def test_the_catalogs_rate_is_taken_where_there_is_one() -> None:
    found = compute_of(machine("RTX 3090"), SHARES["training"])
    assert found.peak_tflops == 71.2
    assert found.rate is not None
    assert found.rate.high == pytest.approx(71.2e12 * SHARES["training"]["high"])


def test_an_apple_chip_is_bounded_by_its_prompt_rate() -> None:
    training, encoding = (compute_of(machine("M3 Max 64GB"), share) for share in SHARES.values())
    assert training.peak_tflops is None
    assert training.rate is not None
    assert encoding.rate is not None
    assert training.rate.high == encoding.rate.high
    assert training.rate.low < encoding.rate.low


def test_a_cuda_card_without_fast_fp16_has_no_rate() -> None:
    found = compute_of(machine("GTX 1080 Ti"), SHARES["training"])
    assert found.rate is None
    assert "no FP16 rate" in found.basis


def test_more_cores_compute_more_and_unknown_cores_are_said() -> None:
    bare = compute_of(machine("laptop with 16 GB RAM, no GPU"), SHARES["encoding"])
    assert "assumed" in bare.basis
    forced = compute_of(machine("RTX 3090"), SHARES["encoding"], on_processor=True)
    assert forced.peak_tflops is None


def test_the_widest_of_several_cards_counts() -> None:
    assert widest(machine("RTX 5090 + RTX 3090")).name.endswith("5090")
