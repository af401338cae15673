"""The reading process seen from outside: one that is started again when a document was too much for it."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from knowledge.errors import ServiceError
from knowledge.own.document import Document, RefusedError
from knowledge.own.limits import FILE_SECONDS, STEP_SECONDS
from knowledge.own.reading import PageProgress

COMMAND = (sys.executable, "-P", "-m", "knowledge.own.reading_worker")
_QUIET = {"PYTHONWARNINGS": "ignore", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class ReaderError(ServiceError):
    """The reading process cannot be started."""

    code = "reader"


class ChildReader:
    """Reads documents in a child process. Not for several threads at once."""

    def __init__(
        self, command: Sequence[str] = COMMAND, step: float = STEP_SECONDS, whole: float = FILE_SECONDS
    ) -> None:
        """`step` and `whole` are the seconds for a page (or file without pages) and for a file."""
        self._command = list(command)
        self._step = step
        self._whole = whole
        self._child: subprocess.Popen[bytes] | None = None
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()

    def read(self, name: str, data: bytes, progress: PageProgress | None = None) -> Document:
        """The document in the bytes of a file.

        Raises:
            RefusedError: it cannot be read, or took the reading process down.
            ReaderError: the reading process cannot be started.
        """
        child = self._started()
        sender = threading.Thread(target=_send, args=(child, name, data), name="document", daemon=True)
        sender.start()
        until = time.monotonic() + self._whole
        while True:
            try:
                answer = self._answers.get(timeout=max(0.0, min(self._step, until - time.monotonic())))
            except queue.Empty:
                self.close()
                raise RefusedError("too_slow", self._slow(time.monotonic() >= until)) from None
            if "document" in answer:
                return _document(answer["document"])
            if "refused" in answer:
                code, message = answer["refused"]
                raise RefusedError(str(code), str(message))
            if "ended" in answer:
                self.close()
                raise RefusedError("crashed", "cannot be read: it ended the program that reads it")
            if progress is not None:
                progress(answer["page"], answer["pages"])

    def close(self) -> None:
        """Ends the process; the next `read` starts another one."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        if child.stdin is not None:
            with contextlib.suppress(OSError, ValueError):
                child.stdin.close()

    def _slow(self, whole: bool) -> str:
        if whole:
            return f"takes longer than the {self._whole / 60:,.0f} minutes allowed to read it"
        return f"takes too long to read: one step of it took more than {self._step:,.0f} seconds"

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is not None and self._child.poll() is None:
            return self._child
        self.close()
        self._answers = queue.Queue()
        try:
            self._child = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **_QUIET},
                # Ctrl+C in the terminal is for the parent; the child ends with its stdin.
                start_new_session=True,
            )
        except OSError as error:
            raise ReaderError(f"The reading process cannot be started: {error.strerror}.") from error
        threading.Thread(
            target=_receive, args=(self._child, self._answers), name="reader", daemon=True
        ).start()
        return self._child


def _send(child: subprocess.Popen[bytes], name: str, data: bytes) -> None:
    header = json.dumps({"name": name, "size": len(data)}).encode("ascii") + b"\n"
    # Where the process is gone, the end of its answers tells.
    with contextlib.suppress(OSError, ValueError):
        assert child.stdin is not None
        child.stdin.write(header)
        child.stdin.write(data)
        child.stdin.flush()


def _receive(child: subprocess.Popen[bytes], answers: queue.Queue[dict[str, Any]]) -> None:
    assert child.stdout is not None
    with child.stdout as stream:
        for line in stream:
            try:
                answer = json.loads(line)
            except ValueError:
                continue
            answers.put(answer)
    answers.put({"ended": True})


def _document(fields: dict[str, Any]) -> Document:
    return Document(**{**fields, "notices": tuple(fields["notices"])})
