"""What a language model read in a message: typed values, each with the words that prove it.

A value counts where its type is right, its quote stands in the message, and its numbers are those of the
message. What the built-in parser read is the person's own word and stays; the model fills what it left open.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from agent.understanding.explained import is_foreign
from agent.understanding.parser import understand
from agent.understanding.types import Asked, Critique, Intent, Understanding, Updates
from knowledge.figures import figures
from tools.commands.requests import reason_of
from tools.needs import (
    Budget,
    Dataset,
    Deployment,
    Feature,
    HardwareNeed,
    LicenseNeed,
    Needs,
    Priority,
    Slot,
    Task,
    TaskNeed,
    Training,
    Volume,
)

INTENTS: dict[str, Intent] = {
    "needs": "give_needs",
    "question": "ask",
    "complaint": "critique",
    "recommend_now": "recommend_now",
    "no_preference": "no_preference",
    "other": "off_topic",
}
"""What a model may take a message for, and what that is called here."""
MOST_QUOTED = 300
SAME = 0.005
"""Relative difference up to which two numbers are the same."""
_FACTORS = (1.0, 1e3, 1024.0, 1e4, 1e6, 2.0**20, 1e8, 1e9)
"""Multiples that a word of some language stands for, such as the ten thousand of Chinese and Japanese."""
_NUMERIC = ("hardware", "context", "min_speed", "concurrency", "budget", "volume", "dataset")
_COUNT = re.compile(r"\b\d{1,2}\s?[x\u00d7]\s?(?=\D)", re.IGNORECASE)
_UNSURE = ("off_topic", "give_needs", "answer")
"""Intents of the built-in parser that the model may settle where it read nothing."""

Quoted = Annotated[str, Field(min_length=1, max_length=MOST_QUOTED)]


def _number(value: object) -> object:
    """Small models write numbers as text: `16k`, `20 tokens per second`."""
    if isinstance(value, str) and len(found := figures(value)) == 1:
        return found[0].values[-1]
    return value


def _listed(value: object) -> object:
    """And lists as a single text."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


Count = Annotated[int, BeforeValidator(_number), Field(ge=1, le=10**13)]
Amount = Annotated[float, BeforeValidator(_number), Field(gt=0, le=10**12, allow_inf_nan=False)]
Place = Literal["local", "offline", "private", "api", "either"]
Use = Literal["personal", "research", "commercial", "permissive", "any"]
Method = Literal["none", "any", "lora", "qlora", "full", "scratch"]
Codes = Annotated[
    tuple[Annotated[str, Field(pattern=r"^([a-z]{2}|multi)$")], ...],
    BeforeValidator(_listed),
    Field(min_length=1, max_length=12),
]
Features = Annotated[tuple[Feature, ...], BeforeValidator(_listed), Field(min_length=1)]
_PLACES: dict[str, Deployment] = {
    "local": Deployment(mode="local"),
    "offline": Deployment(mode="local", private=True, offline=True),
    "private": Deployment(mode="local", private=True),
    "api": Deployment(mode="api"),
    "either": Deployment(mode="either"),
}


def _license(value: str) -> LicenseNeed:
    if value == "permissive":
        return LicenseNeed(use="any", permissive_only=True)
    return LicenseNeed.model_validate({"use": value})


@dataclass(frozen=True, slots=True)
class _Row:
    """One thing that a model may report."""

    slot: str
    type: Any
    make: Callable[[Any, str], Any] = lambda value, quote: value
    hint: str = ""


_ROWS: dict[str, _Row] = {
    "task": _Row("task", Task, lambda v, q: TaskNeed(name=v, detail=q), "what the model is for"),
    "deployment": _Row("deployment", Place, lambda v, q: _PLACES[v], "where it runs"),
    "hardware": _Row(
        "hardware",
        Annotated[str, Field(min_length=1, max_length=MOST_QUOTED)],
        lambda v, q: _machine(v),
        "machines in English, such as `2x RTX 4090, 64GB RAM`",
    ),
    "license": _Row("license", Use, lambda v, q: _license(v), "use it is for, as licenses see it"),
    "context": _Row("context", Count, hint="tokens of one conversation"),
    "priority": _Row("priority", Priority, hint="what matters most"),
    "min_speed": _Row("min_speed", Amount, hint="tokens per second at least"),
    "concurrency": _Row("concurrency", Count, hint="conversations at once"),
    "requests_per_day": _Row("volume", Count, lambda v, q: Volume(requests_per_day=v)),
    "usd_per_month": _Row("budget", Amount, lambda v, q: Budget(usd_per_month=v)),
    "languages": _Row("languages", Codes, hint="of the texts; ISO 639-1 codes"),
    "features": _Row("features", Features),
    "training": _Row("training", Method, lambda v, q: Training(method=v), "how it is to be trained"),
    "examples": _Row("dataset", Count, lambda v, q: Dataset(examples=v), "training examples there are"),
}


def _machine(text: str) -> HardwareNeed:
    """A machine as the built-in parser reads it, which knows a training machine and none from one for use."""
    read = understand(text, Needs(), asked=Asked("hardware")).updates.get("hardware")
    return read.value if read is not None else HardwareNeed(text=text)


@dataclass(frozen=True, slots=True)
class Inferred:
    """What a model read, held against the message; `problems` is what it got wrong, for one repair."""

    values: Updates = field(default_factory=dict)
    intent: Intent | None = None
    changes: bool = False
    """The message takes back what was said earlier."""
    critique: Critique | None = None
    problems: tuple[str, ...] = ()


@cache
def schema() -> dict[str, Any]:
    """JSON Schema of a reading, flat and without references: grammars of small servers know no more."""
    properties: dict[str, Any] = {
        "intent": {"type": "string", "enum": list(INTENTS)},
        "changes_mind": {"type": "boolean"},
        "complaint": {"type": "string", "enum": list(get_args(Critique))},
    }
    for name in _ROWS:
        properties[name] = {
            "type": "object",
            "properties": {"value": _plain(_adapter(name).json_schema()), "quote": {"type": "string"}},
            "required": ["value", "quote"],
        }
    return {"type": "object", "properties": properties, "required": ["intent"]}


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    """A type's schema without limits, which many grammars do not know; they are checked here anyway."""
    kept = {key: value for key, value in document.items() if key in ("type", "enum")}
    if "items" in document:
        kept["items"] = _plain(document["items"])
    return kept


@cache
def fields_told() -> str:
    """The fields as lines of a prompt, for models that take no schema."""
    lines = []
    for name, row in _ROWS.items():
        kind = _plain(_adapter(name).json_schema())
        inner = kind.get("items", kind)
        values = " | ".join(map(str, inner["enum"])) if "enum" in inner else inner["type"]
        listed = f"list of {values}" if "items" in kind else values
        lines.append(f"- {name}: {listed}" + (f" ({row.hint})" if row.hint else ""))
    return "\n".join(lines)


@cache
def _adapter(name: str) -> TypeAdapter[Any]:
    return TypeAdapter(_ROWS[name].type)


def accepted(document: Mapping[str, Any], message: str) -> Inferred:
    """The values of a model's answer that hold; never raises for any document."""
    values: Updates = {}
    problems: list[str] = []
    for name, row in _ROWS.items():
        said = document.get(name)
        if said in (None, "", [], {}):
            continue
        problem = _problem(name, said, message)
        if problem:
            problems.append(problem)
            continue
        quote = str(said["quote"]).strip()
        value = _adapter(name).validate_python(said["value"])
        slot = Slot[Any](value=row.make(value, quote), source="inferred", quote=quote)
        values.setdefault(row.slot, slot)
    intent = INTENTS.get(str(document.get("intent")))
    if intent is None:
        problems.append(f"`intent` is one of {', '.join(INTENTS)}")
    complaint = document.get("complaint")
    critique = complaint if complaint in get_args(Critique) else None
    return Inferred(values, intent, document.get("changes_mind") is True, critique, tuple(problems))


def _problem(name: str, said: object, message: str) -> str:
    """What is wrong with one field; empty where it holds."""
    if not isinstance(said, Mapping) or not {"value", "quote"} <= set(said):
        return f"`{name}` is an object with `value` and `quote`"
    quote = said["quote"]
    if not isinstance(quote, str) or not _quoted(quote, message):
        return f"the quote of `{name}` does not stand in the message"
    try:
        value = _adapter(name).validate_python(said["value"])
    except ValidationError as error:
        return f"the value of `{name}` {reason_of(error.errors(include_url=False)[0])}"
    if not _founded(name, value, quote, message):
        return f"the number in `{name}` does not stand in its quote"
    return ""


def folded(text: str) -> str:
    """Letters and digits alone, so that quotes may differ in spaces, case and punctuation."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def _quoted(quote: str, message: str) -> bool:
    words = folded(quote)
    return 2 <= len(words) <= MOST_QUOTED and words in folded(message)


def _founded(name: str, value: object, quote: str, message: str) -> bool:
    """Whether the numbers of a value are the person's: no larger card, no longer context than was said."""
    if isinstance(value, str) and name == "hardware":
        # A leading count may stand for a word of any language: `dos RTX 4090`.
        digits = re.findall(r"\d+", _COUNT.sub("", value))
        return all(digit in re.findall(r"\d+", message) for digit in digits)
    if not isinstance(value, int | float):
        return True
    written = [one for figure in figures(quote) for one in figure.values]
    written += [float(digits) for digits in re.findall(r"\d+(?:\.\d+)?", quote)]
    if not written:
        return True  # a number word, in whatever language
    return any(abs(value / (one * factor) - 1) <= SAME for one in written if one for factor in _FACTORS)


def merged(
    read: Understanding, found: Inferred, needs: Needs, asked: Asked | None, message: str
) -> Understanding:
    """The parser's reading with what the model adds to it.

    What the person said stays: in this message, unless the words that the parser took are only a part of the
    model's quote in a language that the parser does not know; and from earlier, unless this message takes it
    back or answers the question about it.
    """
    foreign = is_foreign(message)
    added: Updates = {}
    for slot, value in found.values.items():
        here, before = read.updates.get(slot), getattr(needs, slot)
        if here is not None and not (foreign and _holds_more(value.quote, here.quote)):
            continue
        if _taken(slot, value.quote, read):
            continue
        replaces = found.changes or (asked is not None and asked.slot == slot)
        if here is None and before is not None and before.source == "user" and not replaces:
            continue
        if before is None or before.value != value.value:
            added[slot] = value
    updates = {**read.updates, **added}
    return replace(
        read,
        updates=updates,
        cleared=tuple(slot for slot in read.cleared if slot not in added),
        ambiguous=tuple(one for one in read.ambiguous if one.slot not in added),
        **_meant(read, found, added, needs, asked, message),
    )


def _holds_more(quote: str, part: str) -> bool:
    """`assistant de programmation` holds more than `assistant`."""
    return folded(part) in folded(quote) and len(folded(quote)) > len(folded(part))


def _taken(slot: str, quote: str, read: Understanding) -> bool:
    """Whether the words are a machine or a number of another slot and prove nothing else."""
    others = [said.quote for other, said in read.updates.items() if other in _NUMERIC and other != slot]
    taken = map(folded, others)
    return any(folded(quote) in words for words in taken)


def _meant(
    read: Understanding,
    found: Inferred,
    added: Updates,
    needs: Needs,
    asked: Asked | None,
    message: str,
) -> dict[str, Any]:
    """The intent, and what goes with it, where the parser could not tell."""
    if read.intent not in _UNSURE or (read.updates and read.intent != "off_topic"):
        return {}
    if added:
        if asked is not None and asked.slot in added:
            return {"intent": "answer"}
        changed = any(getattr(needs, slot) is not None for slot in added)
        return {"intent": "change" if changed else "give_needs"}
    if found.intent == "ask":
        return {"intent": "ask", "question": read.question or message.strip()}
    if found.intent == "critique":
        return {"intent": "critique", "critiques": (found.critique,)} if found.critique is not None else {}
    return {} if found.intent in (None, "give_needs") else {"intent": found.intent}
