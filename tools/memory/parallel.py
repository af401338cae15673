"""How an engine divides a model over devices: slices of every layer, and stages of layers."""

from __future__ import annotations

from dataclasses import dataclass

from knowledge.catalog.records import Architecture
from knowledge.errors import UsageError
from tools.memory.engine_data import EngineModel
from tools.memory.types import MemoryRequest, Serving


@dataclass(frozen=True, slots=True)
class Split:
    """Tensor and pipeline parallelism."""

    tensor: int
    stages: tuple[range, ...]
    """Layers of each stage."""
    kv_heads: int
    """KV heads that can be told apart; further devices repeat them."""

    @property
    def devices(self) -> int:
        return self.tensor * len(self.stages)


def _stages(layers: int, count: int) -> tuple[range, ...]:
    """Stages of equal length; the middle ones take what does not divide, as the last also hold the output."""
    sizes = [layers // count] * count
    for i in range(layers % count):
        sizes[(count - 2 - i) % count] += 1
    starts = [sum(sizes[:i]) for i in range(count)]
    return tuple(range(start, start + size) for start, size in zip(starts, sizes, strict=True))


def split_of(
    arch: Architecture | None, layers: int, engine: EngineModel, request: MemoryRequest
) -> tuple[Split, tuple[str, ...]]:
    """Divides a model as asked, or as the engine would on the named devices.

    Args:
        arch: the model's shape; None where it is not known.
        layers: its layers.
        engine: the engine.
        request: hardware and options.

    Raises:
        UsageError: more devices than there are, or heads that do not divide.
    """
    serving = request.serving or Serving()
    there = len(request.hardware.devices) if request.hardware is not None else 0
    tensor, pipeline = serving.tensor_parallel, serving.pipeline_parallel
    notes: tuple[str, ...] = ()
    if tensor is None:
        tensor = max(there // (pipeline or 1), 1) if engine.tensor_parallel else 1
        if arch is not None and arch.heads and arch.heads % tensor:
            notes = (
                f"The {arch.heads} heads do not divide by {tensor}: layers are spread over the devices "
                f"instead (pipeline parallel).",
            )
            tensor = 1
        if pipeline is None:
            pipeline = max(there // tensor, 1)
    elif arch is not None and arch.heads and arch.heads % tensor:
        raise UsageError(
            f"The model's {arch.heads} heads do not divide by a tensor parallel size of {tensor}.",
            hint="Take a divisor of the heads, such as 1, 2 or 4, or use pipeline_parallel.",
        )
    pipeline = pipeline or 1
    if there and tensor * pipeline > there:
        raise UsageError(
            f"{tensor} x {pipeline} devices are asked for; {there} {'are' if there > 1 else 'is'} there.",
            hint="Lower tensor_parallel or pipeline_parallel, or name more devices.",
        )
    if pipeline > layers > 1:
        raise UsageError(
            f"{pipeline} pipeline stages are more than the model's {layers} layers.",
            hint="Lower pipeline_parallel.",
        )
    heads = tensor if arch is None else 1 if arch.latent is not None else max(arch.kv_heads, 1)
    stages = _stages(layers, pipeline) if layers >= pipeline else (range(layers),) * pipeline
    return Split(tensor, stages, heads), notes
