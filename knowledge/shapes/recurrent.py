"""The state-space or linear-attention part of a hybrid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from knowledge.shapes.draft import UNKNOWN_ATTENTION, UNKNOWN_ORDER, Draft, spread
from knowledge.shapes.families import HYBRID_ATTENTION, LAYER_COUNTS, STATE_SIZES, Family
from knowledge.shapes.rows import Row, integer


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


def _sizes(kernel: int, inner: int, state: int, groups: int, dt_rank: int, kind: str) -> dict[str, object]:
    return {
        "conv_kernel": kernel,
        "inner": inner,
        "state": state,
        "groups": groups,
        "dt_rank": dt_rank,
        "kind": kind,
    }


def _state_sizes(
    family: Family, facts: Mapping[str, object], hidden: int, heads: int
) -> dict[str, object] | None:
    """Sizes of the recurrent state, from the shape alone or from what the facts say of it."""
    linear = cast("Mapping[str, int] | None", facts.get("linear_state"))
    ssm = cast("Mapping[str, int] | None", facts.get("ssm"))
    if family.recurrent == "short_conv":
        return _sizes(integer(facts, "conv_L_cache") or 3, hidden, 0, 0, 0, "short_conv")
    if family.recurrent == "lightning":
        return _sizes(1, heads * 128, 128, 0, 0, "other")
    if linear:
        return _linear_sizes(str(family.recurrent), linear)
    return _ssm_sizes(str(family.recurrent), ssm, hidden) if ssm else None


def _linear_sizes(kind: str, linear: Mapping[str, int]) -> dict[str, object] | None:
    """Linear attention: gated delta nets, and Kimi's delta attention with one group a head."""
    if kind == "gated_delta_net":
        values = linear["linear_num_value_heads"]
        return _sizes(
            linear["linear_conv_kernel_dim"],
            values * linear["linear_value_head_dim"],
            linear["linear_key_head_dim"],
            linear["linear_num_key_heads"],
            values,
            "gated_delta_net",
        )
    if kind == "kimi_delta":
        heads, width = linear["linear_num_heads"], linear["linear_head_dim"]
        return _sizes(linear["linear_conv_kernel_dim"], heads * width, width, heads, heads, "other")
    return None


def _ssm_sizes(kind: str, ssm: Mapping[str, int], hidden: int) -> dict[str, object] | None:
    """State-space layers, under the key names of both generations."""
    if kind == "mamba":
        inner = ssm["mamba_expand"] * hidden
        return _sizes(ssm["mamba_d_conv"], inner, ssm["mamba_d_state"], 0, -(-hidden // 16), "mamba")
    if kind == "mamba2":
        heads = ssm.get("mamba_n_heads") or ssm["mamba_num_heads"]
        return _sizes(
            ssm.get("mamba_d_conv") or ssm["conv_kernel"],
            heads * (ssm.get("mamba_d_head") or ssm["mamba_head_dim"]),
            ssm.get("mamba_d_state") or ssm["ssm_state_size"],
            ssm.get("mamba_n_groups") or ssm["n_groups"],
            heads,
            "mamba2",
        )
    return None
