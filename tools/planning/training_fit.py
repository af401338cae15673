"""Which way of training fits a machine, and how long its examples may be: by the training memory estimate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from knowledge.catalog.records import ModelRecord
from tools.candidates import evidence_json
from tools.hardware_types import Machine
from tools.memory.training import estimate_training
from tools.memory.training_shape import training_shape
from tools.memory.training_tables import framework_named, tables
from tools.memory.types import TrainingEstimate, TrainingMethod, TrainingRequest
from tools.training_plan import METHODS, training_bytes

WAYS: tuple[TrainingMethod, ...] = ("full", "lora", "qlora")
SHARDED: tuple[TrainingMethod, ...] = ("full", "lora")
"""Ways that ZeRO-3 or FSDP divide over devices; quantized weights rarely are."""
LOGIT_BYTES = 4
"""Logits are float32 whatever the weights are."""
LENGTH_STEP = 64
LONGEST = 1 << 20
Fit = Literal["yes", "likely", "unlikely", "no", "unknown"]
ORDER: tuple[Fit, ...] = ("yes", "likely", "unlikely", "no", "unknown")


def training_room(machine: Machine) -> tuple[int | None, str]:
    """Bytes that one device offers a run, and its name: of the widest, or the system memory."""
    if machine.devices:
        widest = max(machine.devices, key=lambda device: device.memory_bytes - device.reserve_bytes)
        return widest.memory_bytes - widest.reserve_bytes, widest.name
    return machine.ram_bytes, "system memory"


def alike(machine: Machine) -> int:
    """Devices over which a run may be sharded: all of them where they are of one size."""
    return len(machine.devices) if len({device.memory_bytes for device in machine.devices}) == 1 else 1


def fit_of(estimate: TrainingEstimate, room: int | None) -> Fit:
    """Where the room lies in the estimate's interval."""
    if room is None:
        return "unknown"
    if estimate.high_bytes <= room:
        return "yes"
    if estimate.total_bytes <= room:
        return "likely"
    return "unlikely" if estimate.low_bytes <= room else "no"


@dataclass(frozen=True, slots=True)
class Way:
    """One way of training a model on a machine."""

    request: TrainingRequest
    estimate: TrainingEstimate
    fits: Fit

    @property
    def method(self) -> TrainingMethod:
        return self.request.method

    @property
    def holds(self) -> bool:
        return self.fits in ("yes", "likely")

    def as_json(self) -> dict[str, Any]:
        e = self.estimate
        return {
            "method": self.method,
            "name": METHODS[self.method],
            "fused_cross_entropy": bool(self.request.fused_cross_entropy),
            "sequence_length": self.request.sequence_length,
            "micro_batch_size": self.request.micro_batch_size,
            "lora_rank": None if self.method == "full" else self.request.lora_rank,
            "framework": self.request.framework,
            "sharding": self.request.sharding,
            "gpus": self.request.gpus,
            **training_bytes(e),
            "fits": self.fits,
            "formula": e.formula,
            "basis": [evidence_json(evidence) for evidence in e.basis],
        }

    def in_short(self) -> dict[str, Any]:
        """The figures that ways are compared by."""
        keys = (
            "method", "name", "fused_cross_entropy", "sharding", "gpus", "total_bytes", "low_bytes",
            "high_bytes", "fits",
        )  # fmt: skip
        whole = self.as_json()
        return {key: whole[key] for key in keys}


def _variants(request: TrainingRequest, gpus: int) -> Iterable[TrainingRequest]:
    """The run as asked, then what makes it smaller: a fused loss, sharding over the devices, both."""
    fused = replace(request, fused_cross_entropy=True)
    losses = (request, fused) if request.fused_cross_entropy is None else (request,)
    yield from losses
    if gpus > 1 and request.method in SHARDED:
        yield from (replace(each, sharding="zero3", gpus=gpus) for each in losses)


def way_of(model: ModelRecord, request: TrainingRequest, room: int | None, gpus: int = 1) -> Way:
    """A request held against the room of one device, in the first variant that fits best.

    Args:
        model: the base model.
        request: the run.
        room: bytes of one device; None leaves the request as it is.
        gpus: devices over which it may be sharded.

    Raises:
        NoAnswerError: neither shape nor parameter count are known.
        UsageError: a value that no run takes.
    """
    best: Way | None = None
    for variant in _variants(request, gpus):
        estimate = estimate_training(model, variant)
        way = Way(variant, estimate, fit_of(estimate, room))
        if best is None or ORDER.index(way.fits) < ORDER.index(best.fits):
            best = way
        if best.fits in ("yes", "unknown"):
            break
    assert best is not None
    return best


def ways_of(model: ModelRecord, request: TrainingRequest, room: int | None, gpus: int = 1) -> tuple[Way, ...]:
    """Full, LoRA and QLoRA with the same lengths and batch."""
    return tuple(way_of(model, replace(request, method=method), room, gpus) for method in WAYS)


def choose(ways: tuple[Way, ...]) -> tuple[Way | None, str]:
    """The way to take, and why: LoRA where its 16-bit weights fit, else QLoRA.

    Full training is never chosen by itself: the guide keeps it for large data and new knowledge.
    """
    by_name = {way.method: way for way in ways}
    lora, qlora, full = by_name.get("lora"), by_name.get("qlora"), by_name.get("full")
    if lora is not None and lora.fits == "yes":
        why = "the 16-bit weights fit, so nothing has to be dequantized"
        return lora, why + (
            "; full training would fit too" if full is not None and full.fits == "yes" else ""
        )
    if qlora is not None and qlora.holds:
        less = "LoRA may not fit" if lora is not None and lora.fits == "likely" else "LoRA does not fit"
        return qlora, f"{less}; QLoRA trains well with much less memory"
    if lora is not None and lora.holds:
        return lora, "it fits, without much to spare"
    return None, "none of them fits this machine"


def longest_sequence(model: ModelRecord, request: TrainingRequest, room: int, *, fused: bool) -> int:
    """Longest example, in steps of 64 tokens, whose estimate fits the room; at most the model's window.

    Args:
        model: the base model.
        request: the run; its length is ignored.
        room: bytes of the device.
        fused: with a loss that never holds the logits of all tokens.

    Returns:
        Tokens; 0 where not even 64 fit.
    """
    most = min(model.context_length or LONGEST, LONGEST) // LENGTH_STEP
    low, high = 0, max(most, 1)
    while low < high:
        middle = (low + high + 1) // 2
        asked = replace(request, sequence_length=middle * LENGTH_STEP, fused_cross_entropy=fused)
        if estimate_training(model, asked).total_bytes <= room:
            low = middle
        else:
            high = middle - 1
    return low * LENGTH_STEP


def logits_of(model: ModelRecord, way: Way, room: int | None) -> dict[str, Any]:
    """The logits of one step: float32, their gradient beside them, and the longest example with and without.

    Args:
        model: the base model.
        way: how it is trained.
        room: bytes of the device; None leaves the longest examples out.
    """
    shape, request = training_shape(model), way.request
    count = request.sequence_length * request.micro_batch_size
    one = count * shape.vocab * LOGIT_BYTES
    entry = framework_named(request.framework).logits or tables().activations["logits"]
    longest = None
    if room is not None:
        longest = {
            "plain_tokens": longest_sequence(model, request, room, fused=False),
            "fused_tokens": longest_sequence(model, request, room, fused=True),
            "window_tokens": model.context_length,
        }
    return {
        "vocabulary": shape.vocab,
        "vocabulary_known": shape.known,
        "tokens": count,
        "logits_bytes": one,
        "gradient_bytes": one,
        "at_peak_bytes": round(count * shape.vocab * entry),
        "peak_bytes_per_entry": entry,
        "formula": f"{count:,} tokens x {shape.vocab:,} entries x {LOGIT_BYTES} bytes, and as much for the "
        "gradient",
        "longest_example": longest,
    }
