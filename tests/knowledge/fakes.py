"""An embedder without a model, and guides small enough to read."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from knowledge.embedding import EmbedderError
from knowledge.reranking import RerankerError

if TYPE_CHECKING:
    from knowledge.embedding import Vectors

MEMORY = """---
title: Memory of a model
scope: What fills the card
as_of: 2026-11-20
sources: a test
---

# Memory of a model

Weights, cache and buffers share the card.

## Weights

### Size by quantization

Size of an 8B model by quantization:

| quantization | size |
| --- | --- |
| Q8_0 | 8.5 GB |
| Q4_K_M | 4.9 GB |

## Cache

The cache grows with the context: 128 KiB for each token.

- f16 is the default
- q8_0 halves it
"""

LICENSES = """---
title: Licenses
as_of: 2026-10-01
---

# Licenses

## Apache 2.0

Apache 2.0 allows commercial use without conditions on revenue.

## Llama

The Llama license asks companies with 700 million monthly users for a permission of their own.

```bash
ollama show llama3.1 --license
```
"""


class FakeEmbedder:
    """Bags of words hashed into unit vectors: texts that share words are near."""

    def __init__(self, name: str = "fake", dimensions: int = 64) -> None:
        self._name = name
        self._dimensions = dimensions
        self.ready = False
        self.failing = False
        self.closed = False
        self.batches = 0

    @property
    def name(self) -> str:
        return self._name

    @property
    def dimensions(self) -> int:
        return self._dimensions

    def warm(self) -> None:
        self.ready = not self.failing

    def embed(self, texts: Sequence[str]) -> Vectors:
        import numpy as np

        if self.failing:
            raise EmbedderError("The embedder stopped.")
        self.ready = True
        self.batches += 1
        vectors = np.full((len(texts), self.dimensions), 1e-3, dtype=np.float32)
        for row, text in enumerate(texts):
            for word in re.findall(r"\w+", text.lower()):
                place = int.from_bytes(hashlib.blake2s(word.encode(), digest_size=4).digest(), "big")
                vectors[row, place % self.dimensions] += 1
        unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return self.embed(texts)

    def close(self) -> None:
        self.closed = True


class FakeReranker:
    """Scores a passage by how many of the query's words it holds."""

    name = "fake reranker"

    def __init__(self, most: int = 100) -> None:
        """`most` passages are read, however many there are, as by a slow model."""
        self._most = most
        self.ready = False
        self.failing = False
        self.closed = False

    def warm(self) -> None:
        """It needs no time."""

    def load(self) -> None:
        if self.failing:
            raise RerankerError("The reranker stopped.")
        self.ready = True

    def scores(self, query: str, passages: Sequence[str], seconds: float) -> list[float]:
        if self.failing:
            raise RerankerError("The reranker stopped.")
        words = set(re.findall(r"\w+", query.lower()))
        read = [set(re.findall(r"\w+", passage.lower())) for passage in passages[: self._most]]
        return [float(len(words & held)) for held in read]

    def close(self) -> None:
        self.closed = True


def write_guides(folder: Path, **texts: str) -> Path:
    """Writes `memory.md` and `licenses.md`, or the given texts by name, and returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (texts or {"memory": MEMORY, "licenses": LICENSES}).items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    return folder
