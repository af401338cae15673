"""`recommend`: the decision from slots with exact values."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, ValidationError

from knowledge.errors import UsageError
from tools.commands.lookups import machine_named, means_this
from tools.commands.requests import Number, Request, Text, Tokens, reason_of
from tools.commands.task_words import TaskWord, task_word
from tools.needs import SLOTS, Feature, Needs, Priority, Slot, Task
from tools.recommend import recommend as decide

Document = dict[str, Any]
WORD_KEYS = {"deployment": "mode", "license": "use", "training": "method", "hardware": "text"}
"""Slots whose structured value can be told by one word, and the field that it stands for; see also `task`."""
LIST_SLOTS = ("languages", "features")
UNREADABLE = (
    "string_pattern_mismatch",
    "int_parsing",
    "float_parsing",
    "literal_error",
    "model_type",
    "int_from_float",
)
"""Errors that say `these are other words`, where free text may still be understood."""
Speed = Annotated[float, Number, Field(gt=0, le=1e6, allow_inf_nan=False)]
"""Tokens per second."""
Count = Annotated[int, Number, Field(ge=1, le=1_000_000)]
"""Conversations at once."""


@cache
def _codes() -> frozenset[str]:
    """The codes of two letters, from `tools/data/language_codes.json`."""
    data = files("tools").joinpath("data/language_codes.json").read_bytes()
    return frozenset(TypeAdapter(dict[str, str]).validate_json(data)["codes"].split())


def _language(code: str) -> str:
    """Codes of three letters are taken as they are: there are thousands, and some models list them."""
    if len(code) == 2 and code not in _codes():
        raise ValueError("should be a language's ISO 639-1 code")
    return code


Languages = tuple[Annotated[str, Field(pattern=r"^([a-z]{2,3}|multi)$"), AfterValidator(_language)], ...]
"""ISO 639 codes, or `multi`."""


def _items(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class RecommendQuery(Request):
    """Request of the `recommend` tool: the slots a language model fills, with exact values."""

    task: TaskWord = Field(description="what the model is for")
    hardware: Text | None = Field(
        None, description='the machine in words, such as "RTX 3090 + 64 GB RAM"; this machine where missing'
    )
    deployment: Literal["local", "api", "either"] | None = Field(None, description="where the model may run")
    license: Literal["personal", "research", "commercial", "any"] | None = Field(
        None, description="intended use, as far as licenses care"
    )
    context: Tokens | None = Field(None, description="tokens that one conversation or request needs")
    priority: Priority | None = Field(None, description="what counts most")
    min_speed: Speed | None = Field(None, description="tokens per second, at least")
    concurrency: Count | None = Field(None, description="conversations at once")
    languages: Annotated[Languages, BeforeValidator(_items)] | None = Field(
        None, description="ISO 639-1 codes, or multi"
    )
    features: Annotated[tuple[Feature, ...], BeforeValidator(_items)] | None = Field(
        None, description="what the model must be able to do"
    )
    training: Literal["none", "any", "lora", "qlora", "full", "scratch"] | None = Field(
        None, description="how the model is to be trained, if at all"
    )


def recommend(query: RecommendQuery) -> Document:
    """The recommendation for exactly these slots."""
    values = {key: value for key, value in query if value is not None}
    return recommend_needs(Needs().updated(**{key: exact_slot(key, value) for key, value in values.items()}))


def recommend_needs(needs: Needs) -> Document:
    """The recommendation for some needs; the document of the contract.

    Raises:
        UsageError: A need cannot be read, or the hardware text names no machine.
        UnknownNameError: An accelerator is named that the catalog does not hold.
    """
    hardware = needs.hardware.value if needs.hardware is not None else None
    if hardware is not None and means_this(hardware.text):
        needs = needs.model_copy(update={"hardware": None})
    elif hardware is not None and not hardware.none:
        machine_named(hardware.text)
    document: Document = decide(needs).as_json()
    return document


@cache
def _adapter(slot: str) -> TypeAdapter[Any]:
    """The type of a slot's value."""
    bounded: dict[str, Any] = {"context": Tokens, "min_speed": Speed, "concurrency": Count}
    bounded["languages"] = Languages
    return TypeAdapter(bounded.get(slot) or _slot_type(slot).model_fields["value"].annotation)


def exact_slot(slot: str, value: object) -> Slot[Any]:
    """A slot from its exact value: the structured value, or the one word that stands for it.

    Raises:
        UsageError: The value is not one of the slot's.
    """
    try:
        return exact_value(slot, value)
    except ValidationError as error:
        raise slot_error(slot, value, error) from None


def exact_value(slot: str, value: object) -> Slot[Any]:
    """As `exact_slot`, but a value that is off raises what pydantic says.

    Raises:
        ValidationError: The value is not one of the slot's.
    """
    given = value
    if isinstance(value, str) and slot == "task":
        given = {"name": task_word(value), "detail": value.strip()}
    elif isinstance(value, str) and slot in WORD_KEYS:
        given = {WORD_KEYS[slot]: value.strip() if slot == "hardware" else value.strip().lower()}
    elif isinstance(value, str) and slot in LIST_SLOTS:
        given = _items(value)
    elif isinstance(value, str) and slot == "priority":
        given = value.strip().lower()
    read = _adapter(slot).validate_python(given)
    quote = value.strip() if isinstance(value, str) else ""
    filled: Slot[Any] = _slot_type(slot).model_validate({"value": read, "quote": quote})
    return filled


@cache
def _slot_type(slot: str) -> Any:  # noqa: ANN401 - a parametrized generic class
    annotation = Needs.model_fields[slot].annotation
    return next(part for part in get_args(annotation) if part is not type(None))


def slot_error(slot: str, value: object, error: ValidationError) -> UsageError:
    """What is wrong with a slot's value, in one sentence."""
    given = repr(value)
    given = given if len(given) <= 60 else given[:57] + "..."
    return UsageError(
        f"`{slot}` {reason_of(error.errors(include_url=False)[0])}, not {given}.", hint=HINTS.get(slot, "")
    )


HINTS: Mapping[str, str] = {
    "task": f"One of {', '.join(get_args(Task))}, or say it in a few words.",
    "deployment": "One of local, api, either; privacy may be added in words.",
    "hardware": 'For example "RTX 3090 + 64 GB RAM".',
    "license": "One of personal, research, commercial, any, or words with users, revenue, region, field.",
    "context": "Tokens, such as 8192 or 32k.",
    "priority": f"One of {', '.join(get_args(Priority))}.",
    "min_speed": "Tokens per second, such as 20.",
    "concurrency": "Conversations at once, such as 4.",
    "volume": 'Tokens or requests a day, such as "2 million tokens a day".',
    "budget": 'US dollars, such as "50 a month" or "2000 once".',
    "languages": "ISO 639-1 codes, such as en,de.",
    "features": f"Any of {', '.join(get_args(Feature))}.",
    "training": "One of none, any, lora, qlora, full, scratch.",
    "dataset": 'What there is to train on, such as "5000 labeled examples, 12 classes".',
    "model": 'Models that are wanted or not, such as "Qwen3 8B" or "no Llama".',
}
assert set(HINTS) == set(SLOTS)
