"""What a person wants to know of an embedder beside its scores: vectors, length, languages, index, time."""

from __future__ import annotations

from typing import Any

from knowledge.catalog.records import ModelRecord
from tools.brief import Brief
from tools.candidates import Reason
from tools.memory.types import Evidence
from tools.planning.amounts import Amount
from tools.planning.retrieval import (
    Corpus,
    cut,
    encode_seconds,
    encoder_compute,
    index_evidence,
    index_of,
    retrieval_table,
    vectors_for,
)
from tools.speed_types import Interval

GIB = 1 << 30
MILLION = 1_000_000
MOST_CODES = 4
"""Languages that are named one by one."""


def corpus_of(brief: Brief, window: int | None) -> Corpus | None:
    """The stated corpus in chunks that the embedder can read; None where its size was not said."""
    data = brief.dataset
    if brief.task not in ("rag", "embedding") or not (data.tokens or data.bytes):
        return None
    chunk = min(int(retrieval_table()["chunk_tokens"]), window or MILLION)
    amount = Amount("", None if data.tokens else data.bytes, data.tokens)
    return cut(amount, chunk, chunk // 8)


def _languages(model: ModelRecord) -> str:
    if model.languages and len(model.languages) <= MOST_CODES:
        return f"languages {', '.join(model.languages)}"
    if model.languages:
        return f"{len(model.languages)} languages"
    return "many languages" if model.multilingual else "languages not known"


def _facts(model: ModelRecord, window: int | None) -> Reason:
    facts = model.embedding
    size = (
        "of unknown dimensions"
        if facts is None or facts.dimensions is None
        else f"of {facts.dimensions:,} dimensions"
    )
    shorter = [
        d for d in (facts.dimensions_mrl if facts else ()) if d != (facts.dimensions if facts else None)
    ]
    cuts = f" (also cut to {', '.join(str(d) for d in shorter)})" if shorter else ""
    each = "a vector for each token" if facts is not None and facts.late_interaction else "one vector a text"
    reads = "an unknown number of tokens" if window is None else f"{window:,} tokens"
    text = f"Gives {each}, {size}{cuts}; reads {reads} at once; {_languages(model)}."
    return Reason(text, (Evidence("catalog", model.id, model.as_of),))


def _hours(seconds: Interval | None) -> str:
    if seconds is None:
        return "its embedding time is not known"
    for unit, scale in (("hours", 3600.0), ("minutes", 60.0), ("seconds", 1.0)):
        if seconds.high >= 2 * scale or unit == "seconds":
            break
    return f"embedding it takes about {seconds.low / scale:.2g} to {seconds.high / scale:.2g} {unit}"


def embedder_notes(
    model: ModelRecord, brief: Brief, window: int | None
) -> tuple[tuple[Reason, ...], dict[str, Any]]:
    """Reasons for a candidate, and the same figures for its document.

    The index is in float32 with its graph, for the stated corpus or else for a million chunks; the time is an
    estimate for this hardware. Bytes and seconds.
    """
    facts = model.embedding
    if facts is None or facts.dimensions is None:
        return (_facts(model, window),), {"index": None, "embedding": None}
    corpus = corpus_of(brief, window)
    chunk = corpus.chunk_tokens if corpus else min(int(retrieval_table()["chunk_tokens"]), window or MILLION)
    chunks = corpus.chunks if corpus else MILLION
    index = index_of(vectors_for(model, chunks, chunk), facts.dimensions)
    document: dict[str, Any] = {
        "index": {
            "chunks": chunks,
            "chunk_tokens": chunk,
            "dimensions": facts.dimensions,
            "vector_bytes": index.vector_bytes,
            "graph_bytes": index.graph_bytes,
            "total_bytes": index.total_bytes,
            "stated_corpus": corpus is not None,
        },
        "embedding": None,
    }
    what = f"The index takes {index.total_bytes / GIB:.2f} GiB"
    evidence = (
        Evidence("tool", retrieval_table()["hnsw"]["source"], "tools/data/retrieval.json"),
        index_evidence(),
    )
    if corpus is None or brief.machine is None:
        return (
            _facts(model, window),
            Reason(f"{what} for a million chunks, in float32.", evidence),
        ), document
    compute = encoder_compute(brief.machine)
    seconds = encode_seconds(model, compute, corpus.embedded_tokens, chunk)
    if seconds is not None:
        ends = {key: float(f"{getattr(seconds, key):.3g}") for key in ("low", "mid", "high")}
        hours = {key: float(f"{value / 3600:.3g}") for key, value in ends.items()}
        document["embedding"] = {"tokens": corpus.embedded_tokens, "seconds": ends, "hours": hours}
    text = (
        f"{what} in float32 for about {chunks:,} chunks of {chunk} tokens; {_hours(seconds)} "
        f"(estimate: {compute.basis})."
    )
    return (_facts(model, window), Reason(text, (*evidence, compute.evidence))), document
