"""Why an engine's figures differ from llama.cpp's for the same model, part by part and in words."""

from __future__ import annotations

from dataclasses import dataclass, replace

from knowledge.catalog.records import ModelRecord
from knowledge.errors import AdvisorError
from tools.memory.engine_activation import step_of
from tools.memory.engine_data import (
    EngineModel,
    engine_named,
    engine_of_release,
    format_of,
    llama_cpp_format,
)
from tools.memory.estimate import estimate_memory
from tools.memory.types import MemoryEstimate, MemoryRequest, Serving

GIB = 1 << 30
CACHE_TYPES = {"auto": "f16", "fp8": "q8_0"}
LEAST = 0.01 * GIB
"""A smaller difference is not worth a sentence."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One part of the difference to llama.cpp."""

    part: str
    """weights, cache, compute, overhead or pool."""
    bytes: int
    """What this engine takes beyond llama.cpp; negative where it takes less."""
    text: str


def differences(
    model: ModelRecord, request: MemoryRequest, estimate: MemoryEstimate
) -> tuple[Difference, ...]:
    """The difference to llama.cpp with the nearest quantization, context and cache type.

    Args:
        model: the model.
        request: a configuration of another engine.
        estimate: its memory.

    Returns:
        One item a part that differs; empty for llama.cpp itself and where it cannot hold the model.
    """
    engine = engine_named(request.engine, request.quant)
    if engine is None:
        return ()
    serving = request.serving or Serving()
    engine = engine_of_release(engine.id, serving.engine_version)
    quant = llama_cpp_format(request.quant)
    kind = request.kv_cache_type.lower()
    other = replace(
        request, engine="llama.cpp", quant=quant, kv_cache_type=CACHE_TYPES.get(kind, kind), serving=None
    )
    try:
        base = estimate_memory(model, other)
    except AdvisorError:
        return ()
    parts = (
        (
            "weights",
            estimate.weights_bytes - base.weights_bytes,
            _weights(model, request, engine, quant, base),
        ),
        ("cache", estimate.kv_cache_bytes - base.kv_cache_bytes, _cache(model, request, engine)),
        ("compute", estimate.compute_bytes - base.compute_bytes, _compute(request, engine)),
        ("overhead", estimate.overhead_bytes - base.overhead_bytes, _overhead(engine)),
    )
    found = [
        Difference(part, size, f"{part} {size / GIB:+.2f} GiB against llama.cpp in {quant}: {text}.")
        for part, size, text in parts
        if text and abs(size) >= LEAST
    ]
    return (*found, *_pool(engine, estimate))


def _devices(request: MemoryRequest) -> int:
    return len(request.hardware.devices) if request.hardware is not None else 1


def _weights(
    model: ModelRecord, request: MemoryRequest, engine: EngineModel, quant: str, base: MemoryEstimate
) -> str:
    form = format_of(engine, request.quant)
    reasons = []
    if form.linear[1] < form.rest:
        reasons.append(
            f"{request.quant} takes {form.linear[1]:.3g} bits a weight and keeps embeddings and output at "
            f"{form.rest:g} bits, {quant} quantizes them too"
        )
    elif form.linear[1] < 16:
        reasons.append(
            f"{request.quant} takes {form.linear[1]:.3g} bits for every weight, {quant} mixes types"
        )
    if form.pad != (1, 1) and model.architecture is not None and model.architecture.experts is not None:
        reasons.append("experts are padded to the widths of its kernels")
    if base.host_bytes:
        reasons.append("llama.cpp leaves the token table in system memory")
    if model.vision:
        reasons.append("the vision tower is loaded with the model, in llama.cpp it is a file of its own")
    if _devices(request) > 1 and engine.tensor_parallel:
        reasons.append("norms and what cannot be sliced are on every device")
    return "; ".join(reasons)


def _cache(model: ModelRecord, request: MemoryRequest, engine: EngineModel) -> str:
    arch = model.architecture
    if arch is None:
        return "the shape is not known"
    reasons = []
    serving = request.serving or Serving()
    hybrid = engine.windows if serving.hybrid_kv_manager is None else serving.hybrid_kv_manager
    if arch.window is not None and not hybrid:
        reasons.append("sliding windows are cached in full")
    elif arch.window is not None:
        step = step_of(engine, request).tokens
        reasons.append(f"windows hold a step of {step:,} tokens beside the window, llama.cpp a micro-batch")
    if arch.recurrent is not None and engine.paged_states:
        reasons.append("recurrent states take whole pages of the cache, and blocks are raised to their size")
    if _devices(request) > 1 and engine.tensor_parallel:
        if arch.latent is not None:
            reasons.append("the latent cache is repeated on every tensor-parallel device")
        elif arch.kv_heads < _devices(request):
            reasons.append(f"the {arch.kv_heads} KV heads are repeated over {_devices(request)} devices")
    if request.kv_cache_type.lower() == "fp8":
        reasons.append("fp8 takes 8 bits a value, q8_0 8.5")
    return "; ".join(reasons) or "tokens come in other blocks"


def _compute(request: MemoryRequest, engine: EngineModel) -> str:
    step = step_of(engine, request)
    words = (
        f"a step of {step.tokens:,} tokens and {step.sequences:,} sampled rows against a micro-batch of "
        f"{request.ubatch_size}"
    )
    serving = request.serving or Serving()
    return f"{words}, and CUDA graphs" if engine.graphs[1] and not serving.enforce_eager else words


def _overhead(engine: EngineModel) -> str:
    return (
        "no driver context is counted on Apple's unified memory"
        if not engine.runtime[1]
        else "what its logs show outside the framework's allocator, against a driver context measured there"
    )


def _pool(engine: EngineModel, estimate: MemoryEstimate) -> tuple[Difference, ...]:
    """What is claimed beyond the need."""
    pool = estimate.pool
    if pool is None:
        return ()
    spare = pool.kv_pool_bytes - estimate.kv_cache_bytes
    if spare <= 0:
        return ()
    text = (
        f"claimed beyond the need: {spare / GIB:+.2f} GiB. {engine.name} fills "
        f"{pool.gpu_memory_utilization:.0%} of each card with its cache pool at start, for {pool.tokens:,} "
        f"tokens; llama.cpp allocates the context asked for."
    )
    return (Difference("pool", spare, text),)
