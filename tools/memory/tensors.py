"""The tensors of a model: one declarative table for all architectures, read by one evaluator."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from math import prod
from typing import Any, NamedTuple

from knowledge.catalog.records import Architecture, OwnTensors
from tools.memory.shapes import Sizes, layer_kinds, layer_sizes, model_sizes

HOST_TENSORS = ("token_embd", "per_layer_token_embd", "position_embd", "token_types")
"""Tables that llama.cpp reads row by row and keeps in system memory."""
EARLY_TENSORS = ("rope_freqs", "rope_factors_long", "rope_factors_short")
"""Rotary tables: named as if outside the layers, but held where the first layer is."""


class Tensor(NamedTuple):
    """One tensor; `shape` is in ggml's order (row length first)."""

    name: str
    shape: tuple[int, ...]
    type: str = ""
    """Type in the file that the tensor was read from; empty where a quantization decides."""

    @property
    def values(self) -> int:
        return prod(self.shape)

    @property
    def stacked(self) -> bool:
        """Belongs to the routed experts of a layer, all in one tensor."""
        return "_exps" in self.name


class ModelTensors(NamedTuple):
    """The tensors of a model: those outside the layers, and those of each make of layer."""

    outside: tuple[Tensor, ...]
    kinds: dict[int, tuple[Tensor, ...]]
    """Tensors by the first layer of a make."""
    layers: list[int]
    """Make of each layer, in order."""
    beside: tuple[Tensor, ...] = ()
    """Tensors of the file that the text model does without."""

    def counted(self) -> Iterator[tuple[Tensor, int]]:
        """Every tensor with the number of times it occurs."""
        for tensor in self.outside:
            yield tensor, 1
        counts = Counter(self.layers)
        for kind, tensors in self.kinds.items():
            for tensor in tensors:
                yield tensor, counts[kind]

    @property
    def parameters(self) -> int:
        """Parameters implied by the tensor table."""
        return sum(tensor.values * count for tensor, count in self.counted())


Rows = tuple[tuple[str, tuple[str, ...]], ...]


@cache
def _raw() -> dict[str, Any]:
    text = files("tools.memory").joinpath("data/tensors.json").read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


def _rows(listed: str) -> Rows:
    """The tensors of a list, with those of the groups that it names."""
    found: list[tuple[str, tuple[str, ...]]] = []
    for item in listed.split("; "):
        if item.startswith("@"):
            found += _rows(_raw()["groups"][item[1:]])
        else:
            name, *dims = item.split()
            found.append((name, tuple(dims)))
    return tuple(found)


@cache
def _table(arch: str) -> tuple[Rows, Rows]:
    """The tensors of an architecture: outside its layers, and of a layer."""
    entry = _raw()["architectures"][arch]
    return _rows(entry["model"]), _rows(entry["layer"])


def second_table_on_cpu(arch: Architecture) -> bool:
    """True where the CPU backend too holds a tied token table twice (measured)."""
    return arch.arch in _raw()["second_table_on_cpu"]


def has_table(arch: Architecture | None) -> bool:
    """True where the tensors of this architecture are known one by one."""
    return arch is not None and arch.arch in _raw()["architectures"]


def _present(rows: Rows, sizes: Sizes) -> tuple[Tensor, ...]:
    found = []
    for name, dims in rows:
        shape = tuple(sizes.get(dim, 0) for dim in dims)
        if all(shape):
            found.append(Tensor(name, shape))
    return tuple(found)


def model_tensors(arch: Architecture) -> ModelTensors:
    """All tensors of a shape whose architecture has a table (see `has_table`)."""
    outside, inside = _table(arch.arch or "")
    layers = layer_kinds(arch)
    kinds = {kind: _present(inside, layer_sizes(arch, kind)) for kind in set(layers)}
    return ModelTensors(_present(outside, model_sizes(arch)), kinds, layers)


def own_tensors(stored: OwnTensors) -> ModelTensors:
    """The tensors of a file that a person added, with their types."""

    def read(lines: tuple[str, ...]) -> tuple[Tensor, ...]:
        found = []
        for line in lines:
            name, type_name, *dims = line.split()
            found.append(Tensor(name, tuple(map(int, dims)), type_name))
        return tuple(found)

    kinds = {number: read(lines) for number, lines in enumerate(stored.kinds)}
    return ModelTensors(read(stored.outside), kinds, list(stored.layers), read(stored.beside))
