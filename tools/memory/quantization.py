"""Which type llama-quantize gives to each tensor, and how many bytes a row of a type takes.

The mixes are data (`data/quants.json`), written from llama.cpp's `llama-quant.cpp`; this module evaluates
them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from knowledge.catalog.records import Architecture
from knowledge.errors import UsageError
from tools.memory.shapes import attention_widths, has_attention
from tools.memory.tensors import Tensor

VALUES = ("attn_v", "attn_qkv")
"""Tensors that llama-quantize counts as attention values."""


class Rule(NamedTuple):
    tensor: str
    when: str
    type: str


@dataclass(frozen=True, slots=True)
class Mix:
    """One quantization: a base type and the rules that lift single tensors above it."""

    base: str
    output: str
    stacked: str | None
    rules: tuple[Rule, ...]
    eight_experts_output: str | None


@dataclass(frozen=True, slots=True)
class QuantTables:
    types: dict[str, tuple[int, int]]
    """Type: (values in a block, bytes of a block)."""
    fallback: dict[str, str]
    never_quantized: tuple[str, ...]
    kept_at_16_bits: tuple[str, ...]
    mixes: dict[str, Mix]
    aliases: dict[str, str]


@cache
def tables() -> QuantTables:
    raw = json.loads(files("tools.memory").joinpath("data/quants.json").read_text(encoding="utf-8"))
    mixes = {
        name: Mix(
            base=entry["base"],
            output=entry.get("output", "Q6_K"),
            stacked=entry.get("stacked"),
            rules=tuple(Rule(*rule) for rule in entry.get("rules", ())),
            eight_experts_output=entry.get("eight_experts_output"),
        )
        for name, entry in raw["mixes"].items()
    }
    types = {name: (block, size) for name, (block, size) in raw["types"].items()}
    return QuantTables(
        types,
        raw["fallback"],
        tuple(raw["never_quantized"]),
        tuple(raw["kept_at_16_bits"]),
        mixes,
        raw["aliases"],
    )


def known_quants() -> tuple[str, ...]:
    """Quantizations of llama.cpp whose mix is known."""
    return tuple(tables().mixes)


def canonical(quant: str) -> str:
    """The name of a quantization as llama-quantize has it."""
    name = quant.upper()
    return tables().aliases.get(name, name)


def mix_of(quant: str) -> Mix:
    """The mix of a quantization name.

    Raises:
        UsageError: the name is not a llama.cpp quantization known here.
    """
    mix = tables().mixes.get(canonical(quant))
    if mix is None:
        raise UsageError(
            f"Unknown quantization {quant!r} for llama.cpp.", hint="Known: " + ", ".join(known_quants()) + "."
        )
    return mix


def row_bytes(type_name: str, values: int) -> int:
    block, size = tables().types[type_name]
    return values // block * size


def is_quantized(type_name: str) -> bool:
    return tables().types[type_name][0] > 1


def _more_bits(index: int, count: int) -> bool:
    return index < count // 8 or index >= 7 * count // 8 or (index - count // 8) % 3 == 2


def _query_groups(arch: Architecture) -> int:
    """Queries per KV head as llama-quantize asks for them: those of the first layer."""
    if arch.latent is not None:
        return arch.heads
    recurrent = arch.recurrent
    # Formats that list KV heads by layer say 0 for a first layer without attention.
    if recurrent is not None and recurrent.kind != "gated_delta_net" and not has_attention(arch, 0):
        return 0
    head_dim, queries, keys = attention_widths(arch, 0)
    return queries // keys if head_dim and keys else 0


class TypeChooser:
    """Gives the type that llama-quantize writes for each tensor of a model in one quantization."""

    def __init__(self, quant: str, arch: Architecture) -> None:
        self.mix = mix_of(quant)
        self._arch = arch
        experts = arch.experts
        self._expert_count = experts.count if experts is not None else 0
        self._grouped = _query_groups(arch) >= 4
        # llama.cpp names these two families' 80-layer members "70B", whose values get more bits.
        self._is_70b = arch.layers == 80 and arch.arch in ("llama", "qwen2") and arch.kv_heads != arch.heads

    def values_type(self, index: int, count: int) -> str:
        """Type wanted for the attention values that come `index`-th of `count` in the model."""
        wanted = self._by_rule("attn_v", index, count)
        if self._is_70b and wanted in ("Q3_K", "Q4_K"):
            wanted = "Q5_K"
        return "Q8_0" if self._expert_count == 8 else wanted

    def down_type(self, layer: int, met: int) -> str:
        """Type wanted for the down projections of a layer, where `met` came before it in the model."""
        # Of an expert model the layer's number counts, of a dense one the tensors met so far.
        return self._by_rule("ffn_down", layer if self._expert_count > 1 else met, self._arch.layers)

    def choose(self, tensor: Tensor, values: str, downs: str) -> str:
        """The type written for a tensor.

        Args:
            tensor: the tensor.
            values: what `values_type` wants in its layer.
            downs: what `down_type` wants in its layer.
        """
        table, name = tables(), tensor.name
        if len(tensor.shape) == 1 or name.endswith((".bias", "ssm_a", "ssm_d")):
            return "F32"
        if any(part in name for part in table.never_quantized):
            return "F16" if name.startswith(table.kept_at_16_bits) else "F32"
        if self.mix.base in ("F32", "F16", "BF16"):
            return self.mix.base
        wanted = self._wanted(tensor, values, downs)
        if tensor.shape[0] % table.types[wanted][0]:
            wanted = table.fallback.get(wanted, "F16")
        return wanted if tensor.shape[0] % table.types[wanted][0] == 0 else "F16"

    def _wanted(self, tensor: Tensor, values: str, downs: str) -> str:
        mix, name = self.mix, tensor.name
        if name in ("output", "per_layer_token_embd") or (name == "token_embd" and self._arch.tied):
            return "Q8_0" if tensor.shape[0] % 256 else mix.output
        if mix.stacked is not None:
            return mix.stacked if tensor.stacked else mix.base
        if name in VALUES:
            return values
        if name.startswith("ffn_down"):
            return downs
        if name == "attn_k":
            return "Q8_0" if self._expert_count == 8 else mix.base
        if name == "attn_output":
            if self._expert_count == 8:
                return mix.eight_experts_output or mix.base
            return self._by_rule("attn_output", 0, 1)
        return mix.base

    def _by_rule(self, tensor: str, index: int, count: int) -> str:
        for rule in self.mix.rules:
            if rule.tensor == tensor and self._holds(rule.when, index, count):
                return rule.type
        return self.mix.base

    def _holds(self, when: str, index: int, count: int) -> bool:
        if when == "more":
            return _more_bits(index, count)
        if when == "grouped":
            return self._grouped
        if when == "all":
            return True
        if when == "dense":
            return self._expert_count != 8
        first = when.removeprefix("first ")
        return index < (count // int(first[2:]) if first.startswith("1/") else int(first))
