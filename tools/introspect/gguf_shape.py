"""From the header of a GGUF file (or what Ollama shows of one) to a shape and a compact tensor table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from knowledge.catalog.records import Architecture, OwnTensors
from knowledge.errors import UsageError
from knowledge.shapes.from_gguf import TensorFacts, architecture_of
from tools.introspect.gguf_facts import architecture_name, shape_facts
from tools.introspect.gguf_header import TensorInfo, broken
from tools.memory.shapes import attention_widths, has_attention
from tools.memory.tensors import EARLY_TENSORS

_BLOCK = re.compile(r"blk\.(\d{1,5})\.(.+)")
_TOWER = re.compile(r"(?:v|a|mm|s|resampler|vision|audio|multi_modal_projector)\.")
"""Prefixes of vision and audio towers that stand in the file of the text model, as in Ollama's own files."""
_TWO_SIDED = re.compile(r"(?:enc|dec)\.blk\.")


@dataclass(frozen=True, slots=True)
class GgufShape:
    """What a file is, in the catalog's terms."""

    arch: str
    architecture: Architecture | None
    """None for encoder-decoder models, whose layout is not modeled."""
    tensors: OwnTensors | None
    params_total: int
    params_active: int | None
    context_length: int | None
    tensor_count: int
    embeds: bool
    """Reads texts and writes none."""


@dataclass(slots=True)
class _Sorted:
    """Tensors by place; names without `.weight` and `blk.N.`."""

    outside: list[TensorInfo] = field(default_factory=list)
    layers: list[list[TensorInfo]] = field(default_factory=list)
    beside: list[TensorInfo] = field(default_factory=list)
    tower: int = 0
    """Parameters of a vision or audio tower."""

    def all(self) -> list[TensorInfo]:
        return [*self.outside, *(tensor for layer in self.layers for tensor in layer)]


def gguf_shape(
    metadata: Mapping[str, Any], tensors: Sequence[TensorInfo], lengths: Mapping[str, int]
) -> GgufShape:
    """Reads a model's shape from metadata and tensors.

    Args:
        metadata: the file's metadata.
        tensors: its tensor table; empty where the source shows none.
        lengths: lengths of the metadata's arrays, for the size of the vocabulary.

    Raises:
        UsageError: no language model, or one whose metadata and tensors contradict each other.
    """
    arch = architecture_name(metadata)
    meta = shape_facts(metadata, arch)
    if any(_TWO_SIDED.match(tensor.name) for tensor in tensors):
        total = sum(tensor.values for tensor in tensors)
        return GgufShape(arch, None, None, total, None, meta.get("context_length"), len(tensors), False)
    layers = meta["block_count"] - meta.get("nextn_predict_layers", 0)
    if layers < 1:
        raise broken(f"`{arch}.nextn_predict_layers` leaves no layer")
    found = _sorted(tensors, layers, meta["block_count"]) if tensors else _Sorted()
    facts = _facts(arch, meta, found, lengths)
    try:
        shape = architecture_of(arch, meta, facts)
    except (ValueError, ValidationError, ZeroDivisionError) as error:
        raise broken(str(error).splitlines()[0][:120]) from None
    _check(shape)
    if shape.tied is None:
        note = "whether the output shares the embedding is not stated"
        shape = shape.model_copy(update={"approximations": (*shape.approximations, note)})
    if found.tower:
        shape = shape.model_copy(update={"extra": {**shape.extra, "vision_params": found.tower}})
    text = [tensor for tensor in found.all() if tensor.name not in EARLY_TENSORS]
    total = sum(tensor.values for tensor in text)
    idle = 0
    if shape.experts is not None:
        held = sum(tensor.values for tensor in text if "_exps" in tensor.name)
        idle = held - held * shape.experts.used // shape.experts.count
    return GgufShape(
        arch=arch,
        architecture=shape,
        tensors=_stored(found) if tensors else None,
        params_total=total + found.tower,
        params_active=total - idle if idle else None,
        context_length=meta.get("context_length"),
        tensor_count=len(tensors),
        embeds=meta.get("attention.causal") is False or meta.get("pooling_type", 0) > 0,
    )


def _sorted(tensors: Sequence[TensorInfo], layers: int, blocks: int) -> _Sorted:
    found = _Sorted(layers=[[] for _ in range(layers)])
    for tensor in tensors:
        block = _BLOCK.fullmatch(tensor.name)
        if block is not None:
            number, short = int(block[1]), tensor._replace(name=block[2].removesuffix(".weight"))
            if number >= blocks:
                raise broken(f"it has a layer {number}, of {blocks}")
            # Layers for multi-token prediction come last; llama.cpp leaves them in the file.
            (found.layers[number] if number < layers else found.beside).append(short)
        elif _TOWER.match(tensor.name):
            found.tower += tensor.values
            found.beside.append(tensor)
        else:
            found.outside.append(tensor._replace(name=tensor.name.removesuffix(".weight")))
    if not any(found.layers):
        raise no_layers()
    if not all(found.layers):
        raise broken(f"{sum(not layer for layer in found.layers)} of {layers} layers have no tensors")
    # Rotary tables are named as if outside the layers; the engine holds them where the first layer is.
    early = [tensor for tensor in found.outside if tensor.name in EARLY_TENSORS]
    found.layers[0] += early
    found.outside = [tensor for tensor in found.outside if tensor.name not in EARLY_TENSORS]
    return found


def no_layers() -> UsageError:
    """The error of a file that holds a vocabulary only."""
    return UsageError(
        "The file holds a vocabulary and no layers.",
        hint="Add a file with the model's weights.",
        code="not_a_model",
    )


def _facts(arch: str, meta: dict[str, Any], found: _Sorted, lengths: Mapping[str, int]) -> TensorFacts:
    stated = meta.get("vocab_size") or lengths.get("tokenizer.ggml.tokens")
    if not found.outside:
        if not stated:
            raise broken("the size of the vocabulary is not stated")
        return TensorFacts(int(stated), None, None)
    outside = {tensor.name: tensor for tensor in found.outside}
    table = outside.get("token_embd")
    if table is None or len(table.shape) != 2 or table.shape[0] != meta["embedding_length"]:
        raise broken("its token table is missing or not as wide as it says")
    names = [{tensor.name for tensor in layer} for layer in found.layers]
    shared = [t.shape[-1] for layer in found.layers for t in layer if t.name == "ffn_up_shexp"]
    return TensorFacts(
        vocab=table.shape[1],
        tied="output" not in outside,
        attention_bias=any({"attn_q.bias", "attn_qkv.bias", "attn_k.bias"} & layer for layer in names),
        shared_ff=max(shared, default=0) if meta.get("expert_count") else None,
        states=frozenset(
            number
            for number, layer in enumerate(names)
            if any(name.startswith(("ssm_", "shortconv")) for name in layer)
        ),
    )


def _check(shape: Architecture) -> None:
    """What the ranges of single values cannot tell."""
    if shape.heads and shape.kv_heads > max(shape.heads, 1):
        raise broken(f"{shape.kv_heads} KV heads for {shape.heads} heads")
    if shape.experts is not None and not 0 < shape.experts.used <= shape.experts.count:
        raise broken(f"{shape.experts.used} of {shape.experts.count} experts used")
    attends = [layer for layer in range(shape.layers) if has_attention(shape, layer)]
    if shape.latent is None and any(attention_widths(shape, layer)[0] < 1 for layer in attends):
        raise broken("its attention heads have no width")
    if shape.shared_kv_layers >= shape.layers:
        raise broken(f"{shape.shared_kv_layers} of {shape.layers} layers reuse a cache")


def _stored(found: _Sorted) -> OwnTensors:
    kinds: dict[tuple[str, ...], int] = {}
    order = []
    for layer in found.layers:
        lines = tuple(sorted(_line(tensor) for tensor in layer))
        order.append(kinds.setdefault(lines, len(kinds)))
    return OwnTensors(
        outside=tuple(_line(tensor) for tensor in found.outside),
        kinds=tuple(kinds),
        layers=tuple(order),
        beside=tuple(_line(tensor) for tensor in found.beside),
    )


def _line(tensor: TensorInfo) -> str:
    return " ".join((tensor.name, tensor.type, *map(str, tensor.shape)))
