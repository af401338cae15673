"""Small files of the state folder that hold texts by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from knowledge.files import replace_text


def read_texts(path: Path | None) -> dict[str, str]:
    """What the file holds; nothing where there is none, or it cannot be read, or is damaged."""
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {str(name): text for name, text in found.items() if isinstance(text, str)}


def write_texts(path: Path, texts: Mapping[str, str]) -> None:
    """Put these texts in place of what the file holds, all or nothing.

    Raises:
        OSError: The folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, json.dumps(texts))
