"""Parameters that an architecture implies, to check facts against each other.

The count follows the tensors that llama.cpp's converters write for an architecture; what differs between
architectures is the table `TRAITS`. Sources: the tensor lists of llama.cpp and the models' published counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from knowledge.catalog.records import Architecture, Experts, LatentAttention, Recurrent
from knowledge.catalog.tokens import word_set


@dataclass(frozen=True, slots=True)
class Traits:
    """What a layer of one llama.cpp architecture holds beside the plain matrices."""

    ff_matrices: int = 3
    """Gate, up and down; 2 without a gate."""
    norms: int = 2
    """Norms over the hidden size in a layer."""
    qk_norm: Literal["none", "head", "full"] = "none"
    norm_bias: bool = False
    linear_bias: bool = False
    """Biases on the output and feed-forward projections."""
    gated_query: bool = False
    """The query projection also yields an output gate."""
    expert_bias: bool = False
    shared_gate: bool = False
    output_bias: bool = False
    token_types: int = 0
    positions: bool = False
    """A learned position table as long as the context."""
    embedding_norm: bool = False
    final_norm: bool = True
    one_block: bool = False
    """A layer is attention, a state or a feed-forward, never two of them."""


_PLAIN = Traits()
_HEAD_NORM = Traits(qk_norm="head")
_SANDWICH = Traits(norms=4)
_BIASED = Traits(ff_matrices=2, norm_bias=True, linear_bias=True)
_ENCODER = Traits(
    ff_matrices=2, norm_bias=True, linear_bias=True, positions=True, embedding_norm=True, final_norm=False
)
TRAITS: dict[str, Traits] = {
    **dict.fromkeys(
        word_set(
            "llama qwen2 gemma granite granitemoe mistral3 llama4 internlm2 minicpm smollm3 ernie4_5 chatglm "
            "olmo phi3 deepseek deepseek2 exaone seed_oss qwen2vl glm4-plain baichuan orion xverse "
            "ernie4_5-moe jamba granitehybrid mixtral arctic"
        ),
        _PLAIN,
    ),
    **dict.fromkeys(
        word_set("qwen3 qwen3moe qwen3vl qwen3vlmoe hunyuan-dense hunyuan-moe lfm2 lfm2moe bailingmoe2"),
        _HEAD_NORM,
    ),
    "phimoe": Traits(norm_bias=True, output_bias=True, linear_bias=False),
    "qwen2moe": Traits(shared_gate=True),
    "qwen3next": Traits(qk_norm="head", gated_query=True, shared_gate=True),
    "qwen35": Traits(qk_norm="head", gated_query=True),
    "qwen35moe": Traits(qk_norm="head", gated_query=True, shared_gate=True),
    "gemma2": _SANDWICH,
    "gemma3": Traits(norms=4, qk_norm="head"),
    "glm4": _SANDWICH,
    "glm4moe": Traits(expert_bias=True),
    "olmo2": Traits(norms=2, qk_norm="full"),
    "olmoe": Traits(norms=2, qk_norm="full"),
    "minimax-m2": Traits(qk_norm="full", expert_bias=True),
    "exaone4": Traits(norms=2, qk_norm="head"),
    "command-r": Traits(norms=1),
    "cohere2": Traits(norms=1),
    "gpt-oss": Traits(linear_bias=True),
    "starcoder2": _BIASED,
    "starcoder": Traits(ff_matrices=2, norm_bias=True, linear_bias=True, positions=True),
    "bloom": Traits(ff_matrices=2, norm_bias=True, linear_bias=True, embedding_norm=True),
    "gptneox": _BIASED,
    "phi2": Traits(ff_matrices=2, norms=1, norm_bias=True, linear_bias=True, output_bias=True),
    "falcon": Traits(ff_matrices=2, norms=1, norm_bias=True),
    "stablelm": Traits(norm_bias=True),
    "nemotron_h": Traits(ff_matrices=2, norms=1, one_block=True, expert_bias=True),
    "nemotron": Traits(ff_matrices=2, norm_bias=True),
    "apertus": Traits(ff_matrices=2, qk_norm="head"),
    "arcee": Traits(ff_matrices=2),
    "opt": Traits(ff_matrices=2, norm_bias=True, linear_bias=True, positions=True),
    "falcon-h1": _PLAIN,
    "mamba": Traits(norms=1),
    "mamba2": Traits(norms=1),
    "bert": Traits(
        ff_matrices=2,
        norm_bias=True,
        linear_bias=True,
        positions=True,
        token_types=2,
        embedding_norm=True,
        final_norm=False,
    ),
    "roberta": _ENCODER,
}


def _feed_forward(a: Architecture, traits: Traits, hidden_ff: int) -> int:
    bias = hidden_ff * (traits.ff_matrices - 1) + a.hidden if traits.linear_bias else 0
    return traits.ff_matrices * a.hidden * hidden_ff + bias


def _experts(a: Architecture, e: Experts, traits: Traits) -> int:
    one = traits.ff_matrices * a.hidden * e.ff
    router = a.hidden * e.count + (e.count if traits.expert_bias or traits.linear_bias else 0)
    bias = e.count * (2 * e.ff + a.hidden) if traits.linear_bias else 0
    shared = traits.ff_matrices * a.hidden * e.shared_ff
    if e.shared_ff and traits.shared_gate:
        shared += a.hidden
    return e.count * one + router + bias + shared


def _latent(a: Architecture, m: LatentAttention) -> int:
    query_row = a.heads * (m.nope_dim + m.rope_dim)
    query = (
        a.hidden * query_row if m.q_rank is None else a.hidden * m.q_rank + m.q_rank + m.q_rank * query_row
    )
    compressed = a.hidden * (m.kv_rank + m.rope_dim) + m.kv_rank
    return query + compressed + m.kv_rank * a.heads * (m.nope_dim + m.v_dim) + a.heads * m.v_dim * a.hidden


def _attention(a: Architecture, traits: Traits, layer: int) -> int:
    if a.latent is not None:
        return _latent(a, a.latent)
    kv_heads, head = a.kv_heads, a.head_dim
    if a.window is not None and a.window.layers[layer]:
        kv_heads, head = a.window.kv_heads or kv_heads, a.window.head_dim or head
    query, keys = a.heads * head, kv_heads * head
    total = a.hidden * query * (2 if traits.gated_query else 1) + 2 * a.hidden * keys + query * a.hidden
    if a.attention_bias:
        total += query + 2 * keys
    if traits.linear_bias:
        total += a.hidden
    if a.arch == "gpt-oss":
        total += a.heads
    return total + {"none": 0, "head": 2 * head, "full": query + keys}[traits.qk_norm]


def _recurrent(a: Architecture, r: Recurrent) -> int | None:
    h = a.hidden
    if r.kind == "short_conv":
        return 3 * h * h + h * r.conv_kernel + h * h
    if r.kind == "gated_delta_net":
        keys = r.groups * r.state
        conv = 2 * keys + r.inner
        return (
            h * (conv + r.inner + 2 * r.dt_rank)
            + conv * r.conv_kernel
            + 2 * r.dt_rank
            + r.state
            + r.inner * h
        )
    if r.kind == "mamba2":
        conv = r.inner + 2 * r.groups * r.state
        projections = h * (r.inner + conv + r.dt_rank) + r.inner * h
        gated_norm = 0 if a.arch == "falcon-h1" else r.inner
        return projections + conv * (r.conv_kernel + 1) + 3 * r.dt_rank + gated_norm
    if r.kind == "mamba":
        mixed = r.dt_rank + 2 * r.state
        inner = r.conv_kernel + 1 + mixed + r.dt_rank + 1 + r.state + 1
        return 2 * h * r.inner + r.inner * inner + r.inner * h + (mixed if a.arch == "jamba" else 0)
    return None


def _has_mixer(a: Architecture, layer: int) -> bool:
    attention = a.attention_layers is None or a.attention_layers[layer]
    return attention or (a.recurrent is not None and a.recurrent.layers[layer])


def _layer_ff(a: Architecture, traits: Traits, layer: int) -> int | None:
    widths = a.extra.get("feed_forward_length")
    dense = widths[layer] if isinstance(widths, tuple) else a.ff
    if a.experts is not None:
        e = a.experts
        if layer >= e.dense_layers and (layer + 1) % e.every == 0:
            return _experts(a, e, traits)
    return None if dense is None else _feed_forward(a, traits, dense) if dense else 0


def implied_parameters(architecture: Architecture, *, context_length: int | None = None) -> int | None:
    """Parameters of the text model that the architecture describes.

    Args:
        architecture: the shape; vision towers and multi-token prediction blocks are not part of it.
        context_length: tokens, for architectures with a learned position table.

    Returns:
        The count, or None where the architecture has no entry in `TRAITS` or lacks a size it needs.
    """
    a = architecture
    if a.arch not in TRAITS or a.tied is None:
        return None
    traits = TRAITS[a.arch]
    norm = a.hidden * (2 if traits.norm_bias else 1)
    total = a.vocab * a.hidden * (1 if a.tied else 2) + (norm if traits.final_norm else 0)
    total += a.vocab if traits.output_bias and not a.tied else 0
    total += traits.token_types * a.hidden + (norm if traits.embedding_norm else 0)
    if traits.positions:
        if context_length is None:
            return None
        total += context_length * a.hidden
    for layer in range(a.layers):
        if a.attention_layers is None or a.attention_layers[layer]:
            total += _attention(a, traits, layer)
        if a.recurrent is not None and a.recurrent.layers[layer]:
            recurrent = _recurrent(a, a.recurrent)
            if recurrent is None:
                return None
            total += recurrent
        feed_forward = 0 if traits.one_block and _has_mixer(a, layer) else _layer_ff(a, traits, layer)
        if feed_forward is None:
            return None
        total += feed_forward + traits.norms * norm
    return total
