"""How many errors of which kind the logs hold; no message is read into anything."""

from __future__ import annotations

import builtins
import re
from collections import Counter
from pathlib import Path
from typing import Any

from knowledge import errors
from knowledge.catalog.tokens import word_set
from knowledge.home import log_file

MOST_BYTES = 4_000_000
"""Read of each file, from its end."""
MOST_FILES = 30
OTHER = "another kind"
_LEVEL = re.compile(r"\d{4}-\d\d-\d\d [\d:,]+ (WARNING|ERROR|CRITICAL) ")
_RAISED = re.compile(r"(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w*)(?::|$)")
_LIBRARIES = word_set(
    "APIConnectionError APIError AuthenticationError BadRequestError CancelledError ChromaError ConnectError "
    "ConnectTimeout ContextWindowExceededError GraphRecursionError HfHubHTTPError HTTPStatusError "
    "InternalServerError InvalidUpdateError JSONDecodeError MarkupError NoMatches NotFoundError "
    "OperationalError PoolTimeout RateLimitError ReadError ReadTimeout RemoteProtocolError "
    "ServiceUnavailableError Timeout TOMLDecodeError ValidationError WorkerFailed WriteTimeout"
)
"""Exceptions of the libraries that are used here."""


def _known() -> frozenset[str]:
    """Names of exceptions that stand in code, so that they cannot be anybody's words."""
    own = (name for module in (builtins, errors) for name, value in vars(module).items() if _raises(value))
    return frozenset({*own, *_LIBRARIES})


def _raises(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, BaseException)


def error_counts(folder: Path | None = None) -> dict[str, Any]:
    """Counts of exceptions by kind and of log lines by level, over all log files.

    Args:
        folder: the state folder; None is the one in use.
    """
    raised: Counter[str] = Counter()
    levels: Counter[str] = Counter()
    known, files = _known(), sorted(log_file("x", folder).parent.glob("*.log"))[:MOST_FILES]
    for path in files:
        for name in _exceptions(text := _tail(path)):
            raised[name if name in known else OTHER] += 1
        levels.update(match[1] for line in text.splitlines() if (match := _LEVEL.match(line)))
    return {
        "files": len(files),
        "exceptions": dict(raised.most_common()),
        "levels": {level: levels[level] for level in ("WARNING", "ERROR", "CRITICAL") if levels[level]},
    }


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - MOST_BYTES))
            return file.read(MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def _exceptions(text: str) -> list[str]:
    """The name at the end of each traceback: the first line behind its frames that is not indented."""
    found, inside = [], False
    for line in text.splitlines():
        if line.startswith("Traceback (most recent call last):"):
            inside = True
        elif inside and line and not line[0].isspace():
            match = _RAISED.match(line)
            found.append(match[1] if match else "")
            inside = False
    return found
