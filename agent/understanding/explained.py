"""Whether the built-in parser explains a whole message, so that no language model need read it.

A request costs seconds and, behind an API, money; most answers are short and read completely without one.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from agent.understanding.data import load
from agent.understanding.text import prepare
from agent.understanding.types import Asked, Understanding

SETTLED = ("no_preference", "recommend_now", "what_if", "critique", "greeting", "thanks", "help", "quit")
"""Intents that the parser only finds where the message says so in words that it knows."""
LEAST_FOREIGN_WORDS = 3
KNOWN_SHARE = 0.15
"""Share of function words below which a text is in none of the parser's languages."""
OTHER_SCRIPT_SHARE = 0.2
MOST_UNREAD = 2
"""Content words of a part of a sentence that may say nothing new."""
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_PART = re.compile(r"[,;:.!?\n]+(?=\s|$)|[\u3001\u3002\uff0c\uff1b\uff01\uff1f]")


@cache
def _function_words() -> frozenset[str]:
    data = load("function_words")
    return frozenset(data["english"]) | frozenset(data["german"])


def is_foreign(message: str) -> bool:
    """Whether a message is in a language that the parser was not written for."""
    letters = [char for char in message if char.isalpha()]
    other = sum(not unicodedata.name(char, "").startswith("LATIN") for char in letters)
    if letters and other / len(letters) >= OTHER_SCRIPT_SHARE:
        return True
    # Names in capitals are spelled alike everywhere: "RTX 3090" is no English.
    words = [w.lower() for w in _WORD.findall(message) if len(w) == 1 or not w.isupper()]
    if len(words) < LEAST_FOREIGN_WORDS:
        return False
    return sum(word in _function_words() for word in words) / len(words) < KNOWN_SHARE


def left_unread(message: str, read: Understanding, asked: Asked | None) -> bool:
    """Whether a message may say more than the parser read in it.

    Args:
        message: what the person wrote.
        read: the parser's reading.
        asked: the pending question.
    """
    if read.intent in SETTLED or read.option is not None or read.plan is not None:
        return False
    if is_foreign(message):
        return True
    if read.intent == "ask" and not read.updates:
        return False  # the question goes to the model as it is
    if asked is not None and asked.slot not in read.updates and read.intent != "ask":
        return True
    if not read.updates and not read.cleared and read.question is None:
        return True
    return any(not _is_read(part, read) for part in _parts(message))


def _parts(message: str) -> list[str]:
    """Parts of sentences that say enough to hold a need."""
    parts = _PART.split(prepare(message).clean)
    return [part for part in parts if len(_content(part)) > MOST_UNREAD]


def _content(text: str) -> list[str]:
    return [w for w in _WORD.findall(text.lower()) if len(w) > 2 and w not in _function_words()]


def _is_read(part: str, read: Understanding) -> bool:
    """Whether something was read in a part, or it belongs to a question."""
    words = _squeezed(part)
    quotes = [said.quote for said in read.updates.values()]
    named = [*read.mentions.families, *read.mentions.accelerators, read.question or ""]
    known = [one for one in map(_squeezed, (*quotes, *named)) if one]
    return any(one in words or words in one for one in known)


def _squeezed(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())
