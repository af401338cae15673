"""vLLM's cache pool and weights against start-up logs: with the logged peaks, and without any."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass

from knowledge.catalog.store import load_catalog
from tools.accuracy.placements import SAMPLES
from tools.accuracy.table import Cell, Table
from tools.hardware_types import Device, Machine
from tools.memory.estimate import estimate_memory
from tools.memory.types import MemoryRequest, Pool, Serving

GIB = 1 << 30
SOLD_GIB = {
    "H100 SXM5 80GB": 80,
    "A100 SXM4 80GB": 80,
    "A100 PCIe 40GB": 40,
    "RTX 3090": 24,
    "RTX 4060": 8,
    "RTX 4090": 24,
    "RTX 5090": 32,
}
CAPABILITY = {
    "H100 SXM5 80GB": 9.0,
    "A100 SXM4 80GB": 8.0,
    "A100 PCIe 40GB": 8.0,
    "RTX 4090": 8.9,
    "RTX 5090": 12.0,
}


@dataclass(frozen=True, slots=True)
class Logged:
    """One start-up log; sizes in GiB on one device, None where the log does not tell them."""

    row: dict[str, str]

    def number(self, key: str) -> float | None:
        text = self.row[key]
        return float(text) if text else None

    @property
    def name(self) -> str:
        model = self.row["model_id"].split("/")[-1]
        return f"{model} {self.row['quant']} on {self.row['devices']}x {self.row['device']}"

    @property
    def has_peaks(self) -> bool:
        """The log tells activation peak and memory outside torch."""
        return bool(self.row["activation_gib"] and self.row["non_torch_gib"])

    @property
    def flags_known(self) -> bool:
        """All that the pool depends on is known, so that an interval can be held against it."""
        return self.row["flags_known"] == "yes"

    def pool(self, *, with_peaks: bool) -> Pool:
        """The estimated pool, given the logged peaks or not."""
        count, device = int(self.row["devices"]), self.row["device"]
        card = Device(
            device,
            "cuda",
            SOLD_GIB[device] * GIB,
            1000.0,
            compute_capability=CAPABILITY.get(device),
        )
        seqs = self.row["max_num_seqs"]
        serving = Serving(
            gpu_memory_utilization=self.number("gpu_memory_utilization"),
            tensor_parallel=count,
            max_num_seqs=int(seqs) if seqs else None,
            enforce_eager=self.row["enforce_eager"] == "on",
            activation_bytes=self._bytes("activation_gib") if with_peaks else None,
            non_torch_bytes=self._bytes("non_torch_gib") if with_peaks else None,
            visible_bytes=self._bytes("total_gib"),
            engine_version=self.row["engine_version"] or None,
        )
        request = MemoryRequest(
            quant=self.row["quant"],
            context=int(self.row["context"]),
            kv_cache_type="auto",
            engine="vllm",
            hardware=Machine("logged", (card,) * count),
            serving=serving,
        )
        pool = estimate_memory(load_catalog().by_id[self.row["model_id"].lower()], request).pool
        assert pool is not None
        return pool

    def _bytes(self, key: str) -> int | None:
        value = self.number(key)
        return None if value is None else int(value * GIB)


def logged_rows() -> Iterator[Logged]:
    """The committed start-up logs."""
    with (SAMPLES / "vllm.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield Logged(row)


def _gib(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f} GiB"


def _row(row: Logged) -> tuple[tuple[Cell, ...], list[bool], float | None]:
    """One log as a line, what of it lies inside the interval, and the pool's error given the peaks."""
    free, held = row.pool(with_peaks=False), []
    device, error = free.per_device[0], None
    weights, true, tokens = (row.number(key) for key in ("weights_gib", "kv_cache_gib", "kv_tokens"))
    if weights is not None:
        held.append(device.weights_low_bytes <= weights * GIB <= device.weights_high_bytes)
    if true is not None and row.has_peaks:
        error = abs(row.pool(with_peaks=True).per_device[0].kv_pool_bytes / GIB - true) / abs(true)
    low, high = device.kv_pool_low_bytes / GIB, device.kv_pool_high_bytes / GIB
    if true is not None and row.flags_known:
        held.append(low <= true <= high)
    if tokens is not None and row.flags_known:
        held.append(free.tokens_low <= tokens <= free.tokens_high)
    between = f"{low:.1f} to {high:.1f} GiB" if row.flags_known and true is not None else None
    line = (
        row.name,
        _gib(weights),
        f"{device.weights_bytes / GIB:.2f} GiB",
        _gib(true),
        between,
        None if error is None else f"{error:.2%}",
    )
    return line, held, error


def report() -> tuple[Table, ...]:
    """Weights and cache pool by start-up log."""
    rows = [_row(row) for row in logged_rows()]
    held = [holds for _, found, _ in rows for holds in found]
    errors = [error for _, _, error in rows if error is not None]
    note = (
        "GiB on one device; each log's source is in data/measured/vllm.csv. Given the logged activation peak "
        f"and memory outside torch, the pool of {len(errors)} logs is off by {max(errors):.2%} at most; "
        f"without them {sum(held)} of {len(held)} weights, pools and token counts lie inside the interval."
    )
    columns = (
        "start-up log",
        "weights",
        "estimated",
        "pool",
        "interval without peaks",
        "pool's error given peaks",
    )
    return (Table("vLLM: weights and cache pool", columns, tuple(line for line, _, _ in rows), note),)
