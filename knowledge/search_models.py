"""Which models the search uses, by the settings."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from knowledge.embedding import ChildEmbedder, Embedder, MiniLM, Model, UnusableEmbedder, worker
from knowledge.embedding_prompts import prompts_of, tag
from knowledge.embedding_worker import NAME
from knowledge.errors import UsageError
from knowledge.local_models import LocalEmbedder
from knowledge.reranking import ChildReranker, Reranker
from knowledge.settings import Settings

API = "litellm:"
"""Before the name of an embedding model that LiteLLM reaches."""
DEFAULT = (NAME, f"sentence-transformers/{NAME}")
"""What all-MiniLM-L6-v2, which is part of the installation, is called in the settings."""
_API_MODEL = re.compile(r"[\w.-]+/[\w./:@-]+")
QUERY_SECONDS = 10.0
"""A person waits; after that words alone answer."""
BATCH_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class SearchModels:
    """The models, and what follows from them."""

    label: str
    """The embedder as a person calls it."""
    embedder: Embedder
    folder: str
    """Of its index, below the folder of all; empty for all-MiniLM-L6-v2."""
    sends_to: str | None
    """Who gets the texts that are embedded; None where they stay on this machine."""
    model: Model
    """What the embedder loads; `identity` tells whether it can be found."""
    reranker: Reranker | None = None


@dataclass(frozen=True, slots=True)
class ApiEmbedder:
    """An embedding model behind an API (`knowledge.embedding.Model`)."""

    model: str
    dimensions: None = None

    def identity(self) -> str:
        return API + self.model + tag(prompts_of(self.model))

    def command(self) -> list[str]:
        return worker("knowledge.embedding_litellm", self.model)

    def seconds(self, count: int, query: bool) -> float:
        return QUERY_SECONDS if query and count == 1 else BATCH_SECONDS


def models_of(settings: Settings, *, offline: bool = False) -> SearchModels:
    """The models of the settings; nothing is loaded or looked up yet.

    Args:
        settings: which.
        offline: forbids an embedder behind an API: it stands there, but fails with that sentence.

    Raises:
        UsageError: `litellm:` is followed by no model name.
    """
    reranker = ChildReranker(settings.reranker) if settings.reranker else None
    label = settings.embedder or NAME
    if label in DEFAULT:
        return SearchModels(NAME, ChildEmbedder(), "", None, MiniLM(), reranker)
    if not label.startswith(API):
        local = LocalEmbedder(label)
        return SearchModels(label, ChildEmbedder(local), _slug(label), None, local, reranker)
    model = label.removeprefix(API).strip()
    if not _API_MODEL.fullmatch(model):
        raise UsageError(
            f"The embedder {label} names no model that LiteLLM knows.",
            hint="Write provider and model, for example litellm:openai/text-embedding-3-small.",
        )
    behind = ApiEmbedder(model)
    embedder: Embedder = ChildEmbedder(behind)
    if offline:
        embedder = UnusableEmbedder(offline_error(label))
    return SearchModels(label, embedder, _slug(label), model.partition("/")[0], behind, reranker)


def offline_error(label: str) -> UsageError:
    """What is said where an embedder needs the network that `--offline` forbids."""
    return UsageError(
        f"{label} needs the network, and --offline forbids it.",
        hint="Leave --offline away, or set an embedder that is on this machine.",
    )


def _slug(label: str) -> str:
    """A folder's name for an embedder: readable, and different for each."""
    words = re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")[-40:].strip("-")
    return f"e-{words}-{hashlib.sha256(label.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
