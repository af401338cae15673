"""A retrieval stack in one memory budget: generator, embedder and, where it pays, a reranker."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tools.brief import Brief
from tools.budget import room_of
from tools.candidates import Candidate
from tools.fit import with_memory
from tools.fit_types import Ask
from tools.planning.rates import Compute
from tools.planning.retrieval import (
    Corpus,
    Index,
    encoder_compute,
    indexes_of,
)
from tools.reasons import reasons_for
from tools.roles import companions, encoders, generator
from tools.roles.companions import COMPANION_SHARE, Reranking, Retrieval, model_of
from tools.runbook import commands_for
from tools.timings import with_timings

INDEX_SHARE = 0.4
"""Share of a memory that models and index share which the index may take."""


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
    index_shares_memory: bool = False
    """The models run in the memory that holds the index."""

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


def _encoder_brief(brief: Brief, strategy: Strategy) -> Brief:
    """The needs of an encoder, where the arrangement puts it."""
    own = companions.needs_of(brief)
    if strategy.on_processor and brief.machine is not None:
        own = replace(own, machine=replace(brief.machine, devices=()))
    return own


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
    embedder = companions.embedder(own, corpus.chunk_tokens, left, smallest=strategy.smallest)
    if embedder is None:
        return None
    left -= encoders.memory_of(embedder)
    reranker, reranking = None, Reranking(False, "left out to save memory", None, None, None)
    if strategy.reranks:
        reranker, reranking = companions.reranker(
            own, asked, corpus.chunk_tokens, left, compute, chunks=corpus.chunks
        )
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
        index_shares_memory=shared and index is not None and not on_disk,
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
