"""Weights outside GGUF: by how a format treats them and how tensor and pipeline parallelism split them.

Embeddings and output are split by vocabulary, linear layers by rows or columns, experts whole or sliced (the
share is the same); norms, routers and the down-projections of latent attention are on every device, and KV
heads are repeated where there are fewer than devices. Source: vLLM's parallel layers
(`VocabParallelEmbedding`, `QKVParallelLinear`, `ReplicatedLinear`), which its kin share.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from knowledge.catalog.records import Architecture, ModelRecord
from tools.memory.engine_data import EngineModel, WeightFormat, format_of
from tools.memory.generic import params_of
from tools.memory.parallel import Split
from tools.memory.shapes import extra_int
from tools.memory.tensors import HOST_TENSORS, Tensor, has_table, model_tensors

COPIED = ("attn_q_a", "attn_kv_a_mqa")
KV = ("attn_k", "attn_v")
LATENT_UP = ("attn_k_b", "attn_v_b")
UNKNOWN_LAYERS = 64
"""Equal slices of a model whose shape is not known."""
Three = tuple[int, int, int]


@dataclass(slots=True)
class Values:
    """Parameters of a layer by treatment."""

    mlp: float = 0
    experts: float = 0
    attention: float = 0
    kv: float = 0
    copied: float = 0
    """Linear and on every device."""
    plain: float = 0
    """Never quantized, on every device."""
    latent_up: float = 0
    """Part of `attention`: up-projections of latent attention."""

    def add(self, other: Values, times: float) -> None:
        for name in Values.__slots__:
            setattr(self, name, getattr(self, name) + times * getattr(other, name))


@dataclass(frozen=True, slots=True)
class Parts:
    """Parameters of a model."""

    kinds: dict[int, Values]
    layers: tuple[int, ...]
    """Kind of each layer, in order."""
    table: int
    """Values of one token table, per-layer tables included."""
    output: int
    """Values of the output matrix; 0 where it is the token table."""
    outside: int
    """Plain values beside the layers."""
    tower: int
    """Vision tower and what else is not in the table; stays at 16 bits."""
    prediction: int
    """Blocks for multi-token prediction, which are loaded for speculative decoding only."""


_PARTS: dict[int, tuple[ModelRecord, Parts]] = {}


def _class_of(tensor: Tensor) -> str:
    name = tensor.name
    if tensor.stacked and len(tensor.shape) > 2:
        return "experts"
    if len(tensor.shape) == 1 or name.startswith(("ffn_gate_inp", "ssm_conv1d")) or ".bias" in name:
        return "plain"
    if name in COPIED:
        return "copied"
    if name in KV:
        return "kv"
    return "mlp" if name.startswith("ffn_") else "attention"


def _from_table(model: ModelRecord, arch: Architecture) -> Parts:
    tensors = model_tensors(arch)
    kinds: dict[int, Values] = {}
    for kind, listed in tensors.kinds.items():
        values = kinds[kind] = Values()
        for tensor in listed:
            name = _class_of(tensor)
            setattr(values, name, getattr(values, name) + tensor.values)
            if tensor.name in LATENT_UP:
                values.latent_up += tensor.values
    table = sum(t.values for t in tensors.outside if t.name in HOST_TENSORS)
    output = sum(t.values for t in tensors.outside if t.name == "output")
    outside = sum(t.values for t in tensors.outside) - table - output
    tied = output if arch.tied else 0
    known = tensors.parameters - tied
    tower = extra_int(arch, "vision_params")
    left = (model.params_total or known) - known - tower
    prediction = max(left, 0) if "nextn_predict_layers" in arch.extra else 0
    left -= prediction
    if left > 0 and model.vision:
        tower, left = tower + left, 0
    counts = Counter(tensors.layers)
    for kind, values in kinds.items():
        values.mlp += left / len(tensors.layers) if counts[kind] else 0
    return Parts(kinds, tuple(tensors.layers), table, output - tied, outside, tower, prediction)


def _from_shape(model: ModelRecord) -> Parts:
    """Where the tensors are not known: everything but the vocabulary is linear, evenly over the layers."""
    arch, params = model.architecture, params_of(model)
    if arch is None:
        return Parts({0: Values(mlp=params / UNKNOWN_LAYERS)}, (0,) * UNKNOWN_LAYERS, 0, 0, 0, 0, 0)
    table = min(arch.vocab * arch.hidden, params)
    output = 0 if arch.tied else min(table, params - table)
    experts = arch.experts
    layers = arch.layers
    stacked = 0.0
    if experts is not None:
        with_experts = max(layers - experts.dense_layers, 0) / max(experts.every, 1)
        stacked = min(3.0 * arch.hidden * experts.ff * experts.count * with_experts, params - table - output)
    linear = max(params - table - output - stacked, 0)
    return Parts(
        {0: Values(mlp=linear / layers, experts=stacked / layers)}, (0,) * layers, table, output, 0, 0, 0
    )


def parts_of(model: ModelRecord) -> Parts:
    """Parameters by treatment, prepared once a model.

    Raises:
        NoAnswerError: the parameter count is not known.
    """
    entry = _PARTS.get(id(model))
    if entry is None:
        arch = model.architecture
        found = _from_table(model, arch) if arch is not None and has_table(arch) else _from_shape(model)
        entry = _PARTS[id(model)] = (model, found)
    return entry[1]


def _padded(form: WeightFormat, arch: Architecture | None, split: Split) -> float:
    """By how much padding makes the experts larger."""
    if form.pad == (1, 1) or arch is None or arch.experts is None:
        return 1.0
    ff = max(arch.experts.ff // split.tensor, 1)
    wide, narrow = -(-arch.hidden // form.pad[0]) * form.pad[0], -(-ff // form.pad[1]) * form.pad[1]
    return wide * narrow / (arch.hidden * ff)


def stage_weights(
    model: ModelRecord, engine: EngineModel, quant: str, split: Split
) -> tuple[tuple[Three, ...], int]:
    """Weights of each pipeline stage on one device, and the bytes to download.

    Args:
        model: the model.
        engine: the engine.
        quant: weight format.
        split: how the model is divided.

    Returns:
        Lowest, middle and highest bytes a device by stage; the size of the files.

    Raises:
        NoAnswerError: the parameter count is not known.
        UsageError: a format that the engine does not read.
    """
    parts, form, arch = parts_of(model), format_of(engine, quant), model.architecture
    pad, tp = _padded(form, arch, split), split.tensor
    stages = []
    for number, layers in enumerate(split.stages):
        first, last = number == 0, number == len(split.stages) - 1
        values = Values()
        for kind, count in Counter(parts.layers[layers.start : layers.stop]).items():
            values.add(parts.kinds[kind], count)
        vocabulary = parts.table * first + (parts.output or parts.table * (not first)) * last
        whole = parts.outside * last + values.plain
        bits = [vocabulary * form.rest / tp + whole * form.plain] * 3
        for i in range(3):
            # At the low end the part beside the table is quantized too, as prediction blocks are.
            bits[i] += parts.tower * (form.plain if i else form.linear[0]) * first / tp
            bits[i] += values.mlp * form.linear[i] / tp + values.experts * form.experts[i] * pad / tp
            attention = values.attention / tp + values.copied + values.kv / min(tp, split.kv_heads)
            bits[i] += attention * form.attention[i]
        if engine.latent_copy and form.linear[1] < 16:
            bits = [size + values.latent_up * 16 / tp for size in bits]
        bits[2] += parts.prediction * form.linear[2] * last / tp
        stages.append(_spread(engine, [size / 8 for size in bits], _rope_table(model, engine)))
    flat = Values()
    for kind, count in Counter(parts.layers).items():
        flat.add(parts.kinds[kind], count)
    linear = (flat.mlp + parts.prediction) * form.linear[1] + flat.experts * form.experts[1]
    linear += (flat.attention + flat.kv + flat.copied) * form.attention[1]
    rest = (parts.table + parts.output) * form.rest
    file = (linear + rest + (flat.plain + parts.outside + parts.tower) * form.plain) / 8
    return tuple(stages), int(file)


def _rope_table(model: ModelRecord, engine: EngineModel) -> int:
    """Sines and cosines of the model's window in 16 bits."""
    arch = model.architecture
    if not engine.rope_table or arch is None or model.context_length is None:
        return 0
    width = arch.latent.rope_dim if arch.latent is not None else arch.head_dim
    return min(model.context_length, 1 << 20) * width * 2


def _spread(engine: EngineModel, sizes: list[float], table: int) -> Three:
    extra, spread = engine.weights_extra, engine.weights_spread
    low = int(sizes[0] * spread[0]) + extra[0]
    high = int(sizes[2] * spread[1]) + table + extra[2]
    return low, int(sizes[1]) + table + extra[1], high
