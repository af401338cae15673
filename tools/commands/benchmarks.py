"""`benchmarks`: published scores of a model, with source, date and who ran them."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from knowledge.catalog.records import ApiModel, BenchmarkResult, Board, ModelRecord
from knowledge.catalog.store import load_catalog
from knowledge.errors import NoAnswerError
from tools.commands.facts import with_facts
from tools.commands.lookups import any_model_named
from tools.commands.requests import Name, Request
from tools.scores import doubts_of

Document = dict[str, Any]


class BenchmarksQuery(Request):
    """Request of `benchmarks`."""

    model: Name = Field(description="name, alias, hub id, Ollama tag or API model")
    benchmark: Name | None = Field(None, description="only benchmarks whose name holds this")


def benchmarks(query: BenchmarksQuery) -> Document:
    """All published scores of a model that the catalog holds, by benchmark and date.

    Raises:
        NoAnswerError: The model is not known, or no score of it is.
    """
    model, note = any_model_named(query.model)
    results = list(results_of(model))
    if query.benchmark is not None:
        results = [result for result in results if query.benchmark.lower() in result.benchmark.lower()]
    if not results:
        which = f" on `{query.benchmark[:60]}`" if query.benchmark else ""
        raise NoAnswerError(
            f"No published score of {name_of(model)}{which} is in the catalog.",
            hint="Unmeasured does not mean weak: try it on your own scenarios, or look at a sibling.",
            code="no_benchmarks",
        )
    results.sort(key=lambda result: (result.benchmark.lower(), result.as_of))
    boards = {board.name: board for result in results if (board := board_of(result.benchmark)) is not None}
    document: Document = {
        "model": name_of(model),
        "model_id": id_of(model),
        "results": [{**result._asdict(), "doubts": list(doubts_of(result))} for result in results],
        "boards": [board.model_dump(mode="json") for board in boards.values()],
    }
    if note:
        document["note"] = note
    return with_facts(document, model)


def name_of(model: ModelRecord | ApiModel) -> str:
    """Display name."""
    return model.name if isinstance(model, ModelRecord) else model.key


def id_of(model: ModelRecord | ApiModel) -> str:
    """Hub id, or the LiteLLM key of an API model."""
    return model.id if isinstance(model, ModelRecord) else model.key


def results_of(model: ModelRecord | ApiModel) -> tuple[BenchmarkResult, ...]:
    """Scores by hub id; those of an API model by the names that the boards list it under."""
    if isinstance(model, ModelRecord):
        return load_catalog().benchmarks.for_model(model.scored_as)
    from knowledge.catalog.api_models import api_benchmarks

    return tuple(result for _, result in api_benchmarks(load_catalog(), model))


def board_of(benchmark: str) -> Board | None:
    """What is known of the board that a benchmark belongs to."""
    for board in load_catalog().benchmarks.boards():
        if any(benchmark.lower().startswith(prefix.lower()) for prefix in board.benchmarks):
            return board
    return None
