"""Measured rows and machines for the memory tests."""

from __future__ import annotations

import csv

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from tools.accuracy.placements import SAMPLES
from tools.hardware_types import Device, Machine
from tools.memory.types import MemoryRequest

GIB = 1 << 30


def rows(name: str) -> list[dict[str, str]]:
    with (SAMPLES / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def model(model_id: str) -> ModelRecord:
    found = load_catalog().model(model_id)
    assert found is not None, model_id
    return found


def cards(count: int, gib: int = 80) -> Machine:
    devices = tuple(Device(f"card {i}", "cuda", gib * GIB, 1000.0) for i in range(count))
    return Machine(f"{count} cards", devices, ram_bytes=512 * GIB)


def request_of(row: dict[str, str], **more: object) -> MemoryRequest:
    fields: dict[str, object] = {
        "quant": row["quant"].removesuffix("_MOE"),
        "context": int(row["context"]),
        "kv_cache_type": row["kv_cache_type"],
        "ubatch_size": int(row["ubatch_size"]),
        "parallel": int(row["parallel"]),
        "flash_attention": row["flash_attention"] not in ("off", "0"),
    }
    return MemoryRequest(**{**fields, **more})  # type: ignore[arg-type]
