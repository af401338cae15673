"""Embeds the shipped guides and writes knowledge/shipped_vectors.npz.

usage: python -m scripts.embed_guides    (after a change of a guide or of its questions)
"""

from __future__ import annotations

import numpy as np

from knowledge.chunking import chunk_guides
from knowledge.corpus import load_guides
from knowledge.embedding import ChildEmbedder
from knowledge.index_fill import views_of
from knowledge.shipped_vectors import write_vectors


def main() -> None:
    """Writes the file."""
    texts = {view.digest: view.text for chunk in chunk_guides(load_guides()) for view in views_of(chunk)}
    digests, words = list(texts), list(texts.values())
    embedder = ChildEmbedder()
    try:
        # A few at a time stay in full precision (see embedding_worker).
        rows = [embedder.embed(words[start : start + 4]) for start in range(0, len(words), 4)]
    finally:
        embedder.close()
    write_vectors(digests, np.concatenate(rows))
    print(f"{len(digests)} vectors")


if __name__ == "__main__":
    main()
