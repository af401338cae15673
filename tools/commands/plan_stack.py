"""`plan stack`: a retrieval stack in one memory budget, with its index."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from knowledge.errors import NoAnswerError, UsageError
from tools.brief import Assumption, Brief, brief_of
from tools.commands.facts import with_facts
from tools.commands.lookups import machine_named
from tools.commands.recommend import Count, Languages, exact_slot
from tools.commands.requests import Request, Text, Tokens
from tools.needs import Needs, Priority
from tools.planning.amounts import read_amount
from tools.planning.retrieval import Corpus, cut, retrieval_table
from tools.planning.stack import solve_stack
from tools.planning.stack_report import stack_document
from tools.roles.companions import Retrieval

Document = dict[str, Any]


def _codes(value: object) -> object:
    """`en,de` as two codes."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class StackQuery(Request):
    """Request of `plan stack`; all of it is optional."""

    hardware: Text | None = Field(
        None, description='the machine, such as "RTX 3090 + 64 GB RAM"; this machine where missing'
    )
    corpus: Text | None = Field(
        None,
        description='the text to search, such as "10,000 pages", "2 GB" or "3000 documents x 2,000 tokens"',
    )
    chunk_tokens: Tokens | None = Field(None, description="tokens of one chunk (400 if missing)")
    overlap_tokens: Annotated[int, Field(ge=0, le=100_000)] | None = Field(
        None, description="tokens that neighboring chunks share (an eighth of the chunk if missing)"
    )
    candidates: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        None, description="chunks that the index gives back (50 if missing)"
    )
    kept: Annotated[int, Field(ge=1, le=1_000)] | None = Field(
        None, description="chunks that go into the prompt (5 if missing)"
    )
    languages: Annotated[Languages, BeforeValidator(_codes)] | None = Field(
        None, description="ISO 639-1 codes, such as en,de, or multi"
    )
    license: Literal["personal", "research", "commercial", "any"] | None = Field(
        None, description="intended use: personal, research, commercial or any"
    )
    context: Tokens | None = Field(None, description="tokens of the generator's context")
    users: Count | None = Field(None, description="questions at once")
    priority: Priority | None = Field(None, description="quality, balanced, speed, cost or small")


SLOTS = {
    "hardware": "hardware",
    "languages": "languages",
    "license": "license",
    "context": "context",
    "users": "concurrency",
    "priority": "priority",
}


def _brief(query: StackQuery) -> Brief:
    """The needs of a retrieval task.

    Raises:
        UsageError: The hardware text names no machine.
        UnknownNameError: It names an accelerator that the catalog does not hold.
    """
    if query.hardware is not None:
        machine_named(query.hardware)
    values = {slot: getattr(query, key) for key, slot in SLOTS.items() if getattr(query, key) is not None}
    filled = {slot: exact_slot(slot, value) for slot, value in values.items()}
    return brief_of(Needs().updated(task=exact_slot("task", "rag"), **filled))


def _corpus(query: StackQuery, assumed: list[Assumption]) -> Corpus:
    table = retrieval_table()
    if query.corpus is None:
        assumed.append(Assumption("corpus", table["corpus"], "nothing was said of the text to search"))
    chunk = query.chunk_tokens
    if chunk is None:
        chunk = int(table["chunk_tokens"])
        assumed.append(Assumption("chunk_tokens", chunk, "the upper end of the guide's 200 to 400"))
    overlap = query.overlap_tokens
    if overlap is None:
        overlap = chunk // 8
        assumed.append(Assumption("overlap_tokens", overlap, "an eighth of the chunk"))
    return cut(read_amount(query.corpus or table["corpus"], "corpus"), chunk, overlap)


def _retrieval(query: StackQuery, assumed: list[Assumption]) -> Retrieval:
    table = retrieval_table()
    kept = query.kept or int(table["kept"])
    candidates = query.candidates or max(int(table["candidates"]), kept)
    if kept > candidates:
        raise UsageError(
            f"{kept} chunks cannot be kept of {candidates} candidates.",
            hint="Raise `candidates` or lower `kept`.",
        )
    if query.kept is None or query.candidates is None:
        words = f"{kept} of {candidates} candidates"
        assumed.append(Assumption("kept", words, "the guide's retrieval settings"))
    return Retrieval(
        candidates, kept, table["question_tokens"], table["instruction_tokens"], table["answer_tokens"]
    )


def _context(brief: Brief, query: StackQuery, asked: Retrieval, corpus: Corpus) -> None:
    need = asked.window(corpus.chunk_tokens)
    if query.context is not None and need > query.context:
        raise UsageError(
            f"{asked.kept} chunks of {corpus.chunk_tokens:,} tokens with question and answer take {need:,} "
            f"tokens, more than the context of {query.context:,}.",
            hint="Keep fewer or shorter chunks, or give a larger context.",
        )


def plan_stack(query: StackQuery) -> Document:
    """The plan of a retrieval stack.

    Raises:
        UsageError: The hardware, the corpus or the settings cannot be read or contradict.
        NoAnswerError: No arrangement fits.
    """
    assumed: list[Assumption] = []
    corpus = _corpus(query, assumed)
    asked = _retrieval(query, assumed)
    brief = _brief(query)
    _context(brief, query, asked, corpus)
    if brief.machine is None:
        raise UsageError("A stack needs a machine.", hint="Name one with `hardware`.")
    name = brief.machine.name
    brief = _wide_enough(brief, asked.window(corpus.chunk_tokens), assumed)
    found = solve_stack(brief, corpus, asked)
    if found.stack is None:
        raise NoAnswerError(
            f"No generator fits beside an embedder on {name}.",
            hint="A smaller context, another license or more memory would change that.",
            code="nothing_fits",
        )
    shown = [a for a in brief.assumptions if a.slot not in ("task", "deployment", "min_speed")]
    document = stack_document(found, corpus, asked, brief, [*assumed, *shown])
    parts = (document["generator"], document["embedder"], document["reranker"])
    return with_facts(document, *(part["model_id"] for part in parts if part))


def _wide_enough(brief: Brief, need: int, assumed: list[Assumption]) -> Brief:
    """The assumed context grows where the prompt needs more."""
    if need <= brief.context:
        return brief
    assumed.append(Assumption("context", need, "what the kept chunks, the question and the answer take"))
    kept = tuple(a for a in brief.assumptions if a.slot != "context")
    return replace(brief, context=need, assumptions=kept)
