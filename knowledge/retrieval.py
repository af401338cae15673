"""Finding the passages of the guides that answer a query, by meaning and by words together.

Vectors (Chroma, all-MiniLM-L6-v2) and BM25 each rank the passages; reciprocal rank fusion joins the ranks
(Cormack, Clarke and Buettcher, SIGIR 2009). Where the vectors are not there (still loading, a damaged index,
a read-only state folder, an embedder that died), the words alone answer and the result says so.
"""

from __future__ import annotations

import contextlib
import threading
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from knowledge.alike import POOL, distinct
from knowledge.chunking import Chunk
from knowledge.corpus import Guide, Origin
from knowledge.coverage import is_covered
from knowledge.embedding import ChildEmbedder, Embedder
from knowledge.errors import AdvisorError, UsageError
from knowledge.guide_set import all_guides
from knowledge.home import home as default_home
from knowledge.index import IndexUnusableError, VectorIndex, open_index
from knowledge.index_build import Progress, build_index
from knowledge.words import Words, open_words, passages_key

if TYPE_CHECKING:
    from concurrent.futures import Future

    import numpy as np
    from numpy.typing import NDArray

MAX_QUERY_CHARACTERS = 2_000
MAX_PASSAGES = 50
RRF_K = 3
"""Of 1 / (k + rank). The usual 60 is for the long rankings of web search; among some hundred passages, of
which one or two answer, the first places must count for more (`make bench` prints the figures)."""
MARGIN_SHARE = 0.5
"""How much the margins between passages count beside their ranks: a name that only one passage holds puts it
far ahead, which its rank does not tell."""
DEPTH = 60
"""How many passages of each ranking take part in the fusion."""

CLOSE_SECONDS = 2.0
TOGETHER = 32
"""Queries that are embedded together where several are known before they are asked."""

LOADING = "The embedder is still loading; these passages were found by their words alone."


@dataclass(frozen=True, slots=True)
class Passage:
    """One passage that was found."""

    text: str
    guide: str
    heading: tuple[str, ...]
    file: str
    lines: tuple[int, int]
    """First and last line in the file, 1-based and inclusive."""
    score: float
    """0 to 1: 1 where it leads every ranking. Only the order means something."""
    as_of: str | None = None
    origin: Origin = "shipped"
    provenance: str | None = None
    """Of an own guide: where it came from and when it was added, for a person."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a query found."""

    query: str
    passages: tuple[Passage, ...]
    covered: bool
    """False where the guides do not answer the query; the passages are then only the nearest there are."""
    notice: str | None = None
    """What the person should know: searched by words alone, query cut."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """What one half of the search says: passage numbers with its own score, best first."""

    hits: tuple[tuple[int, float], ...]
    told: float = 0.0
    """How near the nearest passage is by its own words alone."""

    @property
    def top(self) -> float:
        return self.hits[0][1] if self.hits else 0.0


def locator(passage: Passage) -> str:
    """The address of a passage in citations: `file#heading:first-last`."""
    first, last = passage.lines
    return f"{passage.file}#{passage.heading[-1] if passage.heading else ''}:{first}-{last}"


class Retriever:
    """Searches a set of guides. Safe to use from several threads."""

    def __init__(self, guides: Iterable[Guide], folder: Path, embedder: Embedder) -> None:
        """`folder` is the index folder; nothing is loaded before `prepare`, `warm` or the first search."""
        self._guides = tuple(guides)
        self._folder = folder
        self.embedder = embedder
        self._corpus = passages_key(self._guides)
        self._lock = threading.Lock()
        self._words_lock = threading.Lock()
        self._held: Words | None = None
        self._index: VectorIndex | None = None
        self._trouble: str | None = None
        self._thread: threading.Thread | None = None
        self._ahead_lock = threading.Lock()
        self._ahead: dict[str, tuple[Future[NDArray[np.float32]], int]] = {}

    @property
    def ready(self) -> bool:
        """True when a search uses the vectors without waiting."""
        return self._index is not None and self.embedder.ready

    @property
    def trouble(self) -> str | None:
        """Why the vectors cannot be used, in one sentence; None while there is hope."""
        return self._trouble

    @property
    def chunks(self) -> Sequence[Chunk]:
        """All passages, in reading order; each is read when it is asked for."""
        return self._words().passages

    def prepare(self, progress: Progress | None = None) -> None:
        """Opens the index, building it where it is missing, old or damaged, and loads the embedder.

        Waits for both. Where one fails it does not raise: `trouble` says why, and words alone answer.
        """
        self.embedder.warm()
        chunks = self.chunks
        with self._lock:
            try:
                if self._index is None and chunks:
                    self._index = self._opened(chunks, progress)
                self.embedder.embed(["ready"])
                self._trouble = None
            except AdvisorError as error:
                self._trouble = error.message

    def warm(self, progress: Progress | None = None) -> None:
        """Prepares in the background; searches answer by words until it is done."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(
                target=self.prepare, args=(progress,), name="retriever", daemon=True
            )
            self._thread.start()

    def search(self, query: str, k: int = 5) -> SearchResult:
        """The `k` best passages for `query`, best first.

        Raises:
            UsageError: the query holds nothing to search for, or `k` is not positive.
        """
        if k < 1:
            raise UsageError("The number of passages must be at least 1.", hint="For example: -k 5")
        words, notices = _cleaned(query)
        by_words = self._by_words(words)
        by_meaning, notice = self._by_meaning(words)
        if notice:
            notices.append(notice)
        held = self._words()
        count = min(k, MAX_PASSAGES)
        fused = fuse([by_words] if by_meaning is None else [by_words, by_meaning])[: count + POOL]
        ranked = distinct([(held.passages[number], score) for number, score in fused], count)
        found = [chunk for chunk, _ in ranked]
        similarity = None if by_meaning is None else by_meaning.told
        return SearchResult(
            query=query,
            passages=tuple(_passage(chunk, score) for chunk, score in ranked),
            covered=is_covered(words, found, held.lexical, similarity),
            notice=" ".join(notices) or None,
        )

    def expect(self, queries: Iterable[str]) -> None:
        """Embeds queries that will be asked next, many at a time and in the background.

        Each of them is then answered as it would be without; what cannot be searched for is passed over.
        """
        if not self.ready:
            return
        from concurrent.futures import Future

        words = []
        for query in queries:
            with contextlib.suppress(UsageError):
                words.append(_cleaned(query)[0])
        words = list(dict.fromkeys(words))
        batches: list[tuple[list[str], Future[NDArray[np.float32]]]] = [
            (words[start : start + TOGETHER], Future()) for start in range(0, len(words), TOGETHER)
        ]
        with self._ahead_lock:
            self._ahead = {text: (made, row) for batch, made in batches for row, text in enumerate(batch)}
        threading.Thread(target=self._read_ahead, args=(batches,), name="queries", daemon=True).start()

    def _read_ahead(self, batches: Iterable[tuple[list[str], Future[NDArray[np.float32]]]]) -> None:
        for texts, made in batches:
            try:
                made.set_result(self.embedder.embed(texts))
            except Exception as error:
                made.set_exception(error)

    def rankings(self, query: str) -> tuple[Ranking, Ranking | None]:
        """Both halves of the search before they are joined, by words and by meaning, for benchmarks."""
        words, _ = _cleaned(query)
        return self._by_words(words), self._by_meaning(words)[0]

    def close(self) -> None:
        """Ends the embedder and lets go of the index."""
        self.embedder.close()
        # Whoever prepares may be waiting for another process that builds; that must not hold up an exit.
        if self._lock.acquire(timeout=CLOSE_SECONDS):
            try:
                if self._index is not None:
                    self._index.close()
                    self._index = None
            finally:
                self._lock.release()

    def _words(self) -> Words:
        with self._words_lock:
            if self._held is None:
                self._held = open_words(self._folder, self._corpus, self._guides)
                # Their text is in the store now; that of a hundred thousand passages need not be held twice.
                self._guides = ()
            return self._held

    def _opened(self, chunks: Sequence[Chunk], progress: Progress | None) -> VectorIndex:
        try:
            return open_index(self._folder, self._corpus, self.embedder)
        except IndexUnusableError:
            build_index(self._folder, chunks, self._corpus, self.embedder, progress)
            return open_index(self._folder, self._corpus, self.embedder)

    def _by_words(self, words: str) -> Ranking:
        return Ranking(_best(self._words().lexical.scores(words)))

    def _by_meaning(self, words: str) -> tuple[Ranking | None, str | None]:
        index = self._index
        if self._trouble is not None:
            return None, f"Searched by words alone: {self._trouble}"
        if index is None or not self.embedder.ready:
            self.warm()
            return None, LOADING
        try:
            found = index.nearest(self._vector(words)[0], DEPTH)
        except AdvisorError as error:
            return None, f"Searched by words alone: {error.message}"
        place = self._words().place
        hits = ((place(name), score) for name, score in found.hits)
        kept = tuple((number, score) for number, score in hits if number is not None)
        return Ranking(kept, found.told), None

    def _vector(self, words: str) -> NDArray[np.float32]:
        """The vector of a query as the only row of a matrix."""
        with self._ahead_lock:
            ahead = self._ahead.pop(words, None)
        if ahead is None:
            return self.embedder.embed([words])
        made, row = ahead
        return made.result()[row : row + 1]


def open_retriever(
    home: Path | None = None,
    *,
    wait: bool = True,
    guides: Iterable[Guide] | None = None,
    embedder: Embedder | None = None,
    progress: Progress | None = None,
) -> Retriever:
    """A retriever over guides, with its index in the state folder.

    Args:
        home: the state folder; None for the usual one.
        wait: build what is missing and load the embedder first. Without it everything loads in the background
            and searches answer by words until then.
        guides: None for the shipped ones and those that the person added.
        embedder: None for the local one in a child process. The retriever closes it.
        progress: called while an index is built, without `wait` from another thread.
    """
    state = home or default_home()
    found = all_guides(state) if guides is None else guides
    retriever = Retriever(found, state / "index", embedder or ChildEmbedder())
    if wait:
        retriever.prepare(progress)
    else:
        retriever.warm(progress)
    return retriever


def fuse(rankings: Sequence[Ranking]) -> list[tuple[int, float]]:
    """Reciprocal rank fusion with margins; scaled so that leading all rankings gives 1.

    Each ranking gives a passage 1 / (k + rank), and its place between the ranking's lowest and highest score.
    """
    scores: dict[int, float] = {}
    for ranking in rankings:
        low = min((score for _, score in ranking.hits), default=0.0)
        spread = ranking.top - low
        for rank, (number, score) in enumerate(ranking.hits, 1):
            by_rank = (RRF_K + 1) / (RRF_K + rank)
            by_margin = (score - low) / spread if spread > 0 else 1.0
            gain = (1 - MARGIN_SHARE) * by_rank + MARGIN_SHARE * by_margin
            scores[number] = scores.get(number, 0.0) + gain / len(rankings)
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


def _best(scores: NDArray[np.float32]) -> tuple[tuple[int, float], ...]:
    """The highest scores above 0 with their places, highest first; of equal ones the later place."""
    import numpy as np

    held = np.arange(len(scores))
    if len(scores) > DEPTH:
        # Sorting all of a hundred thousand for the sake of sixty would take most of a query's time.
        least = np.partition(scores, len(scores) - DEPTH)[len(scores) - DEPTH]
        held = np.flatnonzero(scores >= max(least, np.finfo(np.float32).tiny))
    best = held[scores[held].argsort(kind="stable")[::-1]][:DEPTH]
    return tuple((int(number), float(scores[number])) for number in best if scores[number] > 0)


def _cleaned(query: str) -> tuple[str, list[str]]:
    """The query without control characters and of bounded length, and what to say about that."""
    kept = "".join(
        " " if unicodedata.category(char)[0] == "C" else char for char in query[: MAX_QUERY_CHARACTERS * 4]
    )
    words = " ".join(kept.split())
    notices = []
    if len(words) > MAX_QUERY_CHARACTERS or len(query) > MAX_QUERY_CHARACTERS * 4:
        words = words[:MAX_QUERY_CHARACTERS].rpartition(" ")[0] or words[:MAX_QUERY_CHARACTERS]
        notices.append(f"Only the first {MAX_QUERY_CHARACTERS:,} characters of the query were used.")
    if not any(char.isalnum() for char in words):
        raise UsageError(
            "The query is empty.",
            hint="Ask in a few words, for example: how much memory does a 70B model need",
        )
    return words, notices


def _passage(chunk: Chunk, score: float) -> Passage:
    return Passage(
        text=chunk.text,
        guide=chunk.guide,
        heading=chunk.heading,
        file=chunk.file,
        lines=(chunk.first_line, chunk.last_line),
        score=round(score, 4),
        as_of=chunk.as_of,
        origin=chunk.origin,
        provenance=chunk.provenance,
    )
