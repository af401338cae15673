"""The cache pool that servers claim at start: its size on each device, the tokens and requests it holds.

vLLM: pool = utilization x visible memory - weights - outside torch - activation peak - CUDA graphs (the last
since v0.21); blocks = pool / (layers x block x bytes of a token), as its start-up logs show: Llama-3-8B,
5,691 blocks of 16 tokens in 11.12 GiB. SGLang's share covers weights and cache only; Text Generation
Inference and TensorRT-LLM take a share of what is free beside weights and buffers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tools.hardware_types import Device
from tools.memory.engine_cache import CacheModel, Load
from tools.memory.engine_data import EngineModel, visible_gib
from tools.memory.types import DevicePool, Pool

GIB = 1 << 30
Three = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class DeviceParts:
    """What stands beside the pool on one device: lowest, middle and highest bytes."""

    weights: Three
    activation: Three
    graphs: Three
    runtime: Three


def visible_bytes(device: Device, known: int | None) -> Three:
    """Memory that a program sees on a device; `known` is what a log tells."""
    if known is not None or device.unified:
        return (device.memory_bytes if known is None else known,) * 3
    low, mid, high = (int(size * GIB) for size in visible_gib(device.name, device.memory_bytes / GIB))
    return low, mid, high


def claimed_bytes(engine: EngineModel, device: Device) -> int:
    """What an engine takes of a device by default for weights, buffers and cache together."""
    if engine.utilization is None or engine.claim != "share":
        return device.memory_bytes
    return int(engine.utilization * visible_bytes(device, None)[1])


def _claimed(engine: EngineModel, share: float, visible: int, parts: DeviceParts, end: int) -> int:
    """Bytes left for the cache; `end` 0 takes the lowest of what stands beside it, 2 the highest."""
    weights, runtime = parts.weights[end], parts.runtime[end]
    buffers = parts.activation[end] + (parts.graphs[end] if engine.graphs_inside else 0)
    if engine.claim == "static":
        return int(share * visible) - weights - runtime
    if engine.claim == "free":
        free = visible - weights - runtime - buffers
        return int(share * free) if free > 0 else free
    return int(share * visible) - weights - runtime - buffers


def _device_pool(
    engine: EngineModel, share: float, device: Device, parts: DeviceParts, known: int | None
) -> DevicePool:
    visible = visible_bytes(device, known)
    low, mid, high = (_claimed(engine, share, visible[i], parts, 2 - i) for i in range(3))
    return DevicePool(
        device=device.name,
        visible_bytes=visible[1],
        weights_bytes=parts.weights[1],
        weights_low_bytes=parts.weights[0],
        weights_high_bytes=parts.weights[2],
        activation_bytes=parts.activation[1],
        graph_bytes=parts.graphs[1],
        non_torch_bytes=parts.runtime[1],
        kv_pool_bytes=mid,
        kv_pool_low_bytes=low,
        kv_pool_high_bytes=high,
    )


def pool_of(
    engine: EngineModel,
    share: float,
    devices: tuple[Device, ...],
    parts: tuple[DeviceParts, ...],
    caches: CacheModel,
    *,
    tensor: int,
    request_tokens: int,
    step: int,
    visible: int | None = None,
) -> Pool:
    """The pool on named devices.

    Args:
        engine: an engine that claims one.
        share: its utilization.
        devices: the devices in use, stage by stage.
        parts: what stands beside the pool on each.
        caches: the model's cache.
        tensor: devices of a stage.
        request_tokens: length of one request, for the concurrency.
        step: prompt tokens of one step.
        visible: memory of a device as a log tells it.
    """
    pools = tuple(
        _device_pool(engine, share, device, part, visible)
        for device, part in zip(devices, parts, strict=True)
    )
    ends = _requests(pools, caches.needed(Load(request_tokens, 1, step)), tensor)
    tokens = [_tokens(caches, ratio, request_tokens) for ratio in ends]
    return Pool(
        gpu_memory_utilization=share,
        tensor_parallel=tensor,
        pipeline_parallel=len(devices) // tensor,
        block_tokens=caches.block,
        tokens=tokens[1],
        tokens_low=tokens[0],
        tokens_high=tokens[2],
        request_tokens=request_tokens,
        max_concurrency=round(ends[1], 2),
        max_concurrency_low=round(ends[0], 2),
        max_concurrency_high=round(ends[2], 2),
        per_device=pools,
    )


def _requests(
    pools: Sequence[DevicePool], needed: Sequence[tuple[float, float, float]], tensor: int
) -> list[float]:
    """How many requests the pools hold: lowest, middle, highest; the device with the least room decides.

    Args:
        pools: the pool of each device, stage by stage.
        needed: bytes of one request on a device of each stage.
        tensor: devices of a stage.
    """
    ends = []
    for end, other in ((0, 2), (1, 1), (2, 0)):
        sizes = [(p.kv_pool_low_bytes, p.kv_pool_bytes, p.kv_pool_high_bytes)[end] for p in pools]
        ratios = [size / max(needed[i // tensor][other], 1) for i, size in enumerate(sizes)]
        ends.append(max(min(ratios), 0.0))
    return ends


def _tokens(caches: CacheModel, requests: float, request_tokens: int) -> int:
    """Tokens of so many requests, in whole blocks."""
    each = -(-request_tokens // caches.block) * caches.block if caches.uniform else request_tokens
    return int(requests * each) // caches.block * caches.block
