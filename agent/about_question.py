"""What a person says of a question instead of answering it: what it means, why, whether it matters, or that
the answer is not known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal, cast, get_args

from pydantic import TypeAdapter

from agent.interview import Weighed, row_for, turn_cost, weigh_asked
from agent.priors import tags_of
from agent.state import Pending, State
from agent.terms import asked_term
from agent.wording import slot_words
from knowledge.errors import AdvisorError
from tools.brief import brief_of
from tools.needs import Needs

Kind = Literal["meaning", "why", "matters", "unknown"]
GOES_ON = "I go on with an assumption; you can correct it at any time."
MOST_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class About:
    """What is said back; `stands` where the question still waits for its answer."""

    kind: Kind
    text: str
    stands: bool
    citations: tuple[dict[str, str], ...] = ()


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str], tuple[tuple[Kind, re.Pattern[str]], ...]]:
    data = resources.files("agent").joinpath("data/about_question.json").read_bytes()
    table = TypeAdapter(dict[str, Any]).validate_json(data)
    kinds = tuple(
        (cast("Kind", kind), re.compile("|".join(f"(?:{p})" for p in table["kinds"][kind])))
        for kind in get_args(Kind)
    )
    return re.compile(f"(?:{table['opening']})+"), re.compile(f"(?:{table['closing']})+$"), kinds


def kind_of(text: str) -> Kind | None:
    """What a message says of the question that waits; None where it is something else."""
    said = text.strip().lower().replace("\u2019", "'")
    if len(said) > MOST_CHARACTERS:
        return None
    opening, closing, kinds = _patterns()
    said = said.strip(" \t\n.,;:!?\u00bf\u00a1\"'()-")
    start = opening.match(said)
    for form in dict.fromkeys((said, closing.sub("", said[start.end() if start else 0 :]))):
        for kind, pattern in kinds:
            if pattern.fullmatch(form):
                return kind
    return None


def about_pending(text: str, state: State, needs: Needs) -> About | None:
    """The reply to what is said of the pending question; None where there is none, or the message answers it.

    Args:
        text: the message.
        state: the conversation.
        needs: what is known.
    """
    pending = state.get("pending")
    if pending is None:
        return None
    term = asked_term(text)
    if term is not None:
        own = _help(needs, pending) if term.slot == pending["slot"] else ""
        return About("meaning", f"{term.text}\n\n{own}".strip(), stands=True, citations=tuple(term.citations))
    kind = kind_of(text)
    if kind is None:
        return None
    slot, help_words = pending["slot"], _help(needs, pending)
    if kind == "unknown":
        return About(kind, f"{help_words} {_assumed(needs, slot)}".strip(), stands=False)
    if kind == "meaning":
        options = " Or pick one: " + ", ".join(pending["options"]) + "." if pending["options"] else ""
        return About(kind, f"{help_words}{options}".strip(), stands=True)
    reason = pending.get("reason", "")
    weighed = None if pending["clarifies"] else _weighed(needs, slot)
    if weighed is None:
        return About(kind, f"I ask because {reason}." if reason else GOES_ON, stands=bool(reason))
    asked_before = tuple(s for s in state.get("asked", []) if s != slot)
    if not weighed.matters or weighed.value <= turn_cost(asked_before):
        least = "no plausible answer changes the first choice enough, so I go on without it."
        return About(kind, f"{'No' if kind == 'matters' else 'It does not matter'}: {least}", stands=False)
    lead = "Yes" if kind == "matters" else "I ask because it changes the answer"
    row = row_for(slot, tags_of(needs, brief_of(needs)))
    return About(kind, f"{lead}: {row['reason']}; {weighed.effect()}.", stands=True)


def _weighed(needs: Needs, slot: str) -> Weighed | None:
    try:
        return weigh_asked(needs, slot)
    except AdvisorError:
        return None


def _help(needs: Needs, pending: Pending) -> str:
    """The question in terms of use; a clarification explains itself by its reason."""
    if pending["clarifies"]:
        return f"I ask because {pending.get('reason', '')}." if pending.get("reason") else ""
    try:
        tags = tags_of(needs, brief_of(needs))
        return str(row_for(pending["slot"], tags).get("help", ""))
    except (AdvisorError, KeyError):
        return ""


def _assumed(needs: Needs, slot: str) -> str:
    """The assumption that stands in for the answer."""
    try:
        assumptions = [a for a in brief_of(needs).assumptions if a.slot == slot]
    except AdvisorError:
        return GOES_ON
    if not assumptions or not isinstance(assumptions[0].value, str | int | float | tuple):
        return GOES_ON
    words = slot_words(slot, assumptions[0].value)
    return f"For now I assume: {words} ({assumptions[0].why}). You can correct it at any time."
