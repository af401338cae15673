"""What was typed and not sent when the program was left, by conversation: one small file."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from tui.small_file import read_texts, write_texts

KEPT = 50
LONGEST = 100_000
"""Characters of a draft that is kept."""


def take_draft(path: Path | None, session: str) -> str:
    """The draft of a conversation, which is then no longer kept; a damaged file counts as empty."""
    drafts = read_texts(path)
    found = drafts.pop(session, "")
    if found:
        _write(path, drafts)
    return found


def keep_draft(path: Path | None, session: str, text: str) -> None:
    """Remember a draft; a folder that cannot be written is no reason to hold up the leaving."""
    drafts = read_texts(path)
    drafts.pop(session, None)
    if text.strip():
        drafts[session] = text[:LONGEST]
    elif not drafts:
        return
    _write(path, dict(list(drafts.items())[-KEPT:]))


def _write(path: Path | None, drafts: dict[str, str]) -> None:
    if path is not None:
        with suppress(OSError):
            write_texts(path, drafts)
