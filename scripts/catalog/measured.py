"""Records of architectures.json: shapes with which the engine's own figures were reproduced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from knowledge.catalog.records import (
    Architecture,
    Experts,
    LatentAttention,
    Recurrent,
    SlidingWindow,
)
from knowledge.shapes.rows import Row, integer

_NOT_MEMORY = ("rope.", "logit_scale", "attn_logit_softcapping", "final_logit_softcapping", "embedding_scale")
_TYPED = {
    "expert_count",
    "expert_used_count",
    "expert_feed_forward_length",
    "expert_shared_feed_forward_length",
    "expert_shared_count",
    "leading_dense_block_count",
    "interleave_moe_layer_step",
    "attention.sliding_window",
    "attention.sliding_window_pattern",
    "attention.key_length",
    "attention.value_length",
    "attention.key_length_swa",
    "attention.value_length_swa",
    "attention.kv_lora_rank",
    "attention.q_lora_rank",
    "attention.key_length_mla",
    "attention.value_length_mla",
    "attention.shared_kv_layers",
    "embedding_length_per_layer_input",
    "ssm.conv_kernel",
    "ssm.inner_size",
    "ssm.state_size",
    "ssm.group_count",
    "ssm.time_step_rank",
}
_BIASED = frozenset({"qwen2", "gpt-oss", "starcoder2", "glm4moe"})
_RECURRENT_KIND = {
    "qwen3next": "gated_delta_net",
    "qwen35moe": "gated_delta_net",
    "granitehybrid": "mamba2",
    "falcon-h1": "mamba2",
    "mamba2": "mamba2",
}
_FULL_EVERY = {"qwen3next": 4, "qwen35moe": 4}
_WINDOW_PATTERN = {"gemma2": (2, 1), "gemma3": (6, 5), "gpt-oss": (2, 1), "olmo2": (4, 3), "llama4": (4, 3)}
_SHARED_KV_FROM = {"gemma3n": 20}
"""llama.cpp's Gemma 3n: layers from this one on reuse earlier caches."""


def measured_architecture(row: Row) -> Architecture:
    """The record of one entry of architectures.json, which reproduces the engine's figures."""
    meta = cast("Mapping[str, object]", row["gguf_metadata"])
    arch, layers = str(row["llama_cpp_arch"]), int(cast("int", row["n_layer"]))
    kv = row["n_head_kv"]
    per_layer_kv = [int(n) for n in cast("Sequence[int]", kv)] if isinstance(kv, list) else None
    widths = row["n_ff"] if isinstance(row["n_ff"], list) else None
    extra = _extra(meta)
    if widths is not None:
        extra["feed_forward_length"] = [int(n) for n in cast("Sequence[int]", widths)]
    window = _measured_window(arch, meta, layers, per_layer_kv)
    attention: list[bool] | None = None
    if arch in _FULL_EVERY:
        attention = [layer % _FULL_EVERY[arch] == _FULL_EVERY[arch] - 1 for layer in range(layers)]
    elif int(cast("int", row["n_head"])) == 0:
        attention = [False] * layers
    elif per_layer_kv is not None and 0 in per_layer_kv:
        attention = [heads > 0 for heads in per_layer_kv]
    full_kv = int(cast("int", kv)) if per_layer_kv is None else _full_layer_heads(per_layer_kv, window)
    ff = max(cast("Sequence[int]", widths)) if widths is not None else int(cast("int", row["n_ff"]))
    shared_kv = integer(meta, "attention.shared_kv_layers") or 0
    if arch in _SHARED_KV_FROM:
        shared_kv = layers - _SHARED_KV_FROM[arch]
    return Architecture.model_validate(
        {
            "arch": arch,
            "layers": layers,
            "hidden": row["n_embd"],
            "heads": row["n_head"],
            "kv_heads": full_kv,
            "head_dim": row["head_dim"],
            "ff": ff,
            "vocab": row["n_vocab"],
            "tied": row["tied_embeddings"],
            "attention_layers": attention,
            "window": window,
            "latent": _measured_latent(meta),
            "recurrent": _measured_recurrent(arch, meta, layers, attention),
            "experts": _measured_experts(arch, meta, ff),
            "shared_kv_layers": shared_kv,
            "per_layer_embedding": integer(meta, "embedding_length_per_layer_input") or 0,
            "attention_bias": arch in _BIASED,
            "measured": True,
            "extra": extra,
        }
    )


def _extra(meta: Mapping[str, object]) -> dict[str, object]:
    return {
        key: value
        for key, value in meta.items()
        if key not in _TYPED and not key.startswith(_NOT_MEMORY) and not isinstance(value, str)
    }


def _full_layer_heads(per_layer: Sequence[int], window: SlidingWindow | None) -> int:
    if window is None:
        return max(per_layer)
    return next(heads for heads, windowed in zip(per_layer, window.layers, strict=True) if not windowed)


def _measured_window(
    arch: str, meta: Mapping[str, object], layers: int, per_layer_kv: Sequence[int] | None
) -> SlidingWindow | None:
    size = integer(meta, "attention.sliding_window")
    pattern = cast("Sequence[bool] | None", meta.get("attention.sliding_window_pattern"))
    if arch == "llama4":
        size = 8192
    if not size or (pattern is None and arch not in _WINDOW_PATTERN):
        return None
    if pattern is None:
        period, full = _WINDOW_PATTERN[arch]
        windowed = [layer % period != full for layer in range(layers)]
    else:
        windowed = [bool(pattern[layer % len(pattern)]) for layer in range(layers)]
    kv_heads = None
    if per_layer_kv is not None:
        kv_heads = next(heads for heads, flag in zip(per_layer_kv, windowed, strict=True) if flag)
    return SlidingWindow(
        size=size,
        layers=tuple(windowed),
        chunked=arch == "llama4",
        kv_heads=kv_heads,
        head_dim=integer(meta, "attention.key_length_swa"),
    )


def _measured_latent(meta: Mapping[str, object]) -> LatentAttention | None:
    kv_rank = integer(meta, "attention.kv_lora_rank")
    if kv_rank is None:
        return None
    key, value = integer(meta, "attention.key_length_mla"), integer(meta, "attention.value_length_mla")
    rope = integer(meta, "rope.dimension_count")
    if key is None or value is None or rope is None:
        raise ValueError("latent attention without its head sizes")
    q_rank = integer(meta, "attention.q_lora_rank")
    return LatentAttention(kv_rank=kv_rank, q_rank=q_rank, nope_dim=key - rope, rope_dim=rope, v_dim=value)


def _measured_recurrent(
    arch: str, meta: Mapping[str, object], layers: int, attention: Sequence[bool] | None
) -> Recurrent | None:
    if arch not in _RECURRENT_KIND:
        return None
    flags = [True] * layers if attention is None or arch == "falcon-h1" else [not flag for flag in attention]
    return Recurrent.model_validate(
        {
            "layers": flags,
            "conv_kernel": meta["ssm.conv_kernel"],
            "inner": meta["ssm.inner_size"],
            "state": meta["ssm.state_size"],
            "groups": meta["ssm.group_count"],
            "dt_rank": meta["ssm.time_step_rank"],
            "kind": _RECURRENT_KIND[arch],
        }
    )


def _measured_experts(arch: str, meta: Mapping[str, object], ff: int) -> Experts | None:
    count = integer(meta, "expert_count")
    if not count:
        return None
    one = integer(meta, "expert_feed_forward_length") or ff
    shared = (
        integer(meta, "expert_shared_feed_forward_length")
        or (integer(meta, "expert_shared_count") or 0) * one
    )
    return Experts(
        count=count,
        used=integer(meta, "expert_used_count") or 0,
        ff=one,
        shared_ff=one if arch == "llama4" else shared,
        dense_layers=integer(meta, "leading_dense_block_count") or 0,
        every=integer(meta, "interleave_moe_layer_step") or 1,
    )
