"""Tool calls as small models write them, made what they must mean; what could mean several things is left."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

Document = dict[str, Any]
_WORDS = re.compile(r"[^a-z0-9]+")
_TRUE, _FALSE = ("true", "yes"), ("false", "no")


def _plain(name: str) -> str:
    """`estimateMemory`, `Estimate-Memory` and `functions.estimate_memory` alike."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.rpartition(".")[2])
    return _WORDS.sub("_", spaced.lower()).strip("_")


def meant(name: str, known: tuple[str, ...]) -> str:
    """The known name that a name spells in another way; else the name as it is."""
    if name in known:
        return name
    return next((one for one in known if _plain(one) == _plain(name)), name)


def near(name: str, known: tuple[str, ...]) -> str | None:
    """The known name that is nearest, for a question back."""
    return next(iter(difflib.get_close_matches(_plain(name), known, n=1)), None)


def repaired(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> Document:
    """Arguments with the spelling and the types of the schema; nothing is dropped and nothing made up.

    Args:
        arguments: as the model wrote them.
        schema: the tool's parameters.
    """
    properties: Mapping[str, Any] = schema["properties"]
    names = tuple(properties)
    made: Document = {}
    for name, value in arguments.items():
        right = meant(name, names)
        if right in made or (right != name and right in arguments):
            right = name  # both spellings: which one counts is not for us to say
        made[right] = _typed(value, properties.get(right, {}))
    return made


def _typed(value: Any, schema: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
    """The value as its type wants it, where that is plain."""
    kind = schema.get("type")
    if kind == "array":
        inner = schema.get("items", {})
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        return [_typed(one, inner) for one in value] if isinstance(value, list) else value
    if isinstance(value, list) and len(value) == 1:
        return _typed(value[0], schema)
    if kind == "string" and isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    if kind == "string" and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and "enum" in schema:
        return meant(value, tuple(str(one) for one in schema["enum"]))
    if kind == "boolean" and isinstance(value, str) and value.lower() in (*_TRUE, *_FALSE):
        return value.lower() in _TRUE
    if kind in ("integer", "number") and isinstance(value, str):
        return _number(value)
    return value


def _number(text: str) -> str | int | float:
    """`"8,192"` as 8192; `8k` is left to the request, which knows what it counts."""
    digits = re.fullmatch(r"\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?", text.strip())
    if digits is None:
        return text
    plain = digits[0].replace(",", "")
    return float(plain) if "." in plain else int(plain)
