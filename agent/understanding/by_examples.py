"""The task of an answer by its nearest labeled examples, for wording that the lexicon does not know.

Nearness is the cosine of shared words, weighted by how rare they are among the examples. The meanings of an
embedder were tried instead and named the task of no more messages: unasked, they found one wherever none was
said, and an answer would depend on whether the embedder had loaded yet.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from functools import cache

from agent.understanding.data import load

_NEIGHBORS = 2
_STEM = 6
"""Letters of a word that are compared; longer words differ by endings mostly."""


def nearest_by_words(text: str) -> tuple[str, float]:
    """The task whose examples share the most telling words with a text, and how much (0 to 1)."""
    rarity, examples = _word_vectors()
    query = _weighted(text, rarity)
    norm = math.sqrt(sum(w * w for w in query.values())) or 1.0
    return _nearest(
        (task, sum(weight * vector.get(word, 0.0) for word, weight in query.items()) / norm)
        for task, vector in examples
    )


def _nearest(scored: Iterable[tuple[str, float]]) -> tuple[str, float]:
    by_task: dict[str, list[float]] = {}
    for task, score in scored:
        by_task.setdefault(task, []).append(score)
    means = {
        task: sum(sorted(scores, reverse=True)[:_NEIGHBORS]) / _NEIGHBORS for task, scores in by_task.items()
    }
    best = max(means, key=lambda task: means[task])
    return best, means[best]


def _labeled() -> list[tuple[str, str]]:
    examples: dict[str, list[str]] = load("examples")["examples"]
    return [(task, sentence) for task, sentences in examples.items() for sentence in sentences]


def _words(text: str) -> list[str]:
    stop = frozenset(load("examples")["stopwords"])
    return [word[:_STEM] for word in re.findall(r"[^\W\d_]{3,}", text.lower()) if word not in stop]


@cache
def _word_vectors() -> tuple[dict[str, float], tuple[tuple[str, dict[str, float]], ...]]:
    labeled = _labeled()
    seen = Counter(word for _, sentence in labeled for word in set(_words(sentence)))
    rarity = {word: math.log(len(labeled) / count) for word, count in seen.items()}
    vectors = []
    for task, sentence in labeled:
        vector = _weighted(sentence, rarity)
        norm = math.sqrt(sum(w * w for w in vector.values())) or 1.0
        vectors.append((task, {word: weight / norm for word, weight in vector.items()}))
    return rarity, tuple(vectors)


def _weighted(text: str, rarity: dict[str, float]) -> dict[str, float]:
    return {word: rarity[word] for word in _words(text) if word in rarity}
