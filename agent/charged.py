"""Claims without a figure that would change what a person decides: forbidden, free, unsafe, the best.

Figures, names and licenses are held against the evidence one by one (`agent.grounding`); a sentence such as
"it has a backdoor" holds none of them. Its topics and their words are in `agent/data/charged_words.json`.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from agent.naming import meant, mentions

_SENTENCE = re.compile(r"[^\n]+?(?:[.!?](?=\s|$)|[\u3002\uff01\uff1f]|$)", re.MULTILINE)
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_DOT = re.compile(r"(?<=\w)\s?[\[({]\s?(?:\.|dot|punkt|point)\s?[\])}]\s?(?=\w)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Charged:
    """A word of a topic in a text."""

    topic: str
    words: str
    models: frozenset[str]
    """The model that it is said of: the nearest name in its sentence."""


@dataclass(frozen=True, slots=True)
class _Words:
    topics: dict[str, re.Pattern[str]]
    of_a_model: frozenset[str]
    never_foreign: frozenset[str]
    spelled: re.Pattern[str]


@cache
def _words() -> _Words:
    text = resources.files("agent").joinpath("data", "charged_words.json").read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text)
    numbers, units = "|".join(data["numbers"]), "|".join(data["units"])
    return _Words(
        {name: re.compile("|".join(stems), re.IGNORECASE) for name, stems in data["topics"].items()},
        frozenset(data["of_a_model"]),
        frozenset(data["never_foreign"]),
        # Han characters stand without spaces around a word.
        re.compile(
            rf"(?:(?<![^\W_])|(?=[\u4e00-\u9fff]))(?:{numbers})[\s-]{{0,2}}(?:{units})", re.IGNORECASE
        ),
    )


def bared(text: str) -> str:
    """A text as it is read: without invisible characters, in plain letters, links without their disguise."""
    plain = "".join(char for char in text if unicodedata.category(char) != "Cf").translate(_FULL_WIDTH)
    return _DOT.sub(".", re.sub(r"\bhxxp", "http", plain, flags=re.IGNORECASE))


def of_a_model(topic: str) -> bool:
    """Whether the topic has to be said of the same model."""
    return topic in _words().of_a_model


def never_foreign(topic: str) -> bool:
    """Whether no text of somebody else proves a topic: it would have the person do something."""
    return topic in _words().never_foreign


def charged(text: str) -> Iterator[Charged]:
    """The charged words of a text, sentence by sentence."""
    for match in _SENTENCE.finditer(text):
        sentence = match[0]
        hits = _hits(sentence)
        names = mentions(sentence) if any(of_a_model(topic) for topic, _ in hits) else []
        for topic, hit in hits:
            near = min(names, key=lambda name: _distance(name.start, name.end, hit), default=None)
            yield Charged(topic, hit[0], frozenset(meant(near)) if near is not None else frozenset())


@lru_cache(maxsize=2048)  # each turn brings much of the same evidence
def _hits(sentence: str) -> tuple[tuple[str, re.Match[str]], ...]:
    """The first word of each topic in a sentence."""
    return tuple((topic, hit) for topic, stems in _words().topics.items() if (hit := stems.search(sentence)))


def topics_of(text: str) -> set[str]:
    """The topics of a text, whatever they are said of."""
    return {topic for topic, stems in _words().topics.items() if stems.search(text)}


def spelled_out(text: str) -> list[str]:
    """Figures in words that stand before a unit: `thirty cents`."""
    return [match[0] for match in _words().spelled.finditer(text)]


def _distance(start: int, end: int, hit: re.Match[str]) -> int:
    return max(start - hit.end(), hit.start() - end, 0)
