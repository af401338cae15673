"""A training run on a machine, and its estimate as documents have it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tools.memory.types import TrainingEstimate

TRAINING_BYTES = (
    "weights_bytes",
    "adapter_bytes",
    "gradient_bytes",
    "optimizer_bytes",
    "activation_bytes",
    "logits_bytes",
    "overhead_bytes",
    "total_bytes",
    "low_bytes",
    "high_bytes",
)
"""The parts of a training estimate, their sum and its interval, as the contract names them."""


def training_bytes(estimate: TrainingEstimate) -> dict[str, int]:
    """The parts, the sum and the interval of an estimate."""
    return {key: getattr(estimate, key) for key in TRAINING_BYTES}


METHODS = {"qlora": "QLoRA", "lora": "LoRA", "full": "full fine-tuning", "scratch": "training from scratch"}


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """A training run on a machine."""

    method: str
    sequence_length: int
    estimate: TrainingEstimate
    hardware: str
    available_bytes: int
    fits: bool
    fused_cross_entropy: bool = False
    """Holds only with a loss that never keeps all logits at once (Liger, Unsloth, cut cross-entropy)."""

    @property
    def in_words(self) -> str:
        """What the run takes and whether that is there, as part of a sentence."""
        e, gib = self.estimate, 1 << 30
        need = (
            f"{METHODS[self.method]} at {self.sequence_length:,} tokens per example "
            f"{'with fused cross-entropy ' if self.fused_cross_entropy else ''}"
            f"takes about {e.total_bytes / gib:.1f} GiB"
        )
        if self.fits:
            return f"{need} of the {self.available_bytes / gib:.1f} GiB on {self.hardware}"
        return f"{need}, more than {self.hardware} offers: train on a larger (or rented) card"

    def as_json(self) -> dict[str, Any]:
        e = self.estimate
        return {
            "method": self.method,
            "sequence_length": self.sequence_length,
            "fused_cross_entropy": self.fused_cross_entropy,
            **training_bytes(e),
            "hardware": {"name": self.hardware, "available_bytes": self.available_bytes},
            "fits": self.fits,
        }
