"""Memory of a model whose tensors are not known one by one: parameters times bits, and the cache from its
shape.

Bits per weight are medians of measured files by quantization, so nothing here is exact and every answer says
so.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from knowledge.catalog.records import Architecture, ModelRecord
from knowledge.errors import NoAnswerError
from tools.memory.compute import ComputePlan, compute_plan, scratch
from tools.memory.estimated import Estimated, Layout, Share
from tools.memory.kv_cache import (
    CachePlan,
    cache_plan,
    cache_types,
    cells_for,
    has_quantized,
    layer_cache_bytes,
)
from tools.memory.quantization import canonical, mix_of, tables
from tools.memory.types import Evidence, MemoryRequest

GIB = 1 << 30
WEIGHTS_SPREAD = (0.93, 1.10)
KV_PER_TOKEN = 1.27
"""Cache bytes per token at 16 bits over the square root of the parameters: median of the catalog's models."""
KV_SPREAD = (0.11, 3.1)
"""10th and 90th percentile of the same ratio, against its median."""
COMPUTE_SPREAD = (0.6, 1.8)


ENCODER_KINDS = ("embedding", "reranker", "encoder")


def is_encoder(model: ModelRecord) -> bool:
    """Models that read and do not write."""
    return model.kind in ENCODER_KINDS


@cache
def bits_per_weight() -> dict[str, float]:
    """Median bits per weight of measured files, by quantization."""
    raw = json.loads(files("tools.memory").joinpath("data/quants.json").read_text(encoding="utf-8"))
    return {name: float(bits) for name, bits in raw["median_bits_per_weight"].items()}


def bits_of(quant: str) -> float:
    """Bits per weight of a llama.cpp quantization; where no file was measured, those of its base type.

    Raises:
        UsageError: unknown quantization.
    """
    name = canonical(quant)
    block, size = tables().types[mix_of(name).base]
    return bits_per_weight().get(name, 8 * size / block)


def params_of(model: ModelRecord) -> int:
    """The stated parameter count.

    Raises:
        NoAnswerError: nobody stated it.
    """
    if model.params_total is None:
        raise NoAnswerError(
            f"The memory of {model.name} cannot be computed: neither its tensors nor its parameter "
            f"count are known.",
            hint="Add its GGUF file or configuration with `models add`.",
        )
    return model.params_total


_PLANS: dict[int, tuple[Architecture, CachePlan, ComputePlan]] = {}


def shape_plans(arch: Architecture) -> tuple[CachePlan, ComputePlan]:
    """Cache and scratch plans of a shape, prepared once."""
    entry = _PLANS.get(id(arch))
    if entry is None:
        cached = cache_plan(arch)
        entry = _PLANS[id(arch)] = (arch, cached, compute_plan(arch, cached))
    return entry[1], entry[2]


def unknown_cache(params: int, tokens: int, bytes_per_value: float) -> int:
    """Cache of a model whose shape is not known, by its size alone."""
    return int(KV_PER_TOKEN * params**0.5 * tokens * bytes_per_value / 2)


def generic_estimate(model: ModelRecord, request: MemoryRequest, devices: int) -> Estimated:
    """Estimates a model from its parameter count and, where known, its shape.

    Raises:
        NoAnswerError: the parameter count is not known.
        UsageError: unknown quantization or cache type.
    """
    params, arch, bits = params_of(model), model.architecture, bits_of(request.quant)
    file, types = int(params * bits / 8), cache_types(request.kv_cache_type)
    if arch is None:
        block, size = tables().types[types[0]]
        cached, host, spread = unknown_cache(params, request.context, size / block), 0, KV_SPREAD
        compute = int(request.ubatch_size * 12 * params**0.5)
        notes = ("The model's shape is not known: cache and scratch are those of usual models of its size.",)
    else:
        table, plan = shape_plans(arch)
        cells = cells_for(table, request)
        host = int(arch.vocab * arch.hidden * bits / 8) if arch.tied is False else 0
        cached, spread = sum(layer_cache_bytes(table, cells, request, types)), (0.5, 1.0)
        compute = scratch(plan, cells, request, has_quantized(types)).total
        notes = (
            "The tensors are not known one by one: weights are the parameter count times the "
            "quantization's usual "
            "bits, the cache is an upper bound from the shape.",
        )
    weights = file - host
    low, high = (
        int(weights * WEIGHTS_SPREAD[i] + cached * spread[i] + compute * COMPUTE_SPREAD[i]) for i in (0, 1)
    )
    share = Share(weights // devices, cached // devices, compute)
    table_words = f" less the token table of {host / GIB:.2f} GiB" if host else ""
    formula = (
        f"weights {weights / GIB:.2f} GiB = {params / 1e9:.2f}e9 parameters x {bits:.2f} bits / 8"
        f"{table_words}; cache {cached / GIB:.2f} GiB for "
        f"{request.context:,} tokens in {request.kv_cache_type}; scratch {compute / GIB:.2f} GiB"
    )
    basis = (
        Evidence("catalog", f"parameters of {model.id}", model.as_of),
        Evidence(
            "measurement", "median bits per weight of 47 measured models by quantization", "docs/accuracy.md"
        ),
    )
    found = Layout((share,) * devices, host, file)
    return Estimated(found, low, high + compute * (devices - 1), formula, notes, basis)
