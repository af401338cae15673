"""Memory of llama.cpp against its own layout, and against what other calculators say."""

from __future__ import annotations

import csv
from collections.abc import Iterable

from knowledge.catalog.store import load_catalog
from tools.accuracy.placements import (
    SAMPLES,
    Device,
    answered,
    frontends,
    percentile,
    placements,
    servers,
)
from tools.accuracy.table import Cell, Table
from tools.memory.estimate import device_bytes, estimate_memory
from tools.memory.types import MemoryRequest

GIB = 1 << 30
ENGINE = "llama.cpp v0.5.0 (commit 0c1e57098), CUDA and CPU backends, no-allocation layout, November 2026"
SCENARIOS = {
    "server": "server, one card",
    "CUDA": "API front end, one card",
    "CPU": "API front end, processor",
    "partial_offload": "some layers in system memory",
    "cpu_moe": "experts in system memory",
    "gpus2_layer": "two cards",
    "gpus4_layer": "four cards",
    "no_kv_offload": "cache in system memory",
    "swa_full": "full cache of windowed layers",
    "parallel": "several slots",
    "native_mxfp4": "MXFP4",
}
PEERS = ("llmfit", "whichllm", "llm_checker", "llm_fit", "fitllm")
PEER_NAMES = ("llmfit 1.1.17", "whichllm 0.5.21", "llm-checker 3.8.1", "llm-fit 1.0.1", "fitllm 2.18.0")
NEAR = 0.1
"""A total off by more than this misleads: people buy cards in steps of a quarter."""


def _line(name: str, found: list[Device]) -> tuple[Cell, ...]:
    def off(part: int) -> list[float]:
        return [abs(d.given[part] - d.true[part]) / max(sum(d.true), 1) for d in found]

    errors = [device.error for device in found]
    parts = (f"{max(off(part)):.3%}" for part in range(3))
    return (name, len(found), *parts, f"{percentile(errors, 0.95):.3%}", f"{max(errors):.3%}")


def _files() -> tuple[Cell, ...]:
    """Sizes of quantized files."""
    catalog, errors = load_catalog(), []
    with (SAMPLES / "files.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            request = MemoryRequest(quant=row["quant"].removesuffix("_MOE"))
            given = estimate_memory(catalog.by_id[row["model_id"].lower()], request).file_bytes
            errors.append(abs(given - int(row["file_bytes"])) / int(row["file_bytes"]))
    return (
        "file to download",
        len(errors),
        None,
        None,
        None,
        f"{percentile(errors, 0.95):.3%}",
        f"{max(errors):.3%}",
    )


def _layouts() -> Table:
    cases = [*servers(SAMPLES), *frontends(SAMPLES), *placements(SAMPLES)]
    found = answered(cases)
    lines = [_files()]
    for scenario, name in SCENARIOS.items():
        some = [device for device in found if device.case.scenario == scenario]
        if some:
            lines.append(_line(name, some))
    columns = ("what", "rows", "weights", "cache", "buffers", "total p95", "total max")
    note = (
        "Largest errors of the parts, and errors of the sum on each device, as shares of the measured sum. "
        f"{ENGINE}; a sample of the measured rows."
    )
    return Table("llama.cpp: memory by device", columns, tuple(lines), note)


def _peer_row(row: dict[str, str]) -> tuple[Cell, ...]:
    """A request with what was measured, our figure, and the peers' totals."""
    model = load_catalog().by_id[row["model_id"].lower()]
    request = MemoryRequest(quant=row["quant"], context=int(row["context"]))
    sizes, file = device_bytes(model, request), estimate_memory(model, request).file_bytes
    ours = (file + sizes.kv_cache) / GIB
    label = f"{model.name} {row['quant']} at {int(row['context']) // 1024}k"
    return (label, row["truth_gib"], f"{ours:.1f}", *(row[name] or None for name in PEERS))


def _near(rows: Iterable[tuple[Cell, ...]], column: int) -> str:
    known = [(float(str(row[1])), float(str(row[column]))) for row in rows if row[column] is not None]
    good = sum(abs(given - true) <= NEAR * true for true, given in known)
    return f"{good} of {len(known)}"


def _peers() -> Table:
    with (SAMPLES / "peers.csv").open(encoding="utf-8") as file:
        rows = [_peer_row(row) for row in csv.DictReader(file)]
    share: tuple[Cell, ...] = ("within 10 %", None, *(_near(rows, 2 + n) for n in range(len(PEERS) + 1)))
    note = (
        "GiB of file and 16-bit cache, without buffers (0.3 to 0.9 GiB more): sizes of public files and the "
        "cache by architecture. The peers' figures are their own totals, run in November 2026; some count "
        "buffers too. The 48 GiB that two of them give Gemma 3 at 128k are nearly right for a server that "
        "caches its windows in full."
    )
    columns = ("request", "file and cache", "llm-advisor", *PEER_NAMES)
    return Table("Against other calculators", columns, (*rows, share), note)


def report() -> tuple[Table, ...]:
    """Errors by part and placement, and the peers."""
    return _layouts(), _peers()
