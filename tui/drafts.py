"""What was typed and not sent when the program was left, by conversation: one small file."""

from __future__ import annotations

import json
from pathlib import Path

KEPT = 50
LONGEST = 100_000
"""Characters of a draft that is kept."""


def take_draft(path: Path | None, session: str) -> str:
    """The draft of a conversation, which is then no longer kept; a damaged file counts as empty."""
    drafts = _read(path)
    found = drafts.pop(session, "")
    if found:
        _write(path, drafts)
    return found


def keep_draft(path: Path | None, session: str, text: str) -> None:
    """Remember a draft; a folder that cannot be written is no reason to hold up the leaving."""
    drafts = _read(path)
    drafts.pop(session, None)
    if text.strip():
        drafts[session] = text[:LONGEST]
    elif not drafts:
        return
    _write(path, dict(list(drafts.items())[-KEPT:]))


def _read(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {str(name): text for name, text in found.items() if isinstance(text, str)}


def _write(path: Path | None, drafts: dict[str, str]) -> None:
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".new")
        beside.write_text(json.dumps(drafts), encoding="utf-8")
        beside.replace(path)
    except OSError:
        return
