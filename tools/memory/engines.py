"""Engines other than llama.cpp, and models that only read: honest intervals instead of exact layouts.

Each engine is a row of `data/engines.json` with its source; one evaluator computes them all. The figures say
what a request needs; what servers claim beyond that for their cache is in the pool (`tools/memory/pool.py`).
"""

from __future__ import annotations

from dataclasses import fields
from math import ceil
from typing import NamedTuple

from knowledge.catalog.records import ModelRecord
from knowledge.errors import UsageError
from tools.memory.engine_activation import activation_peak, step_of
from tools.memory.engine_cache import CacheModel, Load
from tools.memory.engine_data import (
    EngineModel,
    default_quant,
    engine_named,
    engine_of_release,
    visible_source,
)
from tools.memory.engine_weights import UNKNOWN_LAYERS, stage_weights
from tools.memory.estimated import Estimated, Layout, Share
from tools.memory.generic import bits_of, params_of
from tools.memory.llama_cpp import check_context
from tools.memory.parallel import Split, split_of
from tools.memory.pool import DeviceParts, pool_of
from tools.memory.types import Evidence, MemoryRequest, Pool, Serving

__all__ = ["default_quant", "encoder_estimate", "engine_estimate", "engine_named"]

MIB, GIB = 1 << 20, 1 << 30
CACHE_BYTES = {"auto": 2.0, "f16": 2.0, "bf16": 2.0, "fp8": 1.0, "q8_0": 1.0625, "q4_0": 0.5625}
MOST_UTILIZATION = 0.98
"""Beyond this the driver and graphs outside the claimed share find no room."""
Three = tuple[int, int, int]

DATA_FILE = "tools/memory/data/engines.json"
"""Where the figures of the engines stand, for the evidence."""


def check_serving(engine: EngineModel | None, name: str, serving: Serving) -> None:
    """Refuses options that the engine does not have.

    Args:
        engine: None for llama.cpp and the programs around it.
        name: the engine as the request names it.
        serving: its options.

    Raises:
        UsageError: an option of another engine.
    """
    known = () if engine is None else engine.options
    for field in fields(serving):
        if getattr(serving, field.name) != field.default and field.name not in known:
            hint = f"It takes {', '.join(known)}." if known else "Name another engine, such as engine: vllm."
            raise UsageError(f"{engine.name if engine else name} has no `{field.name}`.", hint=hint)


class _Use(NamedTuple):
    """What one configuration puts on each device, stage by stage; lowest, middle and highest bytes."""

    weights: tuple[Three, ...]
    cache: tuple[tuple[float, float, float], ...]
    activation: Three
    graphs: Three
    runtime: Three


def _cache_width(engine: EngineModel, request: MemoryRequest) -> float:
    cache_type = request.kv_cache_type.lower().split("/")[0]
    if cache_type not in engine.cache_types:
        raise UsageError(
            f"{engine.name} has no {request.kv_cache_type} cache.",
            hint=f"It takes {', '.join(engine.cache_types)}.",
        )
    return CACHE_BYTES[cache_type]


def engine_estimate(model: ModelRecord, request: MemoryRequest, engine: EngineModel) -> Estimated:
    """What a request needs in an engine other than llama.cpp, and the pool that the engine claims.

    Raises:
        NoAnswerError: the parameter count is not known.
        UsageError: a weight format, cache type or option that the engine does not take.
    """
    check_context(request)
    serving = request.serving or Serving()
    if request.serving is not None:
        check_serving(engine, engine.name, serving)
        engine = engine_of_release(engine.id, serving.engine_version)
    arch, width = model.architecture, _cache_width(engine, request)
    split, notes = split_of(arch, arch.layers if arch else UNKNOWN_LAYERS, engine, request)
    weights, file = stage_weights(model, engine, request.quant, split)
    step = step_of(engine, request)
    caches = CacheModel(arch, model.params_total or 0, engine, split, width, hybrid=serving.hybrid_kv_manager)
    load = Load(request.context, request.parallel, step.tokens)
    activation = activation_peak(model, engine, request, split, step)
    if engine.cache_copy:
        activation = (activation[0], activation[1], activation[2] + caches.copied(load))
    known = serving.non_torch_bytes
    runtime = (known,) * 3 if known is not None else _runtime(engine, split)
    graphs = (0, 0, 0) if serving.enforce_eager else engine.graphs
    use = _Use(weights, caches.needed(load), activation, graphs, runtime)
    pool = _pool(engine, request, split, use, caches, step.tokens)
    notes += _notes(model, engine, request, pool, use)
    return Estimated(
        _layout(split, use, file),
        *_ends(split, use),
        _formula(request, split, use, width, pool),
        notes,
        _basis(model, engine, pool),
        runtime,
        pool=pool,
    )


def _runtime(engine: EngineModel, split: Split) -> Three:
    return engine.runtime_many if split.devices > 1 else engine.runtime


def _layout(split: Split, use: _Use, file: int) -> Layout:
    buffers = use.activation[1] + use.graphs[1]
    shares = [
        Share(weights[1], int(cache[1]), buffers)
        for weights, cache in zip(use.weights, use.cache, strict=True)
        for _ in range(split.tensor)
    ]
    return Layout(tuple(shares), 0, file)


def _ends(split: Split, use: _Use) -> tuple[int, int]:
    """Lowest and highest bytes of all devices together, without the runtime."""
    low, high = (
        sum(w[i] + int(c[i]) for w, c in zip(use.weights, use.cache, strict=True)) * split.tensor
        + split.devices * (use.activation[i] + use.graphs[i])
        for i in (0, 2)
    )
    return low, high


def _pool(
    engine: EngineModel, request: MemoryRequest, split: Split, use: _Use, caches: CacheModel, step: int
) -> Pool | None:
    if engine.claim is None or request.hardware is None or not request.hardware.devices:
        return None
    serving = request.serving or Serving()
    return pool_of(
        engine,
        serving.gpu_memory_utilization or engine.utilization,
        request.hardware.devices[: split.devices],
        tuple(
            DeviceParts(weights, use.activation, use.graphs, use.runtime)
            for weights in use.weights
            for _ in range(split.tensor)
        ),
        caches,
        tensor=split.tensor,
        request_tokens=-(-request.context // request.parallel),
        step=step,
        visible=serving.visible_bytes,
    )


def _notes(
    model: ModelRecord, engine: EngineModel, request: MemoryRequest, pool: Pool | None, use: _Use
) -> tuple[str, ...]:
    notes = []
    if model.architecture is None:
        notes.append("The model's shape is not known: its cache is that of usual models of its size.")
    elif "nextn_predict_layers" in model.architecture.extra:
        notes.append("Without the layers for multi-token prediction, which are loaded on request.")
    serving = request.serving or Serving()
    if serving.expert_parallel and (model.architecture is None or model.architecture.experts is None):
        notes.append("The model has no experts: expert parallelism changes nothing.")
    if pool is None:
        return tuple(notes)
    share = (
        f"{engine.name} claims {pool.gpu_memory_utilization:.0%} of each card at start whatever the request "
        f"needs"
    )
    if pool.kv_pool_bytes <= 0 or pool.tokens == 0:
        notes.append(f"{share}; beside weights and buffers no room is left for its cache.")
    else:
        notes.append(
            f"{share}; its pool of {pool.kv_pool_bytes / GIB:.1f} GiB then holds about {pool.tokens:,} "
            f"tokens, {pool.max_concurrency:.1f} requests of {pool.request_tokens:,}."
        )
    return (*notes, *_shortage(engine, request, pool, use))


def _shortage(engine: EngineModel, request: MemoryRequest, pool: Pool, use: _Use) -> tuple[str, ...]:
    """Says what share would do where the pool is too small for the request."""
    needed = [cache[1] for cache in use.cache for _ in range(pool.tensor_parallel)]
    raised = max(
        pool.gpu_memory_utilization + (size - place.kv_pool_bytes) / place.visible_bytes
        for size, place in zip(needed, pool.per_device, strict=True)
    )
    if raised <= pool.gpu_memory_utilization:
        return ()
    what = f"Its pool is too small for {request.context:,} tokens"
    if raised <= MOST_UTILIZATION and engine.claim != "free":
        return (f"{what}: claim {ceil(raised * 100)}% of each card, or less context.",)
    return (f"{what}, and a larger share does not help: fewer bits, less context or more devices would.",)


def _formula(request: MemoryRequest, split: Split, use: _Use, width: float, pool: Pool | None) -> str:
    weights, cache = sum(w[1] for w in use.weights), sum(c[1] for c in use.cache)
    over = f" on each of {split.tensor} devices" if split.tensor > 1 else ""
    stages = f" in {len(split.stages)} stages" if len(split.stages) > 1 else ""
    words = (
        f"weights {weights / GIB:.2f} GiB in {request.quant}{over}{stages} + cache {cache / GIB:.2f} GiB"
        f"{over} for {request.context:,} tokens at {width:g} bytes a value + activations "
        f"{use.activation[1] / GIB:.2f} GiB"
    )
    if use.graphs[1]:
        words += f" + CUDA graphs {use.graphs[1] / GIB:.2f} GiB"
    if split.devices > 1:
        words += " a device"
    if pool is None:
        return words
    device = pool.per_device[0]
    return (
        f"claimed: pool of {device.kv_pool_bytes / GIB:.2f} GiB a device, of "
        f"{device.visible_bytes / GIB:.2f} GiB visible at {pool.gpu_memory_utilization:g}, in blocks of "
        f"{pool.block_tokens} tokens; needed: {words}"
    )


def _basis(model: ModelRecord, engine: EngineModel, pool: Pool | None) -> tuple[Evidence, ...]:
    basis = (
        Evidence("measurement", engine.source, DATA_FILE),
        Evidence("catalog", f"shape of {model.id}", model.as_of),
    )
    return basis if pool is None else (*basis, Evidence("measurement", visible_source(), DATA_FILE))


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
    weights = int(params * bits_of(quant) / 8) if engine is None else _whole(model, engine, quant)
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
        Evidence("measurement", source, DATA_FILE),
    )
    low, high = int(weights * 0.98 + activation * 0.3), int(weights * 1.05 + activation * 3)
    return Estimated(found, low, high, formula, (), basis, None if engine is None else engine.runtime)


def _whole(model: ModelRecord, engine: EngineModel, quant: str) -> int:
    """Weights on one device."""
    return stage_weights(model, engine, quant, Split(1, (range(_layers_of(model)),), 1))[1]


def _layers_of(model: ModelRecord) -> int:
    return model.architecture.layers if model.architecture is not None else UNKNOWN_LAYERS
