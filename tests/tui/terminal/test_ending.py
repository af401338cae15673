"""However the program is ended, it ends in order: nothing is lost and the terminal is left as it was."""

from __future__ import annotations

import signal
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.tui.terminal.driving import Terminal

PROGRAM = """
import os, sys, time
from agent.events import Message
from tests.tui.fakes import FakeSession
from tui.app import run

class Kept(FakeSession):
    async def close(self):
        open(os.environ["LLM_ADVISOR_HOME"] + "/closed", "w").close()

async def opens():
    return Kept([Message("the answer")])

sys.exit(run(opens, model="guided", session_name=None, reopen=lambda name: opens))
"""


DEAF = """
import signal, tui.app
signal.signal(signal.SIGHUP, signal.SIG_IGN)
tui.app.leave_on_signals = lambda leave: None
"""
"""The signal does not come, or later than the error of reading."""


def started(home: Path, before: str = "") -> Terminal:
    terminal = Terminal([sys.executable, "-c", before + PROGRAM], home)
    terminal.wait_for("For example")
    terminal.type("hello\r")
    terminal.wait_for("the answer")
    return terminal


def footer_is_last(terminal: Terminal) -> bool:
    """Whether the footer stands in the last line of the terminal as it is now."""
    return "Enter" in terminal.screen.display[-1]


def test_told_to_end_it_restores_the_terminal_and_closes_the_session(tmp_path: Path) -> None:
    with started(tmp_path) as terminal:
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.end() == 128 + signal.SIGTERM
        assert (tmp_path / "closed").exists()
        assert b"\x1b[?1049l" in terminal.seen
        assert b"\x1b[?1003l" in terminal.seen  # the mouse is given back
        assert terminal.settings() == list(terminal.before)


@pytest.mark.parametrize("before", ["", DEAF], ids=["told", "not told"])
def test_a_closed_terminal_ends_it_and_closes_the_session(before: str, tmp_path: Path) -> None:
    with started(tmp_path, before) as terminal:
        terminal.close()
        assert terminal.process.wait(10) == 128 + signal.SIGHUP
        assert (tmp_path / "closed").exists()


FAULTY = """
from tui.widgets.composer import Composer
def on_unmount(self):
    raise RuntimeError("a fault on the way out")
Composer.on_unmount = on_unmount
"""


LATE = """
from tui.app import AdvisorApp
leave = AdvisorApp.exit
def exit(self, *given, **more):
    leave(self, *given, **more)
    def late():
        raise RuntimeError("a fault on the way out")
    self.chat.call_later(late)
AdvisorApp.exit = exit
"""
"""As of a look-up that comes back when the program is being left."""


@pytest.mark.parametrize("fault", [FAULTY, LATE], ids=["a widget goes", "a look-up comes back"])
def test_a_fault_on_the_way_out_changes_no_status(fault: str, tmp_path: Path) -> None:
    with started(tmp_path, fault) as terminal:
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.end() == 128 + signal.SIGTERM
        assert (tmp_path / "closed").exists()
    assert "a fault on the way out" in (tmp_path / "logs" / "tui.log").read_text(encoding="utf-8")


def test_what_comes_back_too_late_is_no_failure_of_the_screen(tmp_path: Path) -> None:
    with started(tmp_path, LATE) as terminal:
        terminal.type("\x03\x03")
        assert terminal.end() == 0, terminal.text
        assert "The screen failed" not in terminal.text
        assert terminal.settings() == list(terminal.before)
    assert "a fault on the way out" in (tmp_path / "logs" / "tui.log").read_text(encoding="utf-8")


def test_another_size_is_drawn_at_once(tmp_path: Path) -> None:
    with started(tmp_path) as terminal:
        for columns, lines in ((60, 20), (200, 60), (20, 6), (300, 100), (80, 24)):
            terminal.resize(columns, lines)
            if columns >= 60:
                terminal.wait_for(partial(footer_is_last, terminal))
        terminal.type("still here")
        terminal.wait_for("still here")


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}])
def test_without_color_no_color_is_written(tmp_path: Path, variables: dict[str, str]) -> None:
    with Terminal([sys.executable, "-c", PROGRAM], tmp_path, variables=variables) as terminal:
        terminal.wait_for("For example")
        terminal.type("hello\r")
        terminal.wait_for("the answer")
        cells = [cell for row in terminal.screen.buffer.values() for cell in row.values()]
        colors = {color for cell in cells for color in (cell.fg, cell.bg)}
        assert all(color == "default" or len({color[:2], color[2:4], color[4:]}) == 1 for color in colors)
