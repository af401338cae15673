"""The state-space or linear-attention part of a hybrid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from scripts.catalog.draft import UNKNOWN_ATTENTION, UNKNOWN_ORDER, Draft, spread
from scripts.catalog.facts import Row, integer
from scripts.catalog.shapes import HYBRID_ATTENTION, LAYER_COUNTS, STATE_SIZES, Family


def add_recurrent(draft: Draft, row: Row, family: Family, facts: Mapping[str, object], layers: int) -> None:
    hidden = int(cast("int", row["hidden_size"]))
    if family.arch == "falcon-h1":
        sizes = _published_state(draft, row)
        if sizes is None:
            draft.notes.append(
                "sizes of the state-space part are not known: its constant state is not counted"
            )
        else:
            draft.fields["recurrent"] = {"layers": [True] * layers, **sizes}
        return
    counts = LAYER_COUNTS.get((str(row.get("model_type")), layers, hidden))
    flags = _layer_flags(row, facts, family, layers)
    if flags is None and counts is not None:
        flags = spread(counts[0], [True] * layers)
        if counts[0]:
            draft.confirmable.append("how many layers hold attention is the family's published figure")
    if flags is None:
        draft.notes.append(UNKNOWN_ATTENTION)
        return
    if (
        not isinstance(facts.get("full_attention_layers"), list)
        and not facts.get("layer_counts")
        and counts is None
    ):
        draft.confirmable.append("attention layers by the family's published pattern")
    draft.fields["attention_layers"] = flags
    sizes = _state_sizes(family, facts, hidden, int(cast("int", row["n_heads"]))) or _published_state(
        draft, row
    )
    if sizes is None:
        draft.notes.append("sizes of the recurrent state are not known: it is not counted")
        return
    recurrent = [not flag for flag in flags]
    if family.arch == "nemotron_h":
        listed = cast("Mapping[str, int]", facts.get("layer_counts") or {})
        wanted = listed.get("mamba2", counts[1] if counts else sum(recurrent))
        draft.notes.append(UNKNOWN_ORDER)
        recurrent = spread(wanted, recurrent)
        if not row.get("moe_experts"):
            mixers = [flag or state for flag, state in zip(flags, recurrent, strict=True)]
            widths = [0 if mixer else row["intermediate_size"] for mixer in mixers]
            draft.fields["extra"] = {"feed_forward_length": widths}
    draft.fields["recurrent"] = {"layers": recurrent, **sizes}


def _layer_flags(row: Row, attention: Mapping[str, object], family: Family, layers: int) -> list[bool] | None:
    """Which layers hold attention in a hybrid, or None where nothing says so."""
    listed = attention.get("full_attention_layers")
    if isinstance(listed, list):
        return [layer in listed for layer in range(layers)]
    known = HYBRID_ATTENTION.get((str(row.get("model_type")), layers))
    if known is not None:
        return [layer in known for layer in range(layers)]
    if family.full_every is not None:
        return [layer % family.full_every == family.full_every - 1 for layer in range(layers)]
    return None


def _published_state(draft: Draft, row: Row) -> dict[str, object] | None:
    key = (
        str(row.get("model_type")),
        int(cast("int", row["n_layers"])),
        int(cast("int", row["hidden_size"])),
    )
    if key not in STATE_SIZES:
        return None
    draft.confirmable.append("sizes of the recurrent state from the family's published configuration")
    kernel, inner, state, groups, rank = STATE_SIZES[key]
    sizes: dict[str, object] = {"conv_kernel": kernel, "inner": inner, "state": state, "groups": groups}
    return {**sizes, "dt_rank": rank, "kind": "mamba2" if groups else "mamba"}


def _state_sizes(
    family: Family, facts: Mapping[str, object], hidden: int, heads: int
) -> dict[str, object] | None:
    linear = cast("Mapping[str, int] | None", facts.get("linear_state"))
    ssm = cast("Mapping[str, int] | None", facts.get("ssm"))
    if family.recurrent == "short_conv":
        kernel = integer(facts, "conv_L_cache") or 3
        return {
            "conv_kernel": kernel,
            "inner": hidden,
            "state": 0,
            "groups": 0,
            "dt_rank": 0,
            "kind": "short_conv",
        }
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
        sizes = {
            "conv_kernel": ssm["mamba_d_conv"],
            "inner": inner,
            "state": ssm["mamba_d_state"],
            "groups": 0,
        }
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
