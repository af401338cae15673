"""Questions about a slot that was answered ambiguously, against itself, or with a machine nobody knows."""

from __future__ import annotations

from agent.intake import Intake
from agent.state import Outcome, State
from knowledge.catalog.store import load_catalog
from tools.brief import brief_of
from tools.hardware import nearest_accelerators, read_hardware
from tools.needs import Needs


def clarification(taken: Intake, state: State) -> Outcome | None:
    """The question that settles what a message left open; None where all is clear or it was asked before.

    Args:
        taken: the message, taken in.
        state: the conversation.
    """
    done = state.get("clarified", [])
    for item in taken.read.ambiguous:
        if item.slot not in done:
            return _asks(
                item.slot,
                f"Which one do you mean by \u201c{item.mention}\u201d?",
                "they differ in memory, and memory decides what fits",
                list(item.options),
            )
    for clash in taken.contradictions:
        if clash.slot not in done:
            asked = _asks(clash.slot, clash.question(), clash.why, list(clash.settled))
            asked["settles"] = clash.settled
            return asked
    if "hardware" in taken.read.updates and "hardware" not in done:
        return _unknown_machine(taken.needs)
    return None


def _asks(slot: str, text: str, reason: str, options: list[str]) -> Outcome:
    return Outcome(kind="question", slot=slot, text=text, reason=reason, options=options, clarifies=True)


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
