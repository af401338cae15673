"""Writing records compactly: no default values, no spaces, layer flags as 0 and 1."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import BaseModel

LIMIT_BYTES = 2_000_000


def compact(value: object) -> object:
    """JSON-plain form: booleans inside lists become 0 and 1, which are read back as booleans."""
    if isinstance(value, dict):
        return {key: compact(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [int(item) if isinstance(item, bool) else compact(item) for item in value]
    return value


def write_records(path: Path, records: Iterable[BaseModel]) -> None:
    """One record a line, so that a change of one model is one line of a diff."""
    lines = [_line(compact(record.model_dump(exclude_defaults=True))) for record in records]
    _write(path, "[\n" + ",\n".join(lines) + "\n]\n")


def write_json(path: Path, value: object) -> None:
    """Any JSON value on one line per top-level entry."""
    if isinstance(value, Mapping):
        lines = [f"{json.dumps(key)}:{_line(item)}" for key, item in value.items()]
        _write(path, "{\n" + ",\n".join(lines) + "\n}\n")
    else:
        _write(path, _line(value) + "\n")


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _write(path: Path, content: str) -> None:
    data = content.encode()
    if len(data) > LIMIT_BYTES:
        raise ValueError(f"{path.name} would hold {len(data)} bytes, more than {LIMIT_BYTES}")
    path.write_bytes(data)
