"""vLLM's cache pool and weights against start-up logs: with the logged peaks, and without any."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from knowledge.catalog.store import load_catalog
from tools.hardware_types import Device, Machine
from tools.memory.estimate import estimate_memory
from tools.memory.types import MemoryRequest, Pool, Serving

ROWS = Path(__file__).resolve().parent.parent / "tests" / "tools" / "memory" / "data" / "vllm.csv"
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
    with ROWS.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield Logged(row)


def run() -> None:
    """Prints each row's error with the logged peaks, and whether the intervals hold without them."""
    inside = held = 0
    errors = []
    for row in logged_rows():
        free = row.pool(with_peaks=False)
        device = free.per_device[0]
        words = [row.name]
        if (weights := row.number("weights_gib")) is not None:
            holds = device.weights_low_bytes <= weights * GIB <= device.weights_high_bytes
            inside, held = inside + holds, held + 1
            words.append(f"weights {device.weights_bytes / GIB:.2f} of {weights:.2f} GiB")
        true = row.number("kv_cache_gib")
        if true is not None and row.has_peaks:
            error = abs(row.pool(with_peaks=True).per_device[0].kv_pool_bytes / GIB - true) / abs(true)
            errors.append(error)
            words.append(f"pool {true:.2f} GiB within {error:.1%} given its peaks")
        if true is not None and row.flags_known:
            low, high = device.kv_pool_low_bytes / GIB, device.kv_pool_high_bytes / GIB
            inside, held = inside + (low <= true <= high), held + 1
            words.append(f"without them {low:.1f} to {high:.1f}")
        tokens = row.number("kv_tokens")
        if tokens is not None and row.flags_known:
            inside, held = inside + (free.tokens_low <= tokens <= free.tokens_high), held + 1
            words.append(f"{tokens:,.0f} tokens in {free.tokens_low:,} to {free.tokens_high:,}")
        print("; ".join(words))
    print(f"pools given the logged peaks: {len(errors)} rows, largest error {max(errors):.2%}")
    print(f"inside the interval without them: {inside} of {held} weights, pools and token counts")
