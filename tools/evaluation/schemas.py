"""JSON Schemas of a rubric: no reference leads out of the schema, and patterns have their limit of time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from tools.evaluation.patterns import checked_pattern, found
from tools.evaluation.texts import composed

MOST_CHARACTERS = 100_000
Json = Any
"""Anything that JSON can hold."""


def checked_schema(schema: dict[str, Json]) -> dict[str, Json]:
    """The schema as it is.

    Raises:
        ValueError: it is no JSON Schema, too large, or refers to something outside it.
    """
    try:
        text = _written(schema)
    except (TypeError, ValueError, RecursionError):
        raise ValueError("a JSON Schema holds JSON only") from None
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"the schema is longer than {MOST_CHARACTERS:,} characters")
    for key, value in _pairs(schema):
        if key in ("$ref", "$dynamicRef") and isinstance(value, str) and not value.startswith("#"):
            raise ValueError(f"$ref leads out of the schema: {value[:80]}")
        if key == "pattern" and isinstance(value, str):
            checked_pattern(value)
        if key == "patternProperties" and isinstance(value, dict):
            for pattern in value:
                checked_pattern(pattern)
    keys = {key for key, _ in _pairs(schema)}
    if {"patternProperties", "unevaluatedProperties"} <= keys:
        # jsonschema would search these patterns itself, without a limit of time.
        raise ValueError("patternProperties and unevaluatedProperties cannot stand in one schema")
    _validator(text)
    return schema


def _written(value: Json) -> str:
    return composed(json.dumps(value, sort_keys=True, ensure_ascii=False))


def _pairs(value: Json) -> Iterator[tuple[str, Json]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key), inner
            yield from _pairs(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _pairs(inner)


def misfit(value: Json, schema: dict[str, Json]) -> str | None:
    """Why a value does not fulfil a schema, in a few words; None where it does.

    Texts of both are taken in Unicode's composed form.

    Raises:
        SlowPatternError: a pattern of the schema took too long.
    """
    from jsonschema.exceptions import ValidationError, best_match
    from referencing.exceptions import Unresolvable

    try:
        error = best_match(_validator(_written(schema)).iter_errors(json.loads(_written(value))))
    except Unresolvable:
        return "a $ref of the schema leads nowhere"
    except RecursionError:
        return "it is nested too deeply"
    if error is None:
        return None
    assert isinstance(error, ValidationError)
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
    return f"{place.lstrip('.') or 'the value'}: {error.message[:160]}"


@lru_cache(maxsize=256)
def _validator(text: str) -> Any:  # noqa: ANN401 - jsonschema has no types here
    from jsonschema import Draft202012Validator, SchemaError, ValidationError, validators
    from referencing import Registry

    def pattern(validator: Any, wanted: str, instance: Json, schema: Json) -> Iterator[Any]:  # noqa: ANN401
        if validator.is_type(instance, "string") and not found(wanted, instance):
            yield ValidationError(f"{instance[:60]!r} does not match {wanted!r}")

    def pattern_properties(validator: Any, wanted: Json, instance: Json, schema: Json) -> Iterator[Any]:  # noqa: ANN401
        if not validator.is_type(instance, "object"):
            return
        for expression, inner in wanted.items():
            for key, value in instance.items():
                if found(expression, key):
                    yield from validator.descend(value, inner, path=key, schema_path=expression)

    def additional(validator: Any, wanted: Json, instance: Json, schema: Json) -> Iterator[Any]:  # noqa: ANN401
        if not validator.is_type(instance, "object"):
            return
        patterns = schema.get("patternProperties", {})
        known = schema.get("properties", {})
        for key in [k for k in instance if k not in known and not any(found(p, k) for p in patterns)]:
            if wanted is False:
                yield ValidationError(f"{key[:60]!r} is not one of its properties")
            else:
                yield from validator.descend(instance[key], wanted, path=key)

    schema = json.loads(text)
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"this is no JSON Schema: {error.message[:160]}") from None
    except RecursionError:
        raise ValueError("the schema is nested too deeply") from None
    limited = validators.extend(
        Draft202012Validator,
        {
            "pattern": pattern,
            "patternProperties": pattern_properties,
            "additionalProperties": additional,
        },
    )
    # An empty registry: without one, jsonschema would fetch a reference from the network.
    return limited(schema, registry=Registry())
