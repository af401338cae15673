"""Ways of training against a machine's memory, and logits."""

from __future__ import annotations

import pytest

from knowledge.catalog.store import load_catalog
from tools.commands.lookups import machine_named
from tools.memory.training import estimate_training
from tools.memory.types import TrainingRequest
from tools.planning.training_fit import (
    alike,
    choose,
    fit_of,
    logits_of,
    longest_sequence,
    training_room,
    way_of,
    ways_of,
)

GIB = 1 << 30
GEMMA = load_catalog().by_id["google/gemma-3-12b-it"]
QWEN = load_catalog().by_id["qwen/qwen3-4b"]
REQUEST = TrainingRequest(sequence_length=4096)


def test_the_guides_logits_of_gemma_3() -> None:
    found = logits_of(GEMMA, way_of(GEMMA, REQUEST, 24 * GIB), None)
    assert found["logits_bytes"] == 4096 * found["vocabulary"] * 4
    assert found["logits_bytes"] / 1e9 == pytest.approx(4.3, abs=0.05)
    assert found["gradient_bytes"] == found["logits_bytes"]
    assert found["longest_example"] is None


def test_gemma_3_at_4096_tokens_needs_fused_cross_entropy_on_24_gib_as_the_guides_project_found() -> None:
    room = 24 * GIB
    assert estimate_training(GEMMA, REQUEST).total_bytes > room
    way = way_of(GEMMA, REQUEST, room)
    assert way.request.fused_cross_entropy
    assert way.fits == "yes"
    longest = logits_of(GEMMA, way, room)["longest_example"]
    # The project's way out was 2,048 tokens, which fits without a fused loss.
    assert 2048 <= longest["plain_tokens"] < 4096 < longest["fused_tokens"]


@pytest.mark.parametrize("fused", [True, False])
def test_the_longest_example_fits_and_a_longer_one_does_not(fused: bool) -> None:
    room = 12 * GIB
    found = longest_sequence(QWEN, REQUEST, room, fused=fused)
    assert found % 64 == 0
    for length, fits in ((found, True), (found + 64, False)):
        request = TrainingRequest(sequence_length=length, fused_cross_entropy=fused)
        assert (estimate_training(QWEN, request).total_bytes <= room) is fits


def test_the_longest_example_is_at_most_the_window_and_zero_where_nothing_fits() -> None:
    assert longest_sequence(QWEN, REQUEST, 1 << 50, fused=True) == QWEN.context_length
    assert longest_sequence(QWEN, REQUEST, GIB, fused=True) == 0


def test_where_the_room_lies_in_the_interval_decides_the_word() -> None:
    estimate = estimate_training(QWEN, REQUEST)
    assert fit_of(estimate, estimate.high_bytes) == "yes"
    assert fit_of(estimate, estimate.high_bytes - 1) == "likely"
    assert fit_of(estimate, estimate.total_bytes - 1) == "unlikely"
    assert fit_of(estimate, estimate.low_bytes - 1) == "no"
    assert fit_of(estimate, None) == "unknown"


@pytest.mark.parametrize(("room", "method"), [(200, "lora"), (80, "lora"), (10, "qlora"), (3, None)])
def test_lora_where_it_fits_qlora_where_it_must(room: int, method: str | None) -> None:
    way, why = choose(ways_of(QWEN, TrainingRequest(sequence_length=1024), room * GIB))
    assert (way.method if way else None) == method
    assert why


def test_full_takes_more_than_lora_and_lora_more_than_qlora() -> None:
    full, lora, qlora = ways_of(QWEN, TrainingRequest(sequence_length=1024), None)
    totals = [way.estimate.total_bytes for way in (full, lora, qlora)]
    assert totals == sorted(totals, reverse=True)
    assert {way.fits for way in (full, lora, qlora)} == {"unknown"}


def test_several_devices_hold_full_training_in_shards() -> None:
    request = TrainingRequest(method="full", sequence_length=4096)
    alone, shared = way_of(QWEN, request, 80 * GIB), way_of(QWEN, request, 80 * GIB, gpus=8)
    assert not alone.holds
    assert shared.fits == "yes"
    assert (shared.request.sharding, shared.request.gpus) == ("zero3", 8)
    # What fits on one device stays there, and QLoRA is not sharded.
    lora, qlora = ways_of(QWEN, request, 80 * GIB, 8)[1:]
    assert lora.request.gpus == qlora.request.gpus == 1
    assert way_of(QWEN, TrainingRequest(sequence_length=4096), 4 * GIB, gpus=8).request.gpus == 1


def test_unlike_devices_share_nothing() -> None:
    assert alike(machine_named("2x RTX 3090")[0]) == 2
    assert alike(machine_named("RTX 4090 + RTX 3060 12GB")[0]) == 1
    assert alike(machine_named("CPU only, 16 GB")[0]) == 1


def test_the_room_is_that_of_one_device() -> None:
    one, two = (training_room(machine_named(text)[0]) for text in ("RTX 3090", "2x RTX 3090"))
    assert one == two
    assert one[0] == 23 * GIB
    assert training_room(machine_named("CPU only, 16 GB")[0])[0] == 16 * GIB
