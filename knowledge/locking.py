"""Holding a folder against other processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(folder: Path, seconds: float, busy: str) -> Iterator[None]:
    """The folder, made where it is missing, for this process alone; ends with the process, also when killed.

    Args:
        folder: what is changed.
        seconds: how long to wait for another process.
        busy: what is wrong where it does not let go, such as `another process holds the guide index`.

    Raises:
        OSError: another process holds it, or the folder cannot be made.
    """
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "lock", timeout=seconds)
    try:
        lock.acquire()
    except Timeout:
        raise OSError(busy) from None
    try:
        yield
    finally:
        lock.release()
