"""What a message does to the needs, and what must be said about that before anything else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agent.again import asking_again, is_again
from agent.critique import apply_critique
from agent.interview import option_value
from agent.state import Pending, State, is_answered, needs_of
from agent.understanding import Asked, LastAnswer, Understanding, understand
from agent.understanding.by_model import Inferred, merged
from agent.wording import said_words
from tools.needs import Needs, Slot

UNREAD = "I could not read an answer from that and go on with an assumption; you can correct it at any time."
UNCHANGED = "Nothing was said since that changes the recommendation."
SILENT = ("no_preference", "recommend_now", "thanks", "greeting", "help", "ask", "what_if")
"""Intents that rightly leave the pending question unanswered."""


@dataclass(frozen=True, slots=True)
class Intake:
    """A message, taken in."""

    read: Understanding
    needs: Needs
    """The needs afterward."""
    changed: bool
    remarks: tuple[str, ...]


def question_of(state: State) -> Asked | None:
    """The question that waits for an answer."""
    pending = state.get("pending")
    return Asked(pending["slot"], tuple(pending["options"])) if pending else None


def take_in(text: str, state: State, inferred: Inferred | None = None) -> Intake:
    """Reads a message and puts what it says over the needs.

    Args:
        text: what the person wrote.
        state: the conversation.
        inferred: what a language model read in it, for what the built-in parser did not.
    """
    pending, before = state.get("pending"), needs_of(state)
    answered = is_answered(state)
    asked = question_of(state)
    again = state.get("about") is not None and is_again(text)
    last = LastAnswer(tuple(state.get("last", []))) if answered or again else None
    read = understand(text, before, asked=asked, last=last)
    if inferred is not None:
        read = merged(read, inferred, before, asked, text)
    read = asking_again(read, text, before, state)
    updates: dict[str, Slot[Any] | None] = {**read.updates, **_chosen_option(text, pending)}
    if not answered:
        # Before there is anything to compare with, what is supposed is wanted where nothing was said.
        supposed = {s: v for s, v in read.hypothetical.items() if getattr(before, s) is None}
        updates = {**supposed, **updates}
    updates |= {slot: None for slot in read.cleared if slot not in updates}
    remarks = list(read.notes)
    if read.critique is not None and answered:
        critiqued, remark = apply_critique(read.critique, before.updated(**updates))
        updates |= critiqued
        remarks.append(remark)
    elif answered and updates:
        remarks += _noted(updates)
    elif answered and read.intent == "recommend_now":
        remarks.append(UNCHANGED)
    if pending is not None and not updates and read.intent not in SILENT:
        remarks.append(UNREAD)
    return Intake(read, before.updated(**updates), bool(updates), tuple(remarks))


def _chosen_option(text: str, pending: Pending | None) -> dict[str, Slot[Any]]:
    """The slot value of an option that was picked by its exact words."""
    if pending is None or text.strip() not in pending["options"]:
        return {}
    value = option_value(pending["slot"], text.strip())
    return {} if value is None else {pending["slot"]: value}


def _noted(updates: dict[str, Slot[Any] | None]) -> list[str]:
    """What a change of mind was understood as."""
    words = [said_words(slot, filled) for slot, filled in updates.items() if filled is not None]
    words += [f"nothing about {slot.replace('_', ' ')}" for slot, filled in updates.items() if filled is None]
    found = "; ".join(dict.fromkeys(word for word in words if word))
    return [f"Noted: {found}."] if found else []
