"""Where llama.cpp (and Ollama, which runs it) puts weights, cache and scratch buffers on a machine."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from knowledge.catalog.records import Architecture, ModelRecord
from knowledge.errors import UsageError
from tools.memory.compute import ComputePlan, Scratch, compute_plan, host_compute_bytes, scratch
from tools.memory.estimated import Layout, Share
from tools.memory.kv_cache import (
    CachePlan,
    cache_plan,
    cache_types,
    cells_for,
    has_quantized,
    layer_cache_bytes,
)
from tools.memory.quantization import FileTypes, TypeChooser, is_quantized, known_quants
from tools.memory.shapes import extra_int
from tools.memory.tensors import ModelTensors, has_table, model_tensors, own_tensors, second_table_on_cpu
from tools.memory.types import MemoryRequest
from tools.memory.weights import Weights, weights_of

GGUF_ENGINES = ("llama.cpp", "llamacpp", "llama-server", "ollama", "lmstudio")
"""llama.cpp and the programs around it."""
MAX_CONTEXT = 100_000_000
PIPELINE_COPIES = 4
"""Copies of the inputs that llama.cpp keeps to overlap several devices (GGML_SCHED_MAX_COPIES)."""


class Working(NamedTuple):
    """What a request takes beside the weights, whatever their quantization and placement."""

    scratch: Scratch
    caches: list[int]
    """Cache and state of every layer on a device."""
    cached: int


WORKING_KEPT = 32
"""Requests of which a model's working memory is kept: a solver asks for the same with every quantization."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A model's shape, prepared once."""

    arch: Architecture
    cache: CachePlan
    compute: ComputePlan
    scale: float
    """Factor on the weights where the stated parameters differ from those of the tensor table."""
    tensors: ModelTensors
    weights: dict[str, Weights]
    working: dict[tuple[object, ...], Working]
    own_quant: str | None = None
    """Name of the quantization of the file that the tensors were read from, whose types are known."""

    def weights_in(self, quant: str) -> Weights:
        """The weights in a quantization.

        Raises:
            UsageError: it is neither the file's own nor one of llama.cpp's.
        """
        found = self.weights.get(quant)
        if found is None:
            types = FileTypes() if quant == self.own_quant else TypeChooser(quant, self.arch)
            found = self.weights[quant] = weights_of(self.arch, self.tensors, types)
        return found

    def working_in(self, request: MemoryRequest, types: tuple[str, str], *, on_host: bool = False) -> Working:
        """Cache and scratch on CUDA devices, or of the CPU backend, which copies no quantized cache."""
        away = bool(request.cpu_moe or (request.gpu_layers is not None and request.gpu_layers <= 1))
        key = (
            request.context,
            request.kv_cache_type,
            request.parallel,
            request.ubatch_size,
            request.flash_attention,
            request.kv_unified,
            request.swa_full,
            request.frontend,
            away,
            on_host,
        )
        found = self.working.get(key)
        if found is None:
            cells = cells_for(self.cache, request)
            caches = layer_cache_bytes(self.cache, cells, request, types, on_host=on_host)
            parts = scratch(self.compute, cells, request, has_quantized(types) and not on_host)
            if len(self.working) >= WORKING_KEPT:
                self.working.clear()
            found = self.working[key] = Working(parts, caches, sum(caches))
        return found

    def knows(self, quant: str) -> bool:
        """Whether `weights_in` answers."""
        return quant == self.own_quant or quant in known_quants()


@lru_cache(maxsize=256)
def runs_gguf(engine: str, quant: str) -> bool:
    """Whether an engine runs llama.cpp with weights in this format."""
    return engine.lower() in GGUF_ENGINES and not quant.upper().startswith("MLX")


_PLANS: dict[int, tuple[ModelRecord, Plan | None]] = {}
SCALE_FROM = 0.03
"""Relative difference of parameter counts above which weights are scaled to the stated count."""


def _scale(model: ModelRecord, arch: Architecture, tensors: ModelTensors) -> float:
    if arch.measured or not model.params_total:
        return 1.0
    stated = model.params_total - extra_int(arch, "vision_params")
    ratio = stated / tensors.parameters
    # A vision tower and prediction layers are counted by publishers but are not part of the language model's
    # file.
    beside = bool(model.vision) or "nextn_predict_layers" in arch.extra
    if abs(ratio - 1) <= SCALE_FROM or (beside and 1.0 < ratio < 1.3):
        return 1.0
    return ratio


def _writes(arch: Architecture | None) -> bool:
    """Models that only read keep no cache: their memory is not that of a decoder."""
    return arch is not None and arch.extra.get("attention.causal") is not False


def plan_of(model: ModelRecord) -> Plan | None:
    """The prepared shape of a model; None where its tensors are not known."""
    entry = _PLANS.get(id(model))
    if entry is not None:
        return entry[1]
    arch, plan = model.architecture, None
    own = model.added.tensors if model.added is not None and _writes(arch) else None
    if arch is not None and (own is not None or has_table(arch)):
        cache, tensors = cache_plan(arch), model_tensors(arch) if own is None else own_tensors(own)
        scale = _scale(model, arch, tensors) if own is None else 1.0
        quant = model.added.quant if own is not None and model.added is not None else None
        plan = Plan(arch, cache, compute_plan(arch, cache), scale, tensors, {}, {}, quant and quant.upper())
    _PLANS[id(model)] = (model, plan)
    return plan


def check_context(request: MemoryRequest) -> None:
    """Refuses contexts, slots and batches out of range.

    Raises:
        UsageError: with the range in the hint.
    """
    if not 0 < request.context <= MAX_CONTEXT:
        raise UsageError(
            f"A context of {request.context:,} tokens makes no sense.",
            hint=f"Give a number of tokens from 1 to {MAX_CONTEXT:,}, such as 8192.",
        )
    if request.parallel < 1 or request.ubatch_size < 1:
        what = "parallel" if request.parallel < 1 else "ubatch_size"
        raise UsageError(f"`{what}` must be at least 1.", hint="Leave it out for the engine's default.")
    if request.tensor_split is not None and (not any(request.tensor_split) or min(request.tensor_split) < 0):
        raise UsageError("`tensor_split` needs shares of which one is above 0.", hint="For example 3,1.")
    devices = len(request.hardware.devices) if request.hardware is not None else 0
    if request.tensor_split is not None and 0 < devices < len(request.tensor_split):
        raise UsageError(
            f"`tensor_split` has {len(request.tensor_split)} shares, the machine {devices} devices.",
            hint="Give one share a device, such as 3,1 for two.",
        )


def check_request(request: MemoryRequest) -> tuple[str, str]:
    """Refuses what llama.cpp would refuse.

    Returns:
        The types of keys and values.

    Raises:
        UsageError: a value out of range, an unknown type, or a combination llama.cpp does not start with.
    """
    check_context(request)
    types = cache_types(request.kv_cache_type)
    if not request.flash_attention and is_quantized(types[1]):
        raise UsageError(
            f"llama.cpp refuses a {types[1].lower()} value cache without flash attention.",
            hint="Turn flash attention on, or quantize the keys only, such as q8_0/f16.",
        )
    return types


def shares_of(request: MemoryRequest) -> tuple[float, ...]:
    """Parts of the model by device: the request's split, else by memory."""
    devices = request.hardware.devices if request.hardware is not None else ()
    if request.tensor_split is not None:
        # With no machine named, as many large devices as the split has parts are assumed.
        count = len(devices) if request.hardware is not None else len(request.tensor_split)
        return (*request.tensor_split[:count], *(0.0,) * (count - len(request.tensor_split)))
    sizes = tuple(float(d.free_bytes or d.memory_bytes) for d in devices)
    return sizes if any(sizes) else (1.0,) * max(len(sizes), 1)


def starts_of(layers: int, request: MemoryRequest, shares: tuple[float, ...]) -> list[int]:
    """First layer of every device and, last, one past the output, which counts as a layer after the others.

    What lies before the first device's start stays in system memory: `gpu_layers` counts the output first,
    then the layers from the last one down (llama.cpp's `-ngl`).
    """
    offloaded = layers + 1 if request.gpu_layers is None else min(max(request.gpu_layers, 0), layers + 1)
    first = layers + 1 - offloaded
    starts, total, running = [first], sum(shares), 0.0
    for share in shares[:-1]:
        running += share
        bound = running / total
        # llama.cpp asks for each layer whether its place among the offloaded ones has reached the bound.
        start = min(int(bound * offloaded), offloaded)
        while start < offloaded and start / offloaded < bound:
            start += 1
        starts.append(first + start)
    return [*starts, layers + 1]


def layout(model: ModelRecord, plan: Plan, request: MemoryRequest) -> Layout:
    """Bytes on each device and in system memory.

    Raises:
        UsageError: see `check_request`.
    """
    types = check_request(request)
    weights, machine = plan.weights_in(request.quant.upper()), request.hardware
    if machine is not None and not machine.devices:
        return _in_system_memory(plan, weights, request, types)
    working = plan.working_in(request, types)
    parts = working.scratch
    shares = shares_of(request)
    whole = request.gpu_layers is None or request.gpu_layers > plan.arch.layers
    copies = _copies(request, shares, whole)
    host = weights.host + host_compute_bytes(plan.compute, parts, request, plan.arch.vocab, copies)
    if len(shares) == 1 and whole and request.kv_offload and not request.experts_away:
        share = Share(weights.device, working.cached, parts.total)
        return _scaled(plan, Layout((share,), host, weights.file), weights.host)
    split = _Split(plan, weights, working.caches, request, shares, parts, copies)
    return _scaled(plan, split.layout(host), weights.host)


def _copies(request: MemoryRequest, shares: tuple[float, ...], whole: bool) -> int:
    """Copies of the inputs: several where devices work in a pipeline, which needs everything on them."""
    pipelined = (
        sum(share > 0 for share in shares) > 1 and whole and request.kv_offload and not request.experts_away
    )
    return PIPELINE_COPIES if pipelined else 1


def _scaled(plan: Plan, found: Layout, host_weights: int) -> Layout:
    if plan.scale == 1.0:
        return found
    devices = tuple(s._replace(weights=int(s.weights * plan.scale)) for s in found.devices)
    host = found.host + int(host_weights * (plan.scale - 1))
    return Layout(devices, host, int(found.file * plan.scale))


def _in_system_memory(plan: Plan, weights: Weights, request: MemoryRequest, types: tuple[str, str]) -> Layout:
    """The CPU backend: one buffer, and one more row of inputs."""
    working = plan.working_in(request, types, on_host=True)
    row = plan.compute.hidden * request.ubatch_size * 4
    held = weights.host + sum(weights.host_layers) + weights.host_output
    if second_table_on_cpu(plan.arch):
        held += weights.table
    held = int(held * plan.scale)
    return Layout(
        (Share(held, working.cached, working.scratch.total + row),), 0, int(weights.file * plan.scale)
    )


@dataclass(slots=True)
class _Split:
    """A model over several devices, or partly in system memory."""

    plan: Plan
    weights: Weights
    caches: list[int]
    """Cache and state of every layer."""
    request: MemoryRequest
    shares: tuple[float, ...]
    parts: Scratch
    copies: int

    def layout(self, host: int) -> Layout:
        """Bytes by place; `host` is what stays in system memory in any case."""
        request, weights, layers = self.request, self.weights, self.plan.arch.layers
        starts, away = starts_of(layers, request, self.shares), request.experts_away
        sizes, first = self.caches, starts[0]
        host += sum(weights.host_layers[:first]) + sum(sizes[:first])
        left_experts = sum(weights.experts[first:away])
        held, cached = [], []
        for start, end in pairwise(starts):
            stays = sum(weights.experts[start : min(end, away)])
            holds_output = start <= layers < end
            held.append(sum(weights.layers[start:end]) - stays + (weights.output if holds_output else 0))
            cache = sum(sizes[start:end])
            cached.append(cache if request.kv_offload else 0)
            host += stays + (0 if request.kv_offload else cache)
        if first > layers:
            host += weights.host_output
        used = [device for device, (start, end) in enumerate(pairwise(starts)) if end > start]
        scratches = self._scratches(used, first > 0, left_experts > 0)
        shares = tuple(Share(*sizes) for sizes in zip(held, cached, scratches, strict=True))
        return Layout(shares, host, weights.file)

    def _scratches(self, used: list[int], left_behind: bool, left_experts: bool) -> list[int]:
        parts = self.parts
        width = self.plan.compute.hidden * self.request.ubatch_size * 4
        peak = parts.peak + self._copied(left_behind, left_experts)
        sizes = [0] * len(self.shares)
        if len(used) == 1:
            sizes[used[0]] = max(peak + parts.inputs, parts.output)
            return sizes
        for device in used:
            rows = width if device == used[0] else 2 * width
            inputs = self.copies * (parts.inputs + rows)
            output = parts.output if device == used[-1] else 0
            sizes[device] = max(peak, output) + inputs
        return sizes

    def _copied(self, left_behind: bool, left_experts: bool) -> int:
        """Weights of system memory that the device borrows for a large batch, beyond the usual peak."""
        if not left_behind and not left_experts:
            return 0
        if self.weights.largest_experts:
            step = self.plan.compute.expert_step * self.request.ubatch_size * 4
            return max(self.weights.largest_experts + step - self.parts.peak, 0)
        return self.weights.largest_tensor
