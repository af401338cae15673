"""Short answers to a pending question: options by number or words, yes and no, and no preference."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from agent.understanding.data import load
from agent.understanding.lexicon import Removal, Rule, Vote, make_rule, rule_votes
from agent.understanding.text import Text
from agent.understanding.types import Asked

_EDGES = re.compile(r"^[\s.,;:!?\"'()\-]+|[\s.,;:!?\"'()\-]+$")
_SHORT_WORDS = 8
_PIECES = re.compile(r"[a-z]+|\d+")
_FILLER = frozenset(
    ("the", "one", "with", "a", "an", "it", "is", "of", "version", "model", "das", "die", "mit")
)
_SPELLED = {
    **{word: i for i, word in enumerate(("one", "two", "three", "four", "five", "six"), 1)},
    **{word: i for i, word in enumerate(("eins", "zwei", "drei", "vier", "fünf"), 1)},
}


@dataclass(frozen=True, slots=True)
class Reply:
    """What a short answer means: an option's words, fields of the slot, or nothing in particular."""

    option: str | None = None
    fields: dict[str, Any] | None = None
    no_preference: bool = False


def stripped(text: Text) -> str:
    """The message in lower case without the punctuation around it."""
    return _EDGES.sub("", text.low)


@cache
def _no_preference() -> tuple[re.Pattern[str], re.Pattern[str]]:
    data = load("intents")
    phrases = "|".join(data["no_preference"])
    filler = data["no_preference_filler"]
    return (
        re.compile(rf"(?:(?:{phrases})(?:[\s,.;!:\-]+|$))+"),
        re.compile(rf"(?:(?:{filler})[\s,.;!]*)+"),
    )


def is_no_preference(text: Text) -> bool:
    """Whether the whole message leaves the decision to the advisor."""
    said = stripped(text)
    whole, filler = _no_preference()
    return len(said) <= 120 and whole.fullmatch(said) is not None and filler.fullmatch(said) is None


def read_reply(text: Text, asked: Asked) -> Reply | None:
    """The meaning of a short answer, or None where the message is to be read as a sentence."""
    said = stripped(text)
    if not said or len(said.split()) > _SHORT_WORDS:
        return None
    data = load("bare")
    option = _option(said, asked)
    if option is not None:
        return Reply(option=option)
    for word in ("yes", "no"):
        if re.fullmatch(rf"{data[word]}(?:[\s,.!]+{data[word]})*", said):
            return _yes_no(word, asked)
    return None


def _yes_no(word: str, asked: Asked) -> Reply:
    option = next((o for o in asked.options if re.match(rf"{word}\b", o.lower())), None)
    if option is not None:
        return Reply(option=option)
    fields = load("bare")["answers"].get(asked.slot, {}).get(word)
    return Reply(no_preference=True) if fields is None else Reply(fields=fields)


def _option(said: str, asked: Asked) -> str | None:
    """The option that an answer names by its words, its number or its place."""
    if not asked.options:
        return None
    for option in asked.options:
        if said == _EDGES.sub("", option.lower()):
            return option
    if asked.slot == "hardware" and (one := _only_one_with(said, asked.options)) is not None:
        return one
    data, ranks = load("bare"), load("intents")["ranks"]
    pattern = data["option"].replace("ORDINAL", "|".join(ranks))
    match = re.fullmatch(pattern, said)
    if match is None:
        return None
    if match["last"]:
        return asked.options[-1]
    if match["middle"]:
        return asked.options[len(asked.options) // 2] if len(asked.options) % 2 else None
    place = _place(match, ranks)
    named = match["number"] is not None and said != match["number"]
    counts_itself = match["number"] is not None and not named and place >= data["numeric"].get(asked.slot, 99)
    if counts_itself or not 1 <= place <= len(asked.options):
        return None
    return asked.options[place - 1]


def _only_one_with(said: str, options: tuple[str, ...]) -> str | None:
    """The one option that holds every word of an answer: `40`, `the 40 gb one` of two A100."""
    words = [w for w in _PIECES.findall(said) if w not in _FILLER]
    if not words or not any(w.isdigit() and int(w) > len(options) for w in words):
        return None
    found = [option for option in options if set(words) <= set(_PIECES.findall(option.lower()))]
    return found[0] if len(found) == 1 else None


def _place(match: re.Match[str], ranks: dict[str, int]) -> int:
    """The place of an option, from 1, by its number, letter or word."""
    if match["number"]:
        return int(match["number"])
    if match["letter"]:
        return ord(match["letter"]) - ord("a") + 1
    if match["spelled"]:
        return _SPELLED[match["spelled"]]
    return ranks[match["word"]]


@cache
def _rules(slot: str) -> tuple[Rule, ...]:
    return tuple(make_rule(entry) for entry in load("bare")["rules"] if entry["slot"] == slot)


def bare_votes(text: Text, asked: Asked) -> tuple[list[Vote], list[Removal]]:
    """Votes of the words that mean something only as an answer to this question."""
    if len(text.low.split()) > 3 * _SHORT_WORDS:
        return [], []
    return rule_votes(text, _rules(asked.slot))
