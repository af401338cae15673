"""Bytes of the context memory: attention cache by kind of layer, and recurrent state.

Source: llama.cpp v0.5.0 (`llama-kv-cache.cpp`, `llama-memory-recurrent.cpp`) on the CUDA backend, byte for
byte.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

from knowledge.catalog.records import Architecture
from knowledge.errors import UsageError
from tools.memory.quantization import is_quantized
from tools.memory.shapes import layer_cache, layer_kinds
from tools.memory.types import MemoryRequest
from tools.memory.weights import device_tensor_bytes, padded

CELLS_STEP = 256
"""llama.cpp rounds the number of cells of a cache up to this."""
CACHE_TYPES = ("f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl")


def pad_cells(tokens: int) -> int:
    return -(-tokens // CELLS_STEP) * CELLS_STEP


@lru_cache(maxsize=256)
def cache_types(text: str) -> tuple[str, str]:
    """Types of keys and values, `q8_0/q4_0` or one for both, in upper case as the type table has them.

    Raises:
        UsageError: a type llama.cpp has no cache of.
    """
    parts = text.lower().split("/")
    if len(parts) > 2 or any(part not in CACHE_TYPES for part in parts):
        raise UsageError(
            f"Unknown KV cache type {text!r}.",
            hint=f"One of {', '.join(CACHE_TYPES)}, or two of them for keys and values, such as q8_0/q4_0.",
        )
    return parts[0].upper(), parts[-1].upper()


@dataclass(frozen=True, slots=True)
class CacheGroup:
    """Layers that cache alike."""

    key: int
    value: int
    windowed: bool
    layers: int


@dataclass(frozen=True, slots=True)
class CachePlan:
    """The cache of a model before the request's numbers are put in."""

    groups: tuple[CacheGroup, ...]
    window: int
    widest_value: int
    """Widest values of any layer: without flash attention llama.cpp pads every layer's values to it."""
    states: tuple[tuple[int, int, int], ...]
    """Convolution values, state values, and how many layers have them; per slot."""
    kinds: tuple[tuple[int, int, bool, int, int], ...]
    """Every make of layer: keys, values, windowed, convolution, state."""
    by_layer: tuple[int, ...]
    """Index of every layer's make, in order."""


def cache_plan(arch: Architecture) -> CachePlan:
    """Groups a model's layers by what they cache."""
    kinds = layer_kinds(arch)
    by_kind = {kind: layer_cache(arch, kind) for kind in set(kinds)}
    caches = [by_kind[kind] for kind in kinds]
    groups = Counter((c.key, c.value, c.windowed) for c in caches if c.key)
    states = Counter((c.convolution, c.state) for c in caches if c.state or c.convolution)
    makes = [(c.key, c.value, c.windowed, c.convolution, c.state) for c in caches]
    distinct = tuple(dict.fromkeys(makes))
    return CachePlan(
        tuple(CacheGroup(*kind, layers) for kind, layers in groups.items()),
        arch.window.size if arch.window is not None else 0,
        max((c.value for c in caches), default=0),
        tuple((conv, state, layers) for (conv, state), layers in states.items()),
        distinct,
        tuple(distinct.index(make) for make in makes),
    )


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells that a request gives to the two kinds of attention."""

    full: int
    windowed: int
    streams: int


def cells_for(plan: CachePlan, request: MemoryRequest) -> Cells:
    """Cells per stream.

    A window keeps `window x slots + micro-batch` cells with a unified cache, and per slot without.
    """
    streams = 1 if request.kv_unified else request.parallel
    full = pad_cells(-(-request.context // streams))
    if not plan.window or request.swa_full:
        return Cells(full, full, streams)
    slots = request.parallel if request.kv_unified else 1
    return Cells(full, min(full, pad_cells(plan.window * slots + request.ubatch_size)), streams)


def _tensor(type_name: str, width: int, rows: int, on_host: bool) -> int:
    if not width:
        return 0
    return device_tensor_bytes(type_name, width, rows, pad_row=not on_host)


def layer_cache_bytes(
    plan: CachePlan, cells: Cells, request: MemoryRequest, types: tuple[str, str], *, on_host: bool = False
) -> list[int]:
    """Cache and state of every layer, in order."""
    known = []
    for key, value, windowed, convolution, state in plan.kinds:
        size = padded(4 * convolution * request.parallel) + padded(4 * state * request.parallel)
        if key:
            rows = (cells.windowed if windowed else cells.full) * cells.streams
            width = value if request.flash_attention or not value else plan.widest_value
            size += _tensor(types[0], key, rows, on_host) + _tensor(types[1], width, rows, on_host)
        known.append(size)
    return [known[kind] for kind in plan.by_layer]


def has_quantized(types: tuple[str, str]) -> bool:
    return is_quantized(types[0]) or is_quantized(types[1])
