"""What a message wants: its intent, which of its sentences ask, and what a critique is about."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import cast, get_args

from agent.understanding.data import load
from agent.understanding.plan_questions import plan_question
from agent.understanding.replies import stripped
from agent.understanding.text import Span, Text
from agent.understanding.types import Critique, Intent

_POLITE = re.compile(
    r"^(?:(?:please|just|ok|okay|so|well|and|then|hi|hello|hey|thanks|great|cool|now|yes|no(?=[,.!]))[\s,.!]+)+"
)
_COUNTS = {"two": 2, "three": 3, "four": 4}
_SEVERAL = re.compile(r"\b(?:first|top|best) (two|three|four|[2-9])\b")
"""Several places of the last recommendation at once: `compare the first three`."""


@dataclass(frozen=True, slots=True)
class Asking:
    """The sentences of a message that ask something."""

    questions: tuple[Span, ...] = ()
    what_ifs: tuple[Span, ...] = ()
    requests: tuple[Span, ...] = ()
    """Questions for a model; they state needs like a plain sentence does."""
    plan: str | None = None
    """The topic of the first question that a plan answers (`tokens.exchanges`)."""


@dataclass(frozen=True, slots=True)
class _Patterns:
    whole: tuple[tuple[Intent, re.Pattern[str]], ...]
    now: re.Pattern[str]
    what_if: re.Pattern[str]
    question: re.Pattern[str]
    statement: re.Pattern[str]
    request: re.Pattern[str]
    about_answer: re.Pattern[str]
    outright: re.Pattern[str]
    """What only a question says, however it is put: words of the guides, `still any good`."""
    why_not: re.Pattern[str]
    comparing: tuple[str, ...]
    families: re.Pattern[str]
    """Models by name, of which a sentence that compares may ask."""
    critiques: tuple[tuple[Critique, re.Pattern[str]], ...]
    domain: re.Pattern[str]
    ranks: re.Pattern[str]
    insists: re.Pattern[str]


@cache
def _patterns() -> _Patterns:
    data = load("intents")

    def union(key: str) -> str:
        return "|".join(data[key])

    return _Patterns(
        whole=tuple(
            (cast(Intent, intent), re.compile("|".join(f"(?:{p})" for p in patterns)))
            for intent, patterns in data["whole"].items()
        ),
        now=re.compile("|".join(f"(?:{p})" for p in data["anywhere"]["recommend_now"])),
        what_if=re.compile(rf"(?<!\w)(?:{union('what_if')})"),
        question=re.compile(rf"(?:{union('question_start')})(?!\w)"),
        statement=re.compile(rf"(?:{union('statement_start')})"),
        request=re.compile(rf"(?<!\w)(?:{union('request')})"),
        about_answer=re.compile(data["about_answer"]),
        outright=re.compile(data["outright"]),
        why_not=re.compile(data["why_not"]),
        comparing=tuple(data["comparing"]),
        families=re.compile(
            rf"(?<![\w.])(?:{'|'.join(load('families')['families'].values())})(?!\w)|{data['compared']}"
        ),
        critiques=tuple(
            (name, re.compile(rf"(?<!\w)(?:{'|'.join(data['critique'][name])})(?!\w)"))
            for name in get_args(Critique)
        ),
        domain=re.compile(data["domain"]),
        insists=re.compile(rf"(?<!\w)(?:{union('insists')})(?!\w)"),
        ranks=re.compile(
            rf"\b(?:the |number )?(?P<rank>{'|'.join(data['ranks'])})\b"
            r"(?: (?:one|model|option|candidate|choice|pick)|\?|$|[,.])|(?:#|number |option )(?P<number>\d)\b"
        ),
    )


def control_intent(text: Text) -> Intent | None:
    """Greeting, thanks, help, quit or `just recommend`, where that is all the message says."""
    said = stripped(text)
    if len(said) > 80:
        return None
    patterns = _patterns()
    for intent, pattern in patterns.whole:
        if pattern.fullmatch(said):
            return intent
    return "recommend_now" if patterns.now.fullmatch(_POLITE.sub("", said)) else None


def wants_recommendation(text: Text) -> bool:
    """A sentence of the message asks for the recommendation now."""
    now = _patterns().now
    parts = [text.low[s.start : s.end].strip(" .,!?") for s in (*text.sentences, *text.clauses)]
    parts += [part.rpartition(",")[2].strip() for part in parts]  # `..., 16k context, just recommend`
    return any(now.fullmatch(_POLITE.sub("", part)) for part in parts)


def asking(text: Text, *, answered: bool) -> Asking:
    """Which sentences ask.

    Args:
        text: The message.
        answered: There is a recommendation already, so that a question is likely about it.
    """
    questions: list[Span] = []
    what_ifs: list[Span] = []
    requests: list[Span] = []
    plan = None
    for span in text.sentences:
        said = text.low[span.start : span.end].strip()
        planned = plan_question(said, asks=_interrogative(said))
        plan = plan or planned
        kind = "question" if planned is not None else _kind(said, answered=answered)
        if kind is not None:
            {"question": questions, "what_if": what_ifs, "request": requests}[kind].append(span)
    return Asking(tuple(questions), tuple(what_ifs), tuple(requests), plan)


def _interrogative(said: str) -> bool:
    """Whether a sentence ends or begins like a question."""
    patterns, start = _patterns(), _POLITE.sub("", said)
    return said.endswith(("?", "\uff1f")) or (
        patterns.question.match(start) is not None and patterns.statement.match(start) is None
    )


def _kind(said: str, *, answered: bool) -> str | None:
    patterns = _patterns()
    if patterns.outright.search(said):
        return "question"
    start = _POLITE.sub("", said)
    interrogative = _interrogative(said)
    fragment = patterns.question.match(start) is None
    if (
        not answered
        and start.startswith(patterns.comparing)
        and patterns.families.search(_opening(start)) is None
    ):
        return None  # `compare reviews and tell me …` is what a model is wanted for
    hypothetical = patterns.what_if.search(said)
    if hypothetical and (interrogative or hypothetical.start() <= 12):
        return "what_if"
    if not interrogative:
        return None
    if patterns.insists.search(said):
        return "request"  # `just tell me what to use: code` demands, and says what for
    if patterns.request.search(said) and not (answered and patterns.about_answer.search(said)):
        return "request"
    # `70B on a 3090 possible?` opens like a statement: before the first recommendation it states needs.
    return "request" if fragment and not answered else "question"


def _opening(said: str) -> str:
    """The first words of a sentence, where what is compared stands."""
    return " ".join(said.split(",")[0].split()[:6])


def about_answer(text: Text) -> bool:
    """Whether the message points at the last recommendation (`these`, `the second one`)."""
    return _patterns().about_answer.search(text.low) is not None


def critiques_of(text: Text, *, answered: bool) -> tuple[Critique, ...]:
    """What is wrong with the last recommendation, as said; only short messages criticize."""
    if not answered or len(text.low.split()) > load("intents")["critique_max_words"]:
        return ()
    if _patterns().why_not.match(text.low):
        return ()
    matches = ((name, pattern.search(text.low)) for name, pattern in _patterns().critiques)
    found = sorted((match.start(), name) for name, match in matches if match is not None)
    return tuple(name for _, name in found)


def in_domain(low: str) -> bool:
    """Whether a message, in lower case, speaks of language models at all."""
    return _patterns().domain.search(low) is not None


def insists(text: Text) -> bool:
    """Whether the message wants the recommendation at once, whatever is still open."""
    patterns = _patterns()
    return patterns.insists.search(text.low) is not None and patterns.outright.search(text.low) is None


def pointed_ranks(text: Text) -> tuple[int, ...]:
    """Places in the last recommendation that the message points at, from 1."""
    ranks = load("intents")["ranks"]
    several = _SEVERAL.search(text.low)
    if several is not None:
        return tuple(range(1, 1 + (_COUNTS.get(several[1]) or int(several[1]))))
    found = (
        int(m["number"]) if m["number"] else ranks[m["rank"]] for m in _patterns().ranks.finditer(text.low)
    )
    return tuple(dict.fromkeys(found))
