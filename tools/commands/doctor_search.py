"""The part of `doctor` that looks at the search: embedder, reranker, index. It loads no model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from knowledge.embedding_worker import NAME, verify, weights_folder
from knowledge.errors import AdvisorError
from knowledge.home import home
from knowledge.model_worker import WorkerError
from knowledge.reranking import AUTO, installed
from knowledge.search_models import DEFAULT, SearchModels, models_of
from knowledge.settings import load_settings

State = Literal["ok", "warning", "missing", "skipped"]
Finding = tuple[State, str, str]
"""State, what was found, next step."""
WORDS_ALONE = "the guides are searched by words alone"


def embedder(offline: bool) -> Finding:
    """The embedder of the settings, found with its weights; one behind an API is never asked."""
    models = _models()
    if models.label in DEFAULT:
        try:
            verify(weights_folder())
        except WorkerError as error:
            return "missing", f"{error}; {WORDS_ALONE}", "make setup"
        return "ok", f"{NAME}, weights verified", ""
    try:
        name = models.model.identity()
    except AdvisorError as error:
        return "missing", f"{error.message.rstrip('.')}; {WORDS_ALONE}", error.hint
    if models.sends_to is not None:
        return "ok", f"{name}: queries are sent to {models.sends_to}; not asked whether it answers", ""
    return "ok", f"{name}, found on this machine", ""


def reranker(offline: bool) -> Finding:
    """The reranker of the settings."""
    models, setting = _models(), load_settings().reranker
    if models.reranker is None:
        return "skipped", "none is set", ""
    if setting == AUTO and installed() is None:
        return "skipped", "auto, and none of the known ones is on this machine", ""
    try:
        return "ok", f"{models.reranker.name}, found on this machine", ""
    except AdvisorError as error:
        return "missing", f"{error.message.rstrip('.')}; passages keep their first order", error.hint


def index(offline: bool) -> Finding:
    """The index of the embedder that is set."""
    from knowledge.retrieval import INDEX
    from tools.commands.doctor_index import look

    models = _models()
    state, found, next_step = look(home() / INDEX / models.folder, models.embedder, offline=offline)
    if state == "warning" and models.sends_to is not None:
        return state, f"{found.partition(';')[0]}; {WORDS_ALONE}", "llm-advisor guides index"
    return state, found, next_step


def _models() -> SearchModels:
    return models_of(load_settings())


LOOKS: Mapping[str, Callable[[bool], Finding]] = {
    "embedder": embedder,
    "reranker": reranker,
    "guide index": index,
}
