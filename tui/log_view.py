"""The end of the log file as records: a line with its level, and the lines of a traceback under it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TAIL_BYTES = 64_000
RECORD = re.compile(r"\d{4}-\d\d-\d\d [\d:,]+ (DEBUG|INFO|WARNING|ERROR|CRITICAL) ")
LEVELS = ("INFO", "WARNING", "ERROR")
"""The least level shown, in the order in which a key goes through them."""
ORDER = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LEVEL_WORDS = {"INFO": "everything", "WARNING": "warnings and errors", "ERROR": "errors only"}


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One entry of the log."""

    level: str
    """`INFO` for what libraries wrote to the terminal."""
    text: str


def tail(path: Path | None) -> str:
    """The end of a file; empty where it cannot be read."""
    if path is None:
        return ""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - TAIL_BYTES))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def read_records(text: str) -> list[LogRecord]:
    """The entries of a log, oldest first."""
    records: list[LogRecord] = []
    for line in text.splitlines():
        found = RECORD.match(line)
        if found:
            records.append(LogRecord(found[1], line))
        elif records:
            records[-1] = LogRecord(records[-1].level, f"{records[-1].text}\n{line}")
        else:
            records.append(LogRecord("INFO", line))
    return records


def chosen(records: Iterable[LogRecord], level: str, word: str) -> list[LogRecord]:
    """The entries from a level on that hold a word."""
    least = ORDER.index(level)
    return [one for one in records if ORDER.index(one.level) >= least and word.lower() in one.text.lower()]
