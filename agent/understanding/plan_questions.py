"""Which plan a sentence asks for: tokens, fine-tuning, pretraining, costs, a retrieval stack, a new base."""

from __future__ import annotations

import re
from functools import cache

from agent.understanding.data import load

_GAP = re.compile(r"<(\d+)>")
"""A blank with up to so many words in between."""


@cache
def _unless() -> re.Pattern[str]:
    return _union(load("plan_questions")["unless"])


@cache
def _asks() -> re.Pattern[str]:
    return _union(load("plan_questions")["asks"])


@cache
def _topics() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((row["topic"], _union(row["patterns"])) for row in load("plan_questions")["topics"])


def _union(patterns: list[str]) -> re.Pattern[str]:
    words = "|".join(f"(?:{_GAP.sub(_gap, pattern)})" for pattern in patterns)
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)")


def _gap(found: re.Match[str]) -> str:
    return rf"[,;:]?(?: [\w,.:;'+&%$\u20ac/-]+){{0,{found[1]}}} "


def plan_question(said: str, *, asks: bool) -> str | None:
    """The topic of a plan that a sentence asks about (`tokens.exchanges`); None where it asks for none.

    Args:
        said: the sentence, lowered.
        asks: it ends with a question mark or begins like a question.
    """
    if not asks and _asks().search(said) is None:
        return None
    if _unless().search(said) is not None:
        return None
    return next((topic for topic, words in _topics() if words.search(said)), None)
