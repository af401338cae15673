"""Which models the settings mean, and a search where they cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.corpus import load_guides
from knowledge.embedding import EmbedderError
from knowledge.errors import UsageError
from knowledge.home import home
from knowledge.retrieval import open_retriever
from knowledge.search_models import models_of
from knowledge.settings import Settings
from tests.knowledge.fakes import write_guides


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LLM_ADVISOR_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", "/nowhere")


@pytest.mark.parametrize("name", [None, "all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"])
def test_the_default_has_many_names_and_one_index(name: str | None) -> None:
    models = models_of(Settings(embedder=name))
    assert (models.label, models.folder, models.embedder.name) == ("all-MiniLM-L6-v2", "", "all-MiniLM-L6-v2")


def test_every_embedder_has_a_folder_of_its_own() -> None:
    names = ["org/a", "org/A", "org-a", "litellm:org/a", "/org/a", "x" * 300, "\u2603"]
    folders = [models_of(Settings(embedder=name)).folder for name in names]
    assert len(set(folders)) == len(names)
    assert all(folder.isascii() and "/" not in folder and len(folder) < 60 for folder in folders)


def test_offline_an_api_is_not_asked() -> None:
    models = models_of(Settings(embedder="litellm:openai/e"), offline=True)
    models.embedder.warm()
    for fails in (lambda: models.embedder.name, lambda: models.embedder.embed_queries(["text"])):
        with pytest.raises(EmbedderError, match="needs the network, and --offline forbids it"):
            fails()
    assert models_of(Settings(embedder="org/a"), offline=True).sends_to is None


@pytest.mark.parametrize(
    ("embedder", "offline", "said"),
    [
        ("org/none", False, "The model org/none is not on this machine: `hf download org/none` fetches it."),
        ("litellm:openai/e", True, "litellm:openai/e needs the network, and --offline forbids it."),
        (
            "litellm:openai/e",
            False,
            "The guide index is not built yet. Build it with `llm-advisor guides index`",
        ),
    ],
)
def test_a_search_says_why_words_alone_answered(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, embedder: str, offline: bool, said: str
) -> None:
    monkeypatch.setenv("LLM_ADVISOR_EMBEDDER", embedder)
    guides = load_guides([write_guides(tmp_path / "guides")])
    retriever = open_retriever(guides=guides, offline=offline)
    result = retriever.search("cache per token")
    retriever.close()
    assert result.passages[0].heading[-1] == "Cache"
    assert result.notice is not None
    assert result.notice.startswith(f"Searched by words alone: {said}")


def test_settings_that_cannot_be_read_end_the_search() -> None:
    home().mkdir(parents=True)
    (home() / "settings.toml").write_text("embeder = 1\n")
    with pytest.raises(UsageError, match="no setting `embeder`"):
        open_retriever()
