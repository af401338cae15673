"""A GGUF file on this machine: its header, or those of all its parts."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from knowledge.errors import NoAnswerError, UsageError
from tools.introspect.gguf_header import GgufHeader, read_header
from tools.introspect.shards import joined, shard_names


def read_gguf_file(path: Path) -> GgufHeader:
    """Reads the header of a file; of a sharded model the headers of all parts beside it.

    Args:
        path: the file, or any part of a sharded model.

    Raises:
        NoAnswerError: there is no such file, or it may not be read.
        UsageError: no GGUF file, or a damaged one.
    """
    names = shard_names(path.name)
    return joined([_read_one(path.with_name(name) if len(names) > 1 else path) for name in names])


def _read_one(path: Path) -> GgufHeader:
    try:
        # A pipe or device never ends; O_NONBLOCK keeps the opening itself from waiting for one.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise NoAnswerError(
            f"There is no file {_shown(path)}.",
            hint="Check the path; all parts of a sharded model must lie in one folder.",
            code="no_file",
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "the name is not one of a file"
        raise NoAnswerError(
            f"{_shown(path)} cannot be read: {reason}.", hint="Check its permissions.", code="no_file"
        ) from None
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        raise UsageError(f"{_shown(path)} is not a file.", hint="Give the GGUF file itself, not its folder.")
    with os.fdopen(handle, "rb") as file:

        def fetch(start: int, end: int) -> bytes:
            file.seek(start)
            return file.read(end - start)

        try:
            return read_header(fetch, status.st_size)
        except OSError as error:
            raise NoAnswerError(
                f"{_shown(path)} cannot be read: {error.strerror or type(error).__name__}.", code="no_file"
            ) from None


def _shown(path: Path) -> str:
    """A path as part of a sentence: printable and short."""
    text = "".join(char if char.isprintable() else "?" for char in str(path))
    return f"`{text if len(text) <= 120 else '...' + text[-117:]}`"
