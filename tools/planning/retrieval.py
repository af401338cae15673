"""Arithmetic of retrieval: chunks of a corpus, memory of their index, operations of encoders."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from knowledge.catalog.records import ModelRecord
from knowledge.errors import UsageError
from tools.citing import citation, guide
from tools.hardware_types import Machine
from tools.memory.types import Evidence
from tools.planning.amounts import Amount
from tools.planning.rates import Compute, compute_of
from tools.speed_types import Interval


@cache
def retrieval_table() -> dict[str, Any]:
    """`tools/data/retrieval.json`."""
    text = files("tools").joinpath("data/retrieval.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def cited(key: str) -> dict[str, str]:
    """A claim of the guide on retrieval with its lines, by its key in the table."""
    row = retrieval_table()["citations"][key]
    return citation(row["claim"], retrieval_table()["guide"], row["heading"])


def index_evidence() -> Evidence:
    """The guide's formula for the memory of an index."""
    row = retrieval_table()["citations"]["index"]
    return guide(retrieval_table()["guide"], row["heading"], row["claim"])


@dataclass(frozen=True, slots=True)
class Corpus:
    """A corpus cut into chunks."""

    tokens: int
    documents: int | None
    chunk_tokens: int
    overlap_tokens: int
    chunks: int
    embedded_tokens: int
    """Tokens that the embedder reads: the overlaps twice."""
    text_bytes: int
    """Raw text, which is kept beside the vectors."""


def cut(amount: Amount, chunk_tokens: int, overlap_tokens: int) -> Corpus:
    """Cuts a corpus: every chunk but the last of a document adds `chunk - overlap` tokens.

    Documents of unknown number are taken as one text; with a number, they are taken as equally long.

    Raises:
        UsageError: The overlap is not smaller than the chunk.
    """
    step = chunk_tokens - overlap_tokens
    if step < 1:
        raise UsageError(
            f"An overlap of {overlap_tokens:,} tokens leaves nothing of a chunk of {chunk_tokens:,}.",
            hint="Take an overlap below the chunk, such as 50 of 400.",
        )
    tokens, documents = amount.tokens(), amount.documents or 1
    each = max(1, -(-tokens // documents))
    parts = max(1, -(-(each - overlap_tokens) // step))
    chunks = documents * parts
    return Corpus(
        tokens=tokens,
        documents=amount.documents,
        chunk_tokens=chunk_tokens,
        overlap_tokens=overlap_tokens,
        chunks=chunks,
        embedded_tokens=tokens + overlap_tokens * (chunks - documents),
        text_bytes=amount.bytes(),
    )


@dataclass(frozen=True, slots=True)
class Index:
    """Memory of an index over vectors of one type."""

    vectors: int
    dimensions: int
    type: str
    vector_bytes: int
    """All vectors: number x dimensions x bytes of the type."""
    graph_bytes: int
    """Links of an HNSW graph; not needed where exact search is fast enough."""
    note: str = ""

    @property
    def total_bytes(self) -> int:
        return self.vector_bytes + self.graph_bytes


def index_of(vectors: int, dimensions: int, kind: str = "float32") -> Index:
    """Bytes of an index: vectors x dimensions x bytes, and the graph of `retrieval.json` (`hnsw.source`)."""
    table = retrieval_table()
    row = next(row for row in table["vector_types"] if row["name"] == kind)
    hnsw = table["hnsw"]
    graph = vectors * (2 * hnsw["m"] * hnsw["link_bytes"] + hnsw["fixed_bytes"])
    return Index(vectors, dimensions, kind, int(vectors * dimensions * row["bytes"]), graph, row["note"])


def vectors_for(model: ModelRecord, chunks: int, chunk_tokens: int) -> int:
    """Vectors of a corpus: one a chunk, or one a token for late interaction (ColBERT)."""
    late = model.embedding is not None and model.embedding.late_interaction
    return chunks * chunk_tokens if late else chunks


def indexes_of(model: ModelRecord, chunks: int, chunk_tokens: int) -> tuple[Index, ...]:
    """The index in every type, then cut to the shorter vectors that the model was trained for (Matryoshka).

    Empty where the model's dimensions are not known.
    """
    facts = model.embedding
    if facts is None or facts.dimensions is None:
        return ()
    vectors = vectors_for(model, chunks, chunk_tokens)
    found = [index_of(vectors, facts.dimensions, row["name"]) for row in retrieval_table()["vector_types"]]
    shorter = [size for size in sorted(facts.dimensions_mrl, reverse=True) if size < facts.dimensions]
    return (*found, *(index_of(vectors, size) for size in shorter))


@dataclass(frozen=True, slots=True)
class Work:
    """Operations of one token in an encoder."""

    flops: float
    note: str


def work_of(model: ModelRecord, tokens: int) -> Work | None:
    """Two operations for each weight that is multiplied, and attention over the text; None where unknown.

    Kaplan et al. 2020 (arXiv 2001.08361), table 1: 2 x parameters without the token table, and 4 x layers x
    width x tokens for attention in both directions. The table is looked up, not multiplied.
    """
    if model.params_total is None:
        return None
    facts, shape = model.embedding, model.architecture
    looked_up = facts.backbone_params if facts is not None and facts.backbone_params else 0
    words = "2 x parameters without the token table"
    if not looked_up and shape is not None:
        looked_up = shape.vocab * shape.hidden
    if not looked_up:
        words = "2 x all parameters (the size of its token table is not known)"
    flops = 2.0 * max(0, model.params_total - looked_up)
    if shape is not None:
        flops += 4.0 * shape.layers * shape.hidden * tokens
        words += " + 4 x layers x width x tokens of attention"
    return Work(flops, words)


def encoder_compute(machine: Machine, *, on_processor: bool = False) -> Compute:
    """What encoders compute with on a machine: operations per second and where they come from."""
    return compute_of(machine, retrieval_table()["utilization"], on_processor=on_processor)


def encode_seconds(model: ModelRecord, compute: Compute, tokens: float, each: int) -> Interval | None:
    """Seconds of encoding so many tokens in texts of `each`; None where rate or size is unknown."""
    work = work_of(model, each)
    if work is None or compute.rate is None or work.flops <= 0:
        return None
    return compute.rate.inverse(work.flops * tokens)
