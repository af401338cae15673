"""Architectures from models.json's own fields, in llama.cpp's terms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from knowledge.catalog.records import Architecture
from knowledge.shapes.draft import Draft
from knowledge.shapes.families import (
    ARCH_BY_ID,
    DENSE_ONLY,
    EXPERT_PARTS,
    FAMILIES,
    IGNORED_WINDOW,
    PLAIN_EXPERTS,
    Family,
)
from knowledge.shapes.recurrent import add_recurrent
from knowledge.shapes.rows import Row, integer, text
from knowledge.shapes.settle import settle

SHAPE = ("n_layers", "hidden_size", "n_heads", "n_kv_heads", "head_dim", "vocab_size")


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
    return settle(draft, row, family)


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
    name = _arch_name(row, family)
    if family.bias is None or family.wrapper:
        return {"qwen2": True, "qwen2vl": True, "llama": False, "qwen3": False}.get(name or "", family.bias)
    return family.bias


def _attention(draft: Draft, row: Row, family: Family, donor: Row | None) -> None:
    facts: dict[str, object] = dict(cast("dict[str, object]", row.get("attention") or {}))
    if donor is not None:
        for key, value in cast("dict[str, object]", donor.get("attention") or {}).items():
            facts[key] = value if facts.get(key) is None else facts[key]
    kind = facts.get("kind")
    layers = int(cast("int", row["n_layers"]))
    if kind == "mla" or "mla" in facts:
        _latent(draft, cast("Mapping[str, object]", facts.get("mla") or facts))
    if family.sparse:
        draft.notes.append("the small key cache of the sparse-attention indexer is not counted")
    if kind == "compressed":
        draft.notes.append(
            "compressed attention: the cache is counted as if every layer kept one row per token"
        )
    if family.recurrent == "lightning" or (family.recurrent is not None and kind != "gqa"):
        add_recurrent(draft, row, family, facts, layers)
    elif family.arch == "granitehybrid":
        draft.fields["arch"] = "granitemoe" if row.get("moe_experts") else "granite"
    _window(draft, row, family, facts, layers)
    source = str(cast("Mapping[str, str]", row.get("field_sources") or {}).get("attention", "derived"))
    plain = family.arch is None and family.recurrent is None and family.window is None and family.causal
    if source.startswith("derived") and plain:
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


def _experts(draft: Draft, row: Row) -> None:
    count, used, one = (
        integer(row, key) for key in ("moe_experts", "moe_experts_per_token", "moe_intermediate")
    )
    if not count or not used or not one:
        return
    if count == 1:
        draft.fields["ff"] = one
        return
    model_type, layers = str(row.get("model_type")), int(cast("int", row["n_layers"]))
    stated = cast("tuple[int, int, int | None] | None", row.get("expert_parts"))
    parts = stated or EXPERT_PARTS.get((model_type, layers))
    experts: dict[str, object] = {"count": count, "used": used, "ff": one}
    if parts is not None:
        dense, shared, dense_ff = parts
        experts.update(dense_layers=dense, shared_ff=shared)
        draft.fields["ff"] = draft.fields["ff"] or dense_ff
    elif model_type not in PLAIN_EXPERTS:
        draft.notes.append(
            "shared experts and dense layers are not stated: weights come from the parameter count"
        )
    if model_type == "jamba":
        experts.update(every=2)
        draft.fields["ff"] = one
    if integer(row, "expert_every"):
        experts["every"] = integer(row, "expert_every")
    draft.fields["experts"] = experts
