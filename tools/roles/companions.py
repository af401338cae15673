"""What stands beside a generator that answers from documents: an embedder, and a reranker where it pays.

Beside an embedder a reranker stands where one was asked for.

`recommend` and `plan stack` choose with the same rules; only what is known of the corpus differs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from tools.brief import Brief
from tools.budget import room_of
from tools.candidates import Candidate
from tools.planning.rates import Compute
from tools.planning.retrieval import encode_seconds, encoder_compute, retrieval_table, work_of
from tools.roles import encoders
from tools.speed_types import Interval
from tools.wishes import lasting

COMPANION_SHARE = 0.25
"""Share of the memory that embedder and reranker may take together."""
MOST_LOST = 15.0
"""Points of quality that a smaller embedder may cost."""
SHARE_BESIDE_EMBEDDER = 0.5
"""The same of a reranker beside an embedder, where no generator needs the memory."""
KEPT_ENCODERS = 60
"""Encoders that are looked through for one that fits."""


@dataclass(frozen=True, slots=True)
class Reranking:
    """Whether a reranker pays, and why."""

    pays: bool
    why: str
    seconds: Interval | None
    """Of one question, on the place where it would sit."""
    flops: float | None
    model: str | None


@dataclass(frozen=True, slots=True)
class Retrieval:
    """How a question is answered."""

    candidates: int
    """Chunks that the index gives back, which a reranker reads."""
    kept: int
    """Chunks that go into the prompt."""
    question_tokens: int
    instruction_tokens: int
    answer_tokens: int

    def prompt_tokens(self, chunk: int) -> int:
        """Tokens that the generator reads."""
        return self.kept * chunk + self.question_tokens + self.instruction_tokens

    def window(self, chunk: int) -> int:
        """Tokens that its context must hold."""
        return self.prompt_tokens(chunk) + self.answer_tokens


def model_of(candidate: Candidate) -> ModelRecord:
    """The record of a local candidate."""
    return load_catalog().by_id[str(candidate.model_id).lower()]


def needs_of(brief: Brief) -> Brief:
    """The needs of an encoder: sizes, families and features were said of the generator."""
    return replace(brief, features=(), wish=lasting(brief.wish))


def _single_vector(candidate: Candidate) -> bool:
    facts = model_of(candidate).embedding
    return facts is not None and facts.dimensions is not None and not facts.late_interaction


def embedder(own: Brief, chunk_tokens: int, room: int, *, smallest: bool = False) -> Candidate | None:
    """An embedder of one vector a chunk that reads a whole chunk: the best that fits, or a small one.

    The small one takes the least memory of those whose quality is within `MOST_LOST` points of the best.
    """
    ranked = encoders.rank(own, "embedder", context=chunk_tokens, keep=KEPT_ENCODERS)
    fitting = [c for c in ranked.candidates if encoders.memory_of(c) <= room and _single_vector(c)]
    if smallest:
        best = max((c.quality.score for c in fitting), default=0.0)
        near = [c for c in fitting if c.context_length and c.quality.score >= best - MOST_LOST]
        return min(near, key=encoders.memory_of, default=None)
    return next(iter(fitting), None)


def reranker(
    own: Brief,
    asked: Retrieval,
    chunk_tokens: int,
    room: int,
    compute: Compute,
    *,
    chunks: int | None = None,
    asked_for: bool = False,
) -> tuple[Candidate | None, Reranking]:
    """The best reranker that fits, and whether it pays.

    It pays where there are more chunks than the prompt takes, and the wait is one that the priority bears:
    candidates x (chunk + question) tokens x operations a token / rate.

    Args:
        own: the needs of an encoder.
        asked: how a question is answered.
        chunk_tokens: length of a chunk.
        room: bytes that it may take.
        compute: what it computes with.
        chunks: chunks of the corpus; more than are ever candidates where unknown.
        asked_for: where none pays, the best that fits is still returned.
    """
    if chunks is not None and chunks <= asked.kept:
        why = f"all {chunks} chunks go into the prompt, so there is nothing to order"
        return None, Reranking(False, why, None, None, None)
    each = chunk_tokens + asked.question_tokens
    ranked = encoders.rank(own, "reranker", context=each, keep=KEPT_ENCODERS)
    most = float(retrieval_table()["rerank_seconds"][own.priority])
    pairs = asked.candidates if chunks is None else min(asked.candidates, chunks)
    slow: tuple[Candidate, Reranking] | None = None
    for item in ranked.candidates:
        if encoders.memory_of(item) > room:
            continue
        found = _timed(item, compute, pairs, each, most, own.priority)
        if found.pays:
            return item, found
        slow = slow or (item, found)
    if slow is None:
        return None, Reranking(False, "no reranker fits beside the other parts", None, None, None)
    return slow if asked_for else (None, slow[1])


def _timed(item: Candidate, compute: Compute, pairs: int, each: int, most: float, priority: str) -> Reranking:
    model = model_of(item)
    seconds = encode_seconds(model, compute, pairs * each, each)
    work = work_of(model, each)
    flops = work.flops * pairs * each if work is not None else None
    if seconds is None:
        return Reranking(False, f"its time is not known: {compute.basis}", None, flops, item.model)
    wait = f"about {seconds.mid:.2g} s a question for {pairs} chunks"
    limit = f"the {most:g} s that the priority `{priority}` bears"
    if seconds.mid > most:
        return Reranking(
            False, f"{item.model} would take {wait}, more than {limit}", seconds, flops, item.model
        )
    return Reranking(True, f"{wait}, within {limit}", seconds, flops, item.model)


def usual_retrieval() -> Retrieval:
    """The guide's retrieval settings, for where nothing was said of them."""
    table = retrieval_table()
    return Retrieval(
        int(table["candidates"]),
        int(table["kept"]),
        table["question_tokens"],
        table["instruction_tokens"],
        table["answer_tokens"],
    )


def companions_for(brief: Brief) -> tuple[Candidate, ...]:
    """What stands beside a model, in its share of a machine's memory, by the guide's retrieval settings.

    Beside a generator an embedder and a reranker, beside an embedder a reranker.
    """
    return _chosen(brief)[0]


def no_reranker(brief: Brief) -> str:
    """Why a reranker does not pay beside the embedder; empty where it does, or where there is no machine."""
    if brief.machine is None:
        return ""
    found, reranking = _chosen(brief)
    unasked = brief.role == "generator" and not found
    return "" if reranking is None or reranking.pays or unasked else reranking.why


def _chosen(brief: Brief) -> tuple[tuple[Candidate, ...], Reranking | None]:
    assert brief.machine is not None
    own, chunk = needs_of(brief), int(retrieval_table()["chunk_tokens"])
    room, compute = room_of(brief.machine, server=brief.server).total_bytes, encoder_compute(brief.machine)
    if brief.role == "embedder":
        own, share = replace(own, role="reranker", task="reranking", also=()), SHARE_BESIDE_EMBEDDER
        alone, why = reranker(
            own, usual_retrieval(), brief.context, int(room * share), compute, asked_for=True
        )
        return () if alone is None else (alone,), why
    left = int(room * COMPANION_SHARE)
    first = embedder(own, chunk, left)
    if first is None:
        return (), None
    left -= encoders.memory_of(first)
    second, why = reranker(own, usual_retrieval(), chunk, left, compute)
    return ((first,) if second is None else (first, second)), why
