"""Writing small files of the state folder."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path


def replace_text(path: Path, text: str, *, private: bool = False) -> None:
    """Write a file so that it is either the old or the new one, whatever happens.

    Args:
        path: Of the file, in a folder that exists; where it is a link, what it points to is replaced.
        text: In UTF-8; lone surrogates are kept as they are, since names of files may hold them.
        private: Only its owner may read it.

    Raises:
        OSError: It cannot be written.
    """
    target = path.resolve()
    beside = target.with_name(f"{target.name}.{os.getpid()}.new")

    def opened(name: str, flags: int) -> int:
        return os.open(name, flags, 0o600 if private else 0o666)

    try:
        with open(beside, "wb", opener=opened) as file:
            file.write(text.encode("utf-8", "surrogatepass"))
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, target)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise


def json_digest(content: object) -> str:
    """SHA-256 of a JSON value in one fixed form; it tells a file that was written whole from any other.

    Raises:
        ValueError: It holds a number that JSON has not.
    """
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
