"""Whether the guides answer a query at all, or hold only something that sounds near."""

from __future__ import annotations

from collections.abc import Sequence

from knowledge.chunking import Chunk
from knowledge.lexical import LexicalIndex, concepts, content_words, document_tokens

OVERLAP_SHARE = 0.4
UNKNOWN_SHARE = 0.4
LEAST_EVIDENCE = 0.53
"""Cosine, plus this share of the overlap, minus this share of the words that no guide holds: near the best
line through the labeled queries of knowledge/evaluation (`make bench` prints what it gets wrong)."""
LEAST_OVERLAP = 0.45
"""Where only words were searched."""


def overlap(query: str, chunks: Sequence[Chunk], lexical: LexicalIndex) -> float:
    """The share of the query's words, weighted by rarity, that the best of the passages holds; 0 to 1.

    A word also counts, at half, when the passage names the same concept by another word.
    """
    words = content_words(query)
    total = sum(lexical.rarity(word) for word in words)
    if not total:
        return 0.0
    best = 0.0
    for chunk in chunks:
        held = set(document_tokens(chunk))
        score = sum(
            lexical.rarity(word)
            * (1.0 if word in held else 0.5 if not held.isdisjoint(concepts(word)) else 0.0)
            for word in words
        )
        best = max(best, score / total)
    return best


def unknown(query: str, lexical: LexicalIndex) -> float:
    """The share of the query's words, weighted by rarity, that stand in no guide under any name; 0 to 1."""
    words = content_words(query)
    total = sum(lexical.rarity(word) for word in words)
    absent = [
        word for word in words if not lexical.tells(word) and not any(map(lexical.tells, concepts(word)))
    ]
    return sum(lexical.rarity(word) for word in absent) / total if total else 0.0


def is_covered(query: str, chunks: Sequence[Chunk], lexical: LexicalIndex, similarity: float | None) -> bool:
    """True where the passages found answer the query.

    `similarity` is the best cosine between the query and a passage's own words, None when only words were
    searched.
    """
    if not chunks:
        return False
    shared, strange = overlap(query, chunks, lexical), UNKNOWN_SHARE * unknown(query, lexical)
    if similarity is None:
        return shared - strange >= LEAST_OVERLAP
    return similarity + OVERLAP_SHARE * shared - strange >= LEAST_EVIDENCE
