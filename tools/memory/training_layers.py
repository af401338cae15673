"""What the tokens of one micro-batch leave behind: activations of the layers, checkpoints, logits.

The coefficients of `data/training.json` are bytes a token and unit of width, measured by tracing runs of
transformers (`scripts/measure_training.py`); what a framework's kernels save is a factor of its row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tools.memory.training_shape import TrainingShape
from tools.memory.training_tables import Framework, tables
from tools.memory.types import TrainingRequest


@dataclass(frozen=True, slots=True)
class Activations:
    """Bytes of one micro-batch."""

    held: float
    """Lives from the forward pass to the backward pass: checkpoints, or all layers."""
    layer: float
    """One layer being recomputed and differentiated, beside what is held."""
    logits: float
    copies: float
    """Values of the logits that exist at once, in bytes an entry of one token."""


def _trained(shape: TrainingShape, request: TrainingRequest) -> str:
    """Which coefficients hold."""
    if request.method in ("full", "scratch"):
        return "mixed" if request.precision == "mixed" else "full"
    adapted = shape.adapted(request.target_modules or "")
    return "attention" if all(m.attention for m in adapted) else "mlp"


def _dropout(shape: TrainingShape, request: TrainingRequest, each: float) -> float:
    """Each adapted matrix keeps a dropped copy of its input and the mask, instead of sharing one input."""
    adapted = shape.adapted(request.target_modules or "")
    inputs = {(m.attention, m.rows) for m in adapted}
    copies = sum(each * m.rows * m.count for m in adapted) / shape.layers
    shared = sum(
        2.0 * rows for attention, rows in inputs if not (attention and rows == shape.query != shape.hidden)
    )
    return max(copies - shared, 0.0)


def _saved(shape: TrainingShape, request: TrainingRequest, framework: Framework, residual: float) -> float:
    """Bytes that one token leaves in one layer for the backward pass."""
    table: dict[str, Any] = tables().activations
    trained = _trained(shape, request)
    base, per_norm = table["norm"][shape.norm][trained]
    wide = 1.0 if trained == "mixed" else residual / 2
    head = table["head_norm"][trained] if shape.head_norms else 0
    found = (
        (base + per_norm * shape.norms) * wide * shape.hidden
        + (table["attention"] + head) * (shape.query + shape.key)
        + table["feed_forward"]["gated" if shape.gated else "plain"][trained] * shape.ff
        + 4.0 * shape.dispatched * shape.hidden
    )
    if framework.dropout and request.method in ("lora", "qlora"):
        found += _dropout(shape, request, table["dropout"])
    if framework.kept_inputs and request.method == "qlora":
        # Of both norms' outputs and the feed-forward's inner values; attention keeps its own output anyway.
        found += 2.0 * (shape.hidden * 2 + shape.ff)
    if request.precision == "float32":
        found *= 2
    return float(found)


def _recomputing(shape: TrainingShape, request: TrainingRequest) -> float:
    """Gradients and temporaries of the layer under work, beside what it saved, in bytes a token."""
    table: dict[str, Any] = tables().activations
    kind = "gated" if shape.gated else "plain"
    saved = table["feed_forward"][kind][_trained(shape, request)]
    found = (table["recomputed"][kind] - saved) * shape.ff + table["recomputed"]["hidden"] * shape.hidden
    return float(found * (2 if request.precision == "float32" else 1))


def activations(shape: TrainingShape, request: TrainingRequest, framework: Framework) -> Activations:
    """Bytes of one micro-batch of a settled request."""
    table: dict[str, Any] = tables().activations
    tokens = request.sequence_length * request.micro_batch_size
    residual = framework.quantized_residual if request.method == "qlora" else 2.0
    if request.method in ("full", "scratch") and request.precision != "bf16":
        residual = 4.0
    saved = _saved(shape, request, framework, residual) * framework.layer_factor
    working = _recomputing(shape, request) * framework.layer_factor
    if not request.flash_attention:
        saved += table["scores"] * shape.heads * request.sequence_length
        working += table["scores_working"] * shape.heads * request.sequence_length
    if request.gradient_checkpointing:
        held = residual * shape.hidden * shape.layers * framework.checkpoints_kept
        layer = saved + working
    else:
        held, layer = saved * shape.layers, working
    dequantized = 2.0 * shape.largest if request.method == "qlora" else 0.0
    entry = framework.logits or table["logits"]
    if request.fused_cross_entropy:
        chunk = min(tokens, framework.chunk_tokens)
        copies = entry * chunk / tokens + framework.chunk_logits * (1 - chunk / tokens)
    else:
        copies = entry
    return Activations(held * tokens, layer * tokens + dequantized, copies * shape.vocab * tokens, copies)
