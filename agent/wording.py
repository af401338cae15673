"""Slots, engines and numbers in words, from one table: what the messages of guided mode are made of."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

from pydantic import BaseModel, TypeAdapter

from tools.brief import Brief
from tools.needs import Deployment, HardwareNeed, LicenseNeed, ModelWish, Slot, TaskNeed
from tools.wishes import place_name

MOST_CHARACTERS = 80


@cache
def table() -> dict[str, Any]:
    """The table of `agent/data/words.json`."""
    data = resources.files("agent").joinpath("data/words.json").read_bytes()
    return TypeAdapter(dict[str, Any]).validate_json(data)


def named(slot: str, value: object) -> str:
    """One value of a slot by its name for people; numbers with thousands separated."""
    names: dict[str, str] = table()["values"].get(slot, {})
    plain = (
        f"{value:,g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
    )
    return names.get(str(value), names.get("*", "{value}").format(value=plain))


def slot_words(slot: str, value: object) -> str:
    """A plain slot value as part of a sentence: `8,192 tokens of context`, `English and German`."""
    if isinstance(value, tuple | list):
        words = listed([named(slot, item) for item in value])
    elif slot == "languages":
        words = listed([named(slot, item) for item in str(value).split(", ")])
    else:
        words = named(slot, value)
    return str(table()["slots"].get(slot, "{value}")).format(value=words)


def said_words(slot: str, filled: Slot[Any]) -> str:
    """What a person said of a slot, as it was understood."""
    value = filled.value
    if isinstance(value, TaskNeed):
        return slot_words(slot, value.name)
    if isinstance(value, Deployment):
        return slot_words(slot, value.mode)
    if isinstance(value, LicenseNeed):
        return _license_words(slot, value)
    if isinstance(value, ModelWish):
        return _wish_words(value) or filled.quote.strip()[:MOST_CHARACTERS]
    if isinstance(value, HardwareNeed) and value.text:
        return value.text
    if isinstance(value, BaseModel):
        return filled.quote.strip()[:MOST_CHARACTERS]
    return slot_words(slot, value)


def lifted_words(slot: str, before: Slot[Any] | None, after: Slot[Any] | None) -> list[str]:
    """What stood of a slot and was taken back, each in words; empty where nothing was.

    Args:
        slot: the slot.
        before: what was known.
        after: what is known now; None where the whole slot was taken back.
    """
    if before is None:
        return []
    if not isinstance(before.value, ModelWish):
        return [said_words(slot, before)] if after is None else []
    now = _single(after.value) if after is not None and isinstance(after.value, ModelWish) else []
    return [words for words in _single(before.value) if words not in now]


def _single(wish: ModelWish) -> list[str]:
    """Everything that a wish rules out or requires, one by one."""
    one = [ModelWish(excluded=(name,)) for name in wish.excluded]
    one += [ModelWish(excluded_places=(place,)) for place in wish.excluded_places]
    one += [ModelWish(places=wish.places), ModelWish(newer_than=wish.newer_than)]
    one += [ModelWish(open_data=wish.open_data), ModelWish(no_thinking=wish.no_thinking)]
    found = [words for words in map(_wish_words, one) if words]
    for size, words in ((wish.min_params_b, "at least"), (wish.max_params_b, "at most")):
        found += [f"{words} {size:.3g}B parameters"] if size is not None else []
    return found


def _wish_words(wish: ModelWish) -> str:
    """What is ruled out and required of a model's maker, age, data and thinking."""
    parts = [f"without {listed(list(wish.excluded))}"] if wish.excluded else []
    if wish.excluded_places:
        parts.append(f"no maker in {listed([place_name(p) for p in wish.excluded_places])}")
    if wish.places:
        parts.append(f"a maker in {' or '.join(place_name(p) for p in wish.places)}")
    if wish.newer_than is not None:
        parts.append(f"released after {wish.newer_than}")
    if wish.open_data:
        parts.append("with published training data")
    if wish.no_thinking:
        parts.append("without a model that always thinks first")
    return ", ".join(parts)


def _license_words(slot: str, value: LicenseNeed) -> str:
    """The use, and every fact of it that a clause may ask for."""
    words: dict[str, Any] = table()["license_facts"]
    parts = ["only Apache-2.0, MIT or BSD" if value.permissive_only else slot_words(slot, value.use)]
    for name, template in words.items():
        said = getattr(value, name)
        if said not in (None, False):
            one = template.get(str(said), "") if isinstance(template, dict) else template.format(value=said)
            parts += [one] if one else []
    return ", ".join(parts)


def engine_name(engine: str) -> str:
    """An engine as its makers write it."""
    return str(table()["engines"].get(engine, engine))


def assumptions_told(kind: str) -> frozenset[str]:
    """Slots whose assumptions are worth a person's time for a role, or for `api`."""
    return frozenset(table()["assumed"][kind])


def role_name(role: str) -> str:
    return str(table()["roles"].get(role, role))


def listed(parts: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def about_time(seconds: float) -> str:
    """`about 25 s`, `about 3 min`; an estimate, so in steps of five."""
    if seconds < 90:
        return f"about {max(5, 5 * round(seconds / 5))} s"
    return f"about {round(seconds / 60)} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"


def planned_words(brief: Brief) -> str:
    """How many were planned for, and on what ground."""
    why = next((a.why for a in brief.assumptions if a.slot == "concurrency"), "")
    return f"planned for {brief.parallel}" + (f" (assumed: {why})" if why else "")
