"""Scratch memory of llama.cpp's compute graph.

The allocator's peak is one of a few moments of a layer: the feed-forward, the attention with its scores
(flash attention off) or with a 16-bit copy of a quantized cache, the recurrent scan, and the output. Each is
linear in the micro-batch. The coefficients are data (`data/compute.json`), one line an architecture; this
module evaluates them.

Source: llama.cpp v0.5.0 on the CUDA backend in its no-allocation mode, all architectures of the table.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from knowledge.catalog.records import Architecture
from tools.memory.kv_cache import CachePlan, Cells
from tools.memory.shapes import (
    attention_widths,
    has_attention,
    is_windowed,
    layer_kinds,
    layer_sizes,
    model_sizes,
)
from tools.memory.types import MemoryRequest

Terms = tuple[tuple[int, str], ...]
FLOAT = 4
ROTATION = 64
"""llama.cpp rotates a quantized cache with Hadamard matrices: the head size for keys, 64 for values."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Terms of one architecture."""

    base: tuple[Terms, ...]
    copy: Terms
    scores: Terms
    output: Terms
    output_experts_away: Terms


def _terms(text: str) -> Terms:
    found = []
    for item in text.split(" + "):
        *factor, name = item.split()
        found.append((int(factor[0]) if factor else 1, name))
    return tuple(found)


@cache
def _table() -> dict[str, Moments]:
    raw = json.loads(files("tools.memory").joinpath("data/compute.json").read_text(encoding="utf-8"))
    del raw["source"], raw["names"], raw["checked"]
    default = raw["default"]
    table = {}
    for arch, entry in raw.items():
        merged = {**default, **entry}
        table[arch] = Moments(
            tuple(_terms(text) for text in merged["base"]),
            _terms(merged["copy"]),
            _terms(merged["scores"]),
            _terms(merged["output"]),
            _terms(merged["output_experts_away"]),
        )
    return table


@cache
def _checked() -> frozenset[str]:
    raw = json.loads(files("tools.memory").joinpath("data/compute.json").read_text(encoding="utf-8"))
    return frozenset(raw["checked"])


@dataclass(frozen=True, slots=True)
class ComputePlan:
    """Scratch memory of a model before the request's numbers are put in; floats are per token."""

    base: int
    copy: int
    scores: int
    output: int
    output_experts_away: int
    """Output moment where the experts are in system memory and leave no gaps among the buffers."""
    hidden: int
    per_layer_input: int
    heads: int
    kinds: int
    """1 with full or windowed attention only, 2 with both, 0 with none."""
    has_full: bool
    has_window: bool
    full_row: int
    """Key and value widths of the widest full layer, in values."""
    window_row: int
    index_floats: int
    index_floats_transposed: int
    rotation_bytes: int
    state_bytes: int
    """Recurrent scan: bytes per slot on top of its floats."""
    scan: int
    expert_step: int
    """Floats held while a layer's experts, copied from system memory, are computed."""
    checked: bool
    """The architecture's terms were compared with the engine."""


def _sizes(arch: Architecture) -> dict[str, int]:
    """Largest of each size over the layers, with the products that expert layers need."""
    sizes = dict(model_sizes(arch))
    kinds = sorted(set(layer_kinds(arch)))
    for layer in kinds:
        for name, value in layer_sizes(arch, layer).items():
            sizes[name] = max(value, sizes.get(name, 0))
    experts = arch.experts
    if experts is not None:
        inner, outer = experts.used * experts.ff, experts.used * arch.hidden
        # The down projection's result takes the place of gate and up where it fits there.
        sizes |= {"UF": inner, "UE": outer, "UD": outer if 2 * inner < outer else 0, "FX": arch.ff or 0}
    sizes["N"] = arch.vocab
    latent = arch.latent
    if latent is not None:
        # Queries, their latent part, both joined with the rotary part, and the plain part.
        sizes["LA"] = 2 * arch.heads * (latent.nope_dim + latent.rope_dim + latent.kv_rank)
        sizes["LR"] = arch.heads * latent.kv_rank
    if sizes.get("K", 0) < sizes.get("Q", 0):
        sizes |= {"EG": arch.hidden, "KG": sizes.get("QKV", 0)}
    sizes["QP"] = sizes.get("Q", 0) if arch.per_layer_embedding else 0
    if arch.window is not None and arch.latent is None:
        sizes["QW"] = max((attention_widths(arch, i)[1] for i in kinds if is_windowed(arch, i)), default=0)
        sizes["QX"] = sizes["QW"] if experts is not None else 0
    return sizes


def _sum(terms: Terms, sizes: dict[str, int]) -> int:
    return sum(factor * sizes.get(name, 0) for factor, name in terms)


def compute_plan(arch: Architecture, cache_plan: CachePlan) -> ComputePlan:
    """Puts a model's sizes into its architecture's terms."""
    moments = _table().get(arch.arch or "", _table()["default"])
    sizes = _sizes(arch)
    full = [group for group in cache_plan.groups if not group.windowed]
    windowed = [group for group in cache_plan.groups if group.windowed]
    kinds = bool(full) + bool(windowed)
    values = 1 if arch.latent is None else 0
    head_dims = {
        attention_widths(arch, kind)[0]
        for kind in set(layer_kinds(arch))
        if values and has_attention(arch, kind)
    }
    head_dims_by_kind = [max(head_dims)] if kinds == 1 and head_dims else sorted(head_dims)
    if kinds == 2 and len(head_dims_by_kind) == 1:
        head_dims_by_kind *= 2
    scan = _sum(_terms("2 E + SI + 2 I + 2 C"), sizes)
    state = sum((2 * conv + state) * FLOAT for conv, state, _ in cache_plan.states[:1])
    kind = arch.recurrent.kind if arch.recurrent is not None else None
    return ComputePlan(
        base=max(_sum(terms, sizes) for terms in moments.base),
        copy=_sum(moments.copy, sizes),
        scores=_sum(moments.scores, sizes),
        output=_sum(moments.output, sizes),
        output_experts_away=_sum(moments.output_experts_away, sizes),
        hidden=arch.hidden,
        per_layer_input=sizes.get("PL", 0),
        heads=arch.heads,
        kinds=kinds,
        has_full=bool(full),
        has_window=bool(windowed),
        full_row=max((group.key + group.value for group in full), default=0),
        window_row=max((group.key + group.value for group in windowed), default=0),
        index_floats=1 + kinds * (2 + 2 * values),
        index_floats_transposed=1 + kinds * (2 + 2 * values * cache_plan.widest_value),
        rotation_bytes=sum(
            FLOAT * (dim**2 + ROTATION**2) for dim in head_dims_by_kind if dim % ROTATION == 0
        ),
        state_bytes=state if kind == "mamba2" else 0,
        scan=scan if kind == "mamba2" else 0,
        expert_step=_sum(_terms("2 E + Q + OM + UF + UE"), sizes),
        checked=arch.arch in _checked(),
    )


def mask_bytes(plan: ComputePlan, cells: Cells, request: MemoryRequest) -> int:
    """Attention masks: 16-bit with flash attention, else float32; one for each kind of attention."""
    columns = cells.full * plan.has_full + cells.windowed * plan.has_window
    return columns * request.ubatch_size * (2 if request.flash_attention else 4)


@dataclass(frozen=True, slots=True)
class Scratch:
    """Parts of a scratch buffer in bytes."""

    peak: int
    """Largest moment of a layer."""
    inputs: int
    """Masks, positions, cache indices and rotation matrices."""
    output: int
    """Moment of the output matrix; 0 where the front end asks for single rows of logits only."""

    @property
    def total(self) -> int:
        """One device that holds the whole model."""
        return max(self.peak + self.inputs, self.output)


def moments(plan: ComputePlan, cells: Cells, request: MemoryRequest, quantized_cache: bool) -> dict[str, int]:
    """Bytes of the moments of a layer that compete for the peak, by name."""
    width = request.ubatch_size * FLOAT
    found = {"feed-forward and residual": plan.base * width}
    if plan.scan:
        found["recurrent scan"] = plan.scan * width + plan.state_bytes * request.parallel
    if not request.flash_attention:
        columns = max(cells.full * plan.has_full, cells.windowed * plan.has_window)
        found["attention scores"] = (columns * plan.heads + plan.scores) * width
    elif quantized_cache:
        # The CUDA backend turns one layer's keys and values into 16-bit values before attending.
        copied = 2 * max(cells.full * plan.full_row, cells.windowed * plan.window_row)
        beside = plan.state_bytes * request.parallel if plan.has_full else 0
        found["16-bit copy of a layer's cache"] = copied + plan.copy * width + beside
    return found


def scratch(plan: ComputePlan, cells: Cells, request: MemoryRequest, quantized_cache: bool) -> Scratch:
    """Peak of the scratch buffer on a CUDA device.

    `llama-server`, `llama-cli` and Ollama reserve one row of logits a slot; the API front end (llama-bench,
    releases before 2026) reserves logits for the whole micro-batch.
    """
    width = request.ubatch_size * FLOAT
    peak = max(moments(plan, cells, request, quantized_cache).values())
    floats = plan.index_floats if request.flash_attention else plan.index_floats_transposed
    inputs = mask_bytes(plan, cells, request) + floats * width
    if quantized_cache:
        inputs += plan.rotation_bytes
    away = request.cpu_moe or (request.gpu_layers is not None and request.gpu_layers <= 1)
    output = plan.output_experts_away if away else plan.output
    return Scratch(peak, inputs, output * width if request.frontend == "api" else 0)


def host_compute_bytes(
    plan: ComputePlan, parts: Scratch, request: MemoryRequest, vocab: int, copies: int = 1
) -> int:
    """Pinned system memory: inputs on their way to the device, and the logits handed back."""
    width = request.ubatch_size * FLOAT
    passing = (2 * plan.hidden + plan.per_layer_input) * width
    return passing + copies * parts.inputs + vocab * FLOAT * request.parallel
