"""Starts the program in a pseudo-terminal, presses keys and reads the screen as a terminal shows it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

import pyte

TIMEOUT = 30.0
# Sequences that pyte does not know, and would show: the keyboard protocol of kitty.
UNKNOWN = re.compile(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]")
UNFINISHED = re.compile(rb"\x1b(\[[<>=?]?[0-9;]*)?$")
# The terminal that runs the tests, or none, must not decide what is tested.
OWN_VARIABLES = (
    *("NO_COLOR", "COLORTERM", "TERM_PROGRAM", "LLM_ADVISOR_ASCII", "COLORFGBG", "TMUX", "STY"),
    *("COLUMNS", "LINES"),
)


def advisor(*arguments: str) -> list[str]:
    """The real command."""
    return [sys.executable, "-m", "tui.cli", *arguments]


class Terminal:
    """A process in a pseudo-terminal of `size` columns and lines."""

    def __init__(
        self,
        command: Sequence[str],
        home: Path,
        *,
        size: tuple[int, int] = (100, 30),
        term: str = "xterm-256color",
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._parent, self._child = pty.openpty()
        self.before = termios.tcgetattr(self._child)
        self.screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self.screen)
        self._rest = b""
        self._closed = False
        self.seen = b""
        """Everything that was written, as it came."""
        self.resize(*size)
        kept = {name: value for name, value in os.environ.items() if name not in OWN_VARIABLES}
        environment = {**kept, "LLM_ADVISOR_HOME": str(home), "TERM": term, "LANG": "C.UTF-8"}
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            list(command),
            stdin=self._child,
            stdout=self._child,
            stderr=self._child,
            env={**environment, **(variables or {})},
            preexec_fn=_own_terminal,  # noqa: PLW1509 (no threads that hold locks are about)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of it, also where a test failed."""
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.close()

    @property
    def text(self) -> str:
        """What is on the screen."""
        return "\n".join(self.screen.display)

    def resize(self, columns: int, lines: int) -> None:
        """Another size; the process gets SIGWINCH."""
        fcntl.ioctl(self._child, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.screen.resize(lines, columns)

    def read(self, seconds: float = 0.1) -> float | None:
        """Take in what comes within a time; the moment it came, in seconds of `perf_counter`, or None."""
        taken = self.take(seconds)
        if taken is None:
            return None
        came, data = taken
        self.show(data)
        return came

    def take(self, seconds: float = 0.1) -> tuple[float, bytes] | None:
        """What comes within a time, and the moment it came; it is not shown on `screen`."""
        if self._closed or not select.select([self._parent], [], [], max(0.0, seconds))[0]:
            return None
        try:
            data = os.read(self._parent, 65536)
        except OSError:
            data = b""
        return (time.perf_counter(), data) if data else None

    def show(self, data: bytes) -> None:
        """Show on `screen` what was taken."""
        self.seen += data
        data = UNKNOWN.sub(b"", self._rest + data)
        unfinished = UNFINISHED.search(data)
        self._rest = unfinished.group() if unfinished else b""
        self._stream.feed(data.removesuffix(self._rest) if self._rest else data)

    def wait_for(self, what: str | Callable[[], bool], seconds: float = TIMEOUT) -> float:
        """Read until a text is on the screen, or something is so; the moment it came.

        Raises:
            AssertionError: It did not come in time.
        """
        limit = time.perf_counter() + seconds
        came = time.perf_counter()
        while not (what in self.text if isinstance(what, str) else what()):
            assert time.perf_counter() < limit, f"{what} did not come:\n{self.text}"
            came = self.read() or came
        return came

    def type(self, keys: str) -> None:
        """Send keys."""
        os.write(self._parent, keys.encode())

    def end(self, seconds: float = TIMEOUT) -> int:
        """Wait for the end of the process, reading what it still writes; its exit status."""
        limit = time.perf_counter() + seconds
        while self.process.poll() is None:
            assert time.perf_counter() < limit, f"it did not end:\n{self.text}"
            self.read()
        while self.read() is not None:
            pass
        return self.process.returncode

    def settings(self) -> list[object]:
        """The terminal's settings as they are."""
        return list(termios.tcgetattr(self._child))

    def close(self) -> None:
        """Close the terminal as its window does."""
        if not self._closed:
            self._closed = True
            os.close(self._parent)
            os.close(self._child)


def _own_terminal() -> None:
    """In the child: a session of its own with this terminal, so that signals of the keyboard come."""
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
