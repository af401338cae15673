"""Who reads a generation of the index, so that nobody removes it under a reader.

Each reader holds a lock on a file of its own, `readers/<generation>.<random>`. The lock ends with the
process, also after a `kill -9`; a file that nobody has locked is removed with its generation.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

FOLDER = "readers"
GONE = "gone-"


def hold(generation: Path) -> Callable[[], None]:
    """Says that this process reads a generation; gives what ends it.

    In a folder that cannot be written nothing is said: there nobody can remove anything either.
    """
    from filelock import FileLock

    mark = generation.parent / FOLDER / f"{generation.name}.{os.getpid()}-{secrets.token_hex(4)}"
    lock = FileLock(mark)
    try:
        mark.parent.mkdir(exist_ok=True)
        lock.acquire(timeout=0)
    except OSError:
        return lambda: None

    def release() -> None:
        lock.release()
        with contextlib.suppress(OSError):
            mark.unlink(missing_ok=True)

    return release


def is_read(folder: Path, name: str) -> bool:
    """Whether anybody reads the generation with this name; files of readers that ended are removed."""
    from filelock import FileLock, Timeout

    found = False
    for mark in (folder / FOLDER).glob(f"{name}.*"):
        lock = FileLock(mark)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            found = True
            continue
        except OSError:
            continue
        lock.release()
        with contextlib.suppress(OSError):
            mark.unlink(missing_ok=True)
    return found


def remove_unread(generation: Path) -> None:
    """Removes a generation that nobody reads; whoever holds the build lock may call it."""
    folder, name = generation.parent, generation.name.removeprefix(GONE)
    if is_read(folder, name):
        return
    gone = folder / (GONE + name)
    try:
        if generation != gone:
            generation.rename(gone)
        if is_read(folder, name):  # Somebody opened it in between.
            gone.rename(folder / name)
            return
    except OSError:
        return
    shutil.rmtree(gone, ignore_errors=True)
