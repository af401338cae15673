"""Bytes of a model's weights in a quantization, by the place where llama.cpp puts them.

Source of the layout: llama.cpp v0.5.0, the CUDA backend's allocation sizes. A tensor takes its rows, padded
to 128 bytes; of a quantized tensor whose row is no multiple of 512 values the backend adds the missing part
of a row. The token tables stay in system memory; a model whose output shares the token table gets a copy on
the device.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from knowledge.catalog.records import Architecture
from tools.memory.quantization import VALUES, Types, is_quantized, row_bytes
from tools.memory.tensors import HOST_TENSORS, ModelTensors, Tensor

ALIGNMENT = 128
"""Bytes to which CUDA buffers align a tensor."""
ROW_PADDING = 512
"""Values to which the CUDA backend pads the last row of a quantized tensor (MATRIX_ROW_PADDING)."""


def padded(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def device_tensor_bytes(type_name: str, row: int, rows: int, *, pad_row: bool = True) -> int:
    """What a tensor takes in a buffer; `pad_row` is False for system memory."""
    size = row_bytes(type_name, row) * rows
    if pad_row and is_quantized(type_name) and row % ROW_PADDING:
        size += row_bytes(type_name, ROW_PADDING - row % ROW_PADDING)
    return padded(size)


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights by place; all in bytes."""

    layers: tuple[int, ...]
    """Device bytes of each layer, experts included."""
    experts: tuple[int, ...]
    """Device bytes of each layer's routed experts."""
    output: int
    """Device bytes of what comes after the layers (norm, output matrix, the tied copy of the token table)."""
    device: int
    """Everything that a device holds when all layers are offloaded."""
    host: int
    """Token tables, in system memory always."""
    table: int
    """The token table alone."""
    file: int
    """Tensor data of the GGUF file, without metadata."""
    host_layers: tuple[int, ...]
    """Bytes of each layer where it stays in system memory."""
    host_output: int
    largest_tensor: int
    """Largest matrix of a layer other than the experts."""
    largest_experts: int
    """Largest tensor that holds all experts of a layer."""
    tensors: int


class _Layer(NamedTuple):
    """Bytes of one layer by place, and its largest tensors."""

    device: int
    experts: int
    host: int
    file: int
    largest: int
    largest_experts: int


def _sizes(chooser: Types, tensor: Tensor, values: str, downs: str) -> tuple[int, int]:
    """Bytes in the file, and on a device."""
    type_name, row = chooser.choose(tensor, values, downs), tensor.shape[0]
    rows = tensor.values // row
    return row_bytes(type_name, row) * rows, device_tensor_bytes(type_name, row, rows)


def _layer(chooser: Types, tensors: tuple[Tensor, ...], values: str, downs: str) -> _Layer:
    device = experts = host = file = largest = largest_experts = 0
    for tensor in tensors:
        size, held = _sizes(chooser, tensor, values, downs)
        file += size
        host += padded(size)
        device += held
        if tensor.stacked:
            experts += held
            largest_experts = max(largest_experts, held)
        else:
            largest = max(largest, held)
    return _Layer(device, experts, host, file, largest, largest_experts)


def _layers(chooser: Types, tensors: ModelTensors) -> list[_Layer]:
    """Every layer in order; those of one make with the same types are computed once."""
    has_values = {kind: any(t.name in VALUES for t in found) for kind, found in tensors.kinds.items()}
    has_downs = {kind: any(t.name == "ffn_down" for t in found) for kind, found in tensors.kinds.items()}
    count = sum(has_values[kind] for kind in tensors.layers)
    expert = chooser.expert_count > 1
    values_by, downs_by = chooser.values_types(count), chooser.down_types(len(tensors.layers))
    seen = met = 0
    known: dict[tuple[int, str, str], _Layer] = {}
    found = []
    for layer, kind in enumerate(tensors.layers):
        values = values_by[seen] if seen < count else ""
        downs = downs_by[layer if expert else met]
        key = (kind, values, downs)
        if key not in known:
            known[key] = _layer(chooser, tensors.kinds[kind], values, downs)
        found.append(known[key])
        seen += has_values[kind]
        met += has_downs[kind]
    return found


def weights_of(arch: Architecture, tensors: ModelTensors, chooser: Types) -> Weights:
    """Sums a model's tensors with the types of a quantization or of a file."""
    layers = _layers(chooser, tensors)
    output = host = table = host_output = 0
    file = sum(layer.file for layer in layers)
    file += sum(_sizes(chooser, tensor, "", "")[0] for tensor in tensors.beside)
    for tensor in tensors.outside:
        size, held = _sizes(chooser, tensor, "", "")
        file += size
        if tensor.name not in HOST_TENSORS:
            output += held
            host_output += padded(size)
            continue
        host += padded(size)
        if tensor.name == "token_embd":
            table += padded(size)
            output += held if arch.tied else 0
    return Weights(
        layers=tuple(layer.device for layer in layers),
        experts=tuple(layer.experts for layer in layers),
        output=output,
        device=sum(layer.device for layer in layers) + output,
        host=host,
        table=table,
        file=file,
        host_layers=tuple(layer.host for layer in layers),
        host_output=host_output,
        largest_tensor=max((layer.largest for layer in layers), default=0),
        largest_experts=max((layer.largest_experts for layer in layers), default=0),
        tensors=len(tensors.outside) + sum(len(tensors.kinds[kind]) for kind in tensors.layers),
    )
