"""Where an exported conversation goes: the format, the name of the file, and writing it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from knowledge.errors import UsageError
from tui.plaintext import clean, shorten

ENDINGS = {".md": "markdown", ".markdown": "markdown", ".json": "json", ".html": "html", ".htm": "html"}
FORMATS = {**{kind: kind for kind in ENDINGS.values()}, **{end[1:]: kind for end, kind in ENDINGS.items()}}
"""What a format may be called."""
MARKS = (
    b"# Conversation with llm-advisor:",
    b", a conversation with llm-advisor</title>",
    b'"program": "llm-advisor ',
)
"""What the beginning of an exported file holds, by which it is known again."""
MARK_WITHIN = 1_000


def export_named(document: Mapping[str, Any], word: str) -> Path:
    """What `/export WORD` does: WORD is a file, a format, or nothing.

    Raises:
        UsageError: the file cannot be written.
    """
    kind = format_named(word)
    output = None if kind else word or None
    return write_export(document, kind or format_of(None, output), output)


def format_named(word: str) -> str | None:
    """The format that a word names (`md`, `html`), if any."""
    return FORMATS.get(word.strip().lower())


def format_of(kind: str | None, output: str | None) -> str:
    """The format: the one that was asked for, else as the file's name ends, else Markdown."""
    return kind or ENDINGS.get(Path(output or "").suffix.lower(), "markdown")


def exported(document: Mapping[str, Any], kind: str) -> str:
    """The conversation in a format; ends with a line end."""
    if kind == "json":
        return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    if kind == "html":
        from tui.export.html import conversation_html

        return conversation_html(document)
    from tui.export.markdown import conversation_markdown

    return conversation_markdown(document)


def write_export(document: Mapping[str, Any], kind: str, output: str | None = None) -> Path:
    """Writes the conversation; a file that was not named gets a new name in the current folder.

    Raises:
        UsageError: the file cannot be written.
    """
    ending = {"markdown": "md"}.get(kind, kind)
    stem = re.sub(r"[^\w.-]+", "-", str(document.get("session") or "")).strip("-.") or "conversation"
    new = f"llm-advisor-{stem}-{datetime.now().astimezone():%Y%m%d-%H%M%S}.{ending}"
    target = Path(output).expanduser() if output else Path.cwd() / new
    try:
        if _is_something_else(target):
            raise UsageError(
                f"{clean(target, one_line=True)} exists already, and is no exported conversation.",
                hint="Name another file, or remove that one first.",
            )
        target.write_text(exported(document, kind), encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(
            f"{clean(target, one_line=True)} cannot be written: {shorten(error.strerror or error, 80)}.",
            hint="Name another file.",
        ) from None
    return target


def _is_something_else(target: Path) -> bool:
    """Whether writing would destroy a file that is not an earlier export (nor empty, nor a device)."""
    if not target.is_file() or target.stat().st_size == 0:
        return False
    with target.open("rb") as file:
        beginning = file.read(MARK_WITHIN)
    return not any(mark in beginning for mark in MARKS)
