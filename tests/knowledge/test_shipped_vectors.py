"""The vectors that ship with the guides are those that the embedder would make."""

from __future__ import annotations

import numpy as np
import pytest

from knowledge.chunking import chunk_guides
from knowledge.corpus import load_guides
from knowledge.embedding import ChildEmbedder
from knowledge.embedding_worker import NAME
from knowledge.index_fill import views_of
from knowledge.shipped_vectors import shipped_vectors

VIEWS = {view.digest: view.text for chunk in chunk_guides(load_guides()) for view in views_of(chunk)}


def test_every_text_of_the_shipped_guides_has_its_vector() -> None:
    missing = [VIEWS[digest] for digest in VIEWS.keys() - shipped_vectors(NAME, list(VIEWS)).keys()]
    assert missing == [], "run `python -m scripts.embed_guides`"


def test_only_their_own_embedder_gets_them_and_only_for_known_words() -> None:
    assert shipped_vectors("another", list(VIEWS)) == {}
    assert shipped_vectors(NAME, ["0" * 64]) == {}


@pytest.mark.index
@pytest.mark.timeout(600)
def test_the_embedder_makes_the_same_vectors() -> None:
    digests = sorted(VIEWS)[::60]
    kept = shipped_vectors(NAME, digests)
    embedder = ChildEmbedder()
    try:
        made = np.concatenate([embedder.embed([VIEWS[digest]]) for digest in digests])
    finally:
        embedder.close()
    cosines = [float(kept[digest] @ row) for digest, row in zip(digests, made, strict=True)]
    assert min(cosines) > 0.9999
    assert max(abs(np.linalg.norm(kept[digest]) - 1) for digest in digests) < 1e-5
