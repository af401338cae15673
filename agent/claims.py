"""What a text claims beside its figures: what it denies, how sure it is, whom it names.

A fact turned around holds no figure that is wrong. So what is denied must be denied in the evidence, and a
word that carries a promise or a factor must stand there in some form.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import TypedDict, cast

_CLAUSE = re.compile(
    r"(?<=\w)[,;:.!?()](?=\s|$)|\n|\s(?:but|however|though|aber|jedoch|mais|pero)\s", re.IGNORECASE
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n|\",\"")
_SUPPOSED = re.compile(r"\b(?:if|unless|wenn|falls|si)\b", re.IGNORECASE)
_MONEY = re.compile(
    r"(?:US\$|\$|\u20ac|\u00a3)\s?\d|\d\s?(?:\$|USD|dollars?|cents?|\u20ac|EUR|euros?)", re.IGNORECASE
)
_FOREIGN_MONEY = re.compile(
    r"[\u20ac\u00a3\u00a5\u20b9]\s?\d[\d.,]*|\b\d[\d.,]*\s?(?:[\u20ac\u00a3\u00a5\u20b9]|EUR\b|GBP\b|CHF\b"
    r"|euros?\b|pounds? sterling|cents?\b|rupees?\b|yen\b)",
    re.IGNORECASE,
)
_WORDS_BESIDE_MONEY = 40
MOSTLY = 0.5
"""Share of letters of one script from which a text is written in it."""
LEAST_WRITTEN = 4
"""Small letters from which a message shows in which script a person writes."""


class _Concept(TypedDict):
    about: str
    affirmed: str
    denied: str


class _Data(TypedDict):
    negators: str
    hedges: str
    concepts: dict[str, _Concept]
    loaded: dict[str, str]
    names: list[str]
    bases: dict[str, str]


@cache
def _data() -> _Data:
    text = resources.files("agent").joinpath("data", "claims.json").read_text(encoding="utf-8")
    return cast("_Data", json.loads(text))


@cache
def _pattern(source: str, flags: int = re.IGNORECASE) -> re.Pattern[str]:
    return re.compile(source or r"(?!)", flags)


@dataclass(slots=True)
class Claims:
    """What texts claim; each with the words of it that a person would find."""

    denied: dict[str, str] = field(default_factory=dict)
    """Without a hedge."""
    affirmed: dict[str, str] = field(default_factory=dict)
    loaded: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    bases: dict[str, str] = field(default_factory=dict)
    money: set[str] = field(default_factory=set)
    """Amounts in other currencies than the dollar."""

    def add(self, text: str) -> None:
        """Takes in a text, or a tool's result as JSON text."""
        data = _data()
        for concept, told in data["concepts"].items():
            for kind, found in (("affirmed", self.affirmed), ("denied", self.denied)):
                if match := _pattern(told["affirmed" if kind == "affirmed" else "denied"]).search(text):
                    found.setdefault(concept, match[0])
        for sentence in _SENTENCE.split(text):
            supposed = _SUPPOSED.search(sentence) is not None
            for clause in _CLAUSE.split(sentence):
                self._take_clause(clause, supposed=supposed)
        for meaning, words in data["loaded"].items():
            if match := _pattern(words).search(text):
                self.loaded.setdefault(meaning, match[0])
        self.names |= {name for name in data["names"] if name in text and _named(name).search(text)}
        for match in _MONEY.finditer(text):
            beside = text[match.start() : match.end() + _WORDS_BESIDE_MONEY].partition("\n")[0]
            self._take_basis(beside)
        if text[:1] in "{[":
            self._take_basis(text)
        self.money |= {_plain(match[0]) for match in _FOREIGN_MONEY.finditer(text)}

    def _take_clause(self, clause: str, *, supposed: bool) -> None:
        data = _data()
        for concept, told in data["concepts"].items():
            if (match := _pattern(told["about"]).search(clause)) is None:
                continue
            unsure = supposed or _pattern(data["hedges"]).search(clause) is not None
            hedged = unsure and concept != "commercial"  # "may not be sold" is as hard as it gets
            if _pattern(data["negators"]).search(clause) is None:
                if not hedged:
                    self.affirmed.setdefault(concept, match[0])
            elif not hedged:
                self.denied.setdefault(concept, clause.strip())

    def _take_basis(self, text: str) -> None:
        for kind, words in _data()["bases"].items():
            if match := _pattern(words).search(text):
                self.bases.setdefault(kind, match[0])

    def beyond(self, evidence: Claims) -> list[str]:
        """What of these claims the evidence does not make."""
        found = [words for concept, words in self.denied.items() if concept not in evidence.denied]
        found += [
            words
            for concept, words in self.affirmed.items()
            if concept in evidence.denied and concept not in evidence.affirmed and concept not in self.denied
        ]
        found += [words for meaning, words in self.loaded.items() if meaning not in evidence.loaded]
        found += sorted(self.names - evidence.names)
        found += [
            words for kind, words in self.bases.items() if evidence.bases and kind not in evidence.bases
        ]
        return found + sorted(self.money - evidence.money)


@cache
def _named(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])")


def _plain(amount: str) -> str:
    return re.sub(r"\s", "", amount).rstrip(".,").lower()


def claims_of(text: str) -> Claims:
    """What a text claims."""
    claims = Claims()
    claims.add(text)
    return claims


def in_another_script(text: str, said: str) -> bool:
    """Whether a text is in letters that the person did not write in: an answer that they cannot read."""
    # "RTX 3090" says nothing of a language.
    words = sum(char.isascii() and char.islower() for char in said)
    return words >= LEAST_WRITTEN and _foreign_share(text) > MOSTLY and _foreign_share(said) < 1 - MOSTLY


def _foreign_share(text: str) -> float:
    letters = [char for char in text if char.isalpha()]
    return sum(ord(char) > 0x24F for char in letters) / len(letters) if letters else 0.0
