"""The shape of a model from the metadata that llama.cpp's converters write into its GGUF file.

Keys are those of the file without the architecture in front (`block_count`, `attention.head_count_kv`). What
llama.cpp knows of an architecture without reading it from the file (patterns of windowed layers, kinds of
recurrent layers) is the tables below; source: llama.cpp v0.5.0, `src/llama-model.cpp` (load_hparams) and
`src/llama-hparams.cpp` (set_swa_pattern).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, cast

from knowledge.catalog.records import Architecture, Experts, LatentAttention, Recurrent, SlidingWindow
from knowledge.shapes.rows import integer

RECURRENT_KIND = {
    "qwen3next": "gated_delta_net",
    "qwen35": "gated_delta_net",
    "qwen35moe": "gated_delta_net",
    "granitehybrid": "mamba2",
    "falcon-h1": "mamba2",
    "mamba2": "mamba2",
    "nemotron_h": "mamba2",
    "nemotron_h_moe": "mamba2",
    "mamba": "mamba",
    "jamba": "mamba",
    "lfm2": "short_conv",
    "lfm2moe": "short_conv",
}
_FULL_EVERY = {"qwen3next": 4, "qwen35": 4, "qwen35moe": 4}
_BOTH_IN_A_LAYER = frozenset({"falcon-h1"})
WINDOW_PATTERN = {
    "gemma2": (2, 1),
    "gemma3": (6, 5),
    "gemma3n": (5, 4),
    "gpt-oss": (2, 1),
    "olmo2": (4, 3),
    "llama4": (4, 3),
    "cohere2": (4, 3),
    "exaone4": (4, 3),
    "afmoe": (4, 3),
    "smallthinker": (4, 0),
}
"""Period of the layers, and the one of each period that attends to everything."""
_WINDOW_IGNORED = frozenset({"llama", "phi3", "starcoder2", "qwen2", "qwen2moe", "qwen3", "qwen3moe"})
"""Architectures whose files may state a window that llama.cpp does not apply: it keeps the whole cache."""
_CHUNK = {"llama4": 8192}
_SHARED_KV_FROM = {"gemma3n": 20}
"""llama.cpp's Gemma 3n: layers from this one on reuse earlier caches."""
UNKNOWN_WINDOW = "which layers have the stated window is not known: every layer is counted in full"
UNKNOWN_STATE = "this architecture's recurrent state is not known: it is not counted"


Extra = dict[str, int | float | bool | tuple[int, ...]]


class TensorFacts(NamedTuple):
    """What a tensor list tells beyond the metadata."""

    vocab: int
    tied: bool | None
    attention_bias: bool | None
    shared_ff: int | None = None
    """Feed-forward size of the shared experts; None leaves it to the metadata."""
    states: frozenset[int] = frozenset()
    """Layers with tensors of a recurrent block."""


def architecture_of(arch: str, meta: Mapping[str, object], facts: TensorFacts) -> Architecture:
    """The record of one model.

    Args:
        arch: llama.cpp's architecture name.
        meta: metadata of the file; numbers are checked already.
        facts: what the tensors tell.

    Raises:
        ValueError: sizes that contradict each other.
    """
    layers = int(cast("int", meta["block_count"])) - (integer(meta, "nextn_predict_layers") or 0)
    heads = _numbers(meta, "attention.head_count", layers) or [0]
    kv = _numbers(meta, "attention.head_count_kv", layers) or heads
    widths = _numbers(meta, "feed_forward_length", layers) or [0]
    notes: list[str] = []
    per_layer_kv = kv if len(set(kv)) > 1 else None
    window = _window(arch, meta, layers, per_layer_kv, notes)
    attention = _attention_layers(arch, meta, layers, heads, per_layer_kv)
    full_kv = max(kv) if window is None or per_layer_kv is None else _full_layer_heads(kv, window)
    head_dim = integer(meta, "attention.key_length")
    if head_dim is None:
        head_dim = int(cast("int", meta["embedding_length"])) // max(heads) if any(heads) else 0
    latent = _latent(meta)
    extra = _extra(meta, widths, head_dim if latent is None else None)
    if per_layer_kv is not None and not _explained(kv, window, full_kv):
        extra["attention.head_count_kv"] = tuple(kv)
    recurrent = _recurrent(arch, meta, layers, attention, facts.states, notes)
    return Architecture(
        arch=arch,
        layers=layers,
        hidden=int(cast("int", meta["embedding_length"])),
        heads=max(heads),
        kv_heads=full_kv,
        head_dim=head_dim,
        ff=max(widths),
        vocab=facts.vocab,
        tied=facts.tied,
        attention_layers=attention,
        window=window,
        latent=latent,
        recurrent=recurrent,
        experts=_experts(arch, meta, max(widths), facts.shared_ff),
        shared_kv_layers=_shared_kv(arch, meta, layers),
        per_layer_embedding=integer(meta, "embedding_length_per_layer_input") or 0,
        attention_bias=facts.attention_bias,
        measured=not notes and facts.tied is not None,
        approximations=tuple(notes),
        extra=extra,
    )


def _extra(meta: Mapping[str, object], widths: list[int], head_dim: int | None) -> Extra:
    """Rarely needed sizes; `head_dim` is that of the keys, None where latent values are cached."""
    extra: Extra = {}
    if len(set(widths)) > 1:
        extra["feed_forward_length"] = tuple(widths)
    for key in ("altup.num_inputs", "expert_gating_func", "nextn_predict_layers"):
        number = integer(meta, key)
        if number is not None and (number or key != "nextn_predict_layers"):
            extra[key] = number
    if meta.get("attention.causal") is False:
        extra["attention.causal"] = False
    value = integer(meta, "attention.value_length")
    if head_dim is not None and value is not None and value != head_dim:
        extra["attention.value_length"] = value
    return extra


def _shared_kv(arch: str, meta: Mapping[str, object], layers: int) -> int:
    """Last layers that reuse an earlier cache; of some architectures the file does not say."""
    if arch in _SHARED_KV_FROM:
        return max(layers - _SHARED_KV_FROM[arch], 0)
    return integer(meta, "attention.shared_kv_layers") or 0


def _numbers(meta: Mapping[str, object], key: str, layers: int) -> list[int]:
    """A size that a file gives once or by layer, by layer; empty where it is missing."""
    value = meta.get(key)
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        return [int(cast("int", value))] * layers
    if len(value) < layers:
        raise ValueError(f"`{key}` has {len(value)} entries for {layers} layers")
    return [int(number) for number in value[:layers]]


def _attention_layers(
    arch: str,
    meta: Mapping[str, object],
    layers: int,
    heads: Sequence[int],
    per_layer_kv: Sequence[int] | None,
) -> list[bool] | None:
    if arch in _FULL_EVERY:
        every = integer(meta, "full_attention_interval") or _FULL_EVERY[arch]
        return [layer % every == every - 1 for layer in range(layers)]
    if not any(heads):
        return [False] * layers
    if per_layer_kv is not None and 0 in per_layer_kv:
        return [number > 0 for number in per_layer_kv]
    return None


def _full_layer_heads(per_layer: Sequence[int], window: SlidingWindow) -> int:
    return _first(heads for heads, flag in zip(per_layer, window.layers, strict=True) if not flag)


def _first(values: Iterable[int]) -> int:
    found = next(iter(values), None)
    if found is None:
        raise ValueError("the window pattern leaves no layer of a kind")
    return found


def _explained(kv: Sequence[int], window: SlidingWindow | None, full: int) -> bool:
    """Whether the numbers of KV heads follow from the kinds of layers."""
    if window is None:
        return set(kv) <= {0, full}
    flags = zip(kv, window.layers, strict=True)
    return all(heads == (window.kv_heads or full if flag else full) for heads, flag in flags)


def _window(
    arch: str,
    meta: Mapping[str, object],
    layers: int,
    per_layer_kv: Sequence[int] | None,
    notes: list[str],
) -> SlidingWindow | None:
    size = _CHUNK.get(arch) or integer(meta, "attention.sliding_window")
    stated = meta.get("attention.sliding_window_pattern")
    if not size or (stated is None and arch in _WINDOW_IGNORED):
        return None
    if isinstance(stated, list | tuple) and stated:
        windowed = [bool(stated[layer % len(stated)]) for layer in range(layers)]
    elif isinstance(stated, int) and not isinstance(stated, bool) and stated > 1:
        windowed = [layer % stated != stated - 1 for layer in range(layers)]
    elif arch in WINDOW_PATTERN:
        period, full = WINDOW_PATTERN[arch]
        windowed = [layer % period != full for layer in range(layers)]
    else:
        notes.append(UNKNOWN_WINDOW)
        return None
    kv_heads = None
    if per_layer_kv is not None and any(windowed):
        kv_heads = _first(heads for heads, flag in zip(per_layer_kv, windowed, strict=True) if flag) or None
    return SlidingWindow(
        size=size,
        layers=tuple(windowed),
        chunked=arch in _CHUNK,
        kv_heads=kv_heads,
        head_dim=integer(meta, "attention.key_length_swa"),
    )


def _latent(meta: Mapping[str, object]) -> LatentAttention | None:
    """Latent attention; files from before 2025-04 lack its head sizes and cache keys and values in full."""
    kv_rank = integer(meta, "attention.kv_lora_rank")
    key, value = integer(meta, "attention.key_length_mla"), integer(meta, "attention.value_length_mla")
    rope = integer(meta, "rope.dimension_count")
    if not kv_rank or key is None or value is None or rope is None:
        return None
    if key < rope:
        raise ValueError("keys of latent attention are shorter than their rotary part")
    q_rank = integer(meta, "attention.q_lora_rank")
    return LatentAttention(kv_rank=kv_rank, q_rank=q_rank, nope_dim=key - rope, rope_dim=rope, v_dim=value)


def _recurrent(
    arch: str,
    meta: Mapping[str, object],
    layers: int,
    attention: Sequence[bool] | None,
    states: frozenset[int],
    notes: list[str],
) -> Recurrent | None:
    kind = RECURRENT_KIND.get(arch)
    if kind is None:
        if states or integer(meta, "ssm.state_size"):
            notes.append(UNKNOWN_STATE)
        return None
    if arch in _BOTH_IN_A_LAYER or attention is None:
        flags = [True] * layers
    else:
        flags = [not flag for flag in attention]
    if states:
        # Some hybrids have layers with neither attention nor state.
        flags = [flag and layer in states for layer, flag in enumerate(flags)]
    short = kind == "short_conv"
    kernel = integer(meta, "shortconv.l_cache" if short else "ssm.conv_kernel")
    if kernel is None or (not short and "ssm.inner_size" not in meta):
        notes.append(UNKNOWN_STATE)
        return None
    return Recurrent.model_validate(
        {
            "layers": flags,
            "conv_kernel": kernel,
            "inner": meta["embedding_length"] if short else meta["ssm.inner_size"],
            "state": 0 if short else integer(meta, "ssm.state_size") or 0,
            "groups": 0 if short else integer(meta, "ssm.group_count") or 0,
            "dt_rank": 0 if short else integer(meta, "ssm.time_step_rank") or 0,
            "kind": kind,
        }
    )


def _experts(arch: str, meta: Mapping[str, object], ff: int, shared_ff: int | None) -> Experts | None:
    count = integer(meta, "expert_count")
    if not count:
        return None
    one = integer(meta, "expert_feed_forward_length") or ff
    shared = (
        integer(meta, "expert_shared_feed_forward_length")
        or (integer(meta, "expert_shared_count") or 0) * one
    )
    if shared_ff is None:
        shared_ff = one if arch == "llama4" else shared
    return Experts(
        count=count,
        used=integer(meta, "expert_used_count") or 0,
        ff=one,
        shared_ff=shared_ff,
        dense_layers=integer(meta, "leading_dense_block_count") or 0,
        every=integer(meta, "interleave_moe_layer_step") or 1,
    )
