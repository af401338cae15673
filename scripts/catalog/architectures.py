"""Architectures of the catalog: models.json's fields and the measured set, in llama.cpp's terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from knowledge.catalog.parameters import implied_parameters
from knowledge.catalog.records import (
    Architecture,
    Experts,
    LatentAttention,
    Recurrent,
    SlidingWindow,
)
from scripts.catalog.facts import Row, integer, text
from scripts.catalog.shapes import (
    ARCH_BY_ID,
    DENSE_ONLY,
    EXPERT_PARTS,
    FAMILIES,
    HYBRID_ATTENTION,
    IGNORED_WINDOW,
    LAYER_COUNTS,
    PLAIN_EXPERTS,
    STATE_SIZES,
    Family,
)

SHAPE = ("n_layers", "hidden_size", "n_heads", "n_kv_heads", "head_dim", "vocab_size")
CONFIRMED = 0.005
"""Relative difference to the stated parameters below which the shape counts as confirmed."""
EXPLAINED = 0.03
"""Relative difference above which the shape is said not to reproduce the stated parameters."""
NEXTN_SHARE = 0.045
"""Most that a multi-token prediction block adds to the stored parameters."""
TOWER_SHARE = 0.4
"""Most that a vision or audio tower takes of the stored parameters."""
_NOT_MEMORY = ("rope.", "logit_scale", "attn_logit_softcapping", "final_logit_softcapping", "embedding_scale")
UNKNOWN_ATTENTION = "which layers hold attention is not known: the cache is counted for every layer"
COUNTED_ATTENTION = "the parameter count tells how many layers hold attention, not which: they are spread evenly"
UNKNOWN_ORDER = "the order of attention, state-space and feed-forward layers is not known: they are spread evenly"
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


@dataclass
class Draft:
    """Fields of an architecture while it is put together."""

    fields: dict[str, object]
    notes: list[str] = field(default_factory=list)
    """What is assumed."""
    confirmable: list[str] = field(default_factory=list)
    """What is assumed unless the parameter count confirms it."""

    def done(self) -> Architecture:
        """The record."""
        notes = (*self.notes, *self.confirmable)
        return Architecture.model_validate({**self.fields, "approximations": notes})


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
    shared = integer(meta, "expert_shared_feed_forward_length") or (integer(meta, "expert_shared_count") or 0) * one
    return Experts(
        count=count,
        used=integer(meta, "expert_used_count") or 0,
        ff=one,
        shared_ff=one if arch == "llama4" else shared,
        dense_layers=integer(meta, "leading_dense_block_count") or 0,
        every=integer(meta, "interleave_moe_layer_step") or 1,
    )


def shape_key(row: Row) -> tuple[object, ...] | None:
    """What two models of one architecture share; None where the row lacks a field."""
    values = tuple(row.get(name) for name in SHAPE if name != "head_dim")
    if None in values:
        return None
    family = FAMILIES.get(str(row.get("model_type")))
    experts = (row.get("moe_experts"), row.get("moe_intermediate"))
    feed_forward = None if row.get("moe_experts") else row.get("intermediate_size")
    return (family.arch if family else row.get("model_type"), *values, *experts, feed_forward)


def built_architecture(row: Row, donor: Row | None = None) -> Architecture | None:
    """The record that models.json's own fields give, or None where they do not suffice.

    Args:
        row: the model.
        donor: a row of the same shape with a fuller `attention` field.
    """
    if any(row.get(name) is None for name in SHAPE):
        return None
    if row.get("intermediate_size") is None and row.get("moe_intermediate") is None:
        return None
    family = FAMILIES.get(str(row.get("model_type")), Family(None, bias=None))
    draft = Draft(
        {
            "arch": _arch_name(row, family),
            "layers": row["n_layers"],
            "hidden": row["hidden_size"],
            "heads": row["n_heads"],
            "kv_heads": row["n_kv_heads"],
            "head_dim": row["head_dim"],
            "ff": row.get("intermediate_size"),
            "vocab": row["vocab_size"],
            "tied": row.get("tied_embeddings"),
            "attention_bias": _bias(row, family),
        }
    )
    if not family.causal:
        draft.fields["extra"] = {"attention.causal": False}
    _attention(draft, row, family, donor)
    _experts(draft, row)
    if text(row, "inherited_from"):
        draft.confirmable.append(f"shape taken from {row['inherited_from']}, a model of the same size")
    return _settle(draft, row, family)


def _arch_name(row: Row, family: Family) -> str | None:
    for start, name in ARCH_BY_ID.items():
        if str(row["hf_id"]).startswith(start):
            return name
    facts = cast("Mapping[str, object]", row.get("attention") or {})
    if family.latent is not None and facts.get("kind") == "mla":
        return family.latent
    if row.get("moe_experts"):
        return None if family.arch in DENSE_ONLY else family.arch
    return family.dense or family.arch


def _bias(row: Row, family: Family) -> bool | None:
    if family.arch == "qwen2" and family.wrapper:
        return True
    return family.bias


def _layer_flags(row: Row, attention: Mapping[str, object], family: Family, layers: int) -> list[bool] | None:
    """Which layers hold attention in a hybrid, or None where nothing says so."""
    listed = attention.get("full_attention_layers")
    if isinstance(listed, list):
        return [layer in listed for layer in range(layers)]
    if family.full_every is not None:
        return [layer % family.full_every == family.full_every - 1 for layer in range(layers)]
    known = HYBRID_ATTENTION.get((str(row.get("model_type")), layers))
    return None if known is None else [layer in known for layer in range(layers)]


def _attention(draft: Draft, row: Row, family: Family, donor: Row | None) -> None:
    facts: dict[str, object] = dict(cast("dict[str, object]", row.get("attention") or {}))
    if donor is not None:
        for key, value in cast("dict[str, object]", donor.get("attention") or {}).items():
            facts[key] = value if facts.get(key) is None else facts[key]
    kind = facts.get("kind")
    layers = int(cast("int", row["n_layers"]))
    if kind == "mla" or "mla" in facts:
        _latent(draft, cast("Mapping[str, object]", facts.get("mla") or facts))
    if "sparse_index_topk" in facts or "indexer" in str(facts.get("note", "")):
        draft.notes.append("the small key cache of the sparse-attention indexer is not counted")
    if kind == "compressed":
        draft.notes.append("compressed attention: the cache is counted as if every layer kept one row per token")
    if family.recurrent is not None and kind != "gqa":
        _recurrent(draft, row, family, facts, layers)
    elif family.recurrent == "lightning":
        _recurrent(draft, row, family, facts, layers)
    elif family.arch == "granitehybrid":
        draft.fields["arch"] = "granitemoe" if row.get("moe_experts") else "granite"
    _window(draft, row, family, facts, layers)
    if kind is None and family.arch is None and family.recurrent is None and family.causal:
        draft.notes.append("attention kind not stated: counted as full attention in every layer")


def _window(draft: Draft, row: Row, family: Family, facts: Mapping[str, object], layers: int) -> None:
    kind = facts.get("kind")
    if str(row.get("model_type")) in IGNORED_WINDOW:
        return
    if family.window is None or kind in ("gqa", "mha", "mqa"):
        if kind in ("sliding", "chunked") and family.arch is None:
            draft.notes.append("windowed layers are not listed: counted as full attention in every layer")
        return
    size = integer(facts, "window") or integer(facts, "chunk") or family.window.size
    windowed = family.window.layers(layers)
    listed = facts.get("full_attention_layers")
    counts = cast("Mapping[str, int]", facts.get("layer_counts") or {})
    if isinstance(listed, list):
        windowed = [layer not in listed for layer in range(layers)]
    elif counts and counts.get("sliding_attention") != sum(windowed):
        period = 5 if str(facts.get("pattern", "")).startswith("4 sliding") else family.window.period
        windowed = [layer % period != period - 1 for layer in range(layers)]
    if not (isinstance(listed, list) or counts):
        draft.notes.append(f"layer pattern of the family ({family.window.period - 1} windowed to 1 full)")
    head = integer(facts, "global_head_dim")
    draft.fields["window"] = {
        "size": size,
        "layers": windowed,
        "chunked": family.window.chunked,
        "head_dim": row["head_dim"] if head else None,
        "kv_heads": row["n_kv_heads"] if facts.get("global_kv_heads") else None,
    }
    if head:
        draft.fields["head_dim"] = head
    if facts.get("global_kv_heads"):
        draft.fields["kv_heads"] = facts["global_kv_heads"]
    draft.fields["shared_kv_layers"] = integer(facts, "kv_shared_layers") or 0


def _latent(draft: Draft, ranks: Mapping[str, object]) -> None:
    kv_rank, rope = integer(ranks, "kv_lora_rank"), integer(ranks, "qk_rope_head_dim")
    nope = integer(ranks, "qk_nope_head_dim")
    if kv_rank is None or rope is None or nope is None:
        return
    draft.fields["latent"] = {
        "kv_rank": kv_rank,
        "q_rank": integer(ranks, "q_lora_rank"),
        "nope_dim": nope,
        "rope_dim": rope,
        "v_dim": integer(ranks, "v_head_dim") or nope,
    }
    draft.fields["kv_heads"], draft.fields["head_dim"] = 1, kv_rank + rope


def _recurrent(draft: Draft, row: Row, family: Family, facts: Mapping[str, object], layers: int) -> None:
    hidden = int(cast("int", row["hidden_size"]))
    if family.arch == "falcon-h1":
        sizes = _published_state(draft, row)
        if sizes is None:
            draft.notes.append("sizes of the state-space part are not known: its constant state is not counted")
        else:
            draft.fields["recurrent"] = {"layers": [True] * layers, **sizes}
        return
    counts = LAYER_COUNTS.get((str(row.get("model_type")), layers, hidden))
    flags = _layer_flags(row, facts, family, layers)
    if flags is None and counts is not None:
        flags = _spread(counts[0], [True] * layers)
        draft.confirmable.append("how many layers hold attention is the family's published figure")
    if flags is None:
        draft.notes.append(UNKNOWN_ATTENTION)
        return
    if not isinstance(facts.get("full_attention_layers"), list) and not facts.get("layer_counts") and counts is None:
        draft.confirmable.append("attention layers by the family's published pattern")
    draft.fields["attention_layers"] = flags
    sizes = _state_sizes(family, facts, hidden, int(cast("int", row["n_heads"]))) or _published_state(draft, row)
    if sizes is None:
        draft.notes.append("sizes of the recurrent state are not known: it is not counted")
        return
    recurrent = [not flag for flag in flags]
    if family.arch == "nemotron_h":
        listed = cast("Mapping[str, int]", facts.get("layer_counts") or {})
        wanted = listed.get("mamba2", counts[1] if counts else sum(recurrent))
        draft.notes.append(UNKNOWN_ORDER)
        recurrent = _spread(wanted, recurrent)
        if not row.get("moe_experts"):
            mixers = [flag or state for flag, state in zip(flags, recurrent, strict=True)]
            widths = [0 if mixer else row["intermediate_size"] for mixer in mixers]
            draft.fields["extra"] = {"feed_forward_length": widths}
    draft.fields["recurrent"] = {"layers": recurrent, **sizes}


def _spread(count: int, free: Sequence[bool]) -> list[bool]:
    """`count` flags, spread evenly over the free layers."""
    places = [layer for layer, flag in enumerate(free) if flag]
    chosen = {places[int((place + 0.5) * len(places) / count)] for place in range(count)}
    return [layer in chosen for layer in range(len(free))]


def _published_state(draft: Draft, row: Row) -> dict[str, object] | None:
    key = (str(row.get("model_type")), int(cast("int", row["n_layers"])), int(cast("int", row["hidden_size"])))
    if key not in STATE_SIZES:
        return None
    draft.confirmable.append("sizes of the recurrent state from the family's published configuration")
    kernel, inner, state, groups, rank = STATE_SIZES[key]
    sizes: dict[str, object] = {"conv_kernel": kernel, "inner": inner, "state": state, "groups": groups}
    return {**sizes, "dt_rank": rank, "kind": "mamba2"}


def _state_sizes(
    family: Family, facts: Mapping[str, object], hidden: int, heads: int
) -> dict[str, object] | None:
    linear = cast("Mapping[str, int] | None", facts.get("linear_state"))
    ssm = cast("Mapping[str, int] | None", facts.get("ssm"))
    if family.recurrent == "short_conv":
        kernel = integer(facts, "conv_L_cache") or 3
        return {"conv_kernel": kernel, "inner": hidden, "state": 0, "groups": 0, "dt_rank": 0, "kind": "short_conv"}
    if family.recurrent == "lightning":
        sizes = {"conv_kernel": 1, "inner": heads * 128, "state": 128, "groups": 0, "dt_rank": 0}
        return {**sizes, "kind": "other"}
    if family.recurrent == "gated_delta_net" and linear:
        values, keys = linear["linear_num_value_heads"], linear["linear_num_key_heads"]
        return {
            "conv_kernel": linear["linear_conv_kernel_dim"],
            "inner": values * linear["linear_value_head_dim"],
            "state": linear["linear_key_head_dim"],
            "groups": keys,
            "dt_rank": values,
            "kind": "gated_delta_net",
        }
    if family.recurrent == "kimi_delta" and linear:
        inner = linear["linear_num_heads"] * linear["linear_head_dim"]
        return {
            "conv_kernel": linear["linear_conv_kernel_dim"],
            "inner": inner,
            "state": linear["linear_head_dim"],
            "groups": linear["linear_num_heads"],
            "dt_rank": linear["linear_num_heads"],
            "kind": "other",
        }
    if ssm and family.recurrent == "mamba":
        inner = ssm["mamba_expand"] * hidden
        sizes = {"conv_kernel": ssm["mamba_d_conv"], "inner": inner, "state": ssm["mamba_d_state"], "groups": 0}
        return {**sizes, "dt_rank": -(-hidden // 16), "kind": "mamba"}
    if ssm and family.recurrent == "mamba2":
        heads = ssm.get("mamba_n_heads") or ssm["mamba_num_heads"]
        return {
            "conv_kernel": ssm.get("mamba_d_conv") or ssm["conv_kernel"],
            "inner": heads * (ssm.get("mamba_d_head") or ssm["mamba_head_dim"]),
            "state": ssm.get("mamba_d_state") or ssm["ssm_state_size"],
            "groups": ssm.get("mamba_n_groups") or ssm["n_groups"],
            "dt_rank": heads,
            "kind": "mamba2",
        }
    return None


def _experts(draft: Draft, row: Row) -> None:
    count, used, one = (integer(row, key) for key in ("moe_experts", "moe_experts_per_token", "moe_intermediate"))
    if not count or not used or not one:
        return
    if count == 1:
        draft.fields["ff"] = one
        return
    model_type, layers = str(row.get("model_type")), int(cast("int", row["n_layers"]))
    parts = EXPERT_PARTS.get((model_type, layers))
    experts: dict[str, object] = {"count": count, "used": used, "ff": one}
    if parts is not None:
        dense, shared, dense_ff = parts
        experts.update(dense_layers=dense, shared_ff=shared)
        draft.fields["ff"] = draft.fields["ff"] or dense_ff
    elif model_type not in PLAIN_EXPERTS:
        draft.notes.append("shared experts and dense layers are not stated: weights come from the parameter count")
    if model_type == "jamba":
        experts.update(every=2)
        draft.fields["ff"] = one
    draft.fields["experts"] = experts


def _settle(draft: Draft, row: Row, family: Family) -> Architecture:
    """Check the draft against the stated parameters: settle open choices, and mark what is confirmed."""
    stated = integer(row, "params_total")
    if stated is None:
        return draft.done()
    context = integer(row, "context_length") or integer(row, "max_seq")
    best, open_tie = _best(draft, row, family, stated, context)
    implied = implied_parameters(best, context_length=context)
    if implied is None:
        return best
    beside = stated - implied
    extra, confirmed = dict(best.extra), abs(beside) <= CONFIRMED * stated
    if family.wrapper and 0 < beside <= TOWER_SHARE * stated:
        extra["vision_params"], confirmed = beside, True
    elif family.nextn and not confirmed and 0 < beside <= NEXTN_SHARE * stated:
        extra["nextn_predict_layers"], confirmed = 1, True
    notes = list(draft.notes)
    if not confirmed or (family.wrapper and draft.confirmable):
        notes += draft.confirmable
    if draft.fields.get("attention_layers") is None and best.attention_layers is not None:
        notes = [COUNTED_ATTENTION if note == UNKNOWN_ATTENTION else note for note in notes]
    if open_tie:
        notes.append("whether the output shares the embedding is not stated")
    if abs(beside) > EXPLAINED * stated and not confirmed:
        share = f"{100 * beside / stated:+.0f} %"
        notes.append(f"the shape misses the stated parameters by {share}: weights come from the parameter count")
    updates = {"extra": extra, "approximations": tuple(notes), "measured": confirmed and not notes}
    return best.model_copy(update=updates)


def _best(
    draft: Draft, row: Row, family: Family, stated: int, context: int | None
) -> tuple[Architecture, bool]:
    """The variant that the parameter count speaks for, and whether tied embeddings stay open.

    A stated tie is kept unless only the other one reproduces the count; class defaults are no statement.
    """

    def distance(candidate: Architecture) -> float:
        return _distance(candidate, stated, family, context)

    source = cast("Mapping[str, str]", row.get("field_sources") or {}).get("tied_embeddings", "")
    tie = cast("bool | None", row.get("tied_embeddings"))
    found = _variants(draft)
    own = [candidate for candidate in found if candidate.tied == tie] if tie is not None else []
    if family.wrapper:
        fits = [candidate for candidate in found if distance(candidate) <= TOWER_SHARE]
        if own and "class default" not in source and distance(own[0]) < 1:
            return min(own, key=distance), False
        return min(fits or found, key=distance), len({candidate.tied for candidate in fits}) > 1
    best = min(found, key=distance)
    if own and min(map(distance, own)) <= CONFIRMED:
        return min(own, key=distance), False
    if own and "class default" not in source and distance(best) > CONFIRMED:
        return min(own, key=distance), False
    return best, False


def _variants(draft: Draft) -> list[Architecture]:
    """The draft under each value of what may be open: tied embeddings, adjusted feed-forward, attention layers."""
    base = draft.done()
    widths = [base.ff]
    if base.arch == "lfm2" and base.ff is not None:
        widths.append(-(-int(2 * base.ff / 3) // 256) * 256)
    found = [base.model_copy(update={"tied": tie, "ff": ff}) for tie in (False, True) for ff in widths]
    if base.arch in ("lfm2", "lfm2moe") and base.attention_layers is None:
        found += [option for candidate in found for option in _with_convolutions(candidate)]
    return found


def _with_convolutions(base: Architecture) -> list[Architecture]:
    """Every possible number of attention layers, spread evenly; the parameter count tells which holds."""
    options = []
    for count in range(1, base.layers):
        flags = tuple(_spread(count, [True] * base.layers))
        recurrent = Recurrent(
            layers=tuple(not flag for flag in flags),
            conv_kernel=3,
            inner=base.hidden,
            state=0,
            groups=0,
            dt_rank=0,
            kind="short_conv",
        )
        options.append(base.model_copy(update={"attention_layers": flags, "recurrent": recurrent}))
    return options


def _distance(candidate: Architecture, stated: int, family: Family, context: int | None) -> float:
    implied = implied_parameters(candidate, context_length=context)
    if implied is None:
        return float("inf")
    if family.wrapper and implied > stated:
        return 10.0 + (implied - stated) / stated
    return abs(stated - implied) / stated
