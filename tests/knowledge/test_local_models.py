"""Embedders and rerankers from a folder or the Hugging Face cache: found, named by their weights, loaded."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from knowledge.embedding import ChildEmbedder, EmbedderError
from knowledge.embedding_prompts import prompts_of
from knowledge.local_models import LocalEmbedder, LocalModelError, find, hub_id
from knowledge.reranking import ChildReranker, RerankerError, installed
from tests.fakes.tiny_models import WIDTH, tiny_embedder, tiny_reranker

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="session")
def embedder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    prompts = {"query": "who asks: ", "document": "it says: "}
    return tiny_embedder(tmp_path_factory.mktemp("models") / "tiny", prompts=prompts)


@pytest.fixture(scope="session")
def reranker_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_reranker(tmp_path_factory.mktemp("models") / "reranker")


@pytest.fixture
def copy(embedder_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(embedder_folder, tmp_path / "tiny"))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Hugging Face cache."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def cached(cache: Path, name: str, model: Path) -> Path:
    """Puts a model into the cache as the hub's client does, and returns its folder."""
    place = cache / f"models--{name.replace('/', '--')}"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text(COMMIT)
    return Path(shutil.copytree(model, place / "snapshots" / COMMIT))


@pytest.fixture
def loaded(embedder_folder: Path, tmp_path: Path) -> Iterator[ChildEmbedder]:
    embedder = ChildEmbedder(LocalEmbedder(str(embedder_folder)), log=tmp_path / "log")
    yield embedder
    embedder.close()


@pytest.mark.timeout(300)
def test_a_folder_is_loaded_with_its_own_dimensions_and_prompts(loaded: ChildEmbedder) -> None:
    unknown = loaded.dimensions
    passage = loaded.embed(["memory of a model"])[0]
    query = loaded.embed_queries(["memory of a model"])[0]
    assert (unknown, loaded.dimensions, len(passage)) == (None, WIDTH, WIDTH)
    assert loaded.tokens == 256
    assert float(passage @ passage) == pytest.approx(1, abs=1e-4)
    assert float(passage @ query) < 0.999, "a query is read after another prompt"
    again = loaded.embed(["memory of a model"] * 9 + ["memory " * 2000])
    assert again[8] == pytest.approx(passage, abs=1e-4)


def test_the_name_changes_with_the_weights_and_with_nothing_else(copy: Path, tmp_path: Path) -> None:
    name = find(str(copy)).identity()
    assert name.startswith("tiny@")
    elsewhere = Path(shutil.copytree(copy, tmp_path / "elsewhere" / "tiny"))
    (elsewhere / "README.md").write_text("a model")
    assert find(str(elsewhere)).identity() == name
    weights = copy / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert find(str(copy)).identity() != name
    config = elsewhere / "config_sentence_transformers.json"
    config.write_text(json.dumps({"prompts": {}}))
    assert find(str(elsewhere)).identity() != name


def test_a_model_of_the_cache_is_named_by_its_commit(cache: Path, embedder_folder: Path) -> None:
    folder = cached(cache, "org/tiny", embedder_folder)
    place = find("org/tiny")
    assert (place.folder, place.identity()) == (folder, f"org/tiny@{COMMIT[:12]}")


def test_a_bare_name_belongs_to_sentence_transformers(cache: Path, embedder_folder: Path) -> None:
    cached(cache, "sentence-transformers/tiny-x", embedder_folder)
    assert find("tiny-x").label == hub_id("tiny-x") == "sentence-transformers/tiny-x"


def test_a_model_that_is_not_here_names_the_command_that_fetches_it(cache: Path) -> None:
    with pytest.raises(LocalModelError) as caught:
        find("intfloat/e5-small-v2")
    assert caught.value.message == (
        "The model intfloat/e5-small-v2 is not on this machine: "
        "`hf download intfloat/e5-small-v2` fetches it."
    )


@pytest.mark.parametrize("setting", ["a b/c", "a/b/c", "org/..", "org/--x", "\u2603/x"])
def test_what_is_no_hub_id(cache: Path, setting: str) -> None:
    with pytest.raises(LocalModelError, match=r"neither a folder nor a hub id|not on this machine"):
        find(setting)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LocalModelError, match="no folder"):
        find(str(tmp_path / "nowhere"))


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(LocalModelError, match=r"no config\.json"):
        find(str(tmp_path))


def test_pickled_weights_are_not_loaded(copy: Path) -> None:
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(LocalModelError, match="no weights in safetensors") as caught:
        find(str(copy))
    assert "can run code" in caught.value.hint


@pytest.mark.parametrize(
    ("modules", "said"),
    [
        ('[{"idx": 0, "path": "", "type": "custom_st.Transformer"}]', "Python code of its own"),
        ('[{"idx": 0}]', "cannot be read"),
        ("not json", "cannot be read"),
    ],
)
def test_code_in_a_folder_is_not_run(copy: Path, modules: str, said: str) -> None:
    (copy / "custom_st.py").write_text("raise SystemExit('it ran')")
    (copy / "modules.json").write_text(modules)
    with pytest.raises(LocalModelError, match=said):
        find(str(copy))


@pytest.mark.timeout(300)
def test_weights_that_cannot_be_read_are_one_sentence(copy: Path, tmp_path: Path) -> None:
    (copy / "model.safetensors").write_bytes(b"no weights")
    embedder = ChildEmbedder(LocalEmbedder(str(copy)), log=tmp_path / "log")
    try:
        with pytest.raises(EmbedderError, match="cannot be loaded") as caught:
            embedder.embed(["text"])
    finally:
        embedder.close()
    assert "\n" not in caught.value.message


def test_a_missing_model_is_said_by_the_embedder_too(cache: Path) -> None:
    embedder = ChildEmbedder(LocalEmbedder("org/none"))
    embedder.warm()
    assert not embedder.ready
    for fails in (lambda: embedder.name, lambda: embedder.embed(["text"])):
        with pytest.raises(EmbedderError, match="hf download org/none"):
            fails()


@pytest.mark.parametrize(
    ("model", "query", "passage"),
    [
        ("intfloat/e5-small-v2", "query: ", "passage: "),
        ("intfloat/multilingual-e5-large", "query: ", "passage: "),
        ("ollama/nomic-embed-text:latest", "search_query: ", "search_document: "),
        ("BAAI/bge-small-en-v1.5", "Represent this sentence for searching relevant passages: ", ""),
        ("ollama/snowflake-arctic-embed2:568m", "query: ", ""),
    ],
)
def test_known_families_get_their_prompts(model: str, query: str, passage: str) -> None:
    found = prompts_of(model)
    assert found is not None
    assert (found.query, found.passage) == (query, passage)


@pytest.mark.parametrize(
    "model", ["openai/text-embedding-3-small", "BAAI/bge-m3", "intfloat/e5-mistral-7b-instruct", "tiny"]
)
def test_others_get_none(model: str) -> None:
    assert prompts_of(model) is None


@pytest.mark.timeout(300)
def test_a_cross_encoder_scores_as_many_as_the_time_allows(reranker_folder: Path, tmp_path: Path) -> None:
    reranker = ChildReranker(str(reranker_folder), log=tmp_path / "log")
    passages = [f"passage {number} on the memory of a model" for number in range(20)]
    try:
        assert len(reranker.scores("memory", passages, 20)) == 20
        assert reranker.scores("memory", passages, 0) == []
        assert reranker.ready
        assert reranker.name.startswith("reranker@")
    finally:
        reranker.close()


@pytest.mark.timeout(300)
def test_a_classifier_is_no_reranker(tmp_path: Path) -> None:
    reranker = ChildReranker(str(tiny_reranker(tmp_path / "labels", labels=3)), log=tmp_path / "log")
    try:
        with pytest.raises(RerankerError, match="several labels"):
            reranker.load()
    finally:
        reranker.close()


def test_auto_takes_a_known_reranker_that_is_here(cache: Path, reranker_folder: Path) -> None:
    assert installed() is None
    absent = ChildReranker("auto")
    absent.warm()
    absent.load()
    assert (absent.ready, absent.name, absent.scores("q", ["p"], 1)) == (False, "", [])
    cached(cache, "BAAI/bge-reranker-base", reranker_folder)
    assert installed() == "BAAI/bge-reranker-base"
    assert ChildReranker("auto").name == f"BAAI/bge-reranker-base@{COMMIT[:12]}"
