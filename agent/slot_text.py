"""One slot's value from a person's words, and back: what an option of `recommend` and a changed need say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, JsonValue, ValidationError

from agent.wording import said_words
from knowledge.errors import AdvisorError, UsageError
from tools.commands.recommend import HINTS, UNREADABLE, WORD_KEYS, exact_slot, exact_value, slot_error
from tools.hardware import read_hardware
from tools.needs import SLOTS, HardwareNeed, Needs, Slot

MAX_TEXT = 10_000
SUGGESTED = {
    "min_speed": ("10", "20", "40"),
    "features": ("tool calling", "images", "thinking", "structured output"),
}
"""What is suggested for slots that no question asks for."""
_K = 1024


@dataclass(frozen=True, slots=True)
class Editing:
    """How a need is edited in place."""

    text: str
    """The value as it stands, in words that are read back as the same value."""
    suggestions: tuple[str, ...] = ()
    """Plausible values, each read as it is."""


def read_slot(needs: Needs, slot: str, text: str) -> Needs:
    """The needs with one slot read from words; words may fill other slots as well, where they are empty.

    Raises:
        UsageError: The words cannot be read as the slot's value.
    """
    text = text.strip()
    if not text or len(text) > MAX_TEXT:
        raise UsageError(f"`{slot}` takes 1 to {MAX_TEXT:,} characters.", hint=HINTS[slot])
    if text.startswith("{"):
        return needs.updated(**{slot: exact_slot(slot, json_object_of(slot, text))})
    if slot == "hardware" and _is_one_machine(text):
        return needs.updated(hardware=exact_slot(slot, text))
    if slot not in ("hardware", "model"):
        try:
            return needs.updated(**{slot: exact_value(slot, text)})
        except ValidationError as error:
            if error.errors()[0]["type"] not in UNREADABLE:
                raise slot_error(slot, text, error) from None
    return _understood(needs, slot, text)


def json_object_of(slot: str, text: str) -> JsonValue:
    """The exact value of a slot as a JSON object; read as words, its numbers would be lost.

    Raises:
        UsageError: It is none.
    """
    try:
        found: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        raise UsageError(f"`{slot}` is no JSON object that can be read.", hint=HINTS[slot]) from None
    return plain_value(found)


def plain_value(value: JsonValue) -> JsonValue:
    """The value of `{"value": ..., "source": ..., "quote": ...}`, as a recommendation prints slots."""
    if isinstance(value, dict) and "value" in value and set(value) <= set(Slot.model_fields):
        return value["value"]
    return value


def changed_slot(needs: Needs, slot: str, text: str) -> dict[str, Slot[Any]]:
    """What a changed need says: its slot, read anew from the words, as said by the person.

    An option of a question means exactly what was compared for it, which may name a training machine too.

    Raises:
        UsageError: There is no such slot, or the words cannot be read as its value.
    """
    from agent.interview import option_slots

    if slot not in SLOTS:
        raise UsageError(f"There is no need `{slot[:60]}`.", hint=f"Needs: {', '.join(SLOTS)}.")
    text = text.strip()
    if chosen := option_slots(needs, slot, text):
        return chosen
    # What stood there is replaced, not added to.
    read = getattr(read_slot(needs.updated(**{slot: None}), slot, text), slot)
    return {slot: read.model_copy(update={"quote": text, "source": "user"})}


def editing(needs: Needs, slot: str, assumed: object = None) -> Editing:
    """The value of a slot as text to edit, and what else it could be.

    Args:
        needs: what is known.
        slot: the slot.
        assumed: the assumption in its place, where nobody said it.
    """
    from agent.priors import plausible, priors, tags_of
    from tools.brief import brief_of

    labels = SUGGESTED.get(slot, ())
    if slot in priors().slots:
        labels = tuple(answer.label for answer in plausible(slot, tags_of(needs, brief_of(needs))))
    filled: Slot[Any] | None = getattr(needs, slot)
    if filled is not None:
        text = _words_for(needs, slot, filled)
    else:
        text = str(assumed or "") if not isinstance(assumed, int) else _thousands(assumed)
    return Editing(text, tuple(label for label in labels if label != text))


def _words_for(needs: Needs, slot: str, filled: Slot[Any]) -> str:
    """The first of several ways to say a value that is read back as this value."""
    ways = _ways(slot, filled)
    for way in ways:
        try:
            if _plain(changed_slot(needs, slot, way)[slot]) == _plain(filled):
                return way
        except AdvisorError:
            continue
    return ways[0]


def _plain(filled: Slot[Any]) -> dict[str, Any]:
    """What counts in a value; the detail of a task only repeats the words."""
    return filled.model_dump(include={"value"}, exclude={"value": {"detail"}})


def _ways(slot: str, filled: Slot[Any]) -> list[str]:
    """Ways to say a value, the shortest first; the exact one, as JSON, comes last."""
    value = filled.value
    ways = []
    if isinstance(value, int):
        ways.append(_thousands(value))
    if isinstance(value, tuple):
        ways.append(", ".join(str(item).replace("_", " ") for item in value))
        ways.append(", ".join(map(str, value)))
    if isinstance(value, HardwareNeed) and value.training_text:
        ways.append(f"{value.text}, training on {value.training_text}")
    if not isinstance(value, BaseModel | tuple):
        ways.append(f"{value:g}" if isinstance(value, float) else str(value))
    if slot in WORD_KEYS and slot != "hardware":
        ways.append(getattr(value, WORD_KEYS[slot]))
    ways += [filled.quote, said_words(slot, filled)]
    if isinstance(value, BaseModel):
        ways.append(json.dumps(value.model_dump(mode="json", exclude_defaults=True), ensure_ascii=False))
    return [way for way in dict.fromkeys(" ".join(way.split()) for way in ways) if way]


def _thousands(value: int) -> str:
    """`32k` for whole multiples of 1,024."""
    return f"{value // _K}k" if value and value % _K == 0 else str(value)


def _is_one_machine(text: str) -> bool:
    """One machine and nothing of its purpose: such words need no understanding, which takes time to load."""
    reading = read_hardware(text)
    return len(reading.machines) == 1 and reading.machines[0].purpose == "both" and not reading.none


def _understood(needs: Needs, slot: str, text: str) -> Needs:
    from agent.understanding import Asked, understand

    found = understand(text, needs, asked=Asked(slot=slot))
    if found.conflicts:
        first = found.conflicts[0]
        raise UsageError(
            f"`{slot}` says two things that do not go together: {first.first} and {first.second}.",
            hint=HINTS[slot],
        )
    if slot not in found.updates:
        if slot == "hardware":
            return needs.updated(hardware=exact_slot(slot, text))
        shown = text if len(text) <= 60 else text[:57] + "..."
        raise UsageError(f"`{slot}` was not understood: {shown}.", hint=HINTS[slot])
    # What one option says of another slot holds unless that slot has an option of its own.
    return needs.updated(
        **{
            name: filled
            for name, filled in found.updates.items()
            if name == slot or getattr(needs, name) is None
        }
    )
