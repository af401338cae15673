"""Floating-point operations of fine-tuning, and the time they take: by formula, with measured utilization.

A weight costs 2 operations a token in the forward pass (a multiplication and an addition), 2 for the gradient
of its input and 2 for its own gradient: 6 where it is trained, 4 where it is frozen and only passes gradients
on (Kaplan et al. 2020, arXiv:2001.08361; Chowdhery et al. 2022, PaLM, appendix B). Attention has no weights:
its scores and sums cost three times their forward operations whatever is trained. A token sees half of the
example on average, because attention is causal.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from knowledge.catalog.records import ModelRecord
from tools.hardware_types import Machine
from tools.memory.types import Evidence, TrainingMethod
from tools.speed_work import work_of

PASSES: dict[TrainingMethod, int] = {"full": 3, "scratch": 3, "lora": 2, "qlora": 2}
"""Passes through the weights in multiples of the forward pass."""
ATTENTION_PASSES = 3
TENSOR_CORES = 7.0
"""CUDA compute capability from which devices have tensor cores."""


@dataclass(frozen=True, slots=True)
class TrainingWork:
    """What one token of a training example costs, in floating-point operations."""

    weights: float
    """Through all matrices, by the passes that the method needs."""
    attention: float
    """Scores and weighted sums, on average over the example."""

    @property
    def total(self) -> float:
        return self.weights + self.attention

    def words(self, method: TrainingMethod, length: int) -> str:
        """The formula with its figures."""
        parameters = self.weights / (2 * PASSES[method])
        return (
            f"{2 * PASSES[method]} x {parameters / 1e9:.2f}e9 weights passed = "
            f"{self.weights / 1e9:.1f} GFLOP, and attention over {length:,} tokens (half of them seen "
            "on average, 3 passes) = "
            f"{self.attention / 1e9:.1f} GFLOP a token"
        )


def training_work(model: ModelRecord, method: TrainingMethod, length: int) -> TrainingWork | None:
    """Operations of one token in examples of a length; None where nothing is known to count them from.

    Adapters, norms and recomputed activations are left out: the utilization is measured the same way.

    Args:
        model: the base model.
        method: full fine-tuning, LoRA or QLoRA.
        length: tokens of one example.
    """
    work = work_of(model)
    if work is None:
        return None
    attention = work.attention_full * (length + 1) / 2
    seen = min(work.window, length)
    if seen:
        attention += work.attention_window * (seen - seen * (seen - 1) / (2 * length))
    weights = work.dense + work.experts + work.output
    return TrainingWork(PASSES[method] * weights, ATTENTION_PASSES * attention)


@dataclass(frozen=True, slots=True)
class Utilization:
    """Share of a device's stated dense 16-bit rate that a training run reaches."""

    low: float
    mid: float
    high: float
    source: str


@cache
def _table() -> dict[str, Any]:
    raw = files("tools.planning").joinpath("data/training_speed.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(raw)
    return found


def utilization(method: TrainingMethod) -> Utilization:
    """What published runs reached, by the kind of training."""
    row = _table()["utilization"]["full" if method in ("full", "scratch") else "adapters"]
    return Utilization(row["low"], row["mid"], row["high"], _table()["source"])


def slow_rate(machine: Machine) -> str | None:
    """A device of which only the rate outside the tensor cores is known; None where there is none."""
    return next(
        (
            device.name
            for device in machine.devices
            if device.fp16_tflops is not None
            and device.fp16_tflops == device.vector_tflops
            and (device.compute_capability or 0) >= TENSOR_CORES
        ),
        None,
    )


@dataclass(frozen=True, slots=True)
class TrainingTime:
    """How long a run takes: an interval in seconds, an estimate."""

    low: float
    mid: float
    high: float
    operations: float
    tflops: float
    """Stated dense 16-bit rate of the devices that work, 10**12 operations a second."""
    devices: int
    formula: str
    basis: tuple[Evidence, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "seconds": {"low": round(self.low), "mid": round(self.mid), "high": round(self.high)},
            "operations": self.operations,
            "device_tflops": self.tflops,
            "devices": self.devices,
            "formula": self.formula,
        }


def training_time(
    model: ModelRecord,
    method: TrainingMethod,
    length: int,
    tokens: int,
    machine: Machine,
    *,
    devices: int = 1,
) -> TrainingTime | None:
    """Seconds for so many tokens; None where the model's work or the device's rate is not known.

    Args:
        model: the base model.
        method: full fine-tuning, LoRA or QLoRA.
        length: tokens of one example.
        tokens: tokens of the run, over all epochs.
        machine: where it is trained.
        devices: accelerators that share the work; plain LoRA uses one.
    """
    work = training_work(model, method, length)
    rates = [device.fp16_tflops for device in machine.devices[:devices]]
    if work is None or not rates or any(not rate for rate in rates):
        return None
    share = utilization(method)
    tflops = sum(rate for rate in rates if rate)
    operations = work.total * tokens
    at_peak = operations / (tflops * 1e12)
    names = ", ".join(dict.fromkeys(device.name for device in machine.devices[:devices]))
    formula = (
        f"{tokens:,} tokens x {work.total / 1e9:.1f} GFLOP / ({tflops:g} TFLOPS of {names} x "
        f"{share.low:.0%} to {share.high:.0%} utilization); {work.words(method, length)}"
    )
    basis = (
        Evidence("measurement", share.source),
        Evidence("catalog", f"dense 16-bit rate of {names}: {tflops:g} TFLOPS"),
        Evidence("tool", "6 operations a weight and token where trained, 4 where frozen", "arXiv:2001.08361"),
    )
    return TrainingTime(
        at_peak / share.high,
        at_peak / share.mid,
        at_peak / share.low,
        operations,
        tflops,
        len(rates),
        formula,
        basis,
    )


def measured_lengthening(short: int, long: int) -> tuple[float, float, int]:
    """How much longer an example of `long` tokens took than one of `short`, over the published runs.

    Returns:
        The lowest and the highest factor, and the number of runs.
    """
    speeds = {
        (row["model"], row["method"], row["length"]): row["tokens_per_second"] for row in _table()["rows"]
    }
    factors = [
        speeds[(model, method, short)] / speed * long / short
        for (model, method, length), speed in speeds.items()
        if length == long and (model, method, short) in speeds
    ]
    return min(factors), max(factors), len(factors)
