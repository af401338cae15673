"""Memory of fine-tuning and of training from scratch, per GPU: parts by formula, an interval from measured
runs.

The parts follow the usual accounting: weights, adapters, gradients, optimizer states, activations and the
logits of the last matrix, which large vocabularies make the largest single item. What differs between
frameworks (a float32 master copy, fused cross-entropy, offloaded checkpoints) is a row of
`data/training.json` with its source.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from knowledge.catalog.records import Architecture, ModelRecord
from knowledge.errors import UsageError
from tools.memory.generic import params_of
from tools.memory.tensors import HOST_TENSORS, ModelTensors, Tensor, has_table, model_tensors
from tools.memory.types import Evidence, TrainingEstimate, TrainingRequest

MIB, GIB = 1 << 20, 1 << 30
MAX_TOKENS = 100_000_000
CHUNK = 1024
"""Tokens whose logits exist at once with fused or chunked cross-entropy."""
ATTENTION = ("attn_q", "attn_k", "attn_v", "attn_output", "attn_qkv")


@dataclass(frozen=True, slots=True)
class Framework:
    """How a training framework uses memory; bytes are per value."""

    name: str
    master: float
    """Float32 copy of trained weights."""
    gradient: float
    state_scale: float
    """Optimizer states against float32 ones."""
    logits_bytes: float
    """All copies of the logits and their gradients together."""
    layer_factor: float
    offload: bool
    """Checkpoints go to system memory."""
    adapter_bytes: float
    overhead: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class _Tables:
    linear_bits: dict[str, float]
    optimizer_bytes: dict[str, float]
    frameworks: dict[str, Framework]
    same_as: dict[str, str]
    source: str


@cache
def _tables() -> _Tables:
    raw = json.loads(files("tools.memory").joinpath("data/training.json").read_text(encoding="utf-8"))
    frameworks = {}
    for name, row in raw["frameworks"].items():
        low, mid, high = (int(value * MIB) for value in row.pop("overhead_mib"))
        frameworks[name] = Framework(name=name, overhead=(low, mid, high), **row)
    return _Tables(raw["linear_bits"], raw["optimizer_bytes"], frameworks, raw["same_as"], raw["source"])


@dataclass(frozen=True, slots=True)
class TrainingShape:
    """What training needs to know of a model, in values."""

    params: int
    embedding: int
    """Values of token table and output matrix."""
    layers: int
    hidden: int
    vocab: int
    layer_values: int
    """Values that one token leaves behind in one layer for the backward pass."""
    heads: int
    linear: tuple[tuple[int, int], ...]
    """Input and output widths of every matrix that may get an adapter."""
    attention: tuple[tuple[int, int], ...]
    known: bool


def _layer_values(arch: Architecture) -> int:
    experts = arch.experts
    inner = arch.ff or 0
    if experts is not None:
        inner = max(inner, experts.used * experts.ff + experts.shared_ff)
    query = arch.heads * (
        arch.head_dim if arch.latent is None else arch.latent.nope_dim + arch.latent.rope_dim
    )
    key = arch.kv_heads * arch.head_dim if arch.latent is None else query
    return 4 * arch.hidden + 2 * query + 2 * key + 4 * inner


def _adaptable(tensors: ModelTensors) -> list[Tensor]:
    """Matrices of the layers, each as often as it occurs."""
    return [
        tensor
        for kind in tensors.layers
        for tensor in tensors.kinds[kind]
        if len(tensor.shape) == 2 and "norm" not in tensor.name and min(tensor.shape) > 1
    ]


_SHAPES: dict[int, tuple[ModelRecord, TrainingShape]] = {}


def training_shape(model: ModelRecord) -> TrainingShape:
    """The sizes of a model as training sees them.

    Raises:
        NoAnswerError: neither shape nor parameter count are known.
    """
    entry = _SHAPES.get(id(model))
    if entry is not None:
        return entry[1]
    arch = model.architecture
    shape = _unknown_shape(params_of(model)) if arch is None else _known_shape(model, arch)
    _SHAPES[id(model)] = (model, shape)
    return shape


def _known_shape(model: ModelRecord, arch: Architecture) -> TrainingShape:
    tensors = model_tensors(arch) if has_table(arch) else ModelTensors((), {}, [])
    matrices = _adaptable(tensors)
    linear = tuple((t.shape[0], t.shape[1]) for t in matrices)
    attention = tuple((t.shape[0], t.shape[1]) for t in matrices if t.name in ATTENTION)
    if not matrices:
        query, key, ff = arch.heads * arch.head_dim, arch.kv_heads * arch.head_dim, arch.ff or 4 * arch.hidden
        attention = (
            (arch.hidden, query),
            (arch.hidden, key),
            (arch.hidden, key),
            (query, arch.hidden),
        ) * arch.layers
        linear = attention + ((arch.hidden, ff), (arch.hidden, ff), (ff, arch.hidden)) * arch.layers
    embedding = sum(t.values for t in tensors.outside if t.name in (*HOST_TENSORS, "output"))
    return TrainingShape(
        params=model.params_total or tensors.parameters or params_of(model),
        embedding=embedding or arch.vocab * arch.hidden * (1 if arch.tied else 2),
        layers=arch.layers,
        hidden=arch.hidden,
        vocab=arch.vocab,
        layer_values=_layer_values(arch),
        heads=arch.heads,
        linear=linear,
        attention=attention,
        known=True,
    )


def _unknown_shape(params: int) -> TrainingShape:
    """Usual proportions of a decoder of this size: 12 x layers x hidden squared, hidden 100 x layers."""
    hidden = max(int(0.045 * params**0.5) // 64 * 64, 64)
    layers = max(round(params / (12 * hidden * hidden)), 1)
    attention = ((hidden, hidden),) * (4 * layers)
    linear = attention + ((hidden, 3 * hidden),) * (3 * layers)
    vocab = 128_000
    return TrainingShape(
        params,
        min(2 * vocab * hidden, params // 3),
        layers,
        hidden,
        vocab,
        20 * hidden,
        hidden // 128 or 1,
        linear,
        attention,
        False,
    )


def framework_named(name: str) -> Framework:
    """The framework's row; an unknown name is treated as Transformers."""
    tables = _tables()
    key = name.lower()
    return tables.frameworks.get(tables.same_as.get(key, key), tables.frameworks["transformers"])


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
class _Parts:
    weights: float
    adapter: float
    gradient: float
    optimizer: float
    checkpoints: float
    layer: float
    logits: float


def _states(shape: TrainingShape, request: TrainingRequest, framework: Framework) -> tuple[float, ...]:
    """Weights, adapters, gradients and optimizer states in bytes, before sharding."""
    tables = _tables()
    state = tables.optimizer_bytes[request.optimizer]
    if request.method in ("full", "scratch"):
        trained = shape.params
        if request.method == "scratch":
            return 4.0 * trained, 0.0, 4.0 * trained, state * trained
        scale = framework.state_scale if request.optimizer == "adamw" else 1.0
        return (
            2.0 * trained,
            0.0,
            framework.gradient * trained,
            (framework.master + state * scale) * trained,
        )
    bits = tables.linear_bits[request.method]
    weights = ((shape.params - shape.embedding) * bits + shape.embedding * 16) / 8
    targets = shape.attention if request.target_modules == "attention" else shape.linear
    adapters = sum(request.lora_rank * (rows + columns) for rows, columns in targets)
    return weights, framework.adapter_bytes * adapters, framework.adapter_bytes * adapters, state * adapters


def _activations(
    shape: TrainingShape, request: TrainingRequest, framework: Framework
) -> tuple[float, float, float]:
    """Checkpoints, the layers held for the backward pass, and the logits, in bytes."""
    tokens = request.sequence_length * request.micro_batch_size
    values = shape.layer_values * tokens * framework.layer_factor
    if not request.flash_attention:
        values += 2.5 * shape.heads * request.sequence_length * tokens
    held = 1 if request.gradient_checkpointing else shape.layers
    # A recomputed layer also holds its gradients.
    layer = 2 * values * held * (2 if request.gradient_checkpointing else 1)
    checkpoints = 2.0 * shape.hidden * tokens * shape.layers if request.gradient_checkpointing else 0.0
    if framework.offload:
        checkpoints *= 0.25
    rows = min(tokens, CHUNK) if request.fused_cross_entropy else tokens
    return checkpoints, layer, framework.logits_bytes * shape.vocab * rows


def _shards(request: TrainingRequest) -> tuple[int, int, int]:
    """Over how many GPUs weights, gradients and optimizer states are divided."""
    n = request.gpus
    return {
        "none": (1, 1, 1),
        "zero1": (1, 1, n),
        "zero2": (1, n, n),
        "zero3": (n, n, n),
        "fsdp": (n, n, n),
    }[request.sharding]


def _words(shape: TrainingShape, request: TrainingRequest, found: TrainingEstimate) -> str:
    tokens = request.sequence_length * request.micro_batch_size
    one_copy = shape.vocab * tokens * 4
    rank = f" (rank {request.lora_rank})"
    checkpointing = "on" if request.gradient_checkpointing else "off"
    chunks = ", computed in chunks" if request.fused_cross_entropy else ""
    parts = [
        f"weights {_gib(found.weights_bytes)} ({shape.params / 1e9:.2f}e9 parameters)",
        f"adapters {_gib(found.adapter_bytes)}{rank}" if found.adapter_bytes else "",
        f"gradients {_gib(found.gradient_bytes)}",
        f"optimizer {_gib(found.optimizer_bytes)} ({request.optimizer})",
        f"activations {_gib(found.activation_bytes)} ({tokens:,} tokens, {shape.layers} layers, "
        f"checkpointing {checkpointing})",
        f"logits {_gib(found.logits_bytes)} (one float32 copy of {shape.vocab:,} x {tokens:,} is "
        f"{_gib(one_copy)}{chunks})",
        f"runtime {_gib(found.overhead_bytes)}",
    ]
    return " + ".join(part for part in parts if part)


def _gib(size: int) -> str:
    return f"{size / GIB:.2f} GiB"


def estimate_shape(
    shape: TrainingShape, request: TrainingRequest, basis: tuple[Evidence, ...], caveats: tuple[str, ...]
) -> TrainingEstimate:
    """The estimate for a shape.

    Raises:
        UsageError: lengths, batches or ranks below 1.
    """
    _check(request)
    framework = framework_named(request.framework)
    weights, adapter, gradient, optimizer = _states(shape, request, framework)
    by_weights, by_gradient, by_optimizer = _shards(request)
    checkpoints, layer, logits = _activations(shape, request, framework)
    low_runtime, runtime, high_runtime = framework.overhead
    if by_weights > 1:
        # Gathered layers are whole on each GPU while they are computed.
        runtime += int(2 * weights / shape.layers)
    states = weights / by_weights + adapter + gradient / by_gradient + optimizer / by_optimizer
    # Whether a float32 copy of the weights is kept depends on how a run is set up.
    spread = (0.8, 1.25) if request.method == "full" else (0.93, 1.08)
    found = TrainingEstimate(
        weights_bytes=int(weights / by_weights),
        adapter_bytes=int(adapter),
        gradient_bytes=int(gradient / by_gradient),
        optimizer_bytes=int(optimizer / by_optimizer),
        activation_bytes=int(checkpoints + layer),
        logits_bytes=int(logits),
        overhead_bytes=runtime,
        low_bytes=int(spread[0] * states + 0.5 * (checkpoints + layer) + 0.6 * logits + low_runtime),
        high_bytes=int(spread[1] * states + 1.5 * (checkpoints + layer) + 1.4 * logits + high_runtime),
        formula="",
        basis=basis,
        caveats=caveats,
    )
    return replace(found, formula=_words(shape, request, found))


def estimate_training(model: ModelRecord, request: TrainingRequest) -> TrainingEstimate:
    """Memory per GPU of one training run, as an interval.

    Raises:
        NoAnswerError: neither shape nor parameter count are known.
        UsageError: lengths, batches or ranks below 1.
    """
    shape = training_shape(model)
    caveats = []
    if not shape.known:
        caveats.append("The model's shape is not known: usual proportions of its size are assumed.")
    tokens = request.sequence_length * request.micro_batch_size
    if not request.fused_cross_entropy and shape.vocab * tokens * 4 > GIB:
        caveats.append(
            f"The vocabulary of {shape.vocab:,} makes the logits large: "
            f"{shape.vocab * tokens * 4 / GIB:.1f} GiB a float32 copy; fused or chunked cross-entropy avoids "
            "most of it."
        )
    arch = model.architecture
    if arch is not None and arch.experts is not None and request.method in ("lora", "qlora"):
        caveats.append("Adapters are counted for attention and shared layers, not for the routed experts.")
    name = framework_named(request.framework).name
    if request.framework.lower() not in (name, *_tables().same_as):
        caveats.append(f"Nothing measured with {request.framework}: figures are those of Transformers.")
    basis = (
        Evidence("measurement", _tables().source),
        Evidence("catalog", f"architecture of {model.id}", model.as_of),
    )
    return estimate_shape(shape, request, basis, tuple(caveats))
