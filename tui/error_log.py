"""The log of unexpected errors, in the state folder."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime
from pathlib import Path

from knowledge.errors import AdvisorError
from knowledge.home import log_file

MAX_BYTES = 1_000_000


def note_error(error: BaseException) -> Path | None:
    """Appends the error with its traceback to the log.

    Returns:
        The log's path, or None where it cannot be written (a read-only or full disk must not hide the error).
    """
    path = log_file("errors")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Starting anew keeps a loop of failures from filling the disk.
        mode = "w" if path.exists() and path.stat().st_size > MAX_BYTES else "a"
        with path.open(mode, encoding="utf-8", errors="replace") as log:
            log.write(f"{datetime.now(UTC).isoformat(timespec='seconds')}\n")
            log.write("".join(traceback.format_exception(error)) + "\n")
    except OSError:
        return None
    return path


def unexpected(error: Exception) -> AdvisorError:
    """An error nobody foresaw: one sentence for the person, the details into the log."""
    path = note_error(error)
    hint = f"Details are in {path}." if path is not None else "Its log could not be written."
    kind = type(error).__name__
    return AdvisorError(
        f"Something went wrong inside the advisor ({kind}).",
        hint=f"{hint} `llm-advisor doctor --report` prints what a bug report needs.",
        code="internal",
    )
