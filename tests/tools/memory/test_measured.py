"""The engine against figures measured with llama.cpp: all architectures, types, slots, placements."""

from __future__ import annotations

from statistics import median

import pytest

from tests.tools.memory.helpers import GIB, cards, model, request_of, rows
from tools.hardware_types import Machine
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
    rows("server.csv"),
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
        for row in rows("server.csv")
        for found in [device_bytes(model(row["model_id"]), request_of(row))]
    )
    assert median(errors) < 1e-5
    assert errors[int(0.95 * len(errors))] < 0.002


def test_other_front_ends() -> None:
    errors = []
    for row in rows("frontends.csv"):
        hardware = Machine("computer", ram_bytes=512 * GIB) if row["backend"] == "CPU" else None
        request = request_of(row, frontend="api", hardware=hardware, kv_unified=row["kv_unified"] == "1")
        found = device_bytes(model(row["model_id"]), request)
        true = [int(row[key]) for key in ("weights_bytes", "kv_cache_bytes", "compute_bytes")]
        assert off(found.weights, true[0]) < 1e-5, row
        assert found.kv_cache == true[1], row
        errors.append(off(sum(found[:3]), sum(true)))
    assert median(errors) < 1e-3
    assert max(errors) < 0.02


def placement_request(row: dict[str, str]) -> MemoryRequest:
    layers, scenario = int(row["gpu_layers"]), row["scenario"]
    return request_of(
        row,
        hardware=cards(int(row["devices"])),
        gpu_layers=None if layers >= 999 else layers,
        cpu_moe=scenario == "cpu_moe",
        swa_full=scenario == "swa_full",
        kv_offload=scenario != "no_kv_offload",
        kv_unified=row["kv_unified"] == "1",
        frontend="api",
    )


@pytest.mark.parametrize(
    "row",
    rows("placements.csv"),
    ids=lambda r: (
        f"{r['model_id'].split('/')[-1]}-{r['scenario']}-{r['context']}-{r['gpu_layers']}-{r['parallel']}"
    ),
)
def test_weights_and_cache_by_device(row: dict[str, str]) -> None:
    estimate = estimate_memory(model(row["model_id"]), placement_request(row))
    for device, weights, cache in zip(
        estimate.per_device, row["weights_bytes"].split(), row["kv_cache_bytes"].split(), strict=True
    ):
        assert off(device.weights_bytes, int(weights)) < 1e-5
        assert device.kv_cache_bytes == int(cache)
    assert off(estimate.host_bytes, int(row["host_bytes"])) < 0.03


def test_scratch_of_several_cards() -> None:
    errors = [
        off(device.compute_bytes, int(true))
        for row in rows("placements.csv")
        if row["scenario"].startswith("gpus")
        for device, true in zip(
            estimate_memory(model(row["model_id"]), placement_request(row)).per_device,
            row["compute_bytes"].split(),
            strict=True,
        )
    ]
    assert max(errors) < 0.04
