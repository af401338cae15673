"""Inputs and results of tools as lines to read: keys in words, numbers with the unit that their key names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tui.plaintext import GIB, clean, gib, is_number, usd, words

MOST_LINES = 4000
"""Of one document; a longer one says how many lines were left out."""
LONGEST = 2000
"""Characters of one value."""
COUNTED = 10_000
"""From here on a number without a unit gets commas; below it may be a year."""
UNITS = (
    ("_gib", " GiB"),
    ("_gbs", " GB/s"),
    ("_tflops", " TFLOPS"),
    ("tokens_per_second", " tok/s"),
    ("_seconds", " s"),
    ("_tokens", " tokens"),
    ("_percent", " %"),
    ("_b", " billion parameters"),
    ("context_length", " tokens"),
)
"""Ending of a key, and the unit of its number; the longer ending first where two fit."""
WHOLE = {"context": " tokens", "seconds": " s", "max_context": " tokens"}
"""Keys that are a unit as a whole."""


def value_lines(document: object) -> list[str]:
    """A document of JSON as indented lines.

    Args:
        document: what a tool was given, or what it gave.
    """
    found: list[str] = []
    for line in _lines(document, "", 0):
        if len(found) == MOST_LINES:
            return [
                *found,
                f"(more than {MOST_LINES:,} lines; `llm-advisor sessions export` writes all of it)",
            ]
        found.append(line)
    return found or ["nothing"]


def figure(key: str, value: object) -> str:
    """One value with its unit, where its key (or the one around it) names one."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not is_number(value):
        text = clean(value, one_line=True)
        return text if len(text) <= LONGEST else text[:LONGEST] + "..."
    if key.endswith("_bytes"):
        exact = f"{value:,} bytes"
        return f"{gib(value)} ({exact})" if abs(value) >= GIB // 20 else exact
    if "usd" in key.split("_"):
        return usd(value)
    unit = WHOLE.get(key) or next((unit for ending, unit in UNITS if key.endswith(ending)), "")
    return _number(value, bool(unit)) + unit


def _number(value: int | float, counted: bool) -> str:
    if isinstance(value, int):
        return f"{value:,}" if counted or abs(value) >= COUNTED else str(value)
    return f"{value:,.4g}" if abs(value) < COUNTED else f"{value:,.0f}"


def _lines(value: object, key: str, depth: int) -> Iterator[str]:
    pad = "  " * depth
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _entry(str(name), inner, key, depth)
    elif isinstance(value, list | tuple):
        if all(not isinstance(one, Mapping | list | tuple) for one in value):
            yield pad + (", ".join(figure(key, one) for one in value) or "none")
            return
        for place, one in enumerate(value, start=1):
            yield f"{pad}{place}."
            yield from _lines(one, key, depth + 1)
    else:
        yield pad + figure(key, value)


def _entry(name: str, inner: object, around: str, depth: int) -> Iterator[str]:
    pad, label = "  " * depth, words(name).removesuffix(" bytes")
    if isinstance(inner, Mapping | list | tuple):
        flat = isinstance(inner, list | tuple) and not any(
            isinstance(one, Mapping | list | tuple) for one in inner
        )
        if flat or not inner:
            said = ", ".join(figure(name, one) for one in inner) if flat else ""
            yield f"{pad}{label}: {said or 'none'}"
        else:
            yield f"{pad}{label}:"
            yield from _lines(inner, name, depth + 1)
        return
    # `low` under `tokens_per_second` has the unit of what stands around it.
    key = around if name in ("low", "mid", "high", "value") and around else name
    yield f"{pad}{label}: {figure(key, inner)}"
