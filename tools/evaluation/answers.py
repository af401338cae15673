"""What a model answered in a scenario, and what was found of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Call(NamedTuple):
    """A tool call; `arguments` is None where they are no JSON object."""

    name: str
    arguments: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn that the model filled in."""

    text: str
    calls: tuple[Call, ...] = ()
    cut_short: bool = False
    """It has as many tokens as it may have, and was not at its end."""

    def as_json(self) -> dict[str, Any]:
        """A row of the journal."""
        return {"text": self.text, "calls": [list(call) for call in self.calls], "cut_short": self.cut_short}


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens, dollars and time."""

    prompt_tokens: int = 0
    answer_tokens: int = 0
    usd: float = 0.0
    """At most: requests whose tokens nobody counted by their worst case."""
    seconds: float = 0.0
    """Of the requests that were answered, without waiting for a rate limit."""
    requests: int = 0
    estimated: bool = False
    """Some request was not counted by its server."""

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.prompt_tokens + other.prompt_tokens,
            self.answer_tokens + other.answer_tokens,
            self.usd + other.usd,
            self.seconds + other.seconds,
            self.requests + other.requests,
            self.estimated or other.estimated,
        )


@dataclass(frozen=True, slots=True)
class Answered:
    """A scenario's conversation, held with a model once."""

    turns: tuple[Turn, ...]
    problem: str | None = None
    """Why it came to no last answer, where that is the model's failure; a sentence without its end."""
    spent: Spent = field(default_factory=Spent)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judge found of one check."""

    passed: bool
    why: str = ""


class Asked(NamedTuple):
    """A model's turn and what it took."""

    turn: Turn
    spent: Spent


class Judged(NamedTuple):
    """The judge's verdict of one check and what it took."""

    verdict: Verdict
    spent: Spent


class Key(NamedTuple):
    """One run of a scenario: `repeat` counts from 1."""

    model: str
    scenario: str
    repeat: int


@dataclass(frozen=True, slots=True)
class Done:
    """A finished run of a scenario."""

    answered: Answered
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    """Of the judge, by the place of the check."""
    judge_spent: Spent = field(default_factory=Spent)


LAST = "checks"
"""Place of the checks of a conversation's last answer; those of a turn are at `messages[N].checks`."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    place: str
    kind: str
    """The check's key in the file."""
    leaves: frozenset[str]
    """Kinds of the checks in it, groups opened: of a check that is no group, its own kind."""
    passed: bool | None
    """None where it could not be decided, which does not pass."""
    why: str = ""
    """What is wrong, where it did not pass."""

    @property
    def turn(self) -> str:
        """The place of all checks of the same answer."""
        before, _, _ = self.place.partition(f"{LAST}[")
        return before + LAST


@dataclass(frozen=True, slots=True)
class Graded:
    """A finished run of a scenario with what its checks found."""

    key: Key
    done: Done
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether every check holds."""
        return self.done.answered.problem is None and all(finding.passed is True for finding in self.findings)

    @property
    def reasons(self) -> list[str]:
        """Why it did not pass."""
        problem = self.done.answered.problem
        told = [problem] if problem is not None else []
        return told + [f"{each.kind}: {each.why}" for each in self.findings if not each.passed]
