"""Slots in words: what a need is called and how its value reads, for the panel and the hardware line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tui.plaintext import clean, is_number, tokens, usd, words

LABELS = {
    "task": "Task",
    "hardware": "Hardware",
    "license": "License",
    "context": "Context",
    "priority": "Priority",
    "deployment": "Where it runs",
    "min_speed": "Speed",
    "concurrency": "At once",
    "volume": "Volume",
    "budget": "Budget",
    "languages": "Languages",
    "features": "Features",
    "training": "Training",
    "dataset": "Data",
    "model": "Models named",
}
"""Every slot in the order of the panel, with its name for people."""
ORIGINS = {"user": "said", "inferred": "inferred", "detected": "detected", "assumed": "assumed"}
TRAINING = {
    "none": "no training",
    "any": "fine-tuning, method left open",
    "lora": "LoRA",
    "qlora": "QLoRA",
    "full": "all weights",
    "scratch": "from scratch",
}
"""Ways of training in words."""
_WRITERS: dict[str, Callable[[Any], str]] = {
    "context": lambda value: f"{tokens(value)} tokens",
    "min_speed": lambda value: f"at least {value:g} tok/s" if is_number(value) else clean(value),
    "concurrency": lambda value: f"{value} at a time",
}
_FIELD_WORDS: dict[str, Callable[[Any], str]] = {
    "usd_per_month": lambda value: f"{usd(value)} a month",
    "usd_once": lambda value: f"{usd(value)} once",
    "revenue_usd": lambda value: f"{usd(value)} revenue a year",
    "users": lambda value: f"{value:,} users" if is_number(value) else clean(value),
    "min_params_b": lambda value: f"at least {value:g}B" if is_number(value) else clean(value),
    "max_params_b": lambda value: f"at most {value:g}B" if is_number(value) else clean(value),
    "excluded": lambda value: "not " + _value(value),
    "also": lambda value: "also " + _value(value),
    "training_text": lambda value: f"training on {clean(value, one_line=True)}",
    "none": lambda value: "no machine of one's own",
    "method": lambda value: TRAINING.get(str(value), words(value)),
    "examples": lambda value: f"{value:,} examples" if is_number(value) else words(value),
}
_PLAIN_FIELDS = {"name", "text", "mode", "use", "method", "region", "named"}
"""Fields whose value speaks for itself."""
_LEFT_OUT = {"detail"}
"""Fields that repeat the quoted words."""


@dataclass(frozen=True, slots=True)
class Need:
    """One row of the panel."""

    slot: str
    label: str
    value: str
    origin: str
    """`said`, `inferred`, `detected` or `assumed`."""
    detail: str
    """The quoted words, or why it was assumed."""


def read_needs(needs: Mapping[str, Any], assumptions: Sequence[Mapping[str, Any]] = ()) -> list[Need]:
    """Rows for the filled slots, then the assumed ones, each in the order of `LABELS`."""
    rows = [_said(slot, entry) for slot, entry in needs.items() if isinstance(entry, Mapping)]
    for entry in assumptions:  # one may stand beside what was said of the same slot: what was filled in
        slot = clean(entry.get("slot") or "", one_line=True)
        if slot:
            text = value_words(slot, entry.get("value"))
            rows.append(
                Need(slot, label(slot), text, "assumed", clean(entry.get("why") or "", one_line=True))
            )
    order = list(LABELS)
    place = {slot: index for index, slot in enumerate(order)}
    return sorted(rows, key=lambda row: (row.origin == "assumed", place.get(row.slot, len(order))))


def label(slot: str) -> str:
    """The name of a slot for people."""
    return LABELS.get(slot, words(slot).capitalize())


def value_words(slot: str, value: object) -> str:
    """A slot's value as a few words."""
    if slot in _WRITERS and is_number(value):
        return _WRITERS[slot](value)
    if slot == "languages" and isinstance(value, list | tuple) and list(value) == ["multi"]:
        return "several"
    return _value(value) or "unknown"


def hardware_words(
    needs: Mapping[str, Any], assumptions: Sequence[Mapping[str, Any]] = ()
) -> tuple[str, str]:
    """What the hardware line says: the machine, and where that came from; empty where nothing is known."""
    origins = {
        "said": "as you said",
        "inferred": "as understood",
        "detected": "this machine",
        "assumed": "assumed",
    }
    for row in read_needs(needs, assumptions):
        if row.slot == "hardware":
            return row.value, origins[row.origin]
    return "", ""


def said_machine(needs: Mapping[str, Any]) -> str:
    """The machine that the person named; empty where none was, or a machine is not wanted."""
    entry = needs.get("hardware")
    if not isinstance(entry, Mapping) or ORIGINS.get(str(entry.get("source", "user"))) == "detected":
        return ""
    value = entry.get("value")
    if not isinstance(value, Mapping) or value.get("none"):
        return ""
    return clean(value.get("text") or "", one_line=True)


def _said(slot: str, entry: Mapping[str, Any]) -> Need:
    origin = ORIGINS.get(str(entry.get("source", "user")), "said")
    quote = clean(entry.get("quote") or "", one_line=True)
    return Need(slot, label(slot), value_words(slot, entry.get("value")), origin, quote)


def _value(value: object) -> str:
    if value is None or value is False or value == "":
        return ""
    if isinstance(value, Mapping):
        return ", ".join(part for key, entry in value.items() if (part := _field(str(key), entry)))
    if isinstance(value, list | tuple | set):
        return ", ".join(part for entry in value if (part := _value(entry)))
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    # `tool_calling` reads as words; `iogpu.wired_limit_mb` in a sentence is what somebody types.
    named = isinstance(value, str) and "_" in value and " " not in value.strip()
    return words(str(value)) if named else clean(value, one_line=True)


def _field(key: str, value: object) -> str:
    if key in _LEFT_OUT or value is None or value is False or value in ("", [], ()):
        return ""
    if key in _FIELD_WORDS:
        return _FIELD_WORDS[key](value)
    if value is True:
        return words(key)
    return _value(value) if key in _PLAIN_FIELDS else f"{words(key)} {_value(value)}"
