"""Requests of all commands: frozen models that refuse unknown keys, with errors a person can act on."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from knowledge.errors import UsageError

MAX_TOKENS = 100_000_000
"""No model reads more; a larger number is a slip."""
MAX_NAME = 300
"""Characters of a model, accelerator or machine text."""

_COUNT = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([kKmM])?i?\s*(?:tokens?)?\s*")
_SCALE = {"k": 1024, "m": 1024 * 1024}


class Request(BaseModel):
    """Base of all requests."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


def _count(value: object) -> object:
    """Reads `32k` as 32 * 1024; anything else is left to the type's own check."""
    if isinstance(value, bool):
        raise ValueError("should be a whole number")
    if isinstance(value, str) and (found := _COUNT.fullmatch(value)):
        return round(float(found[1]) * _SCALE.get((found[2] or "").lower(), 1))
    return value


def _no_bool(value: object) -> object:
    """JSON's true is not the number one."""
    if isinstance(value, bool):
        raise ValueError("should be a number")
    return value


def _one_line(value: object) -> object:
    """Names and free text come without control characters."""
    if isinstance(value, str):
        return re.sub(r"[\x00-\x1f\x7f]+", " ", value).strip()
    return value


Tokens = Annotated[int, BeforeValidator(_count), Field(ge=1, le=MAX_TOKENS)]
"""A number of tokens, also written `32k` (1024 each) or `1M`."""
Name = Annotated[str, BeforeValidator(_one_line), Field(min_length=1, max_length=MAX_NAME)]
"""A name, alias, hub id or Ollama tag."""
Text = Annotated[str, BeforeValidator(_one_line), Field(min_length=1, max_length=2000)]
"""A line of free text."""
Number = BeforeValidator(_no_bool)


def figure_text(value: object) -> object:
    """A plain number, as JSON has it, is read like its digits."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else _one_line(value)


ReserveText = Annotated[str, BeforeValidator(figure_text), Field(min_length=1, max_length=40)] | None
"""Memory to keep free, see `tools.reserve`."""
RESERVE_FIELD: Any = Field(
    None,
    description='memory to keep free instead of the usual reserve, such as "1GB", "10%" or 0 '
    "(also by LLM_ADVISOR_RESERVE)",
    json_schema_extra={"metavar": "SIZE"},
)

R = TypeVar("R", bound=Request)


def parse(request: type[R], values: Mapping[str, object]) -> R:
    """Reads the keys of a JSON line, a tool call or a command line into a request.

    Raises:
        UsageError: An unknown or missing key, or a value that is off; the first one found is named.
    """
    try:
        return request.model_validate(dict(values))
    except ValidationError as error:
        raise _usage_error(request, error.errors(include_url=False)) from None


def _usage_error(request: type[Request], errors: list[ErrorDetails]) -> UsageError:
    """The first error as a sentence; unknown keys first, because they explain missing ones."""
    first = min(errors, key=lambda error: error["type"] != "extra_forbidden")
    key = str(first["loc"][0]) if first["loc"] else ""
    known = list(request.model_fields)
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key.replace("-", "_").lower(), known, n=1)
        hint = f"Did you mean `{near[0]}`?" if near else "Known keys: " + ", ".join(known) + "."
        return UsageError(f"Unknown key `{key[:80]}`.", hint=hint)
    if first["type"] == "missing":
        return UsageError(f"`{key}` is missing.", hint=_describe(request, key))
    given = repr(first["input"])
    given = given if len(given) <= 60 else given[:57] + "..."
    reason = reason_of(first)
    return UsageError(
        f"`{key}` {reason}, not {given}." if key else f"{reason}.", hint=_describe(request, key)
    )


def reason_of(error: ErrorDetails) -> str:
    """Pydantic's message as the middle of a sentence: `should be greater than or equal to 1`."""
    message = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return message[:1].lower() + message[1:].split(", unable to parse")[0].rstrip(".")


def _describe(request: type[Request], key: str) -> str:
    field = request.model_fields.get(key)
    description = field.description if field is not None else None
    return f"{key}: {description}." if description else ""


def as_mapping(value: Any) -> Mapping[str, object]:  # noqa: ANN401 - anything that JSON can hold
    """The object of a JSON line.

    Raises:
        UsageError: It is not an object.
    """
    if not isinstance(value, dict):
        raise UsageError(
            "A request is a JSON object.", hint='For example {"model": "llama3.1:8b", "context": 8192}.'
        )
    return value
