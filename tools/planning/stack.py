"""A retrieval stack in one memory budget: generator, embedder and, where it pays, a reranker."""

from __future__ import annotations

from dataclasses import dataclass, replace

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from tools.brief import Brief
from tools.budget import room_of
from tools.candidates import Candidate
from tools.fit import with_memory
from tools.fit_types import Ask
from tools.needs import ModelWish
from tools.planning.rates import Compute
from tools.planning.retrieval import (
    Corpus,
    Index,
    encode_seconds,
    encoder_compute,
    indexes_of,
    retrieval_table,
    work_of,
)
from tools.reasons import reasons_for
from tools.roles import encoders, generator
from tools.roles.generator import COMPANION_SHARE
from tools.runbook import commands_for
from tools.speed_types import Interval
from tools.timings import with_timings

INDEX_SHARE = 0.4
"""Share of a memory that models and index share which the index may take."""
MOST_LOST = 15.0
"""Points of quality that a smaller embedder may cost."""
KEPT_ENCODERS = 60
"""Encoders that are looked through for one that fits."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """One way to arrange the stack, in the order in which they are tried."""

    name: str
    reranks: bool = True
    smallest: bool = False
    """The embedder that takes least, instead of the best."""
    on_processor: bool = False
    """Embedder and reranker in system memory."""


STRATEGIES = (
    Strategy("all parts on the accelerator"),
    Strategy("without the reranker", reranks=False),
    Strategy("with the smallest embedder", reranks=False, smallest=True),
    Strategy("embedder and reranker on the processor", on_processor=True),
)


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
class Stack:
    """A stack that fits."""

    strategy: Strategy
    generator: Candidate
    embedder: Candidate
    reranker: Candidate | None
    reranking: Reranking
    compute: Compute
    """What the encoders compute with."""
    index: Index | None
    """The first type that fits, float32 before smaller ones; None where the dimensions are unknown."""
    index_on_disk: bool = False
    """Not even the smallest type fits the memory."""

    @property
    def index_bytes(self) -> int:
        """What the index takes of the memory."""
        return 0 if self.index is None or self.index_on_disk else self.index.total_bytes

    @property
    def companions(self) -> tuple[Candidate, ...]:
        return (self.embedder,) if self.reranker is None else (self.embedder, self.reranker)

    @property
    def companion_bytes(self) -> int:
        return sum(encoders.memory_of(item) for item in self.companions)


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


def _encoder_brief(brief: Brief, strategy: Strategy) -> Brief:
    """The needs of an encoder: sizes, families and features were said of the generator."""
    own = replace(brief, features=(), wish=ModelWish(excluded=brief.wish.excluded))
    if strategy.on_processor and brief.machine is not None:
        own = replace(own, machine=replace(brief.machine, devices=()))
    return own


def _single_vector(candidate: Candidate) -> bool:
    facts = model_of(candidate).embedding
    return facts is not None and facts.dimensions is not None and not facts.late_interaction


def _embedder(own: Brief, corpus: Corpus, room: int, *, smallest: bool) -> Candidate | None:
    """An embedder of one vector a chunk that reads a whole chunk: the best that fits, or a small one.

    The small one takes the least memory of those whose quality is within `MOST_LOST` points of the best.
    """
    ranked = encoders.rank(own, "embedder", context=corpus.chunk_tokens, keep=KEPT_ENCODERS)
    fitting = [c for c in ranked.candidates if encoders.memory_of(c) <= room and _single_vector(c)]
    if smallest:
        best = max((c.quality.score for c in fitting), default=0.0)
        near = [c for c in fitting if c.context_length and c.quality.score >= best - MOST_LOST]
        return min(near, key=encoders.memory_of, default=None)
    return next(iter(fitting), None)


def _rerank(
    own: Brief, corpus: Corpus, asked: Retrieval, room: int, compute: Compute
) -> tuple[Candidate | None, Reranking]:
    """The best reranker that fits, and whether it pays.

    It pays where there are more chunks than the prompt takes, and the wait is one that the priority bears:
    candidates x (chunk + question) tokens x operations a token / rate.
    """
    if corpus.chunks <= asked.kept:
        why = f"all {corpus.chunks} chunks go into the prompt, so there is nothing to order"
        return None, Reranking(False, why, None, None, None)
    each = corpus.chunk_tokens + asked.question_tokens
    ranked = encoders.rank(own, "reranker", context=each, keep=KEPT_ENCODERS)
    most = float(retrieval_table()["rerank_seconds"][own.priority])
    pairs = min(asked.candidates, corpus.chunks)
    slow: Reranking | None = None
    for item in ranked.candidates:
        if encoders.memory_of(item) > room:
            continue
        found = _timed(item, compute, pairs, each, most, own.priority)
        if found.pays:
            return item, found
        slow = slow or found
    return None, slow or Reranking(False, "no reranker fits beside the other parts", None, None, None)


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


@dataclass(frozen=True, slots=True)
class Found:
    """The first arrangement that fits, one that could take its place, and those that do not fit."""

    stack: Stack | None
    alternative: Stack | None
    failed: tuple[str, ...]


def solve_stack(brief: Brief, corpus: Corpus, asked: Retrieval) -> Found:
    """Tries the arrangements in the order of `STRATEGIES`; the first that fits is the answer.

    The generator is solved with the memory that is left beside its companions. The alternative is the
    one that moves the encoders to the processor, or else the last that differs.
    """
    machine = brief.machine
    assert machine is not None
    failed: list[str] = []
    first: Stack | None = None
    others: list[Stack] = []
    for strategy in STRATEGIES:
        if strategy.on_processor and not (machine.devices and machine.ram_bytes):
            continue
        found = _arranged(brief, corpus, asked, strategy)
        if found is None:
            failed += [strategy.name] if first is None else []
        elif first is None:
            first = found
        elif not _alike(first, found):
            others.append(found)
    return Found(first, others[-1] if others else None, tuple(failed))


def _alike(one: Stack, other: Stack) -> bool:
    """Whether two arrangements hold the same encoders in the same place."""
    names = [[item.model_id for item in stack.companions] for stack in (one, other)]
    return names[0] == names[1] and one.strategy.on_processor == other.strategy.on_processor


def _arranged(brief: Brief, corpus: Corpus, asked: Retrieval, strategy: Strategy) -> Stack | None:
    machine = brief.machine
    assert machine is not None
    own = _encoder_brief(brief, strategy)
    assert own.machine is not None
    left = int(room_of(own.machine, server=brief.server).total_bytes * COMPANION_SHARE)
    compute = encoder_compute(machine, on_processor=strategy.on_processor)
    embedder = _embedder(own, corpus, left, smallest=strategy.smallest)
    if embedder is None:
        return None
    left -= encoders.memory_of(embedder)
    reranker, reranking = None, Reranking(False, "left out to save memory", None, None, None)
    if strategy.reranks:
        reranker, reranking = _rerank(own, corpus, asked, left, compute)
    shared = not machine.devices or machine.devices[0].unified
    index, on_disk = _index(embedder, corpus, brief, shared=shared)
    beside = 0
    if not strategy.on_processor:
        beside = encoders.memory_of(embedder) + (encoders.memory_of(reranker) if reranker else 0)
    if index is not None and shared and not on_disk:
        beside += index.total_bytes
    ask = replace(generator.ask_of(brief), beside_bytes=beside)
    ranked = generator.rank(brief, keep=1, ask=ask)
    if not ranked.candidates:
        return None
    best = _finished(ranked.candidates[0], brief, ask, asked.prompt_tokens(corpus.chunk_tokens))
    ends = [_explained(item, own) for item in (embedder, reranker) if item is not None]
    return Stack(
        strategy=strategy,
        generator=best,
        embedder=ends[0],
        reranker=ends[1] if len(ends) > 1 else None,
        reranking=reranking,
        compute=compute,
        index=index,
        index_on_disk=on_disk,
    )


def _index(embedder: Candidate, corpus: Corpus, brief: Brief, *, shared: bool) -> tuple[Index | None, bool]:
    """The first type of index that fits system memory, and whether none does and it stays on disk.

    Where the models run in the same memory, it may take `INDEX_SHARE` of it. Unknown memory is no limit.
    """
    types = indexes_of(model_of(embedder), corpus.chunks, corpus.chunk_tokens)
    if not types or brief.machine is None:
        return None, False
    room = room_of(brief.machine, server=brief.server).host_bytes
    if room is None:
        return types[0], False
    most = room * INDEX_SHARE if shared else room
    fitting = next((index for index in types if index.total_bytes <= most), None)
    return (fitting, False) if fitting is not None else (types[0], True)


def _finished(candidate: Candidate, brief: Brief, ask: Ask, prompt: int) -> Candidate:
    """A solved generator with its memory, times, reasons and commands."""
    machine, c = brief.machine, candidate.configuration
    assert machine is not None
    assert c is not None
    model = model_of(candidate)
    full = with_memory(model, machine, c, ask)
    timed = with_timings(model, machine, full, task=brief.task, prompt_tokens=prompt)
    done = replace(candidate, configuration=timed)
    return replace(done, why=reasons_for(done, brief), commands=commands_for(done))


def _explained(candidate: Candidate, own: Brief) -> Candidate:
    task = encoders.TASK_OF_ROLE[candidate.role]
    reasons = reasons_for(candidate, replace(own, role=candidate.role, task=task))
    return replace(candidate, why=reasons, commands=commands_for(candidate))
