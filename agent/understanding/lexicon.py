"""The one evaluator of the lexicons in `data/`: patterns with weights become votes for slot fields.

`data/README.md` describes the pattern language. A pattern is compiled only when a literal that it requires
occurs in the message, so that a large lexicon costs little at the first turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Literal

from agent.understanding.data import load
from agent.understanding.text import Text

Strength = Literal["must", "wish"]
RULE_FILES = (
    "task",
    "deployment",
    "license",
    "priority",
    "features",
    "training",
    "languages",
    "scalars",
    "multilingual",
    "concepts",
)


@dataclass(frozen=True, slots=True)
class Vote:
    """One piece of evidence for a field of a slot (field `` for a slot that is a plain value)."""

    slot: str
    field: str
    value: Any
    weight: float
    start: int
    end: int
    strength: Strength = "must"


@dataclass(frozen=True, slots=True)
class Removal:
    """The person takes a value of a slot back, or, with `value` None, the whole slot."""

    slot: str
    value: Any
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of a lexicon."""

    slot: str
    sets: dict[str, Any]
    weight: float
    patterns: tuple[Pattern, ...]
    negated: dict[str, Any] | None
    """What a negated match sets; None drops it."""
    negatable: bool
    """False for patterns that hold their own negation."""
    removes: bool
    """A negated match takes the value back."""


class Pattern:
    """A pattern of the lexicon language, compiled at its first use."""

    __slots__ = ("_compiled", "literals", "source")

    def __init__(self, source: str) -> None:
        self.source = with_classes(source)
        self.literals = required_literals(self.source)
        self._compiled: re.Pattern[str] | None = None

    def finditer(self, low: str) -> Iterator[re.Match[str]]:
        """Matches in lowered text."""
        if self.literals and not any(literal in low for literal in self.literals):
            return iter(())
        if self._compiled is None:
            self._compiled = re.compile(expand(self.source))
        return self._compiled.finditer(low)

    def search(self, low: str) -> re.Match[str] | None:
        """The first match in lowered text."""
        return next(self.finditer(low), None)


_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_CLASS = re.compile(r"\{([a-z_]+)\}")
_TOKEN = re.compile(r"\[[^\]]*\]| ?<(\d)> ?| \?|[%#~ ]")
_MEANS = {"%": r"\w*", "#": r"\d+", "~": r"[\s\-]*", " ?": r"[\s\-]*", " ": r"[\s\-]+"}


def _expanded(match: re.Match[str]) -> str:
    if match[1]:
        return rf"[\s\-]+(?:[\w'/.+&\-]*[\w'/+&\-](?:,\d+)*,?\s+){{0,{match[1]}}}?"
    return _MEANS.get(match[0], match[0])


def expand(source: str) -> str:
    """The lexicon language as a regular expression with word boundaries around it."""
    if _CJK.search(source):  # scripts that put no blanks between words have no word boundaries
        return f"(?:{_TOKEN.sub(_expanded, source)})"
    head = r"(?<!\w)" if re.match(r"[\w(\\]", source) else ""
    tail = r"(?!\w)" if re.search(r"[\w)%#?*+\]]$", source) else ""
    return f"{head}(?:{_TOKEN.sub(_expanded, source)}){tail}"


def with_classes(source: str) -> str:
    """The pattern with the words of each class (`{papers}`) written out."""
    classes: dict[str, list[str]] = load("concepts")["classes"]
    return _CLASS.sub(lambda match: f"({'|'.join(classes[match[1]])})", source)


def required_literals(source: str) -> tuple[str, ...]:
    """Stretches of plain letters of which every match contains at least one; empty where none is certain."""
    flat, groups = source, []
    while True:
        match = re.search(r"\((?:[^()\\]|\\.)*\)(?:[?*]|\{[^}]*\})?", flat)
        if match is None:
            break
        groups.append(match[0])
        flat = flat[: match.start()] + f"\0{chr(0xE000 + len(groups) - 1)}\0" + flat[match.end() :]
    if "|" in flat:
        return ()
    plain = re.sub(r"\[[^\]]*\][?*+]?|\\.[?*+]?|<\d>|.[?*]|[\ue000-\uf8ff]", "\0", flat)
    best = max(re.findall(r"[^\W_]+", plain), key=len, default="")
    if best:
        return (best,)
    for char in re.findall(r"[\ue000-\uf8ff]", flat):
        group = groups[ord(char) - 0xE000]
        if not group.startswith("(?") and group.endswith(")"):
            parts = [required_literals(_whole(part, groups)) for part in group[1:-1].split("|")]
            if all(parts):
                return tuple(literal for part in parts for literal in part)
    return ()


def _whole(part: str, groups: list[str]) -> str:
    """An alternative with its inner groups put back."""
    while match := re.search("\0([\ue000-\uf8ff])\0", part):
        part = part[: match.start()] + groups[ord(match[1]) - 0xE000] + part[match.end() :]
    return part


@cache
def rules() -> tuple[Rule, ...]:
    """All slot rules, in the order of the files."""
    return tuple(make_rule(entry) for name in RULE_FILES for entry in load(name)["rules"])


def make_rule(entry: dict[str, Any]) -> Rule:
    """A rule from its entry in a data file."""
    return Rule(
        slot=entry["slot"],
        sets=entry["set"],
        weight=float(entry.get("weight", 3)),
        patterns=tuple(Pattern(p) for p in entry["any"]),
        negated=entry.get("negated"),
        negatable=entry.get("negatable", True),
        removes=entry.get("removes", False),
    )


@dataclass(frozen=True, slots=True)
class _Polarity:
    negators: re.Pattern[str]
    stops: re.Pattern[str]
    post: re.Pattern[str]
    soft: re.Pattern[str]
    soft_after: re.Pattern[str]


@lru_cache(maxsize=1)
def _polarity() -> _Polarity:
    data = load("polarity")
    return _Polarity(
        negators=re.compile(rf"(?<!\w)(?:{'|'.join(map(expand_inner, data['negators']))})(?!\w)"),
        stops=re.compile("|".join(map(expand_inner, data["stops"]))),
        post=re.compile(rf"^\W{{0,3}}(?:{'|'.join(map(expand_inner, data['negators_behind']))})(?!\w)"),
        soft=re.compile(rf"(?<!\w)(?:{'|'.join(map(expand_inner, data['softeners']))})(?!\w)"),
        soft_after=re.compile(
            rf"^\W{{0,3}}(?:{'|'.join(map(expand_inner, data['softeners_behind']))})(?!\w)"
        ),
    )


def expand_inner(source: str) -> str:
    """The lexicon language without word boundaries around it."""
    return f"(?:{_TOKEN.sub(_expanded, source)})"


def negated(text: Text, start: int, end: int) -> bool:
    """Whether the words at a range stand under a negation of their clause.

    A negation reaches at most six words to the right and stops at a comma, `and`, `but` or a comparison;
    `or` and `nor` carry it on.
    """
    polarity = _polarity()
    clause = text.clause(start)
    before = text.low[clause.start : start]
    last = None
    for match in polarity.negators.finditer(before):
        last = match
    if last is not None:
        between = before[last.end() :]
        if len(between.split()) <= 6 and not polarity.stops.search(between):
            return True
    return bool(polarity.post.match(text.low[end : clause.end]))


def strength(text: Text, start: int, end: int) -> Strength:
    """`wish` where the clause softens what it says (ideally, if possible, would be nice)."""
    polarity = _polarity()
    clause = text.clause(start)
    before = text.low[max(clause.start, start - 48) : start]
    after = text.low[end : min(clause.end, end + 40)]
    return "wish" if polarity.soft.search(before) or polarity.soft_after.match(after) else "must"


def cast_votes(text: Text) -> tuple[list[Vote], list[Removal]]:
    """Evaluates the whole lexicon on a message."""
    return rule_votes(text, rules())


def rule_votes(text: Text, applied: Iterable[Rule]) -> tuple[list[Vote], list[Removal]]:
    """Evaluates some rules on a message."""
    votes: list[Vote] = []
    removals: list[Removal] = []
    for rule in applied:
        spans: list[tuple[int, int]] = []
        for pattern in rule.patterns:
            for match in pattern.finditer(text.low):
                start, end = match.span()
                if any(s < end and start < e for s, e in spans):
                    continue
                spans.append((start, end))
                _apply(text, rule, start, end, votes, removals)
                if len(spans) >= 8:
                    break
    return votes, removals


def _apply(text: Text, rule: Rule, start: int, end: int, votes: list[Vote], removals: list[Removal]) -> None:
    sets: dict[str, Any] | None = rule.sets
    if rule.negatable and negated(text, start, end):
        if rule.removes:
            removals += [Removal(rule.slot, tuple(value), start, end) for value in rule.sets.values()]
        sets = rule.negated
    how = strength(text, start, end)
    for name, value in (sets or {}).items():
        fixed = tuple(value) if isinstance(value, list) else value
        votes.append(Vote(rule.slot, name, fixed, rule.weight, start, end, how))
