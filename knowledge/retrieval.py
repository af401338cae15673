"""Finding the passages of the guides that answer a query, by meaning and by words together.

Vectors (Chroma, all-MiniLM-L6-v2) and BM25 each rank the passages; reciprocal rank fusion joins the ranks
(Cormack, Clarke and Buettcher, SIGIR 2009). Where the vectors are not there (still loading, a damaged index,
a read-only state folder, an embedder that died), the words alone answer and the result says so.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from knowledge.alike import POOL, distinct
from knowledge.calibration import PROBE, Scale
from knowledge.chunking import Chunk
from knowledge.corpus import Guide, Origin
from knowledge.coverage import is_covered
from knowledge.embedding import Embedder
from knowledge.errors import AdvisorError, UsageError
from knowledge.fusion import Ranking, fuse
from knowledge.guide_set import all_guides
from knowledge.home import home as default_home
from knowledge.index import IndexUnusableError, VectorIndex
from knowledge.index_fill import Progress
from knowledge.index_place import FolderIndex, IndexPlace, index_place
from knowledge.lexical import highest
from knowledge.query_text import cleaned
from knowledge.query_vectors import QueryVectors
from knowledge.reranking import Reranker, SecondReading
from knowledge.search_models import SearchModels, models_of
from knowledge.server_link import ChromaServerError
from knowledge.settings import load_settings
from knowledge.words import Words, open_words, passages_key

INDEX = "index"
"""Folder of the indexes in the state folder: that of all-MiniLM-L6-v2, and a folder for each other one."""
MAX_PASSAGES = 50
DEPTH = 60
"""How many passages of each ranking take part in the fusion."""

CLOSE_SECONDS = 2.0
RETRY_SECONDS = 60.0
"""After that a Chroma server that could not be used is tried again, in the background."""

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


def locator(passage: Passage) -> str:
    """The address of a passage in citations: `file#heading:first-last`."""
    first, last = passage.lines
    return f"{passage.file}#{passage.heading[-1] if passage.heading else ''}:{first}-{last}"


class Retriever:
    """Searches a set of guides. Safe to use from several threads."""

    def __init__(
        self,
        guides: Iterable[Guide],
        folder: Path,
        embedder: Embedder,
        *,
        place: IndexPlace | None = None,
        scale: Scale | None = None,
        reranker: Reranker | None = None,
        words: Path | None = None,
        sends_to: str | None = None,
    ) -> None:
        """Nothing is loaded before `prepare`, `warm` or the first search.

        Args:
            guides: what is searched.
            folder: the index folder.
            embedder: makes the vectors; closed with the retriever.
            place: where the vectors are; None for the index folder.
            scale: reads its cosines; None where they are those of all-MiniLM-L6-v2.
            reranker: reads the first passages again; closed with the retriever.
            words: folder of the words, which are the same for every embedder; None for `folder`.
            sends_to: who gets the texts that are embedded; None where they stay on this machine. With it the
                index is built by `prepare(build=True)` alone, because nothing is sent unasked.
        """
        self._guides = tuple(guides)
        self._folder = folder
        self._place = place or FolderIndex(folder)
        self.embedder = embedder
        self._store = words or folder
        self._second = SecondReading(reranker)
        self._scale = scale
        self._sends_to = sends_to
        self._queries = QueryVectors(embedder)
        self._corpus = passages_key(self._guides)
        self._lock = threading.Lock()
        self._words_lock = threading.Lock()
        self._held: Words | None = None
        self._index: VectorIndex | None = None
        self._trouble: str | None = None
        self._again: float | None = None
        self._thread: threading.Thread | None = None

    @property
    def ready(self) -> bool:
        """True when a search uses the vectors without waiting."""
        return self._index is not None and self.embedder.ready

    @property
    def trouble(self) -> str | None:
        """Why the vectors cannot be used, in one sentence; None while there is hope."""
        return self._trouble

    @property
    def tells_coverage(self) -> bool:
        """Whether the embedder has a say in whether the guides cover a query."""
        return self._scale is None or self._scale.tells

    @property
    def chunks(self) -> Sequence[Chunk]:
        """All passages, in reading order; each is read when it is asked for."""
        return self._words().passages

    def prepare(self, progress: Progress | None = None, *, build: bool = False) -> None:
        """Opens the index, building it where it is missing, old or damaged, and loads the models.

        Waits for all. Where one fails it does not raise: `trouble` says why, and words alone answer.

        Args:
            progress: called while the index is built.
            build: builds it also where the texts leave this machine for that.
        """
        try:
            self._place.check()
            self.embedder.warm()
            self._second.warm()
            chunks = self.chunks
            with self._lock:
                if self._index is None and chunks:
                    self._index = self._opened(chunks, progress, build or self._sends_to is None)
                if not self.embedder.ready:
                    self.embedder.embed_queries([PROBE])
                self._trouble = None
        except AdvisorError as error:
            self._trouble = error.message
            # A server may come back; what is wrong with this machine stays wrong.
            self._again = time.monotonic() + RETRY_SECONDS if isinstance(error, ChromaServerError) else None
        self._second.load()

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
        words, notices = cleaned(query)
        by_words = self._by_words(words)
        by_meaning, notice = self._by_meaning(words)
        if notice:
            notices.append(notice)
        held = self._words()
        count = min(k, MAX_PASSAGES)
        fused = fuse([by_words] if by_meaning is None else [by_words, by_meaning])
        fused, notice = self._second.order(words, fused, self._text)
        if notice:
            notices.append(notice)
        near = ((held.passages[number], score) for number, score in fused[: count + POOL])
        ranked = distinct(list(near), count)
        found = [chunk for chunk, _ in ranked]
        similarity = None if by_meaning is None else self._similarity(by_meaning.told)
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
        words = []
        for query in queries:
            with contextlib.suppress(UsageError):
                words.append(cleaned(query)[0])
        self._queries.expect(words)

    def rankings(self, query: str) -> tuple[Ranking, Ranking | None]:
        """Both halves of the search before they are joined, by words and by meaning, for benchmarks."""
        words, _ = cleaned(query)
        return self._by_words(words), self._by_meaning(words)[0]

    def reranked(self, query: str, fused: Sequence[tuple[int, float]]) -> list[tuple[int, float]] | None:
        """The order that the reranker makes of joined rankings, for benchmarks; None where there is none."""
        return self._second.order(cleaned(query)[0], fused, self._text)[0] if self._second.ready else None

    def close(self) -> None:
        """Ends the models' processes and lets go of the index."""
        self.embedder.close()
        self._second.close()
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
                self._held = open_words(self._store, self._corpus, self._guides)
                # Their text is in the store now; that of a hundred thousand passages need not be held twice.
                self._guides = ()
            return self._held

    def _opened(self, chunks: Sequence[Chunk], progress: Progress | None, build: bool) -> VectorIndex:
        # An embedder that cannot be used at all says so here, before there is talk of the index.
        _ = self.embedder.name
        try:
            return self._scaled(self._place.open(self._corpus, self.embedder))
        except IndexUnusableError as error:
            if not build:
                raise IndexUnusableError(
                    f"{error.message} Build it with `llm-advisor guides index`, "
                    f"which sends the guides to {self._sends_to}."
                ) from None
            self._place.build(chunks, self._corpus, self.embedder, progress)
            return self._scaled(self._place.open(self._corpus, self.embedder))

    def _scaled(self, index: VectorIndex) -> VectorIndex:
        """The index, with the scale of its embedder."""
        if self._scale is not None:
            try:
                self._scale.fit(self.embedder, index)
            except AdvisorError:
                index.close()
                raise
        return index

    def _by_words(self, words: str) -> Ranking:
        return Ranking(highest(self._words().lexical.scores(words), DEPTH))

    def _by_meaning(self, words: str) -> tuple[Ranking | None, str | None]:
        index = self._index
        if self._trouble is not None:
            if self._again is not None and time.monotonic() > self._again:
                self.warm()
            return None, f"Searched by words alone: {self._trouble}"
        if index is None or not self.embedder.ready:
            self.warm()
            return None, LOADING
        try:
            found = index.nearest(self._queries.vector(words), DEPTH)
        except AdvisorError as error:
            return None, f"Searched by words alone: {error.message}"
        place = self._words().place
        hits = ((place(name), score) for name, score in found.hits)
        kept = tuple((number, score) for number, score in hits if number is not None)
        return Ranking(kept, found.told), None

    def _text(self, number: int) -> str:
        chunk = self.chunks[number]
        return "\n".join((*chunk.heading, chunk.text))

    def _similarity(self, cosine: float) -> float | None:
        return cosine if self._scale is None else self._scale.similarity(cosine)


def open_retriever(
    home: Path | None = None,
    *,
    wait: bool = True,
    guides: Iterable[Guide] | None = None,
    embedder: Embedder | None = None,
    offline: bool = False,
    progress: Progress | None = None,
) -> Retriever:
    """A retriever over guides, with its index in the state folder.

    Args:
        home: the state folder; None for the usual one.
        wait: build what is missing and load the models first. Without it everything loads in the background
            and searches answer by words until then.
        guides: None for the shipped ones and those that the person added.
        embedder: None for the one that is set. The retriever closes it.
        offline: opens no connection: an embedder behind an API and a Chroma server are not used, and words
            alone answer then.
        progress: called while an index is built, without `wait` from another thread.

    Raises:
        UsageError: the settings cannot be read.
    """
    state = home or default_home()
    found = all_guides(state) if guides is None else guides
    settings = load_settings()
    if embedder is not None:
        folder = state / INDEX
        place = index_place(settings, folder, offline=offline)
        retriever = Retriever(found, folder, embedder, place=place)
    else:
        retriever = retriever_of(models_of(settings, offline=offline), found, state, offline=offline)
    if wait:
        retriever.prepare(progress)
    else:
        retriever.warm(progress)
    return retriever


def retriever_of(
    models: SearchModels, guides: Iterable[Guide], home: Path, *, offline: bool = False
) -> Retriever:
    """A retriever that uses the given models; nothing is loaded yet."""
    folder = home / INDEX / models.folder
    return Retriever(
        guides,
        folder,
        models.embedder,
        place=index_place(load_settings(), folder, offline=offline),
        scale=Scale(folder) if models.folder else None,
        reranker=models.reranker,
        words=home / INDEX,
        sends_to=models.sends_to,
    )


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
