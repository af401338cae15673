"""Sources of single fields, in a file of their own that only `models show` and the like read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypedDict, cast


class _Packed(TypedDict):
    texts: list[str]
    models: dict[str, dict[str, str]]


class Sources:
    """Reader of the packed source table."""

    def __init__(self, path: Path) -> None:
        self._packed = cast("_Packed", json.loads(path.read_bytes()))

    def of(self, model_id: str) -> dict[str, str]:
        """Source text by field of one model; empty where the model was added by a person."""
        texts = self._packed["texts"]
        found = {}
        for number, fields in self._packed["models"].get(model_id, {}).items():
            for field in fields.split():
                found[field] = texts[int(number)]
        return found
