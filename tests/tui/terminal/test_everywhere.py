"""On every kind of terminal, and whatever libraries print meanwhile, the screen is whole."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from pathlib import Path

import pytest

from tests.tui.terminal.driving import Terminal, advisor

PROGRAM = """
import ctypes, os, subprocess, sys, warnings
from agent.events import Delta, Message
from tests.tui.fakes import FakeSession
from tui.app import run

class Noisy(FakeSession):
    async def say(self, text):
        print("by print")
        print("by print to stderr", file=sys.stderr)
        warnings.warn("by a warning")
        sys.stderr.write("\\r 50% by a progress bar")
        library = ctypes.CDLL(None)
        library.puts(b"by puts")
        library.fflush(None)
        os.write(2, b"by write to 2\\n")
        subprocess.run([sys.executable, "-c", "print('by a child')"])
        async for event in super().say(text):
            yield event

async def opens():
    kind = Noisy if "noisy" in sys.argv else FakeSession
    return kind([Delta("one "), 0.3, Delta("two "), 0.3, Message("one two the answer")])

sys.exit(run(opens, model="guided", session_name=None, reopen=lambda name, copy: opens))
"""
COMMAND = [sys.executable, "-c", PROGRAM]
PRINTED = ("print", "print to stderr", "a warning", "a progress bar", "puts", "write to 2", "a child")


def talked(terminal: Terminal) -> None:
    """Say something and see the answer under it, and the footer in the last line."""
    terminal.wait_for("For example")
    terminal.type("hello\r")
    terminal.wait_for("the answer")
    terminal.wait_for("Enter sends")
    terminal.wait_for(lambda: "Enter Send" in terminal.screen.display[-1])


def leave(terminal: Terminal) -> None:
    terminal.type("\x03\x03")
    assert terminal.end() == 0
    assert terminal.settings() == list(terminal.before)


def test_what_is_printed_during_a_turn_is_in_the_log_and_not_on_the_screen(tmp_path: Path) -> None:
    with Terminal([*COMMAND, "noisy"], tmp_path, size=(80, 24)) as terminal:
        talked(terminal)
        leave(terminal)
        log = (tmp_path / "logs" / "tui.log").read_text(encoding="utf-8")
        for kind in PRINTED:
            assert f"by {kind}".encode() not in terminal.seen
            assert f"by {kind}" in log


@pytest.mark.parametrize("elsewhere", ["2>errors.txt", "2>&-"])
def test_the_screen_is_drawn_where_stdout_goes_when_stderr_goes_elsewhere(
    tmp_path: Path, elsewhere: str
) -> None:
    words = " ".join(map(shlex.quote, COMMAND))
    home = shlex.quote(str(tmp_path))
    with Terminal(
        ["sh", "-c", f"E={home}; exec {words} {elsewhere.replace('errors', '$E/e')}"], tmp_path
    ) as it:
        talked(it)
        leave(it)
    assert not (tmp_path / "e.txt").exists() or (tmp_path / "e.txt").read_text() == ""


TERMS = ["linux", "tmux-256color", "vt100", ""]


@pytest.mark.parametrize("term", TERMS)
def test_it_opens_on_every_kind_of_terminal(tmp_path: Path, term: str) -> None:
    with Terminal(COMMAND, tmp_path, size=(80, 24), term=term) as terminal:
        talked(terminal)
        assert terminal.text.isascii() is (term == "linux")
        leave(terminal)


def test_a_posix_locale_is_drawn_in_ascii(tmp_path: Path) -> None:
    with Terminal(COMMAND, tmp_path, size=(80, 24), variables={"LC_ALL": "POSIX"}) as terminal:
        talked(terminal)
        assert terminal.text.isascii()


def test_a_terminal_that_moves_no_cursor_gets_lines(tmp_path: Path) -> None:
    with Terminal(advisor("--offline"), tmp_path, size=(80, 24), term="dumb") as terminal:
        terminal.wait_for("cannot move the cursor")
        terminal.wait_for("You: ")
        terminal.type("/quit\n")
        assert terminal.end() == 0
        assert b"\x1b[?1049h" not in terminal.seen


def test_stopped_and_brought_back_it_draws_the_whole_screen(tmp_path: Path) -> None:
    with Terminal(COMMAND, tmp_path, size=(80, 24)) as terminal:
        talked(terminal)
        terminal.process.send_signal(signal.SIGTSTP)
        terminal.wait_for(lambda: b"\x1b[?1049l" in terminal.seen)
        assert os.WIFSTOPPED(os.waitpid(terminal.process.pid, os.WUNTRACED)[1])
        assert terminal.settings() == list(terminal.before)
        terminal.screen.reset()  # what the shell wrote meanwhile is gone when the screen comes back
        terminal.process.send_signal(signal.SIGCONT)
        terminal.wait_for("the answer")
        terminal.wait_for(lambda: "Enter Send" in terminal.screen.display[-1])
        leave(terminal)


def test_the_width_may_change_while_an_answer_streams(tmp_path: Path) -> None:
    with Terminal(COMMAND, tmp_path, size=(80, 24)) as terminal:
        terminal.wait_for("For example")
        terminal.type("hello\r")
        terminal.wait_for("one")
        for columns in (120, 60, 200, 72):
            terminal.resize(columns, 24)
            terminal.read(0.05)
        terminal.wait_for("two the answer")
        terminal.wait_for(lambda: "Enter Send" in terminal.screen.display[-1])
        assert all(len(line.rstrip()) <= 72 for line in terminal.screen.display)


@pytest.mark.parametrize("paste", ["\x1b[200~one\ntwo\x1b[201~", "one\ntwo"], ids=["bracketed", "bare"])
def test_a_paste_of_two_lines_is_not_sent(tmp_path: Path, paste: str) -> None:
    with Terminal(COMMAND, tmp_path, size=(80, 24)) as terminal:
        terminal.wait_for("For example")
        terminal.type(paste)
        terminal.wait_for(lambda: composed(terminal) == ["one", "two"])


def composed(terminal: Terminal) -> list[str]:
    """The lines in the composer."""
    return [line.strip("│ ") for line in terminal.screen.display if line.startswith("│")]
