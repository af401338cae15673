"""Reading JSON that a language model wrote: as it is, or mended where only one meaning is possible."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

MOST_CHARACTERS = 40_000
_FENCE = re.compile(r"```(?:json)?\s*(.*?)\s*```", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_CLOSES = {"{": "}", "[": "]"}


def read_object(text: str) -> dict[str, Any]:
    """The JSON object of a text.

    Mended are: a fence or words around the object, commas before a closing bracket, brackets left open at the
    end, Python's spelling, and an object written as a JSON string. A string that was cut off is not.

    Raises:
        ValueError: it holds no object, or could mean several things.
    """
    bare = text.strip()[:MOST_CHARACTERS]
    for written in dict.fromkeys((bare, _inner(bare))):
        for attempt in (written, _mended(written)):
            try:
                value = json.loads(attempt)
            except (ValueError, RecursionError):
                continue
            if isinstance(value, str) and value.lstrip().startswith("{"):
                return read_object(value)
            if isinstance(value, dict) and (value or attempt == written):
                return value
        value = _python(written)
        if value is not None:
            return value
    raise ValueError("there is no readable JSON object")


def _inner(text: str) -> str:
    """What a fence holds, else the text from its first opening bracket to its last closing one."""
    fenced = _FENCE.search(text)
    if fenced is not None:
        return fenced[1]
    start, end = text.find("{"), text.rfind("}")
    if start < 0:
        return text
    return text[start : end + 1] if end > start else text[start:]


def _mended(text: str) -> str:
    """The text without commas before closing brackets, and with those brackets closed that are open."""
    opened: list[str] = []
    kept: list[str] = []
    done = 0
    for match in [*_STRING.finditer(text), None]:
        between = text[done : match.start()] if match is not None else text[done:]
        if '"' in between:
            return text  # a string without an end: where it was to end is anyone's guess
        between = re.sub(r",(\s*[}\]])", r"\1", between)
        for char in between:
            if char in _CLOSES:
                opened.append(_CLOSES[char])
            elif opened and char == opened[-1]:
                opened.pop()
        kept.append(between)
        if match is not None:
            kept.append(match[0])
            done = match.end()
    whole = re.sub(r",\s*$", "", "".join(kept).rstrip())
    return whole + "".join(reversed(opened))


def _python(text: str) -> dict[str, Any] | None:
    """An object in Python's spelling: single quotes, True and None."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        value = ast.literal_eval(text)
        json.dumps(value)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return value if isinstance(value, dict) and all(isinstance(key, str) for key in value) else None
