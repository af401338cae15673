"""Vectors of the shipped guides, made once: their index is there in a moment, on a slow machine too.

`shipped_vectors.npz` has the digest of each text and its vector by all-MiniLM-L6-v2 in half precision.
`python -m scripts.embed_guides` writes it; a text that has changed since is not in it and is embedded as
usual.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from knowledge.embedding_worker import NAME

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

FILE = Path(__file__).resolve().parent / "shipped_vectors.npz"


def shipped_vectors(embedder: str, digests: Sequence[str]) -> Mapping[str, Vectors]:
    """The unit vectors of those texts that are kept, by the SHA-256 of their words.

    Args:
        embedder: name of the embedder; only all-MiniLM-L6-v2 has kept vectors.
        digests: of the texts, in hexadecimal.
    """
    if embedder != NAME:
        return {}
    kept = _kept()
    return {digest: kept[digest] for digest in digests if digest in kept}


def write_vectors(digests: Sequence[str], vectors: Vectors) -> None:
    """Writes the file anew."""
    import numpy as np

    order = sorted(range(len(digests)), key=lambda number: digests[number])
    keys = np.frombuffer(b"".join(bytes.fromhex(digests[number]) for number in order), dtype=np.uint8)
    np.savez_compressed(FILE, digests=keys.reshape(-1, 32), vectors=vectors[order].astype(np.float16))


@cache
def _kept() -> dict[str, Vectors]:
    import numpy as np

    with np.load(FILE, allow_pickle=False) as data:
        keys, halves = data["digests"], data["vectors"].astype(np.float32)
    vectors = halves / np.linalg.norm(halves, axis=1, keepdims=True)
    return {key.tobytes().hex(): vector for key, vector in zip(keys, vectors, strict=True)}
