"""The screen in a pseudo-terminal: what libraries print does not tear it, and a crash leaves it whole."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

TIMEOUT = 30.0
PROGRAM = """
import os, sys
from agent.events import Message
from tests.tui.fakes import FakeSession
from tui.app import AdvisorApp, run
from tui.widgets.status_line import StatusLine

async def opens():
    print("printed by a library")
    os.write(1, b"written to 1 by native code")
    os.write(2, b"written to 2 by native code")
    return FakeSession([Message("the answer")])

if "crash" in sys.argv:
    def step(self, text, kind=""):
        raise RuntimeError("secret details")
    StatusLine.flash = step
sys.exit(run(opens, model="guided", session_name=None, reopen=lambda name: opens))
"""


class Terminal:
    """A process in a pseudo-terminal."""

    def __init__(self, state: Path, *arguments: str) -> None:
        self._parent, child = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.before = termios.tcgetattr(child)
        self._child = child
        environment = {**os.environ, "LLM_ADVISOR_HOME": str(state), "TERM": "xterm-256color"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments],
            stdin=child,
            stdout=child,
            stderr=child,
            env=environment,
            start_new_session=True,
        )
        self.seen = b""

    def wait_for(self, text: str) -> None:
        """Read until the text came."""
        limit = time.monotonic() + TIMEOUT
        while text.encode() not in self.seen:
            assert time.monotonic() < limit, self.seen[-2000:]
            self._read()

    def _read(self) -> None:
        if select.select([self._parent], [], [], 0.1)[0]:
            self.seen += os.read(self._parent, 65536)

    def type(self, keys: str) -> None:
        """Send keys."""
        os.write(self._parent, keys.encode())

    def end(self) -> int:
        """Wait for the end of the process, reading what it still writes."""
        limit = time.monotonic() + TIMEOUT
        while self.process.poll() is None:
            assert time.monotonic() < limit
            self._read()
        while select.select([self._parent], [], [], 0.1)[0]:
            self.seen += os.read(self._parent, 65536)
        return self.process.returncode

    def settings(self) -> list[object]:
        """The terminal's settings as they are."""
        return list(termios.tcgetattr(self._child))

    def close(self) -> None:
        """Let go of it, also where a test failed."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self._parent)
        os.close(self._child)


def test_prints_of_libraries_go_to_the_log_and_the_terminal_is_left_as_it_was(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    try:
        terminal.wait_for("For example")
        terminal.type("hello\r")
        terminal.wait_for("the answer")
        terminal.type("\x03\x03")
        assert terminal.end() == 0, terminal.seen[-2000:]
        assert b"by native code" not in terminal.seen
        assert b"printed by a library" not in terminal.seen
        assert b"\x1b[?1049l" in terminal.seen  # the screen of before is back
        assert terminal.settings() == list(terminal.before)
        log = (tmp_path / "logs" / "tui.log").read_text(encoding="utf-8")
        assert "written to 1 by native code" in log
        assert "written to 2 by native code" in log
        assert (tmp_path / "history.jsonl").read_text(encoding="utf-8") == '"hello"\n'
    finally:
        terminal.close()


def test_a_crash_of_the_screen_is_one_sentence_and_restores_the_terminal(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "crash")
    try:
        terminal.wait_for("For example")
        terminal.type("\x03")  # asks before quitting, which is the part that fails here
        assert terminal.end() == 1
        shown = terminal.seen.rpartition(b"\x1b[?1049l")[2]
        assert b"The screen failed and was closed; the conversation is saved." in shown
        assert b"Traceback" not in shown
        assert terminal.settings() == list(terminal.before)
        assert "secret details" in (tmp_path / "logs" / "tui.log").read_text(encoding="utf-8")
    finally:
        terminal.close()
