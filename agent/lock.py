"""One process at a time holds a conversation; the next is told who has it.

The system lets go of the lock when its process ends, however it ends: a killed one blocks nobody.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from knowledge.errors import NoAnswerError

FOLDER = "locks"


class SessionBusyError(NoAnswerError):
    """Another process (or another part of this one) has the conversation open; `where` says which."""

    code = "session_busy"

    def __init__(self, name: str, where: str) -> None:
        super().__init__(
            f"The conversation \u201c{name}\u201d is open {where}.",
            hint=f'Close it there, or go on in a copy: llm-advisor chat --session "{name}" --copy',
        )


class SessionLock:
    """The lock of one conversation; taken with `acquire`."""

    def __init__(self, home: Path, name: str) -> None:
        # A name may be longer than the file system takes, or differ from another in case alone.
        stem = hashlib.sha256(name.encode()).hexdigest()[:24]
        self._name = name
        self._path = home / FOLDER / f"{stem}.lock"
        self._holder = self._path.with_suffix(".json")
        self._lock = FileLock(self._path, timeout=0, thread_local=False)

    def acquire(self) -> None:
        """Takes the lock and says who has it; in a folder that cannot be written there is none to take.

        Raises:
            SessionBusyError: it is taken; the message says by which process and since when.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except Timeout:
            raise SessionBusyError(self._name, f"in another process{self._who()}") from None
        except OSError:
            return
        holder = {
            "session": self._name,
            "process": os.getpid(),
            "since": datetime.now().astimezone().isoformat(timespec="seconds"),
        }
        with contextlib.suppress(OSError):
            self._holder.write_text(json.dumps(holder), encoding="utf-8")

    def release(self) -> None:
        """Lets go, and leaves no file behind."""
        if not self._lock.is_locked:
            return
        with contextlib.suppress(OSError):  # Windows keeps open files
            self._holder.unlink(missing_ok=True)
            self._path.unlink(missing_ok=True)
        self._lock.release()

    def _who(self) -> str:
        try:
            holder = json.loads(self._holder.read_text(encoding="utf-8"))
            since = datetime.fromisoformat(holder["since"])
            return f" (number {int(holder['process'])}, since {since:%Y-%m-%d %H:%M})"
        except (OSError, ValueError, KeyError, TypeError):
            return ""  # it has just been taken
