"""Words, interval and evidence beside a layout by tensors."""

from __future__ import annotations

from knowledge.catalog.records import Architecture, ModelRecord
from tools.memory.compute import mask_bytes, moments
from tools.memory.estimated import Estimated, Layout
from tools.memory.kv_cache import cache_types, cells_for, has_quantized
from tools.memory.llama_cpp import Plan
from tools.memory.shapes import extra_int
from tools.memory.types import Evidence, MemoryRequest

GIB = 1 << 30
ENGINE = "llama.cpp v0.5.0 (0c1e57098), CUDA backend: tensor sizes, cache rules and scratch buffers"


def _gib(size: int) -> str:
    return f"{size / GIB:.2f} GiB"


def _cache_words(plan: Plan, request: MemoryRequest) -> str:
    cells = cells_for(plan.cache, request)
    kind = request.kv_cache_type
    words = []
    for group in plan.cache.groups:
        rows = (cells.windowed if group.windowed else cells.full) * cells.streams
        width = f"{group.key} + {group.value}" if group.value else f"{group.key}"
        name = "windowed" if group.windowed else "latent" if plan.arch.latent is not None else "full"
        words.append(f"{group.layers} {name} layers x {rows:,} cells x ({width}) values in {kind}")
    for convolution, state, layers in plan.cache.states:
        words.append(
            f"{layers} recurrent layers x {request.parallel} slots x ({convolution:,} + {state:,}) "
            f"values in float32"
        )
    return " + ".join(words) or "none"


def formula(plan: Plan, request: MemoryRequest, found: Layout) -> str:
    """How the figures come about, with the numbers filled in."""
    weights, kv, compute = (sum(share[i] for share in found.devices) for i in range(3))
    table = plan.weights_in(request.quant.upper())
    copy = ", and a copy of it is the output matrix" if plan.arch.tied else ""
    own = request.quant.upper() == plan.own_quant
    types = "with the file's own types" if own else f"in the {request.quant} mix"
    return (
        f"weights {_gib(weights)} ({table.tensors} tensors {types}; the token table of "
        f"{_gib(table.host)} stays in system memory{copy}) + "
        f"cache {_gib(kv)} ({_cache_words(plan, request)}) + scratch {_gib(compute)} (micro-batch of "
        f"{request.ubatch_size}, flash attention {'on' if request.flash_attention else 'off'})"
    )


def _shape_words(arch: Architecture) -> list[tuple[str, str]]:
    """The model's shape, from the catalog or from its file."""
    latent, window, experts = arch.latent, arch.window, arch.experts
    attention = f"{arch.heads} heads, {arch.kv_heads} for keys and values, of {arch.head_dim}"
    if latent is not None:
        attention = f"{arch.heads} heads over {latent.kv_rank} + {latent.rope_dim} latent values"
    rows = [
        ("layers", f"{arch.layers}, hidden size {arch.hidden:,}"),
        ("attention", attention),
        ("vocabulary", f"{arch.vocab:,}, {'output tied to it' if arch.tied else 'output of its own'}"),
    ]
    if window is not None and any(window.layers):
        rows.append(("window", f"{window.size:,} tokens in {sum(window.layers)} layers"))
    if arch.ff:
        rows.append(("feed-forward", f"{arch.ff:,}"))
    if experts is not None:
        rows.append(("experts", f"{experts.count} of {experts.ff:,}, {experts.used} used by a token"))
    return rows


def inputs(plan: Plan, request: MemoryRequest) -> tuple[tuple[str, str], ...]:
    """What a layout was computed from: shape, cells, and the moment when the scratch buffer is largest."""
    cells, types = cells_for(plan.cache, request), cache_types(request.kv_cache_type)
    rows = _shape_words(plan.arch)
    kinds = [f"{cells.full:,} of the whole context"] if plan.compute.has_full else []
    kinds += [f"{cells.windowed:,} of a window"] if plan.compute.has_window else []
    if kinds:
        streams = f", each {cells.streams} times" if cells.streams > 1 else ""
        rows.append(("cache cells", " and ".join(kinds) + streams))
    parts = moments(plan.compute, cells, request, has_quantized(types))
    name = max(parts, key=parts.__getitem__)
    masks = mask_bytes(plan.compute, cells, request)
    rows.append(("scratch", f"largest moment: {name} {_gib(parts[name])}; attention masks {_gib(masks)}"))
    return tuple(rows)


def _assumptions(model: ModelRecord, plan: Plan, request: MemoryRequest) -> tuple[str, ...]:
    """Why a layout is not exact."""
    notes = [f"{note[0].upper()}{note[1:]}." for note in plan.arch.approximations]
    if plan.scale != 1.0:
        notes.append(
            f"The known tensors do not add up to the stated parameters; weights are scaled by "
            f"{plan.scale:.2f}."
        )
    if not plan.compute.checked:
        notes.append(f"The scratch buffer of {plan.arch.arch} follows the general formula.")
    if request.frontend == "api":
        notes.append(
            "The API front end reserves logits for a whole micro-batch; its scratch is usually within 10 %."
        )
    devices = request.hardware.devices if request.hardware is not None else ()
    kinds = {device.kind for device in devices} - {"cuda"}
    if kinds:
        notes.append(f"Measured on CUDA; {', '.join(sorted(kinds))} pads and splits slightly differently.")
    if request.hardware is not None and not devices:
        notes.append(
            "Without an accelerator everything is in system memory; the CPU backend repacks some weights."
        )
    if len(devices or request.tensor_split or ()) > 1:
        notes.append("The scratch buffers of several devices are known within 10 %.")
    partial = request.gpu_layers is not None and request.gpu_layers <= plan.arch.layers
    if partial or request.experts_away or not request.kv_offload:
        notes.append("With parts in system memory the device borrows weights while computing.")
    return tuple(notes)


def _remarks(model: ModelRecord, plan: Plan) -> tuple[str, ...]:
    """What the figures leave out."""
    remarks = []
    tower = extra_int(plan.arch, "vision_params")
    if tower:
        remarks.append(
            f"Without the vision projector, a file of its own: "
            f"{tower / 1e6:.0f}e6 parameters, about {2 * tower / GIB:.2f} GiB at 16 bits."
        )
    elif model.vision:
        remarks.append("Without the vision projector, which is a file of its own.")
    if "nextn_predict_layers" in plan.arch.extra:
        remarks.append("Without the layers for multi-token prediction.")
    return tuple(remarks)


def _borrowed(plan: Plan, request: MemoryRequest) -> int:
    """The allocator sometimes holds two of the tensors that a device borrows from system memory."""
    if request.experts_away or (request.gpu_layers is not None and request.gpu_layers <= plan.arch.layers):
        weights = plan.weights_in(request.quant.upper())
        return weights.largest_experts or weights.largest_tensor
    return 0


def _types_evidence(model: ModelRecord, plan: Plan, request: MemoryRequest) -> Evidence:
    """Where the types of the tensors come from."""
    if model.added is not None and request.quant.upper() == plan.own_quant:
        return Evidence("user", f"tensor types of {model.added.location}", model.added.day)
    return Evidence(
        "tool",
        "llama-quantize's own mix without importance matrix; uploads by other recipes differ",
        "tools/memory/quantization.py",
    )


def exact_estimated(model: ModelRecord, request: MemoryRequest, found: Layout, plan: Plan) -> Estimated:
    """Adds interval, words and evidence to a layout."""
    assumptions = _assumptions(model, plan, request)
    weights, kv, compute = (sum(share[i] for share in found.devices) for i in range(3))
    low = high = found.held
    if assumptions:
        loose = 0.0 if plan.arch.measured else 0.01 if plan.scale == 1.0 else 0.05
        cache_low = 0.0 if plan.arch.measured else 0.3 if plan.arch.approximations else 0.05
        loose_scratch = 0.3 if request.frontend == "api" or _borrowed(plan, request) else 0.1
        low -= int(loose * weights + cache_low * kv + loose_scratch * compute)
        high += int(loose * weights + (0.0 if plan.arch.measured else 0.02) * kv + 0.25 * compute)
        high += _borrowed(plan, request)
    basis = (
        Evidence("measurement", ENGINE, "tools/data/measured/llamacpp_server.csv"),
        _types_evidence(model, plan, request),
        Evidence("catalog", f"architecture of {model.id} ({plan.arch.arch})", model.as_of),
    )
    return Estimated(
        found,
        low,
        high,
        formula(plan, request, found),
        assumptions + _remarks(model, plan),
        basis,
        exact=not assumptions and plan.arch.measured,
        inputs=inputs(plan, request),
    )
