"""The sizes of a model as training sees them: its matrices, its widths and what a token leaves in a layer."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from knowledge.catalog.records import Architecture, ModelRecord
from tools.memory.generic import params_of
from tools.memory.tensors import HOST_TENSORS, ModelTensors, has_table, model_tensors
from tools.memory.training_tables import targets_of

ATTENTION_PREFIX = "attn_"


@dataclass(frozen=True, slots=True)
class Matrix:
    """A kind of matrix that may get an adapter; `count` of them stand in the layers."""

    name: str
    rows: int
    columns: int
    count: int

    @property
    def attention(self) -> bool:
        return self.name.startswith(ATTENTION_PREFIX)


@dataclass(frozen=True)
class TrainingShape:
    """What training needs to know of a model, in values."""

    params: int
    table: int
    """Values of one token table."""
    tied: bool
    """The output matrix is the token table."""
    layers: int
    hidden: int
    vocab: int
    heads: int
    query: int
    """Width of all queries of a token."""
    key: int
    """Width of all keys of a token (values are as wide)."""
    ff: int
    """Width of the feed-forward part that a token passes through, with all its experts."""
    gated: bool
    norm: str
    """`rms` or `layer`."""
    norms: int
    """Norms of the hidden state in one layer."""
    head_norms: bool
    dispatched: int
    """Copies of the hidden state that go to routed experts."""
    matrices: tuple[Matrix, ...]
    known: bool

    @property
    def embedding(self) -> int:
        """Values of token table and output matrix."""
        return self.table * (1 if self.tied else 2)

    @cached_property
    def largest(self) -> int:
        """Values of the largest matrix of a layer."""
        return max((m.rows * m.columns for m in self.matrices), default=0)

    def adapted(self, targets: str) -> tuple[Matrix, ...]:
        """The matrices that get adapters.

        Raises:
            UsageError: modules that are not known.
        """
        wanted = targets_of(targets)
        if wanted.all_linear:
            return self.matrices
        names = wanted.names
        if names & {"attn_q", "attn_k", "attn_v"} and not any(m.name == "attn_q" for m in self.matrices):
            names |= {"attn_qkv"}  # one matrix for all three
        return tuple(m for m in self.matrices if m.name in names or (wanted.attention and m.attention))

    def whole_tables(self, targets: str) -> int:
        """Values of token table and output matrix where they are trained whole; tied ones are one."""
        named = targets_of(targets).tables
        return self.table * min(len(named), 1 if self.tied else 2)


_SHAPES: dict[int, tuple[ModelRecord, TrainingShape]] = {}


def training_shape(model: ModelRecord) -> TrainingShape:
    """The sizes of a model as training sees them.

    Raises:
        NoAnswerError: neither shape nor parameter count are known.
    """
    entry = _SHAPES.get(id(model))
    if entry is not None:
        return entry[1]
    arch = model.architecture
    shape = _unknown_shape(params_of(model)) if arch is None else _known_shape(model, arch)
    _SHAPES[id(model)] = (model, shape)
    return shape


def _matrices(tensors: ModelTensors) -> tuple[Matrix, ...]:
    counts = Counter(tensors.layers)
    found: Counter[tuple[str, int, int]] = Counter()
    for kind, inside in tensors.kinds.items():
        for tensor in inside:
            if len(tensor.shape) == 2 and "norm" not in tensor.name and min(tensor.shape) > 1:
                found[(tensor.name, *tensor.shape)] += counts[kind]
    return tuple(Matrix(name, rows, columns, count) for (name, rows, columns), count in found.items())


def _usual_matrices(arch: Architecture, ff: int) -> tuple[Matrix, ...]:
    """The matrices of a gated decoder where no table names them."""
    query, key, n = arch.heads * arch.head_dim, arch.kv_heads * arch.head_dim, arch.layers
    return (
        Matrix("attn_q", arch.hidden, query, n),
        Matrix("attn_k", arch.hidden, key, n),
        Matrix("attn_v", arch.hidden, key, n),
        Matrix("attn_output", query, arch.hidden, n),
        Matrix("ffn_gate", arch.hidden, ff, n),
        Matrix("ffn_up", arch.hidden, ff, n),
        Matrix("ffn_down", ff, arch.hidden, n),
    )


def _widths(arch: Architecture) -> tuple[int, int, int, int]:
    """Widths of queries, keys and feed-forward of one token, and copies sent to experts."""
    query = arch.heads * arch.head_dim
    key = arch.kv_heads * arch.head_dim
    if arch.latent is not None:
        query = key = arch.heads * (arch.latent.nope_dim + arch.latent.rope_dim)
    experts = arch.experts
    if experts is None:
        return query, key, arch.ff or 4 * arch.hidden, 0
    return query, key, max(arch.ff or 0, experts.used * experts.ff + experts.shared_ff), experts.used


def _known_shape(model: ModelRecord, arch: Architecture) -> TrainingShape:
    tensors = model_tensors(arch) if has_table(arch) else ModelTensors((), {}, [])
    query, key, ff, dispatched = _widths(arch)
    matrices = _matrices(tensors) or _usual_matrices(arch, ff)
    first = tensors.kinds[tensors.layers[0]] if tensors.layers else ()
    names = {tensor.name for tensor in first}
    norms = sum(
        "norm" in t.name and t.shape == (arch.hidden,) and not t.name.endswith(".bias") for t in first
    )
    tied = not any(t.name == "output" for t in tensors.outside) if tensors.outside else bool(arch.tied)
    tables = [t.values for t in tensors.outside if t.name in HOST_TENSORS]
    return TrainingShape(
        params=model.params_total or tensors.parameters or params_of(model),
        table=max(tables, default=arch.vocab * arch.hidden),
        tied=tied,
        layers=arch.layers,
        hidden=arch.hidden,
        vocab=arch.vocab,
        heads=arch.heads,
        query=query,
        key=key,
        ff=ff,
        gated=not names or any(name.startswith("ffn_gate") for name in names) or dispatched > 0,
        norm="layer" if "attn_norm.bias" in names else "rms",
        norms=norms or 2,
        head_norms="attn_q_norm" in names,
        dispatched=dispatched,
        matrices=matrices,
        known=True,
    )


def _unknown_shape(params: int) -> TrainingShape:
    """Usual proportions of a decoder of this size: 12 x layers x hidden squared, hidden 100 x layers."""
    hidden = max(int(0.045 * params**0.5) // 64 * 64, 64)
    layers = max(round(params / (12 * hidden * hidden)), 1)
    vocab, ff = 128_000, 3 * hidden
    attention = tuple(
        Matrix(name, hidden, hidden, layers) for name in ("attn_q", "attn_k", "attn_v", "attn_output")
    )
    forward = tuple(Matrix(name, hidden, ff, layers) for name in ("ffn_gate", "ffn_up", "ffn_down"))
    return TrainingShape(
        params=params,
        table=min(vocab * hidden, params // 6),
        tied=False,
        layers=layers,
        hidden=hidden,
        vocab=vocab,
        heads=hidden // 128 or 1,
        query=hidden,
        key=hidden,
        ff=ff,
        gated=True,
        norm="rms",
        norms=2,
        head_norms=False,
        dispatched=0,
        matrices=attention + forward,
        known=False,
    )
