"""A fault of the screen itself: one sentence is read, the terminal is whole, and nothing said is lost."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from agent.sessions import SessionQuery, show_session
from knowledge.home import HOME_VARIABLE
from tests.tui.terminal.driving import Terminal

PROGRAM = """
import os, sys
from agent.events import Message
from tests.tui.fakes import FakeSession
from textual import work
from textual.widgets import Static
from tui.app import AdvisorApp, run

where = sys.argv[1]

class RichError(Exception):
    def __rich__(self):
        return "secret details, drawn by rich"

class FakeFaulty(Static):
    def render(self):
        if where == "render":
            raise RuntimeError("secret details")
        return "here"

    def on_mount(self):
        if where in ("rich", "real"):
            raise (RichError if where == "rich" else RuntimeError)("secret details")
        if where == "worker":
            self.work_on_it()

    def on_unmount(self):
        if where == "unmount":
            raise RuntimeError("secret details")

    @work(thread=True)
    def work_on_it(self):
        raise RuntimeError("secret details")

class FakeClosing(FakeSession):
    async def close(self):
        open(os.environ["LLM_ADVISOR_HOME"] + "/closed", "w").close()
        if where == "close":
            raise RuntimeError("secret details")

async def opens():
    if where == "real":
        from agent.session import open_session
        from pathlib import Path
        from tests.fakes.voices import FakeSmallRetriever
        retriever = FakeSmallRetriever(Path(os.environ["LLM_ADVISOR_HOME"]) / "guides")
        return await open_session(model="guided", session="work", retriever=retriever)
    return FakeClosing([Message("the answer")])

def action_help(self):
    self.chat.mount(FakeFaulty())

AdvisorApp.action_help = action_help
sys.exit(run(opens, model="guided", session_name=None, reopen=lambda name, copy, model: opens))
"""
SENTENCE = "The screen failed and was closed; the conversation is saved."


def ended(terminal: Terminal) -> str:
    """What is left on the terminal after the end, which comes with status 1."""
    assert terminal.end(10) == 1
    assert terminal.settings() == list(terminal.before)
    shown = terminal.seen.rpartition(b"\x1b[?1049l")[2]
    return shown.decode().replace("\r", "")


@pytest.mark.parametrize("where", ["render", "worker", "rich", "unmount", "close"])
def test_one_sentence_the_details_in_the_log_and_the_draft_kept(where: str, tmp_path: Path) -> None:
    with Terminal([sys.executable, "-c", PROGRAM, where], tmp_path) as terminal:
        terminal.wait_for("For example")
        terminal.type("hello\r")
        terminal.wait_for("the answer")
        terminal.type("not sent yet")
        terminal.wait_for("not sent yet")
        terminal.type("\x1bOP")  # F1, whose part fails here
        if where in ("unmount", "close"):
            terminal.type("\x03\x03")
        shown = ended(terminal)
    assert SENTENCE in shown
    log = tmp_path / "logs" / "tui.log"
    assert str(log) in shown.replace("\n", "")
    assert "Traceback" not in shown
    assert "secret" not in shown
    assert "secret details" in log.read_text(encoding="utf-8")
    assert (tmp_path / "closed").exists()
    if where != "unmount":  # there the composer is gone before it is asked
        assert "not sent yet" in (tmp_path / "drafts.json").read_text(encoding="utf-8")


def test_what_was_said_before_is_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    with Terminal([sys.executable, "-c", PROGRAM, "real"], tmp_path) as terminal:
        terminal.wait_for("For example")
        terminal.type("something for my RTX 3060 12GB\r")
        terminal.wait_for("Why I ask")
        terminal.type("\x1bOP")
        assert SENTENCE in ended(terminal)
    document = show_session(SessionQuery(name="work"), offline=True)
    assert document["messages"][0]["text"] == "something for my RTX 3060 12GB"
