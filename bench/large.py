"""A hundred thousand passages: how long their index takes to build and to open, its size, a query's time.

Texts are made of the words of the shipped guides, as frequent as there, and of rarer made-up ones; vectors
are means of a random vector a word, so that passages that share words are near. Prints the figures.

usage: python -m bench.large [PASSAGES]
"""

from __future__ import annotations

import itertools
import multiprocessing
import random
import re
import resource
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from knowledge.chunking import Chunk
from knowledge.corpus import Guide, load_guides, parse_guide
from knowledge.retrieval import Retriever

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

PASSAGES = 100_000
QUERIES = 300
BAR_MS = 60
DIMENSIONS = 384
MADE_UP = 40_000
RARE_SHARE = 0.05
"""Of all words of a text."""
PER_GUIDE = 50
WORDS = 90
TOP = 10


class SyntheticEmbedder:
    """Means of a random vector a word, of unit length."""

    name = "synthetic"
    dimensions = DIMENSIONS
    ready = True

    def __init__(self, seed: int = 0) -> None:
        import numpy as np

        self._draw = np.random.default_rng(seed)
        self._table = self._draw.standard_normal((1 << 16, DIMENSIONS), dtype=np.float32)

    def warm(self) -> None:
        """Nothing is to be loaded."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """As `knowledge.embedding.Embedder`."""
        import numpy as np

        rows = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
        for row, text in enumerate(texts):
            words = re.findall(r"\w+", text.lower()) or [""]
            numbers = [zlib.crc32(word.encode()) % len(self._table) for word in words]
            rows[row] = self._table[numbers].mean(axis=0)
        unit: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """As passages."""
        return self.embed(texts)

    def close(self) -> None:
        """Nothing is held."""


def synthetic_guides(passages: int, seed: int = 0) -> Iterator[Guide]:
    """Guides with about so many passages together, one a section."""
    draw = random.Random(seed)
    counted = Counter(
        word
        for guide in load_guides()
        for line in guide.lines[guide.body_start :]
        for word in re.findall(r"[\w.-]*\w", line)
    )
    words = [*counted, *(f"w{number:x}{draw.choice('aeiou')}n" for number in range(MADE_UP))]
    weights = list(
        itertools.accumulate([*counted.values(), *[0.05 * sum(counted.values()) / MADE_UP] * MADE_UP])
    )
    for number in range(-(-passages // PER_GUIDE)):
        lines = [f"# Guide {number}", ""]
        for section in range(min(PER_GUIDE, passages - number * PER_GUIDE)):
            body = " ".join(draw.choices(words, cum_weights=weights, k=WORDS))
            lines += [f"## Part {number}-{section}", "", f"{body}.", ""]
        yield parse_guide(f"g{number:05}.md", "\n".join(lines))


def queries_of(chunks: Sequence[Chunk], count: int, seed: int = 1) -> list[str]:
    """Queries of some words of a passage each."""
    draw = random.Random(seed)
    texts = [chunks[draw.randrange(len(chunks))].text for _ in range(count)]
    return [" ".join(draw.sample(text.split(), 8)) for text in texts]


def agreement(retriever: Retriever, queries: Sequence[str]) -> float:
    """The share of the exact nearest ten passages that the index finds."""
    import numpy as np

    chunks = retriever.chunks
    batches = range(0, len(chunks), 1_000)
    vectors = np.concatenate(
        [retriever.embedder.embed([chunk.views[0] for chunk in chunks[at : at + 1_000]]) for at in batches]
    )
    asked = retriever.embedder.embed(list(queries))
    found = 0
    for query, vector in zip(queries, asked, strict=True):
        exact = set(np.argpartition(-(vectors @ vector), TOP)[:TOP].tolist())
        by_meaning = retriever.rankings(query)[1]
        assert by_meaning is not None
        found += len(exact & {number for number, _ in by_meaning.hits[:TOP]})
    return found / (TOP * len(queries))


def timed(retriever: Retriever, queries: Sequence[str]) -> list[float]:
    """Seconds of each query, sorted."""
    seconds = []
    for query in queries:
        started = time.perf_counter()
        retriever.search(query)
        seconds.append(time.perf_counter() - started)
    return sorted(seconds)


def run(passages: int = PASSAGES) -> None:
    """Prints the figures."""
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "index"
        # In a process of its own: what building takes must not count for searching.
        builder = multiprocessing.get_context("spawn").Process(target=_build, args=(folder, passages))
        builder.start()
        builder.join()
        assert builder.exitcode == 0
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        print(f"  {size / 1e6:,.0f} MB on disk")
        _search(folder, passages)


def _build(folder: Path, passages: int) -> None:
    guides = tuple(synthetic_guides(passages))
    built = Retriever(guides, folder, SyntheticEmbedder())
    started = time.perf_counter()
    count = len(built.chunks)
    words = time.perf_counter() - started
    built.prepare()
    assert built.trouble is None, built.trouble
    vectors = time.perf_counter() - started - words
    built.close()
    print(
        f"large: {count:,} passages; words stored in {words:.0f} s, synthetic vectors in {vectors:.0f} s, "
        f"with at most {_peak():,.0f} MB of memory",
        flush=True,
    )


def _search(folder: Path, passages: int) -> None:
    guides = tuple(synthetic_guides(passages))
    embedder = SyntheticEmbedder()
    before = _peak()
    started = time.perf_counter()
    opened = Retriever(guides, folder, embedder)
    del guides
    opened.search("memory")
    words = time.perf_counter() - started
    opened.prepare()
    ready = time.perf_counter() - started
    print(f"  opened again: words answer after {words:.2f} s, vectors after {ready:.1f} s")
    queries = queries_of(opened.chunks, QUERIES)
    timed(opened, queries[:20])
    seconds = timed(opened, queries)
    middle, late = (seconds[int(share * (len(seconds) - 1))] * 1e3 for share in (0.5, 0.95))
    verdict = "ok" if late <= BAR_MS else "over"
    print(f"  a query takes {middle:.0f} ms, p95 {late:.0f} ms, bar {BAR_MS} ms: {verdict}")
    print(f"  {_peak():,.0f} MB of memory at most, {before:,.0f} of it the guides and the benchmark itself")
    print(f"  recall@{TOP} of the graph against exact search {agreement(opened, queries[:100]):.3f}")
    opened.close()


def _peak() -> float:
    """Megabytes that this process held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


if __name__ == "__main__":
    run(int(sys.argv[1]) if len(sys.argv) > 1 else PASSAGES)
