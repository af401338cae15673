"""Memory figures against rows measured with a real engine, and the time of one estimate."""

from __future__ import annotations

import csv
import time
from pathlib import Path

from knowledge.catalog.store import load_catalog
from tools.memory.estimate import device_bytes, estimate_memory
from tools.memory.types import MemoryRequest

ROWS = Path(__file__).resolve().parent.parent / "tests" / "tools" / "memory" / "data" / "server.csv"
REPEATS = 2000


def run() -> None:
    """Prints the error of weights, cache and buffers over the committed rows, and the time per estimate."""
    catalog = load_catalog()
    errors: list[tuple[float, str]] = []
    with ROWS.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            request = MemoryRequest(
                quant=row["quant"],
                context=int(row["context"]),
                kv_cache_type=row["kv_cache_type"],
                parallel=int(row["parallel"]),
                ubatch_size=int(row["ubatch_size"]),
                flash_attention=row["flash_attention"] == "on",
            )
            found = device_bytes(catalog.by_id[row["model_id"].lower()], request)
            true = int(row["weights_bytes"]) + int(row["kv_cache_bytes"]) + int(row["compute_bytes"])
            given = found.weights + found.kv_cache + found.compute
            errors.append((abs(given - true) / true, f"{row['model_id']} at {row['context']}"))
    errors.sort()
    middle, high = errors[len(errors) // 2][0], errors[int(0.95 * len(errors))][0]
    print(f"{len(errors)} measured rows: median {middle:.3%}, p95 {high:.3%}, max {errors[-1][0]:.2%}")
    print(f"worst: {errors[-1][1]}")
    model = catalog.by_id["meta-llama/llama-3.1-8b-instruct"]
    for name, call in (("device_bytes", device_bytes), ("estimate_memory", estimate_memory)):
        started = time.perf_counter()
        for number in range(REPEATS):
            call(model, MemoryRequest(context=256 * (number + 1)))
        print(f"{name}: {(time.perf_counter() - started) / REPEATS * 1e6:.0f} microseconds")
