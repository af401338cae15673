"""Bytes of a model's weights in a quantization, by the place where llama.cpp puts them.

Source of the layout: llama.cpp v0.5.0, the CUDA backend's allocation sizes. A tensor takes its rows, padded
to 128 bytes; of a quantized tensor whose row is no multiple of 512 values the backend adds the missing part
of a row. The token tables stay in system memory; a model whose output shares the token table gets a copy on
the device.
"""

from __future__ import annotations

from dataclasses import dataclass

from knowledge.catalog.records import Architecture
from tools.memory.quantization import TypeChooser, is_quantized, mix_of, row_bytes
from tools.memory.tensors import HOST_TENSORS, Tensor, model_tensors

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
    quantized_rows_short: int
    """Tensors whose rows do not divide into the wanted block and fell back to another type."""

    @property
    def device(self) -> int:
        """Everything that a device holds when all layers are offloaded."""
        return sum(self.layers) + self.output


def _host_bytes(type_name: str, tensor: Tensor) -> int:
    return row_bytes(type_name, tensor.shape[0]) * (tensor.values // tensor.shape[0])


def weights_of(arch: Architecture, quant: str) -> Weights:
    """Sums a model's tensors in a quantization.

    Raises:
        UsageError: the quantization is not one of llama.cpp's.
    """
    tensors = model_tensors(arch)
    chooser = TypeChooser(quant, arch, sum(t.name in ("attn_v", "attn_qkv") for t in tensors))
    layers, experts, host_layers = ([0] * arch.layers for _ in range(3))
    output = host = table = file = host_output = largest = largest_experts = short = 0
    for tensor in tensors:
        wanted = chooser.choose(tensor)
        size = _host_bytes(wanted, tensor)
        file += size
        on_device = device_tensor_bytes(wanted, tensor.shape[0], tensor.values // tensor.shape[0])
        short += wanted in ("Q4_0", "Q5_0", "Q5_1", "IQ4_NL") and mix_of(quant).base != wanted
        if tensor.name in HOST_TENSORS:
            host += padded(size)
            table += padded(size) if tensor.name == "token_embd" else 0
            if tensor.name == "token_embd" and arch.tied:
                output += on_device
        elif tensor.layer is None:
            output += on_device
            host_output += padded(size)
        else:
            layers[tensor.layer] += on_device
            host_layers[tensor.layer] += padded(size)
            if tensor.stacked:
                experts[tensor.layer] += on_device
                largest_experts = max(largest_experts, on_device)
            else:
                largest = max(largest, on_device)
    return Weights(
        tuple(layers),
        tuple(experts),
        output,
        host,
        table,
        file,
        tuple(host_layers),
        host_output,
        largest,
        largest_experts,
        len(tensors),
        short,
    )
