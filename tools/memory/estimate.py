"""Memory of a model in one configuration: the entry point for every face and for the solver."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from knowledge.catalog.records import ModelRecord
from tools.memory.estimated import Estimated, Layout
from tools.memory.explain import exact_estimated
from tools.memory.generic import generic_estimate, is_encoder
from tools.memory.llama_cpp import (
    MAX_CONTEXT,
    Plan,
    check_request,
    layout,
    plan_of,
    runs_gguf,
    shares_of,
)
from tools.memory.types import DeviceMemory, MemoryEstimate, MemoryRequest

MIB = 1 << 20
CONTEXT_STEP = 256


class DeviceBytes(NamedTuple):
    """Bytes on all devices together, without explanation."""

    weights: int
    kv_cache: int
    compute: int
    overhead: int
    host: int
    """What stays in system memory."""
    devices: tuple[int, ...] = ()
    """Everything on each device."""

    @property
    def total(self) -> int:
        """Everything on the accelerators."""
        return self.weights + self.kv_cache + self.compute + self.overhead


@cache
def _overheads() -> dict[str, tuple[int, int, int]]:
    raw = json.loads(files("tools.memory").joinpath("data/overhead.json").read_text(encoding="utf-8"))
    return {kind: (low * MIB, mid * MIB, high * MIB) for kind, (low, mid, high) in raw["mib"].items()}


def _devices(request: MemoryRequest) -> tuple[tuple[str, str], ...]:
    """Names and kinds of the devices; CUDA devices, one a part of the split, where no hardware is named."""
    if request.hardware is None:
        count = len(request.tensor_split or (1,))
        return (("CUDA device", "cuda"),) if count == 1 else tuple((f"CUDA{i}", "cuda") for i in range(count))
    return tuple((d.name, d.kind) for d in request.hardware.devices) or (("system memory", "cpu"),)


def _exact(model: ModelRecord, request: MemoryRequest) -> tuple[Layout, Plan] | None:
    """The layout by tensors; None where another branch must answer."""
    if not runs_gguf(request.engine, request.quant):
        return None
    plan = plan_of(model)
    return None if plan is None else (layout(model, plan, request), plan)


def _approximate(model: ModelRecord, request: MemoryRequest) -> Estimated:
    encoder = is_encoder(model)
    if not encoder and runs_gguf(request.engine, request.quant):
        check_request(request)
        return generic_estimate(model, request, max(len(shares_of(request)), 1))
    # Loaded when asked for: most requests are for llama.cpp.
    from tools.memory.engines import encoder_estimate, engine_estimate, engine_named

    engine = engine_named(request.engine, request.quant)
    if encoder or engine is None:
        return encoder_estimate(model, request, engine)
    return engine_estimate(model, request, engine)


def _overhead(request: MemoryRequest, layout: Layout, found: Estimated | None) -> list[tuple[int, int, int]]:
    """Low, middle and high overhead by device."""
    if found is not None and found.overhead is not None:
        return [found.overhead] * len(layout.devices)
    table, kinds = _overheads(), [kind for _, kind in _devices(request)]
    return [table[kind] for kind in kinds[: len(layout.devices)]]


def device_bytes(model: ModelRecord, request: MemoryRequest) -> DeviceBytes:
    """The figures alone, for the solver.

    Raises:
        NoAnswerError: nothing is known to compute them from.
        UsageError: a request no engine takes.
    """
    exact = _exact(model, request)
    other = _approximate(model, request) if exact is None else None
    found = exact[0] if exact is not None else other.layout if other is not None else Layout((), 0, 0)
    overheads = _overhead(request, found, other)
    if len(found.devices) == 1:
        (weights, kv, compute), overhead = found.devices[0], overheads[0][1]
        total = weights + kv + compute + overhead
        return DeviceBytes(weights, kv, compute, overhead, found.host, (total,))
    weights, kv, compute = (sum(share[i] for share in found.devices) for i in range(3))
    held = tuple(sum(share) + mid for share, (_, mid, _) in zip(found.devices, overheads, strict=True))
    return DeviceBytes(weights, kv, compute, sum(mid for _, mid, _ in overheads), found.host, held)


def estimate_memory(model: ModelRecord, request: MemoryRequest) -> MemoryEstimate:
    """Memory by part, place and device, with interval, formula and evidence.

    Raises:
        NoAnswerError: nothing is known to compute it from.
        UsageError: a request no engine takes.
    """
    exact = _exact(model, request)
    found = exact_estimated(model, request, *exact) if exact is not None else _approximate(model, request)
    overheads = _overhead(request, found.layout, found)
    names = _devices(request)
    rows = tuple(
        DeviceMemory(names[i][0] if i < len(names) else names[0][0], *share, overheads[i][1])
        for i, share in enumerate(found.layout.devices)
    )
    runtime = sum(mid for _, mid, _ in overheads)
    what = " + runtime" if runtime else ""
    return MemoryEstimate(
        weights_bytes=sum(row.weights_bytes for row in rows),
        kv_cache_bytes=sum(row.kv_cache_bytes for row in rows),
        compute_bytes=sum(row.compute_bytes for row in rows),
        overhead_bytes=runtime,
        host_bytes=found.layout.host,
        file_bytes=found.layout.file,
        low_bytes=found.low + sum(low for low, _, _ in overheads),
        high_bytes=found.high + sum(high for _, _, high in overheads),
        per_device=rows,
        exact=found.exact,
        formula=found.formula + (f"{what} {runtime / 2**30:.2f} GiB" if runtime else ""),
        basis=found.basis,
        caveats=found.notes,
        pool=found.pool,
        inputs=found.inputs,
    )


def max_context(model: ModelRecord, request: MemoryRequest, budget_bytes: int) -> int:
    """Largest context that fits a budget, as a multiple of 256, at most the model's window for each slot.

    Args:
        model: the model.
        request: the configuration; its `context` is ignored.
        budget_bytes: bytes on the accelerators for weights, cache, scratch and runtime.

    Returns:
        Tokens over all slots; 0 where not even 256 fit.

    Raises:
        NoAnswerError: nothing is known to compute it from.
        UsageError: a request no engine takes.
    """
    window = (model.context_length or MAX_CONTEXT // 100) * request.parallel
    low, high = 0, max(min(window, MAX_CONTEXT) // CONTEXT_STEP, 1)
    while low < high:
        middle = (low + high + 1) // 2
        if device_bytes(model, replace(request, context=middle * CONTEXT_STEP)).total <= budget_bytes:
            low = middle
        else:
            high = middle - 1
    return low * CONTEXT_STEP
