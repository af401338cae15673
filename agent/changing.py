"""The step of a turn that changes one need: its words are the need's value, never a whole message."""

from __future__ import annotations

import asyncio
from typing import Any

from agent.evaluations import is_tuning, kept_evaluations
from agent.events import Failure, Status
from agent.intake import noted
from agent.nodes import Emit
from agent.slot_text import changed_slot
from agent.standing import needs_event
from agent.state import Outcome, Pending, State, is_answered, needs_of, spoken
from knowledge.errors import AdvisorError, UsageError
from tools.brief import brief_of
from tools.commands.lookups import machine_named
from tools.needs import SLOTS, Needs, Slot

TAKEN_BACK = "take back what was said"


async def change_need(state: State, emit: Emit) -> State:
    """Puts one need in the place of what stood there; an empty text takes it back.

    A question that waits stays open unless the change answers it. Where a recommendation was given, it is
    computed anew, and nothing is asked before.
    """
    given = state.get("input", {})
    slot, text = str(given.get("slot", "")), str(given.get("text", "")).strip()
    before = needs_of(state)
    emit(Status("reading the new value"))
    try:
        updates = await asyncio.to_thread(_updates, before, slot, text)
        after = before.updated(**updates)
        emit(await asyncio.to_thread(needs_event, after))
    except AdvisorError as error:
        emit(Failure(error.code, error.message, error.hint))
        return State(route="listen")
    said = f"{slot.replace('_', ' ')}: {text or TAKEN_BACK}"
    training = updates.get("training")
    tune = training is not None and is_tuning(training)
    change = State(evaluated=kept_evaluations(state, after, tune=tune))
    change |= State(needs=after.as_json(), messages=[*state.get("messages", []), spoken("user", said)])
    remarks = noted(updates, before)
    pending = state.get("pending")
    answers = pending is not None and _answers(pending, updates)
    if answers:
        change["pending"] = None
    if is_answered(state):
        outcome = Outcome(kind="recommendation", remarks=remarks, keeps=pending is not None and not answers)
        return State(**change | {"route": "respond", "outcome": outcome})
    if answers:
        return State(**change | {"route": "decide", "outcome": Outcome(remarks=remarks)})
    outcome = Outcome(kind="reply", text=" ".join(remarks) or "Noted.")
    return State(**change | {"route": "respond", "outcome": outcome})


def _updates(before: Needs, slot: str, text: str) -> dict[str, Slot[Any] | None]:
    """What changes in the needs.

    Raises:
        AdvisorError: The words cannot be read, or name a machine that is not known.
    """
    if text:
        updates: dict[str, Slot[Any] | None] = dict(changed_slot(before, slot, text))
    elif slot not in SLOTS or getattr(before, slot) is None:
        raise UsageError(
            f"Nothing was said of `{slot[:60]}` that could be taken back.",
            hint="To change it, give its new value.",
        )
    else:
        updates = {slot: None}
    after = before.updated(**updates)
    if slot == "hardware" and after.hardware is not None and not after.hardware.value.none:
        machine_named(after.hardware.value.text)
    brief_of(after)
    return updates


def _answers(pending: Pending, updates: dict[str, Slot[Any] | None]) -> bool:
    """Whether the question that waits is about what was changed; a taken back need answers nothing."""
    slots = {pending["slot"], *(s for side in pending.get("settles", {}).values() for s in side)}
    return any(filled is not None and slot in slots for slot, filled in updates.items())
