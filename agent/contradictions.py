"""What a person said that does not go together: both sides in their own words, and what each would mean."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from agent.priors import every_answer
from agent.understanding import Conflict, Understanding
from agent.understanding.data import load
from agent.wording import named
from knowledge.catalog.store import load_catalog
from knowledge.errors import AdvisorError
from tools.brief import brief_of
from tools.hardware_types import Machine
from tools.needs import HardwareNeed, ModelWish, Needs, Slot

GIB = 1 << 30
LEAST_BYTES_PER_PARAMETER = 0.33
"""Two bits and a half a weight: nobody runs a model in less."""
_MOST_QUOTE = 60
_ONLY = re.compile(r"\b(?:only|just|nur|ausschließlich|seulement|uniquement|solo|sólo|solamente)\b")
_OTHER_MACHINE = re.compile(
    r"\b(?:but|laptop|desktop|server|notebook|other|also|aber|igpu|integrated|onboard|intel)\b"
)
_RENT = re.compile(r"\b(?:rent\w*|hire|lease\w*|miete\w*|mieten|louer|alquil\w*)\b")

Values = dict[str, Slot[Any] | None]


@dataclass(frozen=True, slots=True)
class Side:
    """One of two things that do not go together."""

    said: str
    """The person's words."""
    means: Values
    """The slots if this one holds; None clears a slot."""
    name: str = ""
    """As an option, where the words alone would not tell; empty for the words."""

    @property
    def option(self) -> str:
        """What is shown to pick it."""
        return self.name or self.said


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two statements of which only one can hold."""

    slot: str
    first: Side
    second: Side
    why: str
    earlier: bool
    """The first one was said in an earlier message."""

    @property
    def settled(self) -> dict[str, dict[str, Any]]:
        """What each side puts into slots, JSON-plain, by its words."""
        return {
            side.option: {
                slot: None if value is None else value.model_dump(mode="json")
                for slot, value in side.means.items()
            }
            for side in (self.first, self.second)
        }

    def question(self) -> str:
        """Both sides, quoted."""
        first, second = f"\u201c{self.first.said}\u201d", f"\u201c{self.second.said}\u201d"
        if self.earlier:
            return f"You said {first} before, and now {second}. Which one holds?"
        return f"You said {first} and {second}. Which one holds?"


def contradictions(
    read: Understanding, text: str, before: Needs, after: Needs, history: str = ""
) -> list[Contradiction]:
    """All contradictions that a message brings in, those inside of one slot first.

    Args:
        read: the message as understood.
        text: the message itself.
        before: the needs without it.
        after: the needs with it.
        history: what the person said before, for the words around a quote.
    """
    found = [_within_slot(clash, read, before, after) for clash in read.conflicts]
    rules: tuple[Callable[[Understanding, str, Needs, Needs], Contradiction | None], ...] = (
        _card_or_none,
        _card_and_none,
        _one_language_or_many,
        _local_or_closed,
        _free_or_rented,
        _small_machine_or_large_model,
    )
    whole = f"{history}\n{text}"
    found += [clash for rule in rules if (clash := rule(read, whole, before, after)) is not None]
    return [c for c in found if c.first.option != c.second.option]


def _short(words: str) -> str:
    return words if len(words) <= _MOST_QUOTE else words[:_MOST_QUOTE].rsplit(" ", 1)[0] + " \u2026"


def _within_slot(clash: Conflict, read: Understanding, before: Needs, after: Needs) -> Contradiction:
    """Two values of one slot: `commercial` and `private`."""
    slot, held = clash.slot, getattr(after, clash.slot)
    earlier = getattr(before, slot) if clash.earlier else None
    first = earlier if earlier is not None else _with_value(held, slot, clash.first, clash.quotes[0])
    second = held if clash.earlier else _with_value(held, slot, clash.second, clash.quotes[1])
    values = (clash.first, clash.second)
    names = [_option_name(slot, value) for value in values]
    said = [quote or name for quote, name in zip(clash.quotes, names, strict=True)]
    return Contradiction(
        slot,
        Side(_short(said[0]), {slot: first}, names[0]),
        Side(_short(said[1]), {slot: second}, names[1]),
        "no model can meet both",
        clash.earlier,
    )


_MAIN = {"deployment": "mode", "license": "use", "training": "method"}


def _with_value(held: Slot[Any], slot: str, value: str, quote: str) -> Slot[Any]:
    """A slot with another main value."""
    if slot in _MAIN:
        changed: Any = held.value.model_copy(update={_MAIN[slot]: value})
    else:
        changed = int(value) if isinstance(held.value, int) else value
    return held.model_copy(update={"value": changed, "quote": quote or held.quote})


def _option_name(slot: str, value: str) -> str:
    """A value as the option of the slot's question has it, else in plain words."""
    for answer in every_answer(slot):
        meant: Any = answer.value
        if value in ([str(v) for v in meant.values()] if isinstance(meant, dict) else [str(meant)]):
            return answer.label
    number = float(value) if value.replace(".", "", 1).isdigit() else None
    return f"{number:,.0f}" if number is not None else named(slot, value)


def _card_or_none(read: Understanding, _text: str, before: Needs, after: Needs) -> Contradiction | None:
    """`No GPU`, and then a graphics card, or the other way round."""
    old, new = before.hardware, read.updates.get("hardware")
    if old is None or new is None or old.source != "user" or not old.quote or not new.quote:
        return None
    if bool(old.value.none) == bool(new.value.none):
        return None
    card = before if new.value.none else after
    machine = _machine(card)
    if machine is None or not machine.devices:
        return None
    return Contradiction(
        "hardware",
        Side(_short(old.quote), {"hardware": old}),
        Side(_short(new.quote), {"hardware": after.hardware}),
        "a graphics card decides what fits and how fast it runs",
        earlier=True,
    )


@cache
def _no_card() -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(load('machines')['none'])})(?!\w)", re.IGNORECASE)


def _card_and_none(read: Understanding, _text: str, _before: Needs, after: Needs) -> Contradiction | None:
    """`No GPU` and a graphics card in one breath; of two machines each may have its own."""
    new = read.updates.get("hardware")
    denied = _no_card().search(new.quote) if new is not None else None
    if new is None or denied is None or _OTHER_MACHINE.search(new.quote.lower()):
        return None
    rest = f"{new.quote[: denied.start()]}{new.quote[denied.end() :]}".strip(" ,.;:+&-")
    with_card = new.model_copy(update={"value": HardwareNeed(text=rest), "quote": rest})
    machine = _machine(after.updated(hardware=with_card)) if rest else None
    if machine is None or not machine.devices or machine.detected or "apple" in machine.name.lower():
        return None
    without = new.model_copy(
        update={"value": HardwareNeed(text=denied.group(), none=True), "quote": denied.group()}
    )
    return Contradiction(
        "hardware",
        Side(_short(denied.group()), {"hardware": without}),
        Side(_short(rest), {"hardware": with_card}),
        "a graphics card decides what fits and how fast it runs",
        earlier=False,
    )


def _machine(needs: Needs) -> Machine | None:
    try:
        return brief_of(needs).machine
    except AdvisorError:
        return None


def _alone(quote: str, text: str) -> bool:
    """Whether a quote stands beside `only` where it was said."""
    found = text.lower().find(quote.lower())
    around = text.lower()[max(0, found - 12) : found + len(quote) + 8] if found >= 0 else quote.lower()
    return _ONLY.search(around) is not None


def _one_language_or_many(
    read: Understanding, text: str, before: Needs, after: Needs
) -> Contradiction | None:
    """`English only`, and then another language."""
    old, new = before.languages, read.updates.get("languages")
    if old is not None and new is not None and old.source == "user" and _alone(old.quote, text):
        if len(old.value) != 1 or set(new.value) <= set(old.value):
            return None
        return Contradiction(
            "languages",
            Side(_short(old.quote), {"languages": old}),
            Side(_short(new.quote), {"languages": after.languages}),
            "many models know one language only",
            earlier=True,
        )
    only = re.search(r"\b(?:english[- ]only|only (?:in )?english|just english|nur englisch)\b", text.lower())
    many = re.search(r"\b(?:multi-?lingual|many languages|mehrsprachig|all languages)\b", text.lower())
    if only is None or many is None or new is None:
        return None
    english = Slot[Any](value=("en",), quote=text[only.start() : only.end()])
    every = Slot[Any](value=("en", "multi"), quote=text[many.start() : many.end()])
    return Contradiction(
        "languages",
        Side(english.quote, {"languages": english, "features": before.features}),
        Side(every.quote, {"languages": every}),
        "many models know one language only",
        earlier=False,
    )


def _closed_only(wish: ModelWish) -> bool:
    """Whether every model or family that is wished for is behind an API."""
    closed = load("families")["closed"]["families"]
    by_id = load_catalog().by_id
    names = [name.lower() not in by_id for name in wish.named] + [f in closed for f in wish.families]
    return bool(names) and all(names)


def _local_or_closed(read: Understanding, _text: str, before: Needs, after: Needs) -> Contradiction | None:
    """Everything stays local, and a model that only its maker runs."""
    place, wish = after.deployment, after.model
    if place is None or wish is None or place.source != "user" or place.value.mode != "local":
        return None
    if not {"deployment", "model"} & read.updates.keys() or not _closed_only(wish.value):
        return None
    if any(c.slot == "deployment" for c in read.conflicts):
        return None
    without = wish.value.model_copy(update={"named": (), "families": ()})
    kept = None if without == ModelWish() else wish.model_copy(update={"value": without})
    api = place.value.model_copy(update={"mode": "api", "private": False, "offline": False})
    local = Side(_short(place.quote), {"deployment": place, "model": kept})
    remote = Side(
        _short(wish.quote),
        {"deployment": place.model_copy(update={"value": api, "quote": wish.quote}), "model": wish},
    )
    earlier = not {"deployment", "model"} <= read.updates.keys()
    first, second = (remote, local) if earlier and "deployment" in read.updates else (local, remote)
    return Contradiction(
        "deployment", first, second, "its maker runs it, and the text would go there", earlier
    )


def _free_or_rented(read: Understanding, text: str, before: Needs, after: Needs) -> Contradiction | None:
    """No money, and a rented machine."""
    budget, machine = after.budget, after.hardware
    if budget is None or machine is None or budget.value.usd_per_month != 0:
        return None
    if not {"budget", "hardware"} & read.updates.keys():
        return None
    place = after.deployment.quote if after.deployment is not None else ""
    words = next((w for w in (machine.quote, place) if _RENT.search(w.lower())), None)
    if words is None and not _RENT.search(text.lower()):
        return None
    said = _short(words or f"rent {machine.quote}")
    nothing = Side(_short(budget.quote), {"budget": budget, "hardware": None})
    rented = Side(said, {"budget": None, "hardware": machine})
    earlier = not {"budget", "hardware"} <= read.updates.keys()
    first, second = (rented, nothing) if earlier and "budget" in read.updates else (nothing, rented)
    return Contradiction("budget", first, second, "a rented machine costs money by the hour", earlier)


def _wanted_b(wish: ModelWish) -> float | None:
    """Billions of parameters of the smallest model that the wish allows; None where it names no size."""
    if wish.min_params_b is not None:
        return wish.min_params_b
    by_id = load_catalog().by_id
    sizes = [by_id[n.lower()].params_b for n in wish.named if n.lower() in by_id]
    known = [size for size in sizes if size is not None]
    return min(known) if known and len(known) == len(wish.named) else None


def _small_machine_or_large_model(
    read: Understanding, _text: str, before: Needs, after: Needs
) -> Contradiction | None:
    """A model that the machine cannot hold at any quantization."""
    said, wish = after.hardware, after.model
    if said is None or wish is None or said.value.none or not {"hardware", "model"} & read.updates.keys():
        return None
    if wish.strength == "wish" or (after.deployment is not None and after.deployment.value.mode != "local"):
        return None
    machine, wanted = _machine(after), _wanted_b(wish.value)
    if machine is None or wanted is None or (after.training and after.training.value.method == "scratch"):
        return None
    room = sum(d.memory_bytes or 0 for d in machine.devices) + (machine.ram_bytes or 0)
    least = wanted * 1e9 * LEAST_BYTES_PER_PARAMETER
    if not room or least <= room:
        return None
    without = wish.value.model_copy(update={"named": (), "min_params_b": None, "max_params_b": None})
    smaller = None if without == ModelWish() else wish.model_copy(update={"value": without})
    why = f"even at two bits a weight it takes {least / GIB:.0f} GiB, and there are {room / GIB:.0f}"
    keep = Side(_short(said.quote), {"hardware": said, "model": smaller})
    large = Side(_short(wish.quote), {"model": wish, "hardware": said})
    earlier = not {"hardware", "model"} <= read.updates.keys()
    first, second = (large, keep) if earlier and "hardware" in read.updates else (keep, large)
    return Contradiction("hardware", first, second, why, earlier)
