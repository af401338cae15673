"""`guides index`: two embedders side by side, and nothing sent unasked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from knowledge import search_models
from knowledge.corpus import Guide, load_guides
from knowledge.errors import NoAnswerError, ServiceError, UsageError
from knowledge.home import home
from knowledge.search_models import SearchModels
from knowledge.settings import FILE, Settings
from tests.knowledge.fakes import FakeEmbedder, FakeReranker, write_guides
from tools.guides import indexing as module
from tools.guides.indexing import IndexQuery, index_guides, sending

Change = Callable[..., None]


@pytest.fixture(autouse=True)
def guides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Guide]:
    """Two guides, and embedders without a model behind the names that are asked for."""
    monkeypatch.setenv("LLM_ADVISOR_HOME", str(tmp_path / "home"))
    found = list(load_guides([write_guides(tmp_path / "guides")]))
    monkeypatch.setattr(module, "all_guides", lambda _: tuple(found))

    def models_of(settings: Settings, *, offline: bool = False) -> SearchModels:
        models = search_models.models_of(settings, offline=offline)
        embedder = FakeEmbedder(models.label, 32 if models.folder else 64)
        if "broken" in models.label:
            embedder.failing = True
        reranker = None if models.reranker is None else FakeReranker()
        return replace(models, embedder=embedder, reranker=reranker)

    monkeypatch.setattr(module, "models_of", models_of)
    # The fakes have no weights that could be missing.
    monkeypatch.setattr("knowledge.local_models.LocalEmbedder.identity", lambda self: self.setting)
    return found


def settings(text: str) -> None:
    home().mkdir(parents=True, exist_ok=True)
    (home() / FILE).write_text(text)


def own(guides: list[Guide]) -> None:
    guides[0] = replace(guides[0], origin="own")


def labels(document: dict[str, Any]) -> list[str]:
    return [row["embedder"] for row in document["embedders"]]


def test_another_embedder_stands_beside_the_one_before() -> None:
    document = index_guides(IndexQuery(embedder="org/other"))
    assert labels(document) == ["all-MiniLM-L6-v2", "org/other"]
    assert [row["role"] for row in document["embedders"]] == ["before", "new"]
    assert [row["dimensions"] for row in document["embedders"]] == [64, 32]
    for row in document["embedders"]:
        assert [way["way"] for way in row["scores"]] == ["hybrid", "words only", "vectors only"]
        assert all(0 <= way[key] <= 1 for way in row["scores"] for key in way if key != "way")
        assert row["build_seconds"] is not None
        assert row["query_ms"] > 0
    assert document["setting"] == {"file": str(home() / FILE), "line": 'embedder = "org/other"'}
    assert document["sent"] is None
    json.dumps(document)


def test_every_embedder_keeps_its_index() -> None:
    index_guides(IndexQuery(embedder="org/other"))
    again = index_guides(IndexQuery(embedder="org/other"))
    back = index_guides(IndexQuery())
    assert [row["build_seconds"] for row in again["embedders"] + back["embedders"]] == [None] * 3


def test_without_another_one_there_is_one_column() -> None:
    document = index_guides(IndexQuery())
    assert labels(document) == ["all-MiniLM-L6-v2"]
    assert document["embedders"][0]["role"] == "set"
    assert document["setting"] is None


def test_the_one_that_is_set_stands_beside_the_default() -> None:
    settings('embedder = "org/other"\n')
    document = index_guides(IndexQuery())
    assert labels(document) == ["all-MiniLM-L6-v2", "org/other"]
    assert document["setting"] is None
    third = index_guides(IndexQuery(embedder="org/third"))
    assert labels(third) == ["org/other", "org/third"]
    home_again = index_guides(IndexQuery(embedder="all-MiniLM-L6-v2"))
    assert labels(home_again) == ["org/other", "all-MiniLM-L6-v2"]
    assert home_again["setting"]["line"] == 'embedder = "all-MiniLM-L6-v2"'


def test_a_reranker_has_a_row_of_its_own() -> None:
    settings('reranker = "org/reader"\n')
    ways = [way["way"] for way in index_guides(IndexQuery())["embedders"][0]["scores"]]
    assert ways == ["hybrid", "reranked", "words only", "vectors only"]


def test_an_embedder_that_cannot_be_used_ends_it() -> None:
    with pytest.raises(ServiceError, match="stopped"):
        index_guides(IndexQuery(embedder="org/broken"))


def test_one_before_that_cannot_be_used_is_said_and_the_new_one_scored() -> None:
    settings('embedder = "org/broken"\n')
    document = index_guides(IndexQuery(embedder="org/other"))
    assert labels(document) == ["org/other"]
    assert document["embedders"][0]["role"] == "new"
    assert document["note"] == "org/broken could not be scored: The embedder stopped."


def test_a_model_that_is_not_here_is_said_before_anything_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", "/nowhere")
    with pytest.raises(NoAnswerError, match="hf download org/none"):
        index_guides(IndexQuery(embedder="org/none"))


def test_own_guides_are_not_sent_without_a_word(guides: list[Guide]) -> None:
    own(guides)
    query = IndexQuery(embedder="litellm:openai/e")
    assert sending(query) == {"provider": "openai", "guides": 2, "own_guides": 1}
    with pytest.raises(UsageError, match="sends 1 of your own guides to openai") as caught:
        index_guides(query)
    assert "--yes" in caught.value.hint
    assert not (home() / "index").exists()
    document = index_guides(query.model_copy(update={"yes": True}))
    assert document["sent"]["own_guides"] == 1
    assert labels(document) == ["all-MiniLM-L6-v2", "litellm:openai/e"]
    assert sending(query) is None, "it is there: nothing more is sent"
    guides[1] = replace(guides[1], lines=(*guides[1].lines, "A sentence more."))
    assert sending(query) is not None


def test_shipped_guides_are_public() -> None:
    assert index_guides(IndexQuery(embedder="litellm:openai/e"))["sent"]["own_guides"] == 0


def test_nothing_is_sent_for_a_model_on_this_machine(guides: list[Guide]) -> None:
    own(guides)
    assert sending(IndexQuery(embedder="org/other")) is None
    assert labels(index_guides(IndexQuery(embedder="org/other")))


def test_offline_refuses_one_behind_an_api() -> None:
    with pytest.raises(UsageError, match="needs the network, and --offline forbids it"):
        index_guides(IndexQuery(embedder="litellm:openai/e"), offline=True)


@pytest.mark.parametrize("name", ["litellm:", "litellm:nothing", "litellm:a b/c"])
def test_a_model_without_a_provider_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="names no model that LiteLLM knows"):
        index_guides(IndexQuery(embedder=name))
