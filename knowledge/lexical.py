"""The words half of the search: BM25 over tokens that keep model names, quantizations and sizes whole.

`Llama-3.1-8B` gives `llama-3.1-8b` and its parts, `RTX 3090` also `rtx3090`, `24 GB` also `24gb`,
`32K` also `32768`; words are stemmed.
Spellings of one concept (`terms.json`) share a token that counts less than the words.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
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
    """BM25 over passages; built in memory in well under a second, so it is never stored."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        import bm25s

        documents = [document_tokens(chunk) for chunk in chunks]
        self._vocabulary: dict[str, int] = {}
        for document in documents:
            for token in set(document):
                self._vocabulary[token] = self._vocabulary.get(token, 0) + 1
        self._size = len(documents)
        self._bm25: Any = None
        if self._vocabulary:
            self._bm25 = bm25s.BM25(k1=1.2, b=0.5, method="lucene")
            self._bm25.index([document or [""] for document in documents], show_progress=False)

    def scores(self, query: str) -> NDArray[np.float32]:
        """A score for every passage, 0 where nothing matches."""
        import numpy as np

        total = np.zeros(self._size, dtype=np.float32)
        for token, weight in self._weights(query).items():
            total += weight * np.asarray(self._bm25.get_scores([token]), dtype=np.float32)
        return total

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

    def holds(self, token: str) -> bool:
        """Whether any passage holds a token."""
        return token in self._vocabulary

    def rarity(self, token: str) -> float:
        """Inverse document frequency of a token; the highest for one that no passage holds."""
        import math

        count = self._vocabulary.get(token, 0)
        return math.log(1 + (self._size - count + 0.5) / (count + 0.5))


def document_tokens(chunk: Chunk) -> list[str]:
    """The tokens of a passage with its headings."""
    title, own = chunk.heading[0], "\n".join(chunk.heading[1:])
    words = tokenize(title) + tokenize(own) * HEADING_WEIGHT + tokenize(chunk.text)
    return words + concepts("\n".join((own, chunk.text)))


def _groups(text: str, ignored: frozenset[str] = frozenset()) -> Iterator[tuple[str, list[str]]]:
    """The stem of each word, and all tokens that the word gives."""
    words = _words(text)
    for index, word in enumerate(words):
        if word in ignored:
            continue
        previous = words[index - 1] if index else ""
        yield _stem(word), list(dict.fromkeys(_expanded(word, previous)))


def _words(text: str) -> list[str]:
    # Lower-cased last: compatibility forms (a mathematical bold A) only become letters by the normalization.
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
    return _Field(frozenset(data["stop_words"].split()), spellings, max(map(len, spellings), default=0))
