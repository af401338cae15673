"""Time of one memory estimate, and of 10,000 requests as JSON lines in a process of their own."""

from __future__ import annotations

import json
import subprocess
import sys
import time

from knowledge.catalog.store import load_catalog
from tools.memory.estimate import device_bytes, estimate_memory
from tools.memory.types import MemoryRequest

REPEATS = 2000
REQUESTS = 10_000
BAR_SECONDS = 5.0
MODEL = "meta-llama/Llama-3.1-8B-Instruct"
KINDS: dict[str, dict[str, object]] = {
    "llama.cpp": {"engine": "llama.cpp", "kv_cache_type": "q8_0"},
    "vLLM": {"engine": "vllm", "quant": "BF16", "hardware": "2x RTX 3090"},
    "QLoRA": {"train": "qlora", "sequence_length": 2048},
}


def seconds(kind: dict[str, object]) -> float:
    """Seconds that a fresh process takes for all requests of a kind.

    Raises:
        RuntimeError: not every request was answered.
    """
    lines = []
    for number in range(REQUESTS):
        size = {"lora_rank": 1 + number % 64} if "train" in kind else {"context": 256 * (1 + number % 400)}
        lines.append(json.dumps({"model": MODEL, **kind, **size}))
    command = [sys.executable, "-m", "tui.cli", "memory", "--json", "--stdin", "--offline"]
    started = time.perf_counter()
    done = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, check=False)
    took = time.perf_counter() - started
    answers = done.stdout.splitlines()
    if len(answers) != REQUESTS or any('"error"' in answer[:20] for answer in answers):
        raise RuntimeError(f"{len(answers)} answers to {REQUESTS} requests: {done.stderr[-300:]}")
    return took


def run() -> None:
    """Prints the times."""
    model = load_catalog().by_id[MODEL.lower()]
    for name, call in (("device_bytes", device_bytes), ("estimate_memory", estimate_memory)):
        started = time.perf_counter()
        for number in range(REPEATS):
            call(model, MemoryRequest(context=256 * (number + 1)))
        print(f"{name}: {(time.perf_counter() - started) / REPEATS * 1e6:.0f} microseconds")
    for kind, keys in KINDS.items():
        took = seconds(keys)
        verdict = "ok" if took <= BAR_SECONDS else "over"
        print(f"{REQUESTS:,} requests for {kind}: {took:.1f} s, bar {BAR_SECONDS:.0f} s: {verdict}")


if __name__ == "__main__":
    run()
