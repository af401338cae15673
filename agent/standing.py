"""How a conversation stands: the events that tell a face all it must show after a jump (a resumed session,
something taken back, another branch).
"""

from __future__ import annotations

from typing import Any

from agent.events import CONFIRM, Event, NeedsChanged, Question, Recommendation
from agent.state import State, is_answered, needs_of
from knowledge.errors import AdvisorError
from tools.brief import brief_of
from tools.needs import Needs
from tools.recommend import recommend
from tools.registry import consent_question

YES, NO = "yes", "no"


def needs_event(needs: Needs) -> NeedsChanged:
    """The needs with what is assumed beside them; takes some milliseconds."""
    try:
        assumptions = [a.as_json() for a in brief_of(needs).assumptions]
    except AdvisorError:
        assumptions = []
    return NeedsChanged(needs.as_json(), assumptions)


def standing(state: State) -> list[Event]:
    """The needs, and the recommendation where one was given; computed anew, which takes some 0.1 s."""
    needs = needs_of(state)
    if not is_answered(state):
        return [needs_event(needs)]
    document = recommend(needs).as_json()
    return [NeedsChanged(needs.as_json(), document["assumptions"]), Recommendation(document)]


def open_question(state: State) -> Question | None:
    """The question that waits, once more; marked, because no slot is asked twice unmarked."""
    wish = state.get("wish")
    if wish is not None:
        return wish_question(wish)
    pending = state.get("pending")
    if pending is None:
        return None
    return Question(pending["slot"], pending["text"], pending["reason"], pending["options"], clarifies=True)


def asked_last(state: State) -> tuple[list[dict[str, Any]], Question | None]:
    """What was said, and the question that waits, which then ends the last message no more."""
    said: list[dict[str, Any]] = [dict(message) for message in state.get("messages", [])]
    question = open_question(state)
    if question is not None and said and said[-1]["text"].endswith(question.text):
        left = said[-1]["text"].removesuffix(question.text).rstrip()
        said = [*said[:-1], {**said[-1], "text": left}] if left else said[:-1]
    return said, question


def wish_question(wish: dict[str, Any]) -> Question:
    """The question whether a tool may run that a model would call."""
    text, reason = consent_question(wish["tool"], wish["arguments"])
    return Question(CONFIRM, text, reason, [YES, NO], clarifies=True)
