"""GGUF files of true shapes without weights: the header is real, the tensor data is a hole in the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFWriter

from knowledge.catalog.records import Architecture, ModelRecord
from tools.memory.quantization import VALUES, TypeChooser
from tools.memory.shapes import has_attention, per_layer
from tools.memory.tensors import ModelTensors, Tensor, model_tensors

TensorRow = tuple[str, str, tuple[int, ...]]
"""Name, type, shape in ggml's order (row length first)."""
ROPE_FREQS: TensorRow = ("rope_freqs.weight", "F32", (64,))


def write_gguf(
    path: Path,
    arch: str,
    metadata: Mapping[str, Any],
    tensors: Iterable[TensorRow],
    *,
    vocabulary: int = 0,
    general: Mapping[str, Any] | None = None,
) -> Path:
    """Writes a file whose tensor data is a hole.

    Args:
        path: where.
        arch: `general.architecture`.
        metadata: entries under the architecture's name.
        tensors: the tensor table.
        vocabulary: tokens to list, so that the header has a long array.
        general: entries under `general.` and others with their full key.
    """
    writer = GGUFWriter(path, arch)
    for key, value in metadata.items():
        _add(writer, f"{arch}.{key}", value)
    for key, value in (general or {}).items():
        _add(writer, key, value)
    if vocabulary:
        writer.add_array("tokenizer.ggml.tokens", [f"t{number}" for number in range(vocabulary)])
        writer.add_array("tokenizer.ggml.scores", [0.0] * vocabulary)
    end = 0
    for name, type_name, shape in tensors:
        kind = GGMLQuantizationType[type_name]
        block, size = GGML_QUANT_SIZES[kind]
        count = int(np.prod(shape, dtype=object)) // block * size
        row = shape[0] // block * size
        # The writer takes bytes by row for the types that numpy has not.
        dims = (*reversed(shape[1:]), row if block > 1 or type_name == "BF16" else shape[0])
        dtype = {"F32": np.float32, "F16": np.float16}.get(type_name, np.uint8)
        writer.add_tensor_info(name, dims, np.dtype(dtype), count, raw_dtype=kind)
        end += -(-count // 32) * 32
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    head = -(-path.stat().st_size // 32) * 32
    with path.open("r+b") as file:
        file.truncate(head + end)
    return path


def _add(writer: GGUFWriter, key: str, value: Any) -> None:
    if isinstance(value, bool):
        writer.add_bool(key, value)
    elif isinstance(value, int):
        writer.add_uint32(key, value)
    elif isinstance(value, float):
        writer.add_float32(key, value)
    elif isinstance(value, str):
        writer.add_string(key, value)
    else:
        writer.add_array(key, list(value))


def _kv_heads(a: Architecture) -> int | list[int | None] | None:
    """One number, or one for each layer where they differ."""
    if a.window is not None and a.window.kv_heads is not None:
        return [a.window.kv_heads if flag else a.kv_heads for flag in a.window.layers]
    if a.attention_layers is not None and a.heads and a.arch not in ("qwen3next", "qwen35", "qwen35moe"):
        return [a.kv_heads if has_attention(a, layer) else 0 for layer in range(a.layers)]
    return a.kv_heads


def metadata_of(a: Architecture, context: int = 8192) -> dict[str, Any]:
    """What llama.cpp's converter writes for a shape of the catalog."""
    layers, window = range(a.layers), a.window
    found: dict[str, Any] = {
        "block_count": a.layers,
        "embedding_length": a.hidden,
        "context_length": context,
        "attention.head_count": a.heads,
        "attention.head_count_kv": _kv_heads(a),
        "attention.key_length": a.head_dim,
        "attention.value_length": a.head_dim,
        "feed_forward_length": [per_layer(a, "feed_forward_length", i, a.ff or 0) for i in layers]
        if isinstance(a.extra.get("feed_forward_length"), tuple)
        else a.ff or 0,
    }
    if window is not None and not window.chunked:
        found["attention.sliding_window"] = window.size
        if a.arch in ("gemma4", "gemma3n"):
            found["attention.sliding_window_pattern"] = list(window.layers)
        if window.head_dim is not None:
            found["attention.key_length_swa"] = window.head_dim
    if a.latent is not None:
        found |= {
            "attention.kv_lora_rank": a.latent.kv_rank,
            "attention.key_length_mla": a.latent.nope_dim + a.latent.rope_dim,
            "attention.value_length_mla": a.latent.v_dim,
            "attention.value_length": a.latent.kv_rank,
            "rope.dimension_count": a.latent.rope_dim,
        } | ({"attention.q_lora_rank": a.latent.q_rank} if a.latent.q_rank else {})
    if a.experts is not None:
        found |= {
            "expert_count": a.experts.count,
            "expert_used_count": a.experts.used,
            "expert_feed_forward_length": a.experts.ff,
            "leading_dense_block_count": a.experts.dense_layers,
            "interleave_moe_layer_step": a.experts.every,
        }
    if a.recurrent is not None:
        r = a.recurrent
        found |= {"ssm.conv_kernel": r.conv_kernel, "ssm.inner_size": r.inner, "ssm.state_size": r.state}
        found |= {"ssm.group_count": r.groups, "ssm.time_step_rank": r.dt_rank}
    if a.per_layer_embedding:
        found["embedding_length_per_layer_input"] = a.per_layer_embedding
    if a.shared_kv_layers:
        found["attention.shared_kv_layers"] = a.shared_kv_layers
    return found | {key: a.extra[key] for key in ("altup.num_inputs", "expert_gating_func") if key in a.extra}


def tensor_rows(a: Architecture, quant: str) -> list[TensorRow]:
    """The tensors of a shape of the catalog as llama-quantize types them."""
    tensors, chooser = model_tensors(a), TypeChooser(quant, a)
    rows = [_row("", tensor, chooser.choose(tensor, "", "")) for tensor in tensors.outside]
    count = sum(_has(tensors, kind, VALUES) for kind in tensors.layers)
    values, downs = chooser.values_types(count), chooser.down_types(len(tensors.layers))
    seen = met = 0
    for layer, kind in enumerate(tensors.layers):
        down = downs[layer if chooser.expert_count > 1 else met]
        value = values[seen] if seen < count else ""
        rows += [_row(f"blk.{layer}.", t, chooser.choose(t, value, down)) for t in tensors.kinds[kind]]
        seen += _has(tensors, kind, VALUES)
        met += _has(tensors, kind, ("ffn_down",))
    return rows


def _has(tensors: ModelTensors, kind: int, names: Sequence[str]) -> bool:
    return any(tensor.name in names for tensor in tensors.kinds[kind])


def _row(prefix: str, tensor: Tensor, type_name: str) -> TensorRow:
    bare = tensor.name.endswith((".bias", ".weight", ".scale", "ssm_a", "ssm_d"))
    return prefix + tensor.name + ("" if bare else ".weight"), type_name, tensor.shape


def catalog_file(
    folder: Path, model: ModelRecord, quant: str, *, more: Sequence[TensorRow] = (), **settings: Any
) -> Path:
    """The file that llama-quantize would write for a model of the catalog."""
    a = model.architecture
    assert a is not None
    assert a.arch is not None
    meta = metadata_of(a, model.context_length or 8192)
    rows = [*tensor_rows(a, quant), *more]
    return write_gguf(folder / f"{model.name}-{quant}.gguf", a.arch, meta, rows, **settings)
