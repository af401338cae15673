"""Questions about a slot that was answered ambiguously, against itself, or with a machine nobody knows."""

from __future__ import annotations

from typing import Any

from agent.priors import every_answer
from agent.state import Outcome, State
from agent.understanding import Understanding
from agent.wording import named
from knowledge.catalog.store import load_catalog
from tools.brief import brief_of
from tools.hardware import nearest_accelerators, read_hardware
from tools.needs import Needs


def clarification(read: Understanding, needs: Needs, state: State) -> Outcome | None:
    """The question that settles what a message left open; None where all is clear or it was asked before.

    Args:
        read: the message as understood.
        needs: the needs with the message taken in.
        state: the conversation.
    """
    done = state.get("clarified", [])
    for item in read.ambiguous:
        if item.slot not in done:
            return _asks(
                item.slot,
                f"Which one do you mean by \u201c{item.mention}\u201d?",
                "they differ in memory, and memory decides what fits",
                list(item.options),
            )
    for clash in read.conflicts:
        # Who corrects an earlier answer has decided; who says both at once has not.
        if clash.slot not in done and not (clash.earlier and read.intent in ("change", "critique")):
            options = [_label(clash.slot, clash.first), _label(clash.slot, clash.second)]
            both = f"\u201c{options[0]}\u201d and \u201c{options[1]}\u201d"
            return _asks(
                clash.slot,
                f"Two things do not go together: {both}. Which one holds?",
                "no model can meet both",
                options,
            )
    if "hardware" in read.updates and "hardware" not in done:
        return _unknown_machine(needs)
    return None


def _asks(slot: str, text: str, reason: str, options: list[str]) -> Outcome:
    return Outcome(kind="question", slot=slot, text=text, reason=reason, options=options, clarifies=True)


def _label(slot: str, value: str) -> str:
    """A value as the option of the slot's question has it, so that choosing it is understood."""
    for answer in every_answer(slot):
        meant: Any = answer.value
        if value in ([str(v) for v in meant.values()] if isinstance(meant, dict) else [str(meant)]):
            return answer.label
    number = float(value) if value.replace(".", "", 1).isdigit() else None
    return f"{number:,.0f}" if number is not None else named(slot, value)


def _unknown_machine(needs: Needs) -> Outcome | None:
    """Asks for the memory of a machine that is named and not in the catalog."""
    said = needs.hardware
    if said is None or said.value.none or brief_of(needs).machine is not None:
        return None
    words = said.value.text or said.value.training_text
    name = next(iter(read_hardware(words).unknown), words)
    near = nearest_accelerators(name, tuple(load_catalog().accelerators))
    return _asks(
        "hardware",
        f"I do not know \u201c{name}\u201d. How much memory does it have, or which of these is nearest?",
        "without its memory I cannot say what fits",
        list(near),
    )
