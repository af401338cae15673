"""The engine against figures measured with llama.cpp: all architectures, types, slots, placements."""

from __future__ import annotations

from statistics import median

import pytest

from tests.tools.memory.helpers import model, request_of, rows
from tools.accuracy.placements import (
    FRONTEND_BAR,
    PLACEMENT_BAR,
    SAMPLES,
    Device,
    answered,
    frontends,
    inexact,
    percentile,
    placements,
)
from tools.commands.memory import MemoryQuery, memory
from tools.commands.requests import parse
from tools.memory.estimate import device_bytes, estimate_memory
from tools.memory.types import MemoryRequest

ROPE_TABLES = 1024
"""Bytes of rotary tables, which some files carry and the tensor table leaves out."""


def off(given: int, true: int) -> float:
    return abs(given - true) / true if true else float(given != 0)


@pytest.mark.parametrize(
    "row", rows("files.csv"), ids=lambda r: f"{r['model_id'].split('/')[-1]}-{r['quant']}"
)
def test_file_bytes_are_the_quantizers(row: dict[str, str]) -> None:
    estimate = estimate_memory(model(row["model_id"]), MemoryRequest(quant=row["quant"]))
    assert abs(estimate.file_bytes - int(row["file_bytes"])) <= ROPE_TABLES


@pytest.mark.parametrize(
    "row",
    rows("llamacpp_server.csv"),
    ids=lambda r: (
        f"{r['model_id'].split('/')[-1]}-{r['context']}-{r['kv_cache_type']}-{r['flash_attention']}"
    ),
)
def test_server_on_one_card(row: dict[str, str]) -> None:
    found = device_bytes(model(row["model_id"]), request_of(row))
    true = [int(row[key]) for key in ("weights_bytes", "kv_cache_bytes", "compute_bytes")]
    assert abs(found.weights - true[0]) <= ROPE_TABLES
    assert found.kv_cache == true[1]
    assert off(found.weights + found.kv_cache + found.compute, sum(true)) <= 0.008
    assert found.host >= int(row["host_weights_bytes"])


def test_server_sum_is_exact_in_all_but_a_few_rows() -> None:
    errors = sorted(
        off(
            sum(found[:3]), sum(int(row[key]) for key in ("weights_bytes", "kv_cache_bytes", "compute_bytes"))
        )
        for row in rows("llamacpp_server.csv")
        for found in [device_bytes(model(row["model_id"]), request_of(row))]
    )
    assert median(errors) < 1e-5
    assert errors[int(0.95 * len(errors))] < 0.002


@pytest.fixture(scope="module")
def placed() -> list[Device]:
    return answered(placements(SAMPLES))


def test_other_front_ends() -> None:
    found = answered(frontends(SAMPLES))
    assert {device.case.scenario for device in found} == {"CUDA", "CPU"}
    assert not inexact(found)
    assert max(device.error for device in found) < FRONTEND_BAR


def test_weights_and_cache_of_every_device(placed: list[Device]) -> None:
    assert len({device.case.scenario for device in placed}) >= 8
    assert not inexact(placed)


def test_totals_by_device(placed: list[Device]) -> None:
    assert percentile([device.error for device in placed], 0.95) < PLACEMENT_BAR


def test_several_cards_and_slots_by_device(placed: list[Device]) -> None:
    """Scratch included; only borrowed experts leave gaps that the table does not foresee."""
    assert max(d.error for d in placed if d.case.scenario != "cpu_moe") < PLACEMENT_BAR


def test_system_memory_of_a_placement() -> None:
    for case in placements(SAMPLES):
        document = memory(parse(MemoryQuery, case.request))
        assert off(document["host_bytes"], case.host or 0) < 0.03, case
