"""Reports of `evaluate` as files, in the format that their names end in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from knowledge.errors import UsageError
from tools.evaluation.reading import path_of
from tui.evaluation.markdown import evaluation_markdown
from tui.evaluation.page import evaluation_html
from tui.plaintext import clean, shorten

Document = Mapping[str, Any]
WITHIN = 400
"""Bytes at a file's beginning by which a report is known again."""
MARKS = (b"# Evaluation: ", b", by llm-advisor</title>", b'"format": 1,')


def _json(document: Document) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


WRITERS: dict[str, Callable[[Document], str]] = {
    ".md": evaluation_markdown,
    ".markdown": evaluation_markdown,
    ".html": evaluation_html,
    ".htm": evaluation_html,
    ".json": _json,
}


def check_outputs(outputs: Sequence[str]) -> None:
    """Refuses before anything is asked what could not be written after it.

    Raises:
        UsageError: an ending that is not known, a folder that is not there, or a file that is no report.
    """
    for output in outputs:
        path = path_of(output)
        shown = clean(path, one_line=True)
        if path.suffix.lower() not in WRITERS:
            raise UsageError(f"{shown} has no known ending.", hint="A report ends in .md, .html or .json.")
        if not path.parent.is_dir():
            raise UsageError(f"The folder of {shown} does not exist.", hint="Make it first.")
        if path.is_dir() or _is_something_else(path):
            raise UsageError(
                f"{shown} exists already, and is no report.", hint="Name another file, or remove that one."
            )


def write_reports(document: Document, outputs: Sequence[str]) -> list[str]:
    """Writes the report to each file; gives the paths.

    Raises:
        UsageError: one cannot be written.
    """
    written = []
    for output in outputs:
        path = path_of(output)
        try:
            path.write_text(WRITERS[path.suffix.lower()](document), encoding="utf-8", newline="\n")
        except OSError as error:
            raise UsageError(
                f"{clean(path, one_line=True)} cannot be written: {shorten(error.strerror or error, 80)}.",
                hint="The run is kept: the same command with another --output writes it without a request.",
            ) from None
        written.append(str(path))
    return written


def _is_something_else(path: Path) -> bool:
    if not path.is_file() or path.stat().st_size == 0:
        return False
    with path.open("rb") as file:
        beginning = file.read(WITHIN)
    return not any(mark in beginning for mark in MARKS)
