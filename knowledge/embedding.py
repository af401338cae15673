"""Turning texts into vectors, in a process of its own (see `embedding_worker`)."""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from knowledge.embedding_worker import DIMENSIONS, NAME
from knowledge.errors import ServiceError
from knowledge.home import log_file

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

LOAD_SECONDS = 180.0
"""A cold disk and a busy machine included; five seconds are usual."""
ANSWER_SECONDS = 30.0
SECONDS_PER_TEXT = 2.0
MAX_STARTS = 3
_QUIET = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
    # Threads that have nothing to do sleep, instead of keeping the processor from the terminal interface.
    "OMP_WAIT_POLICY": "PASSIVE",
    "TQDM_DISABLE": "1",
    "PYTHONWARNINGS": "ignore",
    "PYTHONIOENCODING": "utf-8",
}


class EmbedderError(ServiceError):
    """The embedder cannot be started or did not answer; search goes on by words."""

    code = "embedder"


class Embedder(Protocol):
    """Something that turns texts into unit vectors."""

    @property
    def name(self) -> str:
        """Identifies the model; vectors of two names are never compared."""
        ...

    @property
    def dimensions(self) -> int: ...

    @property
    def ready(self) -> bool:
        """True when `embed` answers without loading first."""
        ...

    def warm(self) -> None:
        """Starts loading and returns at once."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One unit vector a text, as the rows of a float32 matrix; waits for loading.

        Raises:
            EmbedderError: it cannot be loaded, died, or took too long.
        """
        ...

    def close(self) -> None:
        """Gives everything back; `embed` afterwards raises EmbedderError."""
        ...


class ChildEmbedder:
    """all-MiniLM-L6-v2 in a child process, started when first needed. Safe to use from several threads."""

    def __init__(
        self, *, command: Sequence[str] | None = None, log: Path | None = None, patience: float | None = None
    ) -> None:
        """`command`, `log` and `patience` (seconds for any one answer) stand in for the defaults in tests."""
        self._command = list(command or (sys.executable, "-P", "-m", "knowledge.embedding_worker"))
        self._log = log
        self._patience = patience
        self._lock = threading.RLock()
        self._child: subprocess.Popen[bytes] | None = None
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self._loaded = threading.Event()
        self._starts = 0
        self._sent = 0
        self._closed = False

    @property
    def name(self) -> str:
        return NAME

    @property
    def dimensions(self) -> int:
        return DIMENSIONS

    @property
    def ready(self) -> bool:
        child = self._child
        return self._loaded.is_set() and child is not None and child.poll() is None

    @property
    def failed(self) -> bool:
        """True when it died and will not be started again."""
        child = self._child
        return self._closed or (
            self._starts >= MAX_STARTS and (child is None or child.poll() is not None) and not self.ready
        )

    def warm(self) -> None:
        # Whoever holds the lock is loading or embedding: then it is warm, or about to be.
        if self._lock.acquire(blocking=False):
            try:
                self._start()
            except EmbedderError:
                return
            finally:
                self._lock.release()

    def embed(self, texts: Sequence[str]) -> Vectors:
        import numpy as np

        if not texts:
            return np.zeros((0, self.dimensions), dtype=np.float32)
        with self._lock:
            self._start()
            self._wait_loaded()
            self._sent += 1
            self._send({"id": self._sent, "texts": list(texts)})
            answer = self._answer(self._patience or ANSWER_SECONDS + SECONDS_PER_TEXT * len(texts))
            if answer.get("id") != self._sent or "vectors" not in answer:
                self._stop()
                raise EmbedderError(f"The embedder failed: {answer.get('error', 'it answered out of turn')}.")
            try:
                data = base64.b64decode(answer["vectors"], validate=True)
                vectors = np.frombuffer(data, dtype="<f4").reshape(len(texts), self.dimensions)
            except (binascii.Error, ValueError, TypeError):
                self._stop()
                raise EmbedderError("The embedder answered something that is no vector.") from None
        return vectors.astype(np.float32)

    def close(self) -> None:
        # Not under the lock: closing must also end a call that waits for an answer.
        self._closed = True
        self._stop()

    def _start(self) -> None:
        if self._closed:
            raise EmbedderError("The embedder is closed.")
        if self._child is not None and self._child.poll() is None:
            return
        if self._starts >= MAX_STARTS:
            raise EmbedderError(
                "The embedder stopped several times.", hint=f"Its messages are in {self._log_path()}."
            )
        self._starts += 1
        self._loaded.clear()
        self._answers = queue.Queue()
        with _open_log(self._log_path()) as log:
            try:
                self._child = subprocess.Popen(
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    env={**os.environ, **_QUIET},
                    # Ctrl+C in the terminal is for the parent; the child ends with its stdin.
                    start_new_session=True,
                )
            except OSError as error:
                raise EmbedderError(f"The embedder cannot be started: {error.strerror}.") from error
        reader = threading.Thread(
            target=_read, args=(self._child, self._answers, self._loaded), name="embedder", daemon=True
        )
        reader.start()

    def _wait_loaded(self) -> None:
        until = time.monotonic() + (self._patience or LOAD_SECONDS)
        while not self._loaded.wait(0.02):
            if not self._answers.empty():
                reason = self._answers.get().get("fatal", "it ended while loading")
                self._stop()
                raise EmbedderError(
                    f"The embedder cannot be loaded: {reason}.",
                    hint=f"Its messages are in {self._log_path()}.",
                )
            if time.monotonic() > until:
                self._stop()
                raise EmbedderError("The embedder took too long to load.")

    def _send(self, request: dict[str, Any]) -> None:
        child = self._child
        try:
            if child is None or child.stdin is None:
                raise BrokenPipeError
            child.stdin.write(json.dumps(request).encode("ascii") + b"\n")
            child.stdin.flush()
        except (OSError, ValueError):
            self._stop()
            raise EmbedderError("The embedder stopped.") from None

    def _answer(self, seconds: float) -> dict[str, Any]:
        try:
            answer = self._answers.get(timeout=seconds)
        except queue.Empty:
            self._stop()
            raise EmbedderError("The embedder took too long to answer.") from None
        if "ended" in answer:
            self._stop()
            raise EmbedderError("The embedder stopped.")
        return answer

    def _stop(self) -> None:
        child, self._child = self._child, None
        self._loaded.clear()
        if child is None:
            return
        child.kill()
        child.wait()
        if child.stdin is not None:
            # What was still in the buffer has nobody to read it.
            with contextlib.suppress(OSError):
                child.stdin.close()

    def _log_path(self) -> Path:
        return self._log or log_file("embedder")


def _read(
    child: subprocess.Popen[bytes], answers: queue.Queue[dict[str, Any]], loaded: threading.Event
) -> None:
    """Carries the child's lines into the queue, until it ends."""
    with child.stdout or open(os.devnull, "rb") as stream:
        for line in stream:
            try:
                answer = json.loads(line)
            except ValueError:
                answer = {"error": "it answered something that is no JSON"}
            if not isinstance(answer, dict):
                answer = {"error": "it answered something that is no object"}
            if answer.get("ready"):
                loaded.set()
            else:
                answers.put(answer)
    answers.put({"ended": True})


def _open_log(path: Path) -> IO[bytes]:
    """The log, or nowhere: a state folder that cannot be written must not stop the search."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("wb")
    except OSError:
        return open(os.devnull, "wb")
