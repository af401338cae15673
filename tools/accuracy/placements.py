"""Measured layouts of llama.cpp beside what the `memory` command says of the same request.

The rows are what llama.cpp's own layout gave: one device behind its server, the API front end and the CPU
backend, and placements by buffer. The requests have the keys of the command's contract.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.commands.memory import MemoryQuery, memory
from tools.commands.requests import parse

SAMPLES = Path(__file__).resolve().parent.parent / "data" / "measured"
"""Rows that ship with the program."""
PLACEMENT_BAR = 0.03
"""Relative error of a device's total at the 95th percentile."""
FRONTEND_BAR = 0.02
"""Relative error of the sum at the 95th percentile."""
WEIGHTS_BAR = 1e-5
CARDS = {"gpus2_layer": 2, "gpus4_layer": 4}
ALL_LAYERS = 900
CPU = "computer without GPU, 512 GB RAM"

Parts = tuple[int, int, int]
"""Bytes of weights, cache with recurrent state, and scratch."""


@dataclass(frozen=True)
class Case:
    """One measured configuration."""

    model: str
    scenario: str
    request: dict[str, Any]
    devices: tuple[Parts, ...]
    host: int | None = None
    """Bytes in system memory; None where they were not measured."""


@dataclass(frozen=True)
class Device:
    """One device of a case: what was measured, and what the tool says."""

    case: Case
    true: Parts
    given: Parts

    @property
    def error(self) -> float:
        """Relative error of the total."""
        return abs(sum(self.given) - sum(self.true)) / max(sum(self.true), 1)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["hf_id"]]


def _request(row: dict[str, str], slots: str, micro_batch: str) -> dict[str, Any]:
    return {
        "model": row["hf_id"],
        "quant": row["quant"].removesuffix("_MOE"),
        "context": int(row["ctx"]),
        "kv_cache_type": row["kv_type"],
        "flash_attention": row["flash_attn"] not in ("off", "0"),
        "ubatch_size": int(row[micro_batch]),
        "parallel": int(row[slots]),
        "kv_unified": row["kv_unified"] == "1",
        "engine": "llama.cpp",
        "frontend": "api",
    }


def placements(folder: Path) -> list[Case]:
    """Offload, several devices, experts in system memory, slots: one case a scenario, one row a buffer."""
    grouped: dict[tuple[str, ...], list[dict[str, str]]] = defaultdict(list)
    for row in _rows(folder / "extras_raw.csv"):
        buffers = ("buffer", "is_host", "model_bytes", "context_bytes", "compute_bytes")
        grouped[tuple(value for key, value in row.items() if key not in buffers)].append(row)
    cases = []
    for rows in grouped.values():
        row, scenario = rows[0], rows[0]["scenario"]
        request = _request(row, "n_seq", "ubatch") | {
            "cpu_moe": scenario == "cpu_moe",
            "swa_full": scenario == "swa_full",
            "kv_offload": scenario != "no_kv_offload",
        }
        if scenario in CARDS:
            request["tensor_split"] = [1] * CARDS[scenario]
        if int(row["ngl"]) < ALL_LAYERS:
            request["gpu_layers"] = int(row["ngl"])
        parts = [
            (int(r["model_bytes"]), int(r["context_bytes"]), int(r["compute_bytes"]), r["is_host"] == "1")
            for r in rows
        ]
        devices = tuple((w, kv, c) for w, kv, c, on_host in parts if not on_host)
        host = sum(w + kv + c for w, kv, c, on_host in parts if on_host)
        cases.append(Case(row["model"], scenario, request, devices, host))
    return cases


def servers(folder: Path) -> list[Case]:
    """llama-server (and llama-cli, and Ollama) on one CUDA device."""
    cases = []
    with (folder / "llamacpp_server.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            request = {
                "model": row["model_id"],
                "quant": row["quant"].removesuffix("_MOE"),
                "context": int(row["context"]),
                "kv_cache_type": row["kv_cache_type"],
                "flash_attention": row["flash_attention"] != "off",
                "ubatch_size": int(row["ubatch_size"]),
                "parallel": int(row["parallel"]),
            }
            parts = (int(row["weights_bytes"]), int(row["kv_cache_bytes"]), int(row["compute_bytes"]))
            cases.append(Case(row["model_id"].split("/")[-1], "server", request, (parts,)))
    return cases


def frontends(folder: Path) -> list[Case]:
    """The API front end (llama-bench, older releases) on one CUDA device, and the CPU backend."""
    cases = []
    for row in _rows(folder / "llamacpp_memory.csv"):
        request = _request(row, "n_seq_max", "n_ubatch")
        if row["backend"] == "CPU":
            request["hardware"] = CPU
        parts = (int(row["weights_bytes"]), int(row["kv_bytes"]), int(row["compute_bytes"]))
        cases.append(Case(row["model"], row["backend"], request, (parts,)))
    return cases


def answered(cases: Iterable[Case]) -> list[Device]:
    """What the `memory` command says of each device of each case."""
    found = []
    for case in cases:
        document = memory(parse(MemoryQuery, case.request))
        for true, share in zip(case.devices, document["per_device"], strict=True):
            given = (share["weights_bytes"], share["kv_cache_bytes"], share["compute_bytes"])
            found.append(Device(case, true, given))
    return found


def percentile(errors: list[float], share: float) -> float:
    """The value below which `share` of the errors lie; 0 without errors."""
    ordered = sorted(errors)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0


def inexact(devices: Iterable[Device]) -> list[Device]:
    """Devices whose weights or cache are not the measured ones."""
    return [
        d
        for d in devices
        if d.given[1] != d.true[1] or abs(d.given[0] - d.true[0]) > WEIGHTS_BAR * max(d.true[0], 1)
    ]
