"""Engines other than llama.cpp, and models that only read: honest intervals instead of exact layouts.

Each engine is a row of `data/engines.json` with its source; one evaluator computes them all. The figures say
what a request needs; engines that fill a card with their cache pool (vLLM and its kin) say so in a note.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from knowledge.catalog.records import Architecture, ModelRecord
from knowledge.errors import UsageError
from tools.memory.estimated import Estimated, Layout, Share
from tools.memory.generic import KV_SPREAD, bits_of, params_of, shape_plans, unknown_cache
from tools.memory.kv_cache import CachePlan, pad_cells
from tools.memory.llama_cpp import check_context
from tools.memory.tensors import HOST_TENSORS, has_table, model_tensors
from tools.memory.types import Evidence, MemoryRequest

MIB, GIB = 1 << 20, 1 << 30
GGUF_ENGINES = ("llama.cpp", "llamacpp", "llama-server", "ollama", "lmstudio")
ENCODER_KINDS = ("embedding", "reranker", "encoder")
CACHE_BYTES = {"auto": 2.0, "f16": 2.0, "bf16": 2.0, "fp8": 1.0, "q8_0": 1.0625, "q4_0": 0.5625}


@dataclass(frozen=True, slots=True)
class WeightFormat:
    """Bits of a weight format outside GGUF."""

    bits: float
    rest: float
    """Bits of embeddings and output."""
    experts_only: bool


@dataclass(frozen=True, slots=True)
class EngineModel:
    """How an engine uses memory."""

    id: str
    name: str
    formats: tuple[str, ...]
    default: str
    """Weight format where none is named."""
    cache_types: tuple[str, ...]
    windows: bool
    """Sliding windows are cached as windows."""
    tensor_parallel: bool
    utilization: float | None
    """Share of the card that the engine claims at start; None where it takes what it needs."""
    block: int
    batched_tokens: int | None
    """Prompt tokens computed in one step; None reads a prompt whole."""
    sequences: int
    graphs: tuple[int, int, int]
    runtime: tuple[int, int, int]
    activation_spread: tuple[float, float]
    weights_spread: tuple[float, float]
    source: str


def _three(values: list[float]) -> tuple[int, int, int]:
    low, mid, high = (int(value * MIB) for value in values)
    return low, mid, high


@cache
def _tables() -> tuple[dict[str, WeightFormat], dict[str, EngineModel]]:
    raw = json.loads(files("tools.memory").joinpath("data/engines.json").read_text(encoding="utf-8"))
    formats = {
        name: WeightFormat(row["bits"], row.get("rest", 16), row.get("experts_only", False))
        for name, row in raw["formats"].items()
    }
    engines = {
        id_: EngineModel(
            id=id_,
            name=row["name"],
            formats=tuple(row["formats"]),
            default=row.get("default", "BF16"),
            cache_types=tuple(row["cache_types"]),
            windows=row["windows"],
            tensor_parallel=row["tensor_parallel"],
            utilization=row.get("utilization"),
            block=row.get("block", 1),
            batched_tokens=row.get("batched_tokens"),
            sequences=row.get("sequences", 1),
            graphs=_three(row["graphs_mib"]),
            runtime=_three(row["runtime_mib"]),
            activation_spread=(row["activation_spread"][0], row["activation_spread"][1]),
            weights_spread=(row["weights_spread"][0], row["weights_spread"][1]),
            source=row["source"],
        )
        for id_, row in raw["engines"].items()
    }
    return formats, engines


def is_encoder(model: ModelRecord) -> bool:
    """Models that read and do not write."""
    return model.kind in ENCODER_KINDS


@lru_cache(maxsize=256)
def engine_named(name: str, quant: str) -> EngineModel | None:
    """The engine of a request; None for llama.cpp and the programs around it.

    Raises:
        UsageError: an engine that is not known.
    """
    key = name.lower()
    if key in GGUF_ENGINES and not quant.upper().startswith("MLX"):
        return None
    engines = _tables()[1]
    found = engines.get("mlx" if key == "lmstudio" else key)
    if found is None:
        known = ("llama.cpp", "ollama", "lmstudio", *engines)
        raise UsageError(f"Unknown engine {name!r}.", hint=f"Known: {', '.join(known)}.")
    return found


def default_quant(name: str) -> str:
    """The weight format to assume where a request names only the engine.

    Raises:
        UsageError: an engine that is not known.
    """
    engine = engine_named(name, "")
    return "Q4_K_M" if engine is None else engine.default


def _format_of(engine: EngineModel, quant: str) -> WeightFormat:
    name = quant.upper()
    if name not in engine.formats:
        raise UsageError(
            f"{engine.name} does not read weights in {quant}.", hint=f"It reads {', '.join(engine.formats)}."
        )
    return _tables()[0][name]


@dataclass(frozen=True, slots=True)
class _Parts:
    """Parameters by how quantization treats them."""

    linear: int
    experts: int
    rest: int


_PARTS: dict[int, tuple[ModelRecord, _Parts]] = {}


def _parts(model: ModelRecord) -> _Parts:
    entry = _PARTS.get(id(model))
    if entry is not None:
        return entry[1]
    arch = model.architecture
    if arch is not None and has_table(arch):
        tensors = model_tensors(arch)
        rest = experts = 0
        for tensor, count in tensors.counted():
            if tensor.stacked:
                experts += tensor.values * count
            elif tensor.name in (*HOST_TENSORS, "output") or len(tensor.shape) == 1:
                rest += tensor.values * count
        linear = max((model.params_total or tensors.parameters) - rest - experts, 0)
    else:
        params = params_of(model)
        rest = 0 if arch is None else min(arch.vocab * arch.hidden * (1 if arch.tied else 2), params)
        experts, linear = 0, params - rest
    found = _Parts(linear, experts, rest)
    _PARTS[id(model)] = (model, found)
    return found


def weight_bytes(model: ModelRecord, engine: EngineModel, quant: str) -> int:
    """Weights in a safetensors or MLX format.

    Raises:
        NoAnswerError: the parameter count is not known.
        UsageError: a format that the engine does not read.
    """
    parts, form = _parts(model), _format_of(engine, quant)
    linear = 16 if form.experts_only and parts.experts else form.bits
    return int((parts.linear * linear + parts.experts * form.bits + parts.rest * form.rest) / 8)


def cache_bytes(table: CachePlan, tokens: int, slots: int, engine: EngineModel, width: float) -> int:
    """Cache of `tokens` tokens over all sequences, and the recurrent state of `slots` sequences."""
    size = 0.0
    for group in table.groups:
        cells = tokens
        if group.windowed and engine.windows:
            step = engine.batched_tokens or 0
            cells = min(tokens, slots * pad_cells(table.window) + step)
        cells = -(-cells // engine.block) * engine.block
        size += group.layers * cells * (group.key + group.value) * width
    states = sum(layers * (conv + 2 * state) * 2 for conv, state, layers in table.states)
    return int(size) + states * slots


def _activation(arch: Architecture | None, params: int, engine: EngineModel, request: MemoryRequest) -> int:
    """Values of the widest step at 16 bits, and the logits of the sampled rows in float32."""
    tokens = min(request.context, engine.batched_tokens or request.context)
    if arch is None:
        return int(tokens * 12 * params**0.5)
    experts = arch.experts
    inner = max(arch.ff or 0, experts.used * experts.ff + experts.shared_ff if experts is not None else 0)
    rows = min(engine.sequences, max(request.parallel, 1) * 4)
    return tokens * 2 * (4 * arch.hidden + 2 * inner + 2 * arch.heads * arch.head_dim) + rows * arch.vocab * 8


def _split(arch: Architecture | None, engine: EngineModel, count: int) -> tuple[int, float]:
    """Over how many devices weights are divided, and the share of the cache that each holds."""
    if count == 1:
        return 1, 1.0
    if not engine.tensor_parallel:
        return count, 1 / count
    heads = 1 if arch is None or arch.latent is not None else max(arch.kv_heads, 1)
    return count, max(1 / count, 1 / heads)


def engine_estimate(model: ModelRecord, request: MemoryRequest, engine: EngineModel) -> Estimated:
    """What a request needs in an engine other than llama.cpp.

    Raises:
        NoAnswerError: the parameter count is not known.
        UsageError: a weight format or cache type that the engine does not take.
    """
    check_context(request)
    weights, arch = weight_bytes(model, engine, request.quant), model.architecture
    cache_type = request.kv_cache_type.lower().split("/")[0]
    if cache_type not in engine.cache_types:
        raise UsageError(
            f"{engine.name} has no {request.kv_cache_type} cache.",
            hint=f"It takes {', '.join(engine.cache_types)}.",
        )
    width, params = CACHE_BYTES[cache_type], model.params_total or 0
    notes: list[str] = []
    if arch is None:
        cached, spread = unknown_cache(params, request.context, width), KV_SPREAD
        notes.append("The model's shape is not known: its cache is that of usual models of its size.")
    else:
        cached = cache_bytes(shape_plans(arch)[0], request.context, request.parallel, engine, width)
        spread = (1.0, 1.0) if arch.measured else (0.5, 1.0)
    devices = request.hardware.devices if request.hardware is not None else ()
    count, cache_share = _split(arch, engine, max(len(devices), 1))
    activation = _activation(arch, params, engine, request)
    share = Share(weights // count, int(cached * cache_share), activation + engine.graphs[1])
    held = [
        int(count * (weights // count * engine.weights_spread[i] + cached * cache_share * spread[i]))
        + count * (int(activation * engine.activation_spread[i]) + engine.graphs[2 * i])
        for i in (0, 1)
    ]
    notes += _pool_notes(engine, request, weights, cached, count)
    formula = (
        f"weights {weights / GIB:.2f} GiB in {request.quant} + cache {cached / GIB:.2f} GiB for "
        f"{request.context:,} tokens at {width:g} bytes a value + activations {activation / GIB:.2f} GiB"
        f"{f' a device, over {count} devices' if count > 1 else ''}"
    )
    basis = (Evidence("measurement", engine.source), Evidence("catalog", f"shape of {model.id}", model.as_of))
    found = Layout((share,) * count, 0, weights)
    return Estimated(found, held[0], held[1], formula, tuple(notes), basis, engine.runtime)


def _pool_notes(
    engine: EngineModel, request: MemoryRequest, weights: int, cached: int, count: int
) -> list[str]:
    if engine.utilization is None or request.hardware is None or not request.hardware.devices or not cached:
        return []
    card = min(device.memory_bytes for device in request.hardware.devices)
    pool = int(card * engine.utilization) - weights // count - engine.graphs[1] - engine.runtime[1]
    if pool <= 0:
        return [
            f"{engine.name} finds no room for its cache beside the weights at its usual share of the card."
        ]
    tokens = int(pool * count / cached * request.context)
    return [
        f"{engine.name} claims {engine.utilization:.0%} of each card at start whatever the request "
        f"needs; its pool "
        f"then holds about {tokens:,} tokens in all."
    ]


def encoder_estimate(model: ModelRecord, request: MemoryRequest, engine: EngineModel | None) -> Estimated:
    """An embedder, reranker or encoder: weights, and the activations of one batch of `parallel` texts.

    Args:
        model: the model.
        request: `context` is the length of a text, `parallel` the number of texts in a batch.
        engine: None for llama.cpp, whose quantizations then hold.

    Raises:
        NoAnswerError: the parameter count is not known.
        UsageError: a weight format that the engine does not read.
    """
    check_context(request)
    params, quant = params_of(model), request.quant
    weights = int(params * bits_of(quant) / 8) if engine is None else weight_bytes(model, engine, quant)
    limit = model.embedding.max_tokens if model.embedding is not None else model.context_length
    tokens = min(request.context, limit or request.context) * request.parallel
    arch = model.architecture
    hidden = arch.hidden if arch is not None else int(0.09 * params**0.5)
    inner = (arch.ff or 4 * hidden) if arch is not None else 4 * hidden
    activation = tokens * (6 * hidden + 3 * inner) * (4 if quant.upper() == "F32" else 2) + 32 * MIB
    formula = (
        f"weights {weights / GIB:.2f} GiB = {params / 1e6:.0f}e6 parameters in {quant} + activations of "
        f"{tokens:,} tokens {activation / GIB:.2f} GiB; no cache is kept"
    )
    found = Layout((Share(weights, 0, activation),), 0, weights)
    source = "median bits per weight by quantization" if engine is None else engine.source
    basis = (
        Evidence("catalog", f"parameters of {model.id}", model.as_of),
        Evidence("measurement", source),
    )
    low, high = int(weights * 0.98 + activation * 0.3), int(weights * 1.05 + activation * 3)
    return Estimated(found, low, high, formula, (), basis, None if engine is None else engine.runtime)
