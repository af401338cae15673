"""The slots of `recommend` from options, JSON lines or a file: exact values or free text."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, JsonValue

from agent.slot_text import plain_value, read_slot
from knowledge.errors import UsageError
from knowledge.home import expanded
from tools.commands.recommend import exact_slot, recommend_needs
from tools.commands.requests import RESERVE_FIELD, Request, ReserveText
from tools.needs import SLOTS, Needs
from tools.reserve import asked_reserve

MAX_FILE = 1 << 20


def _slot(description: str, metavar: str = "TEXT") -> Any:  # noqa: ANN401 - as pydantic's own Field
    return Field(None, description=description, json_schema_extra={"metavar": metavar})


class NeedsOptions(Request):
    """Request of `recommend`: one key a slot, in free text or as the exact value."""

    task: JsonValue = _slot("what the model is for")
    deployment: JsonValue = _slot("where it runs: local, api or either; privacy")
    hardware: JsonValue = _slot("the machine in words")
    license: JsonValue = _slot("the intended use, with users, revenue, region or field where that matters")
    context: JsonValue = _slot("tokens one conversation needs")
    priority: JsonValue = _slot("what counts most: quality, balanced, speed, cost or small")
    min_speed: JsonValue = _slot("tokens per second, at least")
    concurrency: JsonValue = _slot("conversations at once")
    volume: JsonValue = _slot("tokens or requests a day")
    budget: JsonValue = _slot("US dollars, a month or once")
    languages: JsonValue = _slot("languages it must know")
    features: JsonValue = _slot("such as tool calling, thinking, vision, structured output")
    training: JsonValue = _slot("how it is trained: none, lora, qlora, full or scratch")
    dataset: JsonValue = _slot("what there is to train on")
    model: JsonValue = _slot("models that are wanted or not")
    reserve: ReserveText = RESERVE_FIELD
    needs: JsonValue = _slot("file (JSON or TOML) with slots; options win over it", "FILE")


def answer(request: NeedsOptions) -> dict[str, Any]:
    """The recommendation for the slots that were given.

    Raises:
        AdvisorError: A value cannot be read, or names hardware or models that are not known.
    """
    given = {slot: value for slot in SLOTS if (value := getattr(request, slot)) is not None}
    with asked_reserve(request.reserve):
        return recommend_needs(read_needs({**_from_file(request.needs), **given}))


def read_needs(values: Mapping[str, JsonValue]) -> Needs:
    """Needs from values by slot, read in the order of the slots.

    Raises:
        UsageError: A value cannot be read.
    """
    needs = Needs()
    for slot in SLOTS:
        if slot in values:
            needs = _filled(needs, slot, values[slot])
    return needs


def _filled(needs: Needs, slot: str, value: JsonValue) -> Needs:
    """The needs with what one option says; free text may fill other slots as well."""
    if not isinstance(value, str):
        return needs.updated(**{slot: exact_slot(slot, value)})
    return read_slot(needs, slot, value)


def _from_file(source: JsonValue) -> dict[str, JsonValue]:
    """The slots of `--needs`: a path, or (in a JSON line) the object itself."""
    if source is None:
        return {}
    values = _read(Path(source)) if isinstance(source, str) else source
    if not isinstance(values, dict):
        raise UsageError(
            "The needs are not an object of slots.", hint='For example {"task": "code", "context": 32768}.'
        )
    nested = values.get("needs")
    if isinstance(nested, dict):
        values = nested  # a whole recommendation, or a file that keeps the needs in a table
    unknown = [key for key in values if key not in SLOTS]
    if unknown:
        raise UsageError(f"There is no slot `{unknown[0][:60]}`.", hint=f"Slots: {', '.join(SLOTS)}.")
    return {slot: plain_value(value) for slot, value in values.items() if value is not None}


def _read(path: Path) -> object:
    try:
        data = expanded(path).read_bytes()[: MAX_FILE + 1]
        if len(data) > MAX_FILE:
            raise UsageError("The needs file is larger than 1 MiB.", hint="It holds one value a slot.")
        text = data.decode("utf-8-sig")
        if path.suffix.lower() == ".toml":
            return tomllib.loads(text)
        return json.loads(text)
    except OSError as error:
        raise UsageError(
            f"The needs file cannot be read: {error.strerror or error}.", hint=f"Given: {path}"
        ) from None
    except (ValueError, RecursionError):
        raise UsageError(
            f"The needs file is neither JSON nor TOML: {path.name}.", hint="A TOML file ends with .toml."
        ) from None
