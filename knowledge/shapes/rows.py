"""Reading single fields of a table's row or of a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

Row = dict[str, object]
"""A model's facts under the names of the sourced tables (`n_layers`, `hidden_size`, `attention` ...)."""


def integer(row: Mapping[str, object], key: str) -> int | None:
    """An integer field, None where it is missing."""
    value = row.get(key)
    if value is None or value == "":
        return None
    return int(cast("int | float | str", value))


def text(row: Mapping[str, object], key: str) -> str | None:
    """A text field, None where it is missing or empty."""
    value = row.get(key)
    return None if value in (None, "") else str(value)


def number(row: Mapping[str, object], key: str) -> float | None:
    """A number field, None where it is missing."""
    value = row.get(key)
    return None if value in (None, "") else float(cast("float | str", value))
