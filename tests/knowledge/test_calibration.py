"""Cosines of other embedders on the scale that coverage was set on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import pytest

from knowledge.calibration import ANSWERABLE, UNANSWERABLE, Scale, calibrated, read_calibration
from knowledge.corpus import load_guides
from knowledge.embedding import EmbedderError
from knowledge.evaluation.labeled import load_queries
from knowledge.retrieval import Retriever
from tests.knowledge.fakes import FakeEmbedder, write_guides

if TYPE_CHECKING:
    from knowledge.embedding import Vectors


def test_the_medians_land_on_those_of_minilm() -> None:
    found = calibrated("e", [0.86, 0.84, 0.88], [0.74, 0.72, 0.76], [1.0])
    assert found.similarity(0.86) == pytest.approx(ANSWERABLE)
    assert found.similarity(0.74) == pytest.approx(UNANSWERABLE)
    assert found.tells


@pytest.mark.parametrize(
    ("answerable", "unanswerable"),
    [([0.5, 0.5], [0.5, 0.5]), ([0.2, 0.3], [0.7, 0.8]), ([0.5, 0.7, 0.4], [0.45, 0.55, 0.6]), ([], [])],
)
def test_an_embedder_that_does_not_tell_them_apart_has_no_say(
    answerable: list[float], unanswerable: list[float]
) -> None:
    found = calibrated("e", answerable, unanswerable, [1.0])
    assert not found.tells
    assert found.similarity(0.9) is None


@pytest.mark.index
@pytest.mark.timeout(600)
def test_the_reference_is_what_minilm_has(shipped: Retriever) -> None:
    best: dict[bool, list[float]] = {True: [], False: []}
    for query in load_queries():
        found = shipped.rankings(query.text)[1]
        assert found is not None
        best[bool(query.parts)].append(found.told)
    assert median(best[True]) == pytest.approx(ANSWERABLE, abs=0.03)
    assert median(best[False]) == pytest.approx(UNANSWERABLE, abs=0.03)


def prepared(home: Path, embedder: FakeEmbedder, sends_to: str | None = None) -> Retriever:
    folder = home / "index" / "e-fake"
    guides = load_guides([write_guides(home / "guides")])
    retriever = Retriever(guides, folder, embedder, scale=Scale(folder), sends_to=sends_to)
    retriever.prepare(build=sends_to is None)
    return retriever


def test_it_is_measured_once_and_kept_beside_the_index(tmp_path: Path) -> None:
    first, second = FakeEmbedder(), FakeEmbedder()
    prepared(tmp_path, first).close()
    folder = tmp_path / "index" / "e-fake"
    assert read_calibration(folder, "fake") is not None
    assert read_calibration(folder, "another") is None
    retriever = prepared(tmp_path, second)
    assert retriever.trouble is None
    assert second.batches == 1, "only the probe"
    retriever.close()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 0}', "\x00"])
def test_a_damaged_one_is_measured_again(tmp_path: Path, text: str) -> None:
    prepared(tmp_path, FakeEmbedder()).close()
    folder = tmp_path / "index" / "e-fake"
    (folder / "calibration.json").write_text(text)
    retriever = prepared(tmp_path, FakeEmbedder())
    assert retriever.trouble is None
    assert read_calibration(folder, "fake") is not None
    retriever.close()


class Turned(FakeEmbedder):
    """The same name and dimensions, other weights."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        return super().embed(texts)[:, ::-1].copy()


def test_other_weights_under_the_same_name_are_noticed_and_indexed_anew(tmp_path: Path) -> None:
    prepared(tmp_path, FakeEmbedder()).close()
    pointer = tmp_path / "index" / "e-fake" / "current"
    before = pointer.read_text()
    retriever = prepared(tmp_path, Turned())
    assert retriever.trouble is None
    assert pointer.read_text() != before
    assert retriever.search("cache per token").passages[0].heading[-1] == "Cache"
    retriever.close()


def test_behind_an_api_nothing_is_built_unasked(tmp_path: Path) -> None:
    embedder = FakeEmbedder()
    retriever = prepared(tmp_path, embedder, sends_to="openai")
    assert retriever.trouble == (
        "The guide index is not built yet. Build it with `llm-advisor guides index`, which sends the guides "
        "to openai."
    )
    assert embedder.batches == 0
    result = retriever.search("cache per token")
    assert result.passages[0].heading[-1] == "Cache"
    assert result.notice is not None
    assert result.notice.startswith("Searched by words alone: ")
    assert embedder.batches == 0, "the query is not sent either"
    retriever.prepare(build=True)
    assert retriever.ready
    retriever.close()


def test_an_embedder_that_fails_while_it_is_measured(tmp_path: Path) -> None:
    class Failing(FakeEmbedder):
        def embed_queries(self, texts: Sequence[str]) -> Vectors:
            raise EmbedderError("The embedder stopped.")

    retriever = prepared(tmp_path, Failing())
    assert retriever.trouble == "The embedder stopped."
    assert retriever.search("cache per token").passages
    retriever.close()
