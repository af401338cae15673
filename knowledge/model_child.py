"""The parent's side of a model's own process (see `model_worker`): start, ask, stop."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from knowledge.errors import ServiceError
from knowledge.home import log_file

Document = dict[str, Any]

LOAD_SECONDS = 180.0
"""A cold disk and a busy machine included; five seconds are usual."""
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


class ModelChild:
    """A child process that answers requests, started when first needed. Safe to use from several threads."""

    def __init__(
        self,
        what: str,
        failure: type[ServiceError],
        *,
        log: Path | None = None,
        patience: float | None = None,
    ) -> None:
        """
        Args:
            what: what a sentence about it is about, such as `embedder`; also the name of its log.
            failure: the error that is raised.
            log: where its stderr goes; None for the state folder.
            patience: seconds for any one answer, in place of the caller's, in tests.
        """
        self._what = what
        self._failure = failure
        self._log = log
        self._patience = patience
        self._lock = threading.RLock()
        self._child: subprocess.Popen[bytes] | None = None
        self._answers: queue.Queue[Document] = queue.Queue()
        self._loaded = threading.Event()
        self._told: Document = {}
        self._starts = 0
        self._sent = 0
        self._closed = False

    @property
    def ready(self) -> bool:
        """True when `ask` answers without loading first."""
        child = self._child
        return self._loaded.is_set() and child is not None and child.poll() is None

    @property
    def told(self) -> Document:
        """What the model said of itself when it was loaded; empty before."""
        return self._told if self._loaded.is_set() else {}

    @property
    def failed(self) -> bool:
        """True when it died and will not be started again."""
        child = self._child
        return self._closed or (
            self._starts >= MAX_STARTS and (child is None or child.poll() is not None) and not self.ready
        )

    def warm(self, command: Sequence[str]) -> None:
        """Starts loading and returns at once."""
        # Whoever holds the lock is loading or asking: then it is warm, or about to be.
        if self._lock.acquire(blocking=False):
            try:
                self._start(command)
            except self._failure:
                return
            finally:
                self._lock.release()

    def ask(self, command: Sequence[str], request: Mapping[str, object], seconds: float) -> Document:
        """One answer; waits for loading.

        Args:
            command: starts the process where it does not run.
            request: what it is asked, without the number.
            seconds: how long an answer may take once the model is loaded.

        Raises:
            ServiceError: of the class given: it cannot be loaded, died, took too long, or said why it failed.
        """
        with self._lock:
            self._start(command)
            self._wait_loaded()
            self._sent += 1
            self._send({"id": self._sent, **request})
            answer = self._answer(self._patience or seconds)
            if answer.get("id") != self._sent:
                self.stop()
                reason = answer.get("error", "it answered out of turn")
                raise self._failure(f"The {self._what} failed: {reason}.")
            if "error" in answer:
                raise self._failure(f"The {self._what} failed: {answer['error']}.")
            return answer

    def close(self) -> None:
        """Ends it for good."""
        # Not under the lock: closing must also end a call that waits for an answer.
        self._closed = True
        self.stop()

    def stop(self) -> None:
        """Ends the process; the next request starts it again."""
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

    def _start(self, command: Sequence[str]) -> None:
        if self._closed:
            raise self._failure(f"The {self._what} is closed.")
        if self._child is not None and self._child.poll() is None:
            return
        if self._starts >= MAX_STARTS:
            raise self._failure(
                f"The {self._what} stopped several times.", hint=f"Its messages are in {self._log_path()}."
            )
        self._starts += 1
        self._loaded.clear()
        self._answers = queue.Queue()
        with _open_log(self._log_path()) as log:
            try:
                self._child = subprocess.Popen(
                    list(command),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    env={**os.environ, **_QUIET},
                    # Ctrl+C in the terminal is for the parent; the child ends with its stdin.
                    start_new_session=True,
                )
            except OSError as error:
                raise self._failure(f"The {self._what} cannot be started: {error.strerror}.") from error
        threading.Thread(
            target=self._read, args=(self._child, self._answers), name=self._what, daemon=True
        ).start()

    def _wait_loaded(self) -> None:
        until = time.monotonic() + (self._patience or LOAD_SECONDS)
        while not self._loaded.wait(0.02):
            if not self._answers.empty():
                reason = self._answers.get().get("fatal", "it ended while loading")
                self.stop()
                raise self._failure(
                    f"The {self._what} cannot be loaded: {reason}.",
                    hint=f"Its messages are in {self._log_path()}.",
                )
            if time.monotonic() > until:
                self.stop()
                raise self._failure(f"The {self._what} took too long to load.")

    def _send(self, request: Document) -> None:
        child = self._child
        try:
            if child is None or child.stdin is None:
                raise BrokenPipeError
            child.stdin.write(json.dumps(request).encode("ascii") + b"\n")
            child.stdin.flush()
        except (OSError, ValueError):
            self.stop()
            raise self._failure(f"The {self._what} stopped.") from None

    def _answer(self, seconds: float) -> Document:
        try:
            answer = self._answers.get(timeout=seconds)
        except queue.Empty:
            self.stop()
            raise self._failure(f"The {self._what} took too long to answer.") from None
        if "ended" in answer:
            self.stop()
            raise self._failure(f"The {self._what} stopped.")
        return answer

    def _read(self, child: subprocess.Popen[bytes], answers: queue.Queue[Document]) -> None:
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
                    self._told = answer
                    self._loaded.set()
                else:
                    answers.put(answer)
        answers.put({"ended": True})

    def _log_path(self) -> Path:
        return self._log or log_file(self._what)


def _open_log(path: Path) -> IO[bytes]:
    """The log, or nowhere: a state folder that cannot be written must not stop the search."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("wb")
    except OSError:
        return open(os.devnull, "wb")
