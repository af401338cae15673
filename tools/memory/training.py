"""Memory of fine-tuning and of training from scratch, per GPU: parts by formula, the interval from runs.

Three moments compete for the peak, and the largest counts: the loss (all checkpoints or layers, and the
logits), the end of the backward pass (gradients, and one layer being recomputed) and the optimizer step (its
temporary copies). What differs between frameworks is a row of `data/training.json` with its source.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from knowledge.catalog.records import ModelRecord
from knowledge.errors import UsageError
from tools.memory.training_layers import Activations, activations
from tools.memory.training_shape import TrainingShape, training_shape
from tools.memory.training_tables import Framework, framework_named, is_known, settled, tables
from tools.memory.training_words import formula_of
from tools.memory.types import Evidence, TrainingEstimate, TrainingRequest

GIB = 1 << 30
MAX_TOKENS = 100_000_000
TABLE_BYTES = 2.0
"""Bytes of a value of a table that is trained beside adapters."""
LEVERS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("Fused or chunked cross-entropy", {"fused_cross_entropy": True}),
    ("Gradient checkpointing", {"gradient_checkpointing": True}),
    ("Flash attention", {"flash_attention": True}),
    ("An 8-bit optimizer", {"optimizer": "adamw_8bit"}),
    ("Sharding over the GPUs (ZeRO-3 or FSDP)", {"sharding": "zero3"}),
)
"""What a run could do to take less."""


def _check(request: TrainingRequest) -> None:
    tokens = request.sequence_length * request.micro_batch_size
    if request.sequence_length < 1 or request.micro_batch_size < 1 or tokens > MAX_TOKENS:
        raise UsageError(
            f"{request.micro_batch_size:,} sequences of {request.sequence_length:,} tokens make no sense.",
            hint="Give sequence_length and micro_batch_size from 1, such as 2048 and 1.",
        )
    if request.lora_rank < 1 or request.gpus < 1:
        what = "lora_rank" if request.lora_rank < 1 else "gpus"
        raise UsageError(f"`{what}` must be at least 1.", hint="Usual ranks are 8 to 64.")


@dataclass(frozen=True, slots=True)
class States:
    """What lives through the whole step on one GPU, in bytes."""

    weights: float
    adapter: float
    gradient: float
    optimizer: float
    step: float
    """Temporary copies of the optimizer step."""
    gathered: float
    """Sharded weights that are whole while they are computed."""

    @property
    def lasting(self) -> float:
        return self.weights + self.adapter + self.optimizer + self.gathered


def _shards(request: TrainingRequest) -> tuple[int, int, int]:
    """Over how many GPUs weights, gradients and optimizer states are divided (Rajbhandari et al. 2020)."""
    n = request.gpus
    return {
        "none": (1, 1, 1),
        "zero1": (1, 1, n),
        "zero2": (1, n, n),
        "zero3": (n, n, n),
        "fsdp": (n, n, n),
    }[request.sharding]


def _master(request: TrainingRequest, framework: Framework) -> float:
    """Bytes of the float32 copy beside each trained 16-bit value."""
    return 0.0 if request.precision == "float32" else framework.master


def _full(shape: TrainingShape, request: TrainingRequest, framework: Framework) -> tuple[float, ...]:
    """Weights, gradients, optimizer states and step copies of training all parameters, before sharding."""
    each = 2.0 if request.precision == "bf16" else 4.0
    weights = each * shape.params
    if request.precision == "mixed":
        # Autocast keeps a 16-bit copy of every matrix that is multiplied until the backward pass ends.
        weights += 2.0 * (shape.params - (0 if shape.tied else shape.table))
    optimizer = tables().optimizers[request.optimizer or "adamw"]
    states = _master(request, framework) + optimizer.values * (
        optimizer.bytes or framework.state_bytes or each
    )
    largest = max(shape.largest, shape.table)
    gradient = each * (largest if request.optimizer_in_backward else shape.params)
    step = 0.0 if request.optimizer_in_backward else framework.step_copy * shape.params
    return weights, gradient, states * shape.params, step


def _adapters(shape: TrainingShape, request: TrainingRequest, framework: Framework) -> tuple[float, ...]:
    """Frozen weights, adapters, their gradients, states and step copies, before sharding."""
    weights = (4.0 if request.precision == "float32" else 2.0) * shape.params
    if request.method == "qlora":
        bits = tables().quantized_bits["nf4_double" if request.double_quantization else "nf4"]
        rest = shape.embedding
        weights = (shape.params - rest) * bits / 8 + rest * framework.unquantized_bytes
    targets = request.target_modules or ""
    trained = sum(request.lora_rank * (m.rows + m.columns) * m.count for m in shape.adapted(targets))
    # A table that is trained too is a copy in the model's own type (peft's ModulesToSaveWrapper).
    whole = shape.whole_tables(targets)
    optimizer = tables().optimizers[request.optimizer or "adamw"]

    def states(each: float) -> float:
        return _master(request, framework) + optimizer.values * (
            optimizer.bytes or framework.state_bytes or each
        )

    added = framework.adapter_bytes * trained + TABLE_BYTES * whole
    kept = states(framework.adapter_bytes) * trained + states(TABLE_BYTES) * whole
    step = framework.step_copy * trained + min(framework.step_copy, TABLE_BYTES) * whole
    return weights, added, kept, step


def _states(shape: TrainingShape, request: TrainingRequest, framework: Framework) -> States:
    by_weights, by_gradient, by_optimizer = _shards(request)
    adapter = 0.0
    if request.method in ("full", "scratch"):
        weights, gradient, optimizer, step = _full(shape, request, framework)
    else:
        weights, adapter, optimizer, step = _adapters(shape, request, framework)
        gradient = adapter
    if request.offload_optimizer:
        optimizer = step = 0.0
    gathered = 0.0
    if by_weights > 1:
        # Two layers (one computed, one fetched ahead) or the token table are whole at a time.
        gathered = max(2 * weights / shape.layers, 2.0 * shape.table) * (1 - 1 / by_weights)
    return States(
        weights=weights / by_weights,
        adapter=adapter / by_weights,
        gradient=gradient / by_gradient,
        optimizer=optimizer / by_optimizer,
        step=step / by_optimizer,
        gathered=gathered,
    )


@dataclass(frozen=True, slots=True)
class Peak:
    """The peak of one GPU and what makes it up, in bytes."""

    states: States
    found: Activations
    computing: float
    """Activations and logits at the peak, beyond states and gradients."""
    step: float
    """What the optimizer step's copies need beyond that room."""
    fixed: float
    """Driver context, libraries, communication buffers."""

    @property
    def total(self) -> float:
        s = self.states
        return s.lasting + s.gradient + self.computing + self.step + self.fixed


def _peak(shape: TrainingShape, asked: TrainingRequest, framework: Framework) -> Peak:
    """The peak of a settled request."""
    states, found = _states(shape, asked, framework), activations(shape, asked, framework)
    # Without accumulation the gradients of the last step are gone while the loss is computed.
    absent = 0.0 if framework.accumulates else states.gradient
    computing = max(found.held + max(found.logits, found.layer) - absent, found.layer)
    step = max(states.step - computing, 0.0)
    return Peak(states, found, computing, step, float(framework.runtime[1] + framework.buffers))


def estimate_shape(
    shape: TrainingShape, request: TrainingRequest, basis: tuple[Evidence, ...], caveats: tuple[str, ...]
) -> TrainingEstimate:
    """The estimate for a shape.

    Raises:
        UsageError: lengths, batches or ranks below 1, unknown modules.
    """
    _check(request)
    asked, framework = settled(request), framework_named(request.framework)
    peak = _peak(shape, asked, framework)
    states, logits = peak.states, min(peak.found.logits, peak.computing)
    low_runtime, _, high_runtime = framework.runtime
    lasting = states.lasting + states.gradient + framework.buffers
    paged = states.optimizer if tables().optimizers[asked.optimizer or "adamw"].paged else 0.0
    low, high = tables().state_spread[request.method]
    shrink, grow = tables().dynamic_spread
    estimate = TrainingEstimate(
        weights_bytes=int(states.weights),
        adapter_bytes=int(states.adapter),
        gradient_bytes=int(states.gradient),
        optimizer_bytes=int(states.optimizer),
        activation_bytes=int(peak.computing - logits),
        logits_bytes=int(logits),
        overhead_bytes=int(peak.fixed + peak.step + states.gathered),
        low_bytes=int(low * (lasting - paged) + shrink * peak.computing + low_runtime),
        high_bytes=int(high * lasting + grow * peak.computing + peak.step + high_runtime),
        formula="",
        basis=basis,
        caveats=(*caveats, *_levers(shape, asked, framework, peak)),
    )
    return replace(
        estimate,
        low_bytes=min(estimate.low_bytes, estimate.total_bytes),
        high_bytes=max(estimate.high_bytes, estimate.total_bytes),
        formula=formula_of(shape, asked, framework, estimate, peak.found, peak.step),
    )


def _levers(
    shape: TrainingShape, asked: TrainingRequest, framework: Framework, peak: Peak
) -> tuple[str, ...]:
    """What would save most, computed by estimating the run with that one thing changed."""
    found: list[tuple[float, str]] = []
    for words, change in LEVERS:
        changed = replace(asked, **change)
        if changed == asked:
            continue
        saved = peak.total - _peak(shape, changed, framework).total
        if saved > max(0.05 * peak.total, 0.25 * GIB):
            found.append((saved, f"{words} saves {saved / GIB:.1f} GiB."))
    return tuple(text for _, text in sorted(found, reverse=True))


def estimate_training(model: ModelRecord, request: TrainingRequest) -> TrainingEstimate:
    """Memory per GPU of one training run, as an interval.

    Raises:
        NoAnswerError: neither shape nor parameter count are known.
        UsageError: lengths, batches or ranks below 1, unknown modules.
    """
    shape, framework = training_shape(model), framework_named(request.framework)
    caveats = []
    if not shape.known:
        caveats.append("The model's shape is not known: usual proportions of its size are assumed.")
    arch = model.architecture
    if arch is not None and arch.experts is not None and request.method in ("lora", "qlora"):
        caveats.append("Adapters are counted for attention and shared layers, not for the routed experts.")
    if not is_known(request.framework):
        caveats.append(f"Nothing measured with {request.framework}: figures are those of Transformers.")
    basis = (
        Evidence("measurement", tables().source, "tools/memory/data/training.json"),
        Evidence("tool", f"{framework.name}: {framework.source}", "tools/memory/data/training.json"),
        Evidence("catalog", f"architecture of {model.id}", model.as_of),
    )
    return estimate_shape(shape, request, basis, tuple(caveats))
