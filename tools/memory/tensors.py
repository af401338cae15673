"""The tensors of a model: one declarative table for all architectures, read by one evaluator."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from knowledge.catalog.records import Architecture
from tools.memory.shapes import Sizes, layer_sizes, model_sizes

HOST_TENSORS = ("token_embd", "per_layer_token_embd")
"""Tables that llama.cpp reads row by row and keeps in system memory."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor; `shape` is in ggml's order (row length first)."""

    name: str
    layer: int | None
    shape: tuple[int, ...]

    @property
    def values(self) -> int:
        product = 1
        for size in self.shape:
            product *= size
        return product

    @property
    def stacked(self) -> bool:
        """Belongs to the routed experts of a layer, all in one tensor."""
        return "_exps" in self.name


Rows = tuple[tuple[str, tuple[str, ...]], ...]


@cache
def _raw() -> dict[str, Any]:
    text = files("tools.memory").joinpath("data/tensors.json").read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


@cache
def _tables() -> dict[str, tuple[Rows, Rows]]:
    table = _raw()
    groups: dict[str, str] = table["groups"]

    def rows(listed: str) -> Rows:
        found: list[tuple[str, tuple[str, ...]]] = []
        for item in listed.split("; "):
            if item.startswith("@"):
                found += rows(groups[item[1:]])
            else:
                name, *dims = item.split()
                found.append((name, tuple(dims)))
        return tuple(found)

    return {
        arch: (rows(entry["model"]), rows(entry["layer"])) for arch, entry in table["architectures"].items()
    }


def second_table_on_cpu(arch: Architecture) -> bool:
    """True where the CPU backend too holds a tied token table twice (measured)."""
    return arch.arch in _raw()["second_table_on_cpu"]


def has_table(arch: Architecture | None) -> bool:
    """True where the tensors of this architecture are known one by one."""
    return arch is not None and arch.arch in _tables()


def _present(rows: Rows, sizes: Sizes, layer: int | None) -> list[Tensor]:
    found = []
    for name, dims in rows:
        shape = tuple(sizes.get(dim, 0) for dim in dims)
        if all(shape):
            found.append(Tensor(name, layer, shape))
    return found


def model_tensors(arch: Architecture) -> list[Tensor]:
    """All tensors in the order in which llama-quantize meets them (layer by layer, then by name).

    Args:
        arch: a shape whose architecture has a table (see `has_table`).
    """
    outside, inside = _tables()[arch.arch or ""]
    found = _present(outside, model_sizes(arch), None)
    for layer in range(arch.layers):
        found += _present(inside, layer_sizes(arch, layer), layer)
    return found


def parameter_count(arch: Architecture) -> int:
    """Parameters implied by the tensor table."""
    return sum(tensor.values for tensor in model_tensors(arch))
