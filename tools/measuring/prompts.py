"""Prompts of a wanted length that no cache has seen.

A server keeps the beginning of earlier prompts and answers a prompt with the same beginning sooner. So every
prompt begins with words of its own: of this run, and of its place in it. What the chat template puts before
them is the same each time, a few tokens, and may come from the cache.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from knowledge.catalog.tokens import word_set

WORDS = sorted(
    word_set(
        "time year people way day man thing woman life child world school state family student group country "
        "problem hand part place case week company system program question work number night point home "
        "water room mother area money story fact month lot right study book eye job word business issue side "
        "kind head house service friend father power hour game line end member law car city name "
        "president team minute idea body back parent face level office door health person art war history "
        "party result change morning reason research girl guy moment air teacher force education"
    )
)
"""Each is one token of the usual vocabularies."""
TASK = "Write a very long story in which all of these words occur, and do not stop:"
OPENING = 6
"""Words that no other prompt begins with."""


@dataclass(slots=True)
class Prompts:
    """Makes prompts; learns from the server's counts how many words a token is.

    Attributes:
        nonce: differs between runs, so that no run meets what another left in a cache.
        seed: decides all else.
    """

    nonce: int
    seed: int
    fixed: float = 0.0
    """Tokens of the chat template and the task."""
    per_word: float = 1.1
    made: int = 0

    def make(self, tokens: int) -> str:
        """A prompt of about so many tokens, the template's included."""
        count = max(OPENING, round((tokens - self.fixed) / self.per_word) - len(TASK.split()))
        return self.of_words(count)

    def of_words(self, count: int) -> str:
        """A prompt of so many words and the task."""
        self.made += 1
        opening = random.Random(f"{self.nonce} {self.made}").choices(WORDS, k=OPENING)
        rest = random.Random(f"{self.seed} {self.made}").choices(WORDS, k=max(0, count - OPENING))
        return " ".join([*opening, *rest, TASK])

    def learn(self, short: tuple[int, int], long: tuple[int, int]) -> None:
        """Takes in (words, tokens) of two prompts, the shorter first."""
        words, tokens = long[0] - short[0], long[1] - short[1]
        if words > 0 and tokens > 0:
            self.per_word = tokens / words
            self.fixed = max(0.0, short[1] - short[0] * self.per_word)
