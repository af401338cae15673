"""What people write at the first try: read where it can mean one thing only, else told what to write."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

Lines = Mapping[tuple[str | int, ...], int]
_NUMBER = re.compile(r"[-+]?[0-9]{1,15}(?:\.[0-9]{1,15})?")
_OF_THE_FILE = ("format", "name", "description")
"""Keys that a file with a single scenario may have beside those of the scenario."""
_WORDS = {
    "say what a passing answer is with `checks`, for example `checks: [{contains: refund}]` or "
    "`checks: [{exact: billing}]`": "answer answers assert assertions asserts check expect expected "
    "expected_answer expected_output ideal label output target want",
    "the message to the model is called `prompt`": "input instruction query question request text user",
    "the list of cases is called `scenarios`": "cases entries examples items prompts questions rows tests",
    "it is called `system`": "instructions system_message system_prompt",
    "it is called `tools`": "functions",
    "it is called `messages`": "conversation dialogue turns",
}
"""Advice, with the keys that people write instead."""
_ADVICE = {key: advice for advice, keys in _WORDS.items() for key in keys.split()}


def number_of(value: object) -> object:
    """A number in quotes as a number; anything else as it is."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value) if "." in value else int(value)
    return value


def id_of(value: object) -> object:
    """A whole number as text; anything else as it is."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def listed(value: object) -> object:
    """One text or mapping as a list of it; lists as tuples."""
    return (value,) if isinstance(value, str | dict) else tuple(value) if isinstance(value, list) else value


def whole_file(value: Any, lines: Lines, name: str) -> tuple[dict[str, Any], Lines] | None:  # noqa: ANN401
    """A file's value as a rubric, also of a bare list of scenarios or a single one; None where it is neither.

    A rubric without a name has that of its file, a scenario without an id is known by its number.

    Args:
        value: anything that a file holds.
        lines: the line of each value in it.
        name: of the file.
    """
    moved: tuple[str | int, ...] = ()
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        value, moved = {"scenarios": value}, ("scenarios",)
    elif isinstance(value, dict) and "scenarios" not in value and {"prompt", "messages"} & set(value):
        head = {key: value[key] for key in _OF_THE_FILE if key in value}
        value = {**head, "scenarios": [{key: value[key] for key in value if key not in head}]}
        moved = ("scenarios", 0)
    if not isinstance(value, dict):
        return None
    scenarios = value.get("scenarios")
    if isinstance(scenarios, list):
        numbered = enumerate(scenarios, 1)
        rows = [{"id": f"scenario-{n}", **row} if isinstance(row, dict) else row for n, row in numbered]
        value = {**value, "scenarios": rows}
    return {"name": Path(name).stem[:80] or name, **value}, {(*moved, *path): n for path, n in lines.items()}


def unknown_key(key: str, kinds: Collection[str], known: Collection[str]) -> str:
    """What to write instead of a key, as the end of a sentence; empty where that is not clear.

    Args:
        key: that stands in the file.
        kinds: of checks.
        known: all keys of the format.
    """
    plain = key.lower().replace("-", "_")
    if plain in _ADVICE:
        return f": {_ADVICE[plain]}"
    if plain in kinds:
        return f": a check stands in the list `checks`, as in `checks: [{{{plain}: …}}]`"
    near = difflib.get_close_matches(plain, known, n=1, cutoff=0.7)
    return f"; perhaps `{near[0]}` is meant" if near else ""


def not_one_kind(given: object, kinds: Collection[str]) -> str:
    """Why something is no check, as the end of a sentence that begins with its place."""
    if not isinstance(given, Mapping):
        return "is no check; a check is written as {contains: text}"
    found = [kind for kind in kinds if kind in given]
    if len(found) > 1:
        return f"holds several checks ({', '.join(found)}): write each as an item of its own, with `- `"
    near = [(key, difflib.get_close_matches(str(key).lower(), kinds, n=1, cutoff=0.7)) for key in given]
    meant = next((f"; instead of `{key}` write `{match[0]}`" for key, match in near if match), "")
    return f"is wrong: a check has exactly one of these keys: {', '.join(kinds)}{meant}"
