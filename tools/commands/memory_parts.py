"""Parts of the answer of `memory`: devices, the pool of a server, and why engines differ."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from knowledge.catalog.records import ModelRecord
from tools.memory.types import MemoryEstimate, MemoryRequest, Pool

Document = dict[str, Any]


def pool_document(pool: Pool) -> Document:
    """The cache pool that an engine claims at start; bytes over all devices, and on each."""
    low, high = pool.interval
    document = asdict(pool)
    per_device = document.pop("per_device")
    return {
        "kv_pool_bytes": pool.kv_pool_bytes,
        "kv_pool_low_bytes": low,
        "kv_pool_high_bytes": high,
        **document,
        "per_device": list(per_device),
    }


def difference_documents(
    model: ModelRecord, request: MemoryRequest, estimate: MemoryEstimate
) -> list[Document]:
    """Why the figures differ from llama.cpp's, part by part."""
    from tools.memory.difference import differences

    return [asdict(item) for item in differences(model, request, estimate)]
