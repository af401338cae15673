"""`guides index`: builds the index with another embedder, and scores it beside the one before."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from pydantic import Field

from knowledge.corpus import Guide
from knowledge.errors import AdvisorError, ServiceError, UsageError
from knowledge.evaluation.labeled import load_queries
from knowledge.evaluation.scores import Scores, score
from knowledge.guide_set import all_guides
from knowledge.home import home
from knowledge.index import current_generation, open_index
from knowledge.progress_line import ProgressLine
from knowledge.retrieval import INDEX, Retriever, retriever_of
from knowledge.search_models import SearchModels, models_of, offline_error
from knowledge.settings import FILE, Settings, load_settings
from knowledge.words import passages_key
from tools.commands.requests import Name, Request

Document = dict[str, Any]


class IndexQuery(Request):
    """Request of `guides index`."""

    embedder: Name | None = Field(
        None,
        description="another embedder to try: a hub id on this machine, a folder, or litellm:PROVIDER/MODEL "
        "(left out: the one that is set)",
        json_schema_extra={"metavar": "MODEL"},
    )
    yes: bool = Field(False, description="send your own guides to the embedder's provider without asking")


def sending(query: IndexQuery) -> Document | None:
    """What would leave this machine: provider, guides and own guides; None where no guide does.

    Raises:
        UsageError: the settings cannot be read, or the embedder is none.
    """
    models, guides = models_of(_settings(query)), all_guides(home())
    if models.sends_to is None or _is_current(models, guides):
        return None
    return {
        "provider": models.sends_to,
        "guides": len(guides),
        "own_guides": sum(guide.origin == "own" for guide in guides),
    }


def index_guides(query: IndexQuery, *, offline: bool = False) -> Document:
    """Builds what is missing, and scores the labeled queries with the embedder before and the new one.

    Args:
        query: Which embedder.
        offline: Forbids one behind an API.

    Raises:
        UsageError: The settings cannot be read, the embedder is none, needs the network that is forbidden, or
            would get own guides without `yes`.
        NoAnswerError: The embedder is not on this machine.
        ServiceError: It cannot be loaded or reached.
    """
    before, chosen = models_of(load_settings(), offline=offline), models_of(_settings(query), offline=offline)
    if chosen.sends_to is not None and offline:
        raise offline_error(chosen.label)
    going = sending(query)
    if going is not None and going["own_guides"] and not query.yes:
        raise UsageError(
            f"This sends {going['own_guides']} of your own guides to {going['provider']}.",
            hint="Add --yes to send them.",
        )
    chosen.model.identity()  # said with its hint, before anything is scored
    if before.folder == chosen.folder:
        before = models_of(load_settings().model_copy(update={"embedder": None}))
    guides = all_guides(home())
    # What is sent has been told before: an index that turns out to be of another model is not built then.
    announced = chosen.sends_to is None or going is not None
    rows, notes = [], []
    if before.folder != chosen.folder:
        try:
            rows.append({"role": "before", **_row(before, guides, build=before.sends_to is None)})
        except AdvisorError as error:
            notes.append(f"{before.label} could not be scored: {error.message}")
    rows.append({"role": "new" if rows or notes else "set", **_row(chosen, guides, build=announced)})
    queries = load_queries()
    document: Document = {
        "queries": len(queries),
        "answerable": sum(bool(labeled.parts) for labeled in queries),
        "embedders": rows,
        "sent": going,
        "setting": _setting(chosen, query),
    }
    if notes:
        document["note"] = " ".join(notes)
    return document


def _is_current(models: SearchModels, guides: Sequence[Guide]) -> bool:
    try:
        open_index(home() / INDEX / models.folder, passages_key(guides), models.embedder).close()
    except AdvisorError:
        return False
    return True


def _settings(query: IndexQuery) -> Settings:
    settings = load_settings()
    return settings.model_copy(update={"embedder": query.embedder}) if query.embedder else settings


def _setting(chosen: SearchModels, query: IndexQuery) -> Document | None:
    """The line that makes the choice permanent; None where it is already."""
    if query.embedder is None or models_of(load_settings()).folder == chosen.folder:
        return None
    text = chosen.label.replace("\\", "\\\\").replace('"', '\\"')
    return {"file": str(home() / FILE), "line": f'embedder = "{text}"'}


def _row(models: SearchModels, guides: Sequence[Guide], *, build: bool) -> Document:
    """Figures of one embedder; its index is built where that is allowed."""
    retriever = retriever_of(models, guides, home())
    try:
        folder = home() / INDEX / models.folder
        started = time.perf_counter()
        retriever.embedder.embed_queries(["ready"])
        loaded, generation = time.perf_counter(), current_generation(folder)
        retriever.prepare(ProgressLine(f"Indexing with {models.label}"), build=build)
        built = time.perf_counter()
        if retriever.trouble is not None:
            raise ServiceError(retriever.trouble, code="index")
        scores = score(retriever, load_queries(), ProgressLine(f"Scoring {models.label}", "queries"))
        return {
            "embedder": models.label,
            "name": retriever.embedder.name,
            "dimensions": retriever.embedder.dimensions,
            "passages": len(retriever.chunks),
            "load_seconds": round(loaded - started, 2),
            "build_seconds": round(built - loaded, 2) if current_generation(folder) != generation else None,
            **_figures(retriever, scores),
        }
    finally:
        retriever.close()


def _figures(retriever: Retriever, scores: Scores) -> Document:
    return {
        "scores": [
            {
                "way": way,
                "recall_at_1": round(row.recall(1), 4),
                "recall_at_5": round(row.recall(5), 4),
                "mrr": round(row.reciprocal_rank(), 4),
                "ndcg_at_10": round(row.ndcg(10), 4),
            }
            for way, row in scores.rows.items()
        ],
        "false_answers": round(scores.false_answers, 4),
        "missed_answers": round(scores.missed_answers, 4),
        "query_ms": round(scores.seconds[len(scores.seconds) // 2] * 1e3, 1),
        "meaning_in_coverage": retriever.tells_coverage,
    }
