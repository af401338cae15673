"""A hub's configuration (config.json) and safetensors headers, in the terms of the catalog's tables.

Key names are those of transformers' configuration classes; a value that is stated under none of them stays
unknown, and the shape is then not made up.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from pydantic import ValidationError

from knowledge.catalog.parameters import implied_parameters
from knowledge.catalog.records import Architecture
from knowledge.errors import UsageError
from knowledge.shapes.families import FAMILIES
from knowledge.shapes.from_config import built_architecture
from knowledge.shapes.rows import Row
from tools.introspect.gguf_facts import MAX_LAYERS, text_of
from tools.introspect.gguf_header import MAX_DIMENSION, MAX_VALUES
from tools.introspect.hub_client import HubClient
from tools.introspect.sighting import Sighting

MAX_SHARDS = 400
MAX_SAFETENSORS_HEADER = 32 << 20
MAX_TENSORS = 500_000
TEXT_PARTS = ("text_config", "llm_config", "language_config", "thinker_config")
VISION_PARTS = ("vision_config", "vision_tower_config", "visual", "vit_config")
# Names of one fact in the families' configurations, the most usual first, with the largest value that can be.
NAMES: dict[str, tuple[tuple[str, ...], int]] = {
    "n_layers": (("num_hidden_layers", "n_layer", "n_layers", "num_layers"), MAX_LAYERS),
    "hidden_size": (("hidden_size", "n_embd", "d_model", "dim"), 1 << 24),
    "n_heads": (("num_attention_heads", "n_head", "n_heads", "num_heads"), 1 << 16),
    "n_kv_heads": (("num_key_value_heads", "n_head_kv", "num_kv_heads", "multi_query_group_num"), 1 << 16),
    "head_dim": (("head_dim", "attention_head_dim", "kv_channels"), 1 << 20),
    "intermediate_size": (("intermediate_size", "ffn_hidden_size", "n_inner", "ffn_dim", "d_ff"), 1 << 24),
    "vocab_size": (("vocab_size", "padded_vocab_size"), 1 << 28),
    "moe_experts": (
        ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"),
        1 << 16,
    ),
    "moe_experts_per_token": (
        ("num_experts_per_tok", "num_experts_per_token", "moe_k", "moe_topk", "top_k_experts"),
        1 << 16,
    ),
    "moe_intermediate": (("moe_intermediate_size", "expert_ffn_hidden_size"), 1 << 24),
    "context_length": (("max_position_embeddings", "n_positions", "max_seq_len", "seq_length"), 1 << 31),
}
LATENT = ("kv_lora_rank", "q_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim")
STATES = {
    "linear_state": (
        "linear_num_key_heads",
        "linear_num_value_heads",
        "linear_key_head_dim",
        "linear_value_head_dim",
        "linear_conv_kernel_dim",
    ),
    "ssm": (
        "mamba_n_heads",
        "mamba_d_head",
        "mamba_d_state",
        "mamba_d_conv",
        "mamba_n_groups",
        "mamba_expand",
        "mamba_num_heads",
        "mamba_head_dim",
        "ssm_state_size",
        "n_groups",
        "conv_kernel",
    ),
}
_PART = re.compile(r"-\d+-of-\d+(?=\.safetensors$)")
FULL = ("full_attention", "attention", "global", "*")


def sight_config(client: HubClient, config: dict[str, Any], files: Mapping[str, int | None]) -> Sighting:
    """What a configuration and the headers of the safetensors files say.

    Raises:
        UsageError: values that cannot be, or no language model.
        NoAnswerError: a file may not be read.
        ServiceError: the hub cannot be reached.
    """
    parts = weight_files(files)
    packed = _packed(config)
    counted = None if packed or not parts else _parameters(client, parts)
    row = config_row(client.repo, config, counted)
    architecture = architecture_of(row)
    params = counted
    if params is None and architecture is not None:
        params = implied_parameters(architecture, context_length=_number(row, "context_length"))
    sizes = [files[name] for name in parts]
    return Sighting(
        source="hub",
        location=client.repo,
        name=client.repo.split("/")[-1],
        architecture=architecture,
        params_total=params,
        params_active=_active(architecture, params),
        context_length=_number(row, "context_length"),
        file_bytes=sum(size for size in sizes if size) if sizes and all(sizes) else None,
        family=text_of(config, "model_type"),
        vision=True if any(isinstance(config.get(part), dict) for part in VISION_PARTS) else None,
        sources={"*": "config.json", "params_total": "safetensors headers" if counted else "config.json"},
    )


def weight_files(files: Mapping[str, int | None]) -> list[str]:
    """The safetensors files that are the model, in order.

    Repositories often hold the same weights twice, whole and in parts or in another program's layout
    (`consolidated.safetensors`), and adapters beside them. Taken is what transformers loads, `model`, or
    else the largest.
    """
    groups: dict[str, list[str]] = {}
    for name in sorted(files):
        if name.endswith(".safetensors") and "/" not in name and not name.startswith("adapter"):
            groups.setdefault(_PART.sub("", name), []).append(name)
    if not groups:
        return []
    stem = "model.safetensors"
    if stem not in groups:
        stem = max(groups, key=lambda key: sum(files[name] or 0 for name in groups[key]))
    return [name for name in groups[stem] if _PART.search(name)] or groups[stem]


def architecture_of(row: Row) -> Architecture | None:
    """The shape that a configuration's facts give; None where they do not suffice.

    Raises:
        UsageError: they contradict each other.
    """
    try:
        return built_architecture(row)
    except (ValueError, ValidationError, ZeroDivisionError, KeyError, TypeError):
        raise UsageError(
            "The configuration contradicts itself: its numbers make no model.",
            hint="Look at config.json of the repository.",
            code="bad_config",
        ) from None


def config_row(repo: str, config: Mapping[str, Any], params: int | None) -> Row:
    """The facts of a configuration under the names of the catalog's tables.

    Args:
        repo: hub id.
        config: the parsed config.json.
        params: parameters of the weights files, vision tower included; None where they are not known.

    Raises:
        UsageError: a value that cannot be.
    """
    text = next((config[part] for part in TEXT_PARTS if isinstance(config.get(part), dict)), config)
    row: Row = {"hf_id": repo, "params_total": params, "model_type": _model_type(config, text)}
    for name, (keys, most) in NAMES.items():
        row[name] = next((v for key in keys if (v := _int(text, key, most)) is not None), None)
    if row["n_heads"] is None and str(row["model_type"]).startswith(("mamba", "falcon_mamba")):
        row |= {"n_heads": 0, "n_kv_heads": 0, "head_dim": 0, "intermediate_size": 0}
    heads, hidden = row["n_heads"], row["hidden_size"]
    if row["n_kv_heads"] is None:
        row["n_kv_heads"] = 1 if text.get("multi_query") is True else heads
    if row["head_dim"] is None and isinstance(heads, int) and isinstance(hidden, int) and heads:
        row["head_dim"] = hidden // heads
    tie = text.get("tie_word_embeddings", config.get("tie_word_embeddings"))
    row["tied_embeddings"] = tie if isinstance(tie, bool) else None
    if row["moe_experts"] and row["moe_intermediate"] is None:
        row["moe_intermediate"] = row["intermediate_size"]
        row["intermediate_size"] = _int(text, "intermediate_size_mlp", 1 << 24) or row["intermediate_size"]
    steps = (_int(text, key, MAX_LAYERS) for key in ("interleave_moe_layer_step", "decoder_sparse_step"))
    row["expert_every"] = next((step for step in steps if step), None)
    row |= _expert_parts(text, row)
    row["attention"] = _attention(text)
    row["field_sources"] = {"attention": "config.json", "tied_embeddings": "config.json"}
    return row


def _model_type(config: Mapping[str, Any], text: Mapping[str, Any]) -> str | None:
    whole, inner = text_of(config, "model_type"), text_of(text, "model_type")
    return whole if whole in FAMILIES or inner is None else inner


def _int(values: Mapping[str, Any], key: str, most: int) -> int | None:
    value = values.get(key)
    if value is None:
        return None
    if isinstance(value, list) and value and all(item == value[0] for item in value):
        value = value[0]
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON makes no difference between 4096 and 4096.0
    if isinstance(value, list):
        return None  # differs by layer: not a shape that the tables describe
    if type(value) is not int or not 0 <= value <= most:
        raise UsageError(
            f"The configuration says `{key}` is {value!r:.40}.",
            hint="Look at config.json of the repository.",
            code="bad_config",
        )
    return value


def _number(row: Row, key: str) -> int | None:
    value = row.get(key)
    return value if isinstance(value, int) and value > 0 else None


def _expert_parts(text: Mapping[str, Any], row: Row) -> Row:
    """Dense first layers, feed-forward of the shared experts, dense feed-forward, and where experts stand."""
    one = row["moe_intermediate"]
    if not row["moe_experts"] or not isinstance(one, int):
        return {}
    dense = _int(text, "first_k_dense_replace", MAX_LAYERS) or _int(text, "num_dense_layers", MAX_LAYERS) or 0
    width = _int(text, "shared_expert_intermediate_size", 1 << 24)
    width = width if width is not None else _int(text, "shared_intermediate_size", 1 << 24)
    count = _int(text, "n_shared_experts", 1 << 10) or _int(text, "num_shared_experts", 1 << 10)
    shared = width if width is not None else (count or 0) * one
    if width is None and count is None and not dense:
        return {}  # said nowhere: the family's own entry decides
    return {"expert_parts": (dense, shared, row["intermediate_size"])}


def _attention(text: Mapping[str, Any]) -> dict[str, object]:
    """The `attention` field of the tables: kind, windows, latent ranks, layers and sizes of states."""
    facts: dict[str, object] = {}
    if _int(text, "kv_lora_rank", 1 << 20):
        facts |= {"kind": "mla", **{key: _int(text, key, 1 << 20) for key in LATENT}}
    listed = text.get("layer_types") or text.get("layers_block_type")
    if isinstance(listed, list) and 0 < len(listed) <= MAX_LAYERS:
        kinds = [str(kind)[:40] for kind in listed]
        facts["layer_counts"] = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
        full = [number for number, kind in enumerate(kinds) if kind in FULL]
        if full and len(full) < len(kinds):
            facts["full_attention_layers"] = full
    window = _int(text, "sliding_window", 1 << 31)
    if window and text.get("use_sliding_window") is not False:
        facts.setdefault("kind", "sliding")
        facts["window"] = window
    if chunk := _int(text, "attention_chunk_size", 1 << 31):
        facts |= {"kind": "chunked", "chunk": chunk}
    for name, keys in STATES.items():
        sizes = {key: _int(text, key, 1 << 24) for key in keys if text.get(key) is not None}
        if len(sizes) > 1:
            facts[name] = sizes
            facts.setdefault("kind", "hybrid")
    if convolution := _int(text, "conv_L_cache", 1 << 10):
        facts |= {"kind": "hybrid", "conv_L_cache": convolution}
    for name, key in (
        ("global_head_dim", "global_head_dim"),
        ("global_kv_heads", "num_global_key_value_heads"),
        ("kv_shared_layers", "num_kv_shared_layers"),
    ):
        if size := _int(text, key, 1 << 20):
            facts[name] = size
    facts.setdefault("kind", "gqa")
    return facts


def _packed(config: Mapping[str, Any]) -> bool:
    """Weights of less than 8 bits lie several to a number: tensor sizes tell no parameter count."""
    quantization = config.get("quantization_config")
    return isinstance(quantization, dict) and quantization.get("quant_method") != "fp8"


def _parameters(client: HubClient, parts: Sequence[str]) -> int:
    """Values over all tensors of the safetensors files, from their headers.

    Source of the layout: safetensors' format documentation (8 bytes of length, then a JSON table).

    Raises:
        UsageError: a damaged header.
    """
    if len(parts) > MAX_SHARDS:
        raise UsageError(f"{client.repo} has {len(parts)} weights files, more than are read.")
    total = count = 0
    for name in parts:
        length = int.from_bytes(client.read(name, 0, 8), "little")
        if not 2 <= length <= MAX_SAFETENSORS_HEADER:
            raise _damaged(name)
        data = client.read(name, 8, 8 + length)
        try:
            table = json.loads(data) if len(data) == length else None
        except (ValueError, RecursionError):
            table = None
        if not isinstance(table, dict):
            raise _damaged(name)
        count += len(table)
        if count > MAX_TENSORS:
            raise _damaged(name)
        total += sum(_values(name, key, entry) for key, entry in table.items() if key != "__metadata__")
    return total


def _values(name: str, key: str, entry: object) -> int:
    shape = entry.get("shape") if isinstance(entry, dict) else None
    sound = isinstance(shape, list) and len(shape) <= 8
    if not sound or any(type(size) is not int or not 0 <= size <= MAX_DIMENSION for size in shape or ()):
        raise _damaged(name)
    values = prod(shape or ())
    if values > MAX_VALUES:
        raise _damaged(name)
    # Scales of 8-bit blocks stand beside the weights and are no parameters.
    return 0 if key.endswith(("_scale_inv", "_scale", ".scales")) else values


def _damaged(name: str) -> UsageError:
    return UsageError(
        f"The header of `{name[:80]}` is damaged.", hint="Look at the repository's files.", code="bad_config"
    )


def _active(architecture: Architecture | None, params: int | None) -> int | None:
    """Parameters that a token passes through; None for dense models."""
    if architecture is None or architecture.experts is None or params is None:
        return None
    e = architecture.experts
    layers = sum(
        layer >= e.dense_layers and (layer + 1) % e.every == 0 for layer in range(architecture.layers)
    )
    idle = 3 * (e.count - e.used) * e.ff * architecture.hidden * layers
    return params - idle if 0 < idle < params else None
