"""Which type llama-quantize gives to each tensor, and how many bytes a row of a type takes.

The mixes are data (`data/quants.json`), written from llama.cpp's `llama-quant.cpp`; this module evaluates
them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple, Protocol

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


class Types(Protocol):
    """Decides the type of each tensor of a model."""

    expert_count: int

    def values_types(self, count: int) -> tuple[str, ...]: ...
    def down_types(self, layers: int) -> tuple[str, ...]: ...
    def choose(self, tensor: Tensor, values: str, downs: str) -> str: ...


class FileTypes:
    """The types that a file has, whatever recipe wrote them."""

    expert_count = 0

    def values_types(self, count: int) -> tuple[str, ...]:
        return ("",) * count

    def down_types(self, layers: int) -> tuple[str, ...]:
        return ("",) * layers

    def choose(self, tensor: Tensor, values: str, downs: str) -> str:
        return tensor.type


class TypeChooser:
    """Gives the type that llama-quantize writes for each tensor of a model in one quantization."""

    def __init__(self, quant: str, arch: Architecture) -> None:
        self.mix = mix_of(quant)
        self._arch = arch
        experts = arch.experts
        self.expert_count = experts.count if experts is not None else 0
        self._grouped = _query_groups(arch) >= 4
        # llama.cpp names these two families' 80-layer members "70B", whose values get more bits.
        self._is_70b = arch.layers == 80 and arch.arch in ("llama", "qwen2") and arch.kv_heads != arch.heads

    def values_types(self, count: int) -> tuple[str, ...]:
        """Types wanted for the attention values, in the order in which the model's `count` come."""
        return _values_types(self.mix, count, self._grouped, self._is_70b, self.expert_count == 8)

    def down_types(self, layers: int) -> tuple[str, ...]:
        """Types wanted for the down projections by number of the layer, or of those before it.

        Of an expert model the layer's number counts, of a dense one the tensors met so far.
        """
        return _by_rules(
            self.mix, "ffn_down", layers, self._arch.layers, self._grouped, self.expert_count == 8
        )

    def choose(self, tensor: Tensor, values: str, downs: str) -> str:
        """The type written for a tensor.

        Args:
            tensor: the tensor.
            values: what `values_types` wants in its layer.
            downs: what `down_types` wants in its layer.
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
            return "Q8_0" if self.expert_count == 8 else mix.base
        if name == "attn_output":
            if self.expert_count == 8:
                return mix.eight_experts_output or mix.base
            return _by_rules(mix, "attn_output", 1, 1, self._grouped, self.expert_count == 8)[0]
        return mix.base


def _holds(when: str, index: int, count: int, grouped: bool, eight: bool) -> bool:
    """Whether a rule applies to the `index`-th of `count` tensors; `eight`: the model has eight experts."""
    if when == "more":
        return _more_bits(index, count)
    if when == "grouped":
        return grouped
    if when == "all":
        return True
    if when == "dense":
        return not eight
    first = when.removeprefix("first ")
    return index < (count // int(first[2:]) if first.startswith("1/") else int(first))


@lru_cache(maxsize=4096)
def _by_rules(mix: Mix, tensor: str, number: int, count: int, grouped: bool, eight: bool) -> tuple[str, ...]:
    """Types by rule of the first `number` tensors of a kind, of which the rules expect `count`."""
    rules = [rule for rule in mix.rules if rule.tensor == tensor]
    return tuple(
        next((rule.type for rule in rules if _holds(rule.when, i, count, grouped, eight)), mix.base)
        for i in range(number)
    )


@lru_cache(maxsize=4096)
def _values_types(mix: Mix, count: int, grouped: bool, is_70b: bool, eight: bool) -> tuple[str, ...]:
    if eight:
        return ("Q8_0",) * count
    wanted = _by_rules(mix, "attn_v", count, count, grouped, eight)
    return tuple("Q5_K" if is_70b and name in ("Q3_K", "Q4_K") else name for name in wanted)
