"""Records of architectures.json: shapes with which the engine's own figures were reproduced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from knowledge.catalog.records import Architecture
from knowledge.shapes.from_gguf import TensorFacts, architecture_of
from knowledge.shapes.rows import Row

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


def measured_architecture(row: Row) -> Architecture:
    """The record of one entry of architectures.json, which reproduces the engine's figures."""
    meta = cast("Mapping[str, object]", row["gguf_metadata"])
    arch = str(row["llama_cpp_arch"])
    full = {
        **meta,
        "block_count": row["n_layer"],
        "embedding_length": row["n_embd"],
        "attention.head_count": row["n_head"],
        "attention.head_count_kv": row["n_head_kv"],
        "attention.key_length": row["head_dim"],
        "attention.value_length": row["head_dim"],
        "feed_forward_length": row["n_ff"],
    }
    facts = TensorFacts(
        vocab=cast("int", row["n_vocab"]),
        tied=cast("bool | None", row["tied_embeddings"]),
        attention_bias=arch in _BIASED,
    )
    found = architecture_of(arch, full, facts)
    # The table's own order first, so that a rebuilt catalog differs only where a fact does.
    return found.model_copy(update={"measured": True, "extra": {**_extra(meta), **found.extra}})


def _extra(meta: Mapping[str, object]) -> dict[str, int | float | bool | tuple[int, ...]]:
    kept = {
        key: value
        for key, value in meta.items()
        if key not in _TYPED and not key.startswith(_NOT_MEMORY) and not isinstance(value, str)
    }
    return cast("dict[str, int | float | bool | tuple[int, ...]]", kept)
