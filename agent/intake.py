"""What a message does to the needs, and what must be said about that before anything else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agent.about_question import About, about_pending
from agent.again import asking_again, is_again
from agent.contradictions import Contradiction, contradictions
from agent.critique import apply_critiques
from agent.interview import option_slots
from agent.state import Pending, State, is_answered, needs_of
from agent.terms import asked_term
from agent.understanding import Asked, LastAnswer, Understanding, understand
from agent.understanding.by_model import Inferred, merged
from agent.understanding.intent import critiques_of
from agent.understanding.text import prepare
from agent.understanding.types import Critique
from agent.wording import lifted_words, listed, said_words
from tools.needs import HardwareNeed, ModelWish, Needs, Slot

UNREAD = "I could not read an answer from that and go on with an assumption; you can correct it at any time."
UNCHANGED = "Nothing was said since that changes the recommendation."
PREFERENCES = ("priority", "min_speed", "budget")
"""Questions that `faster` and `cheaper` answer."""
MOST_EARLY = 3
"""Words of a message that is nothing but a critique."""
EARLY: dict[Critique, str] = {
    "smaller": "small",
    "faster": "speed",
    "cheaper": "cost",
    "better_quality": "quality",
}
SILENT = (
    "no_preference",
    "recommend_now",
    "thanks",
    "greeting",
    "help",
    "quit",
    "ask",
    "what_if",
    "off_topic",
)
"""Intents that rightly leave the pending question unanswered."""


@dataclass(frozen=True, slots=True)
class Intake:
    """A message, taken in."""

    read: Understanding
    needs: Needs
    """The needs afterward."""
    changed: bool
    remarks: tuple[str, ...]
    contradictions: tuple[Contradiction, ...] = ()
    """What does not go together now, and no change of mind explains."""
    about: About | None = None
    """What was said of the pending question instead of an answer."""


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
    beside = _beside(text, state, before)
    if beside is not None:
        return beside
    answered = is_answered(state)
    asked = question_of(state)
    again = state.get("about") is not None and is_again(text)
    last = LastAnswer(tuple(state.get("last", []))) if answered or again else None
    read = understand(text, before, asked=asked, last=last)
    if inferred is not None:
        read = merged(read, inferred, before, asked, text)
    read = asking_again(read, text, before, state)
    updates: dict[str, Slot[Any] | None] = {**read.updates, **_chosen_option(read, text, pending, before)}
    if not answered:
        # Before there is anything to compare with, what is supposed is wanted where nothing was said.
        supposed = {s: v for s, v in read.hypothetical.items() if getattr(before, s) is None}
        updates = {**supposed, **updates}
    updates |= {slot: None for slot in read.cleared if slot not in updates}
    remarks = list(read.notes)
    if read.critiques and answered:
        critiqued, said = apply_critiques(read.critiques, before.updated(**updates))
        remarks += [*noted({s: v for s, v in updates.items() if s not in critiqued}, before), *said]
        updates |= critiqued
    elif answered and updates:
        remarks += noted(updates, before)
    elif lifted := {s: v for s, v in updates.items() if lifted_words(s, getattr(before, s), v)}:
        remarks += noted(lifted, before)
    elif answered and read.intent == "recommend_now":
        remarks.append(UNCHANGED)
    if pending is not None and not updates and read.intent not in SILENT:
        remarks.append(UNREAD)
    after = before.updated(**updates)
    history = "\n".join(m["text"] for m in state.get("messages", []) if m["role"] == "user")
    clashes = [] if _settled(read, text, pending) else contradictions(read, text, before, after, history)
    changing = read.correcting or read.intent in ("change", "critique")
    # Who corrects an earlier answer has decided; only what leaves the machine is never decided in passing.
    decided = [c for c in clashes if changing and c.earlier and not _leaves(c, after)]
    for clash in decided:
        after = after.updated(**clash.second.means)
    left = tuple(c for c in clashes if c not in decided)
    return Intake(read, after, bool(updates), tuple(remarks), left)


def _beside(text: str, state: State, before: Needs) -> Intake | None:
    """A message that fills no slot by its words: it is about the open question, asks for the meaning of a
    word, or criticizes before there is anything to criticize.
    """
    pending, answered = state.get("pending"), is_answered(state)
    about = about_pending(text, state, before)
    if about is not None:
        given_up = about.kind == "unknown" or not about.stands
        read = Understanding(intent="no_preference" if given_up else "help")
        return Intake(read, before, changed=False, remarks=(about.text,) if given_up else (), about=about)
    if asked_term(text, answered=answered and pending is None) is not None:
        return Intake(Understanding(intent="ask", question=text), before, changed=False, remarks=())
    if pending is None or pending["slot"] in PREFERENCES or answered:
        return None
    return _early(text, before)


def _early(text: str, before: Needs) -> Intake | None:
    """`Cheaper` before anything was recommended: what matters most; the question that waits stays open."""
    message = prepare(text)
    if len(message.low.split()) > MOST_EARLY:
        return None
    critiques = critiques_of(message, answered=True)
    priority = EARLY.get(critiques[0]) if len(critiques) == 1 else None
    if priority is None:
        return None
    slot = Slot[Any](value=priority, quote=text.strip())
    said = f"Noted: {said_words('priority', slot)}."
    after = before.updated(priority=slot)
    about = About("meaning", said, stands=True)
    return Intake(Understanding(intent="help"), after, changed=True, remarks=(), about=about)


def _leaves(clash: Contradiction, needs: Needs) -> bool:
    """Whether to settle a contradiction would send text away that was to stay."""
    place = needs.deployment
    if place is None or not place.value.private:
        return False
    return clash.slot == "deployment" and "model" in clash.second.means


def _settled(read: Understanding, text: str, pending: Pending | None) -> bool:
    """Whether the message picks an option."""
    return pending is not None and (text.strip() in pending["options"] or read.option is not None)


def _chosen_option(
    read: Understanding, text: str, pending: Pending | None, needs: Needs
) -> dict[str, Slot[Any] | None]:
    """The slot values of an option that was picked by its words, its number or its place."""
    if pending is None:
        return {}
    settles = pending.get("settles")
    label = text.strip() if text.strip() in pending["options"] else read.option
    if label is None and settles is not None:
        label = _side_meant(read, settles)
    if label is None:
        return {}
    quote = text.strip()
    if settles is not None:
        filled = Needs.model_validate({k: v for k, v in settles.get(label, {}).items() if v is not None})
        return {slot: getattr(filled, slot) for slot in settles.get(label, {})}
    chosen = option_slots(needs, pending["slot"], label)
    return {slot: value.model_copy(update={"quote": quote}) for slot, value in chosen.items()}


def _side_meant(read: Understanding, settles: dict[str, Any]) -> str | None:
    """The side of a contradiction that an answer in other words says again: `local, then`."""
    sides = {label: Needs.model_validate({k: v for k, v in s.items() if v}) for label, s in settles.items()}
    said = [
        label
        for label, side in sides.items()
        for slot, new in read.updates.items()
        if getattr(side, slot) is not None and _alike(new, getattr(side, slot))
    ]
    said = list(dict.fromkeys(said))
    return said[0] if len(said) == 1 else None


def _alike(one: Slot[Any], other: Slot[Any]) -> bool:
    """Whether two values of a slot say the same of what counts in it."""
    for name in ("mode", "use", "method"):
        if hasattr(one.value, name):
            return bool(getattr(one.value, name) == getattr(other.value, name))
    if isinstance(one.value, HardwareNeed):
        return one.value.none == other.value.none and (one.value.none or one.value.text == other.value.text)
    if isinstance(one.value, ModelWish):
        return bool({*one.value.named, *one.value.families} & {*other.value.named, *other.value.families})
    return bool(one.value == other.value)


def noted(updates: dict[str, Slot[Any] | None], before: Needs) -> list[str]:
    """What a change of mind was understood as: what was taken back, and what is said now or still stands."""
    words = []
    for slot, filled in updates.items():
        lifted = lifted_words(slot, getattr(before, slot), filled)
        words += [f"no longer required: {listed(lifted)}"] if lifted else []
        if filled is None:
            words += [] if lifted else [f"nothing about {slot.replace('_', ' ')}"]
            continue
        said = said_words(slot, filled)
        words += [f"still {said}" if lifted and filled.value != ModelWish() else said]
    found = "; ".join(dict.fromkeys(word for word in words if word))
    return [f"Noted: {found}."] if found else []
