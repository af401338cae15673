"""Named sizes of a model's layers, from which tensors, cache and scratch buffers are computed.

The names are those of the tensor table (`data/tensors.json`). A size of 0 means that the layer has no such
part, and every tensor with a dimension of 0 is absent; so one table row serves dense, expert and hybrid
layers alike.
"""

from __future__ import annotations

from dataclasses import dataclass

from knowledge.catalog.records import Architecture, Recurrent

Sizes = dict[str, int]

SIGMOID_GATE = 2
"""llama.cpp's `expert_gating_func` of routers that carry a correction bias (DeepSeek V3 and its kin)."""


@dataclass(frozen=True, slots=True)
class LayerCache:
    """What one layer keeps per token or per slot."""

    key: int
    """Key width in values per cached token; 0 where the layer caches nothing."""
    value: int
    windowed: bool
    convolution: int
    """Convolution state in values (float32) per slot."""
    state: int
    """Recurrent state in values (float32) per slot."""


def per_layer(arch: Architecture, key: str, layer: int, default: int) -> int:
    """A size that may vary by layer: an entry of `extra` (one number or one a layer), else the default."""
    value = arch.extra.get(key, default)
    return int(value[layer]) if isinstance(value, tuple) else int(value)


def extra_int(arch: Architecture, key: str) -> int:
    """A rarely needed size of an architecture; 0 where it has none."""
    value = arch.extra.get(key, 0)
    return max(value) if isinstance(value, tuple) else int(value)


def has_attention(arch: Architecture, layer: int) -> bool:
    return arch.attention_layers is None or arch.attention_layers[layer]


def has_state(arch: Architecture, layer: int) -> bool:
    return arch.recurrent is not None and arch.recurrent.layers[layer]


def is_windowed(arch: Architecture, layer: int) -> bool:
    return arch.window is not None and arch.window.size > 0 and arch.window.layers[layer]


def has_experts(arch: Architecture, layer: int) -> bool:
    experts = arch.experts
    return experts is not None and layer >= experts.dense_layers and (layer + 1) % experts.every == 0


def attention_widths(arch: Architecture, layer: int) -> tuple[int, int, int]:
    """Head size, and widths of queries and keys, of a layer without latent attention."""
    head_dim, kv_heads = arch.head_dim, per_layer(arch, "attention.head_count_kv", layer, arch.kv_heads)
    if arch.window is not None and is_windowed(arch, layer):
        head_dim = arch.window.head_dim or head_dim
        kv_heads = arch.window.kv_heads or kv_heads
    return head_dim, arch.heads * head_dim, kv_heads * head_dim


def values_are_keys(arch: Architecture, layer: int) -> bool:
    """Full layers of a model whose windowed layers have another number of KV heads carry no value projection.

    Source: `attention_k_eq_v` in the Gemma 4 configuration, which goes with `num_global_key_value_heads`.
    """
    window = arch.window
    return (
        window is not None and window.kv_heads not in (None, arch.kv_heads) and not is_windowed(arch, layer)
    )


def conv_channels(recurrent: Recurrent) -> int:
    return recurrent.inner + 2 * recurrent.groups * recurrent.state


def state_values(arch: Architecture, layer: int) -> tuple[int, int]:
    """Convolution and recurrent state of a layer in values per slot (llama.cpp's `n_embd_r`, `n_embd_s`)."""
    recurrent = arch.recurrent
    if recurrent is None or not has_state(arch, layer):
        return 0, 0
    if recurrent.kind == "short_conv":
        return (recurrent.conv_kernel - 1) * arch.hidden, 0
    return (recurrent.conv_kernel - 1) * conv_channels(recurrent), recurrent.inner * recurrent.state


def layer_cache(arch: Architecture, layer: int) -> LayerCache:
    """What a layer caches. Layers that share an earlier layer's cache keep nothing."""
    (convolution, state), windowed = state_values(arch, layer), is_windowed(arch, layer)
    if not has_attention(arch, layer) or layer >= arch.layers - arch.shared_kv_layers:
        return LayerCache(0, 0, windowed, convolution, state)
    if arch.latent is not None:
        return LayerCache(arch.latent.kv_rank + arch.latent.rope_dim, 0, windowed, convolution, state)
    head_dim, _, width = attention_widths(arch, layer)
    value_dim = per_layer(arch, "attention.value_length", layer, head_dim)
    value = width if value_dim == head_dim else width // head_dim * value_dim
    return LayerCache(width, value, windowed, convolution, state)


def _attention_sizes(arch: Architecture, layer: int) -> Sizes:
    if not has_attention(arch, layer):
        return {}
    latent = arch.latent
    if latent is not None:
        query = arch.heads * (latent.nope_dim + latent.rope_dim)
        q_rank = latent.q_rank or 0
        return {
            "QM": 0 if q_rank else query,
            "QR": q_rank,
            "QL": query,
            "KR": latent.kv_rank,
            "KA": latent.kv_rank + latent.rope_dim,
            "NP": latent.nope_dim,
            "VD": latent.v_dim,
            "HL": arch.heads,
            "OM": arch.heads * latent.v_dim,
        }
    head_dim, query, key = attention_widths(arch, layer)
    bias, norm = bool(arch.attention_bias), bool(arch.extra.get("attention.qk_norm", False))
    value = 0 if values_are_keys(arch, layer) else key
    return {
        "D": head_dim,
        "DQ": head_dim * norm,
        "HQ": arch.heads * norm,
        "KQ": key // head_dim * norm,
        "HA": arch.heads,
        "Q": query,
        "Q2": 2 * query,
        "K": key,
        "V": value,
        "QKV": query + key + value,
        "QB": query * bias,
        "KB": key * bias,
        "VB": value * bias,
        "QKVB": (query + key + value) * bias,
    }


def _recurrent_sizes(arch: Architecture, layer: int) -> Sizes:
    recurrent = arch.recurrent
    if recurrent is None or not has_state(arch, layer):
        return {}
    if recurrent.kind == "short_conv":
        return {"W": recurrent.conv_kernel, "SC": arch.hidden, "SC3": 3 * arch.hidden}
    channels = conv_channels(recurrent)
    return {
        "W": recurrent.conv_kernel,
        "I": recurrent.inner,
        "I2": 2 * recurrent.inner,
        "IN": recurrent.inner * bool(arch.extra.get("ssm.norm", False)),
        "C": channels,
        "S": recurrent.state,
        "DT": recurrent.dt_rank,
        "DT2": 2 * recurrent.dt_rank,
        "SI": recurrent.inner + channels + recurrent.dt_rank,
        "SX": recurrent.dt_rank + 2 * recurrent.state,
    }


def _feed_forward_sizes(arch: Architecture, layer: int) -> Sizes:
    experts = arch.experts
    dense = per_layer(arch, "feed_forward_length", layer, arch.ff or 0)
    if experts is None or not has_experts(arch, layer):
        return {"F": dense, "F2": 2 * dense, "FA": dense}
    return {
        "FA": dense,
        "X": experts.count,
        "XB": experts.count * (arch.extra.get("expert_gating_func") == SIGMOID_GATE),
        "XF": experts.ff,
        "SF": experts.shared_ff,
        "ES": arch.hidden if experts.shared_ff else 0,
        "EX": arch.hidden,
    }


def layer_kinds(arch: Architecture) -> list[int]:
    """For each layer the first layer of the same make, so that sizes need to be computed once a make."""
    count, window, recurrent = arch.layers, arch.window, arch.recurrent
    attention = arch.attention_layers or (True,) * count
    windowed = window.layers if window is not None and window.size > 0 else (False,) * count
    states = recurrent.layers if recurrent is not None else (False,) * count
    own_cache = count - arch.shared_kv_layers
    varying = [value for value in arch.extra.values() if isinstance(value, tuple) and len(value) == count]
    experts = arch.experts
    mixed = experts is not None and (experts.dense_layers > 0 or experts.every > 1)
    if not (mixed or varying or arch.shared_kv_layers or window or recurrent or arch.attention_layers):
        return [0] * count
    first: dict[tuple[object, ...], int] = {}
    return [
        first.setdefault(
            (
                attention[layer],
                windowed[layer],
                states[layer],
                has_experts(arch, layer),
                layer < own_cache,
                *(value[layer] for value in varying),
            ),
            layer,
        )
        for layer in range(count)
    ]


def layer_sizes(arch: Architecture, layer: int) -> Sizes:
    """Sizes by the tensor table's names, for one layer."""
    per_layer_width = arch.per_layer_embedding
    return {
        "1": 1,
        "E": arch.hidden,
        "P": per_layer_width,
        "EP": arch.hidden if per_layer_width else 0,
        "AI": extra_int(arch, "altup.num_inputs"),
        "AQ": extra_int(arch, "altup.num_inputs") ** 2,
        "R": 64,
        **_attention_sizes(arch, layer),
        **_recurrent_sizes(arch, layer),
        **_feed_forward_sizes(arch, layer),
    }


def model_sizes(arch: Architecture) -> Sizes:
    """Sizes by the tensor table's names, for the tensors outside the layers."""
    inputs = extra_int(arch, "altup.num_inputs")
    return {
        "E": arch.hidden,
        "N": arch.vocab,
        "NO": 0 if arch.tied else arch.vocab,
        "P": arch.per_layer_embedding,
        "PL": arch.per_layer_embedding * arch.layers,
        "AM": max(inputs - 1, 0),
        "D2": arch.head_dim // 2,
    }
