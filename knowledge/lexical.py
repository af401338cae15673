"""The words half of the search: BM25 over tokens that keep model names, quantizations and sizes whole.

`Llama-3.1-8B` gives `llama-3.1-8b` and its parts, `RTX 3090` also `rtx3090`, `24 GB` also `24gb`,
`32K` also `32768`; words are stemmed.
Spellings of one concept (`terms.json`) share a token that counts less than the words.
"""

from __future__ import annotations

import json
import re
import unicodedata
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knowledge.chunking import Chunk

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CONCEPT_WEIGHT = 0.6
HEADING_WEIGHT = 2
"""How often a word of the passage's own headings counts; the guide's title counts once."""
_TERMS = Path(__file__).resolve().parent / "terms.json"
_CONCEPT = "@"

_WORD = re.compile(r"[^\W_]+(?:[._\-/+:'][^\W_]+)*(?:\+\+|#|%)?")
_PART = re.compile(r"[^\W_]+")
_GLUED = re.compile(r"^(\d+(?:[.,]\d+)?)([a-z]+)$")
_NUMBER = re.compile(r"^\d+(?:\.\d+)?$")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_UNITS = {
    "gb": "gb", "gib": "gb", "gigabyte": "gb", "gigabytes": "gb", "g": "gb",
    "mb": "mb", "mib": "mb", "megabyte": "mb", "megabytes": "mb",
    "tb": "tb", "b": "b", "bn": "b", "billion": "b", "m": "m", "million": "m", "k": "k", "thousand": "k",
    "bit": "bit", "bits": "bit", "percent": "%",
}  # fmt: skip
_SERIES = {"rtx", "gtx", "rx", "gt", "tesla", "quadro", "radeon", "geforce", "instinct", "arc"}


def tokenize(text: str) -> list[str]:
    """The tokens of a text, in order: exact names, their parts, joined units, stems."""
    return [token for _, tokens in _groups(text, _field().stop_words) for token in tokens]


def concepts(text: str) -> list[str]:
    """The concepts of the field that a text names, one token a mention."""
    stems = [stem for stem, _ in _groups(text)]
    field = _field()
    found: list[str] = []
    at = 0
    while at < len(stems):
        if stems[at] not in field.first:
            at += 1
            continue
        for size in range(min(field.longest, len(stems) - at), 0, -1):
            names = field.spellings.get(tuple(stems[at : at + size]))
            if names:
                found += names
                at += size - 1
                break
        at += 1
    return found


def content_words(text: str) -> list[str]:
    """One token for every word of `text` that says what it is about, repeats left out."""
    return list(dict.fromkeys(stem for stem, _ in _groups(text, _field().stop_words)))


class LexicalIndex:
    """BM25 over passages: the score of every token in every passage, computed once, as a sparse matrix.

    It can be stored and opened again without cutting the passages into tokens.
    """

    def __init__(self, chunks: Iterable[Chunk]) -> None:
        ids: dict[str, int] = {}
        told: set[str] = set()
        # Numbers in one array, not strings in lists: a hundred thousand passages have twenty million tokens.
        tokens, ends = array("i"), array("q", [0])
        for chunk in chunks:
            words = passage_tokens(chunk)
            told.update(words)
            for token in (*words, *tokenize(chunk.asked)):
                tokens.append(ids.setdefault(token, len(ids)))
            ends.append(len(tokens))
        self._vocabulary = ids
        self._only_asked = frozenset(ids) - told
        self._size = len(ends) - 1
        self._scores, self._passages, self._starts = _bm25(_Documents(tokens, ends), ids)

    def save(self, folder: Path) -> None:
        """Writes it into an existing folder.

        Raises:
            OSError: the folder cannot be written.
        """
        import numpy as np

        np.save(folder / "scores.npy", self._scores)
        np.save(folder / "passages.npy", self._passages)
        np.save(folder / "starts.npy", self._starts)
        record = {
            "size": self._size,
            "only_asked": sorted(self._only_asked),
            "tokens": list(self._vocabulary),
        }
        (folder / "vocabulary.json").write_text(json.dumps(record, ensure_ascii=True), encoding="ascii")

    @classmethod
    def load(cls, folder: Path) -> LexicalIndex:
        """Opens what `save` wrote; the matrix stays on disk and is mapped into memory.

        Raises:
            OSError, ValueError, TypeError, KeyError: it is not there, or it is damaged.
        """
        import numpy as np

        index = cls.__new__(cls)
        record = json.loads((folder / "vocabulary.json").read_text(encoding="ascii"))
        index._size = int(record["size"])
        index._only_asked = frozenset(record["only_asked"])
        index._vocabulary = {token: number for number, token in enumerate(record["tokens"])}
        index._scores, index._passages, index._starts = (
            np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
            for name in ("scores", "passages", "starts")
        )
        if len(index._starts) != len(index._vocabulary) + 1 or len(index._scores) != len(index._passages):
            raise ValueError("the word index does not hold what it says")
        return index

    def scores(self, query: str) -> NDArray[np.float32]:
        """A score for every passage, 0 where nothing matches."""
        import numpy as np

        total = np.zeros(self._size, dtype=np.float32)
        for token, weight in self._weights(query).items():
            held = self._holding(token)
            # No passage stands twice in the list of a token, so that adding by index is right.
            total[self._passages[held]] += weight * self._scores[held]
        return total

    def _holding(self, token: str) -> slice:
        """Where the matrix holds the passages of a known token."""
        number = self._vocabulary[token]
        return slice(int(self._starts[number]), int(self._starts[number + 1]))

    def _weights(self, query: str) -> dict[str, float]:
        """What each token of the query counts: 1 for a word, as much again for all its parts together."""
        weights: dict[str, float] = {}
        for stem, tokens in _groups(query, _field().stop_words):
            known = [token for token in tokens if token in self._vocabulary]
            share = 1 / max(1, len(known) - (stem in known))
            for token in known:
                weights[token] = max(weights.get(token, 0.0), 1.0 if token == stem else share)
        named = (concept for concept in concepts(query) if concept in self._vocabulary)
        return {**weights, **dict.fromkeys(named, CONCEPT_WEIGHT)}

    def tells(self, token: str) -> bool:
        """Whether any passage holds a token in its own words."""
        return token in self._vocabulary and token not in self._only_asked

    def rarity(self, token: str) -> float:
        """Inverse document frequency of a token; the highest for one that no passage holds."""
        import math

        held = self._holding(token) if token in self._vocabulary else slice(0, 0)
        count = held.stop - held.start
        return math.log(1 + (self._size - count + 0.5) / (count + 0.5))


@dataclass(frozen=True, slots=True)
class _Documents:
    """The tokens of each passage by number, made into a list only while it is looked at."""

    tokens: array[int]
    ends: array[int]

    def __len__(self) -> int:
        return len(self.ends) - 1

    def __iter__(self) -> Iterator[list[int]]:
        for first, last in pairwise(self.ends):
            yield self.tokens[first:last].tolist()


def _bm25(documents: _Documents, vocabulary: dict[str, int]) -> tuple[Any, Any, Any]:
    """Scores, their passages, and where the list of each token starts: a matrix by columns of tokens."""
    import numpy as np

    if not vocabulary:
        return np.zeros(0, np.float32), np.zeros(0, np.int32), np.zeros(1, np.int64)
    import bm25s

    index = bm25s.BM25(k1=1.2, b=0.5, method="lucene")
    made = index.build_index_from_ids(list(vocabulary.values()), documents, show_progress=False)
    return made["data"], made["indices"], made["indptr"]


def document_tokens(chunk: Chunk) -> list[str]:
    """The tokens that a passage is found by: its own, and those of the questions that it answers."""
    return passage_tokens(chunk) + tokenize(chunk.asked)


def passage_tokens(chunk: Chunk) -> list[str]:
    """The tokens of a passage's own words and headings."""
    title, own = chunk.heading[0], "\n".join(chunk.heading[1:])
    words = tokenize(title) + tokenize(own) * HEADING_WEIGHT + tokenize(chunk.text)
    return words + concepts("\n".join((own, chunk.text)))


def highest(scores: NDArray[np.float32], count: int) -> tuple[tuple[int, float], ...]:
    """The `count` highest scores above 0 with their places, highest first; of equal ones the later place."""
    import numpy as np

    held = np.arange(len(scores))
    if len(scores) > count:
        # Sorting all of a hundred thousand for the sake of a few would take most of a query's time.
        least = np.partition(scores, len(scores) - count)[len(scores) - count]
        held = np.flatnonzero(scores >= max(least, np.finfo(np.float32).tiny))
    best = held[scores[held].argsort(kind="stable")[::-1]][:count]
    return tuple((int(number), float(scores[number])) for number in best if scores[number] > 0)


def _groups(text: str, ignored: frozenset[str] = frozenset()) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The stem of each word, and all tokens that the word gives."""
    words = _words(text)
    for index, word in enumerate(words):
        if word in ignored:
            continue
        previous = words[index - 1] if index else ""
        # Only a number or a series before a word changes what it gives.
        joined = previous in _SERIES or _NUMBER.match(previous) is not None
        yield _stem(word), _tokens(word, previous if joined else "")


@lru_cache(maxsize=50_000)
def _tokens(word: str, previous: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_expanded(word, previous)))


def _words(text: str) -> list[str]:
    # Lower-cased last: compatibility forms (a mathematical bold A) only become letters by the normalization.
    if text.isascii():
        folded = text.lower()
    else:
        folded = unicodedata.normalize("NFKD", text.replace("\u00d7", "x")).lower()
        folded = "".join(char for char in folded if not unicodedata.combining(char))
    return _WORD.findall(_THOUSANDS.sub("", folded))


def _expanded(word: str, previous: str) -> Iterator[str]:
    parts = _PART.findall(word)
    if parts != [word]:
        yield word
    if len(parts) > 1:
        yield "".join(parts)
    for part in parts:
        glued = _GLUED.match(part)
        if glued:
            yield from _sized(glued[1], glued[2])
        yield _stem(part)
    if previous in _SERIES and word[:1].isdigit():
        yield previous + word
    unit = _UNITS.get(word)
    if unit and _NUMBER.match(previous):
        yield from _sized(previous, unit)
    yield _stem(word)


def _sized(number: str, unit: str) -> Iterator[str]:
    """`24`, `gib` -> `24gb`; `32`, `k` -> `32k`, `32768`, `32000`."""
    known = _UNITS.get(unit)
    if known is None:
        return
    yield number + known
    if known == "k" and number.isdigit() and len(number) < 7:
        yield str(int(number) * 1024)
        yield str(int(number) * 1000)


@lru_cache(maxsize=20_000)
def _stem(word: str) -> str:
    return _stemmer()(word)


@lru_cache(maxsize=1)
def _stemmer() -> Callable[[str], str]:
    import Stemmer

    stem: Callable[[str], str] = Stemmer.Stemmer("english").stemWord
    return stem


@dataclass(frozen=True, slots=True)
class _Field:
    """The vocabulary of the field, from terms.json."""

    stop_words: frozenset[str]
    spellings: dict[tuple[str, ...], tuple[str, ...]]
    """The stems of a spelling -> the concepts it can mean."""
    longest: int
    """Stems in the longest spelling."""
    first: frozenset[str]
    """The first stem of every spelling."""


@lru_cache(maxsize=1)
def _field() -> _Field:
    data = json.loads(_TERMS.read_text(encoding="utf-8"))
    groups: Sequence[Sequence[str]] = data["groups"]
    spellings: dict[tuple[str, ...], tuple[str, ...]] = {}
    for group in groups:
        concept = _CONCEPT + group[0]
        for spelling in group:
            stems = tuple(stem for stem, _ in _groups(spelling))
            if concept not in spellings.get(stems, ()):
                spellings[stems] = (*spellings.get(stems, ()), concept)
    return _Field(
        frozenset(data["stop_words"].split()),
        spellings,
        max(map(len, spellings), default=0),
        frozenset(stems[0] for stems in spellings),
    )
