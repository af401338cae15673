"""Two programs over one state folder, each with a conversation of its own in which a turn runs."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from agent.sessions import SessionQuery, show_session
from knowledge.home import HOME_VARIABLE
from tests.tui.terminal.driving import Terminal

PROGRAM = """
import os, sys
from pathlib import Path
from agent.session import open_session
from tests.fakes.voices import FakeSmallRetriever
from tui.app import run

name = sys.argv[1]

async def opens():
    folder = Path(os.environ["LLM_ADVISOR_HOME"])
    return await open_session(model="guided", session=name, retriever=FakeSmallRetriever(folder / name))

sys.exit(run(opens, model="guided", session_name=name, reopen=lambda name, copy, model: opens))
"""
SAID = {"one": "a chatbot on my RTX 3060 12GB", "two": "search over 50,000 tickets on my RTX 4090"}


def test_both_answer_and_both_are_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    with ExitStack() as stack:
        running = {
            name: stack.enter_context(Terminal([sys.executable, "-c", PROGRAM, name], tmp_path))
            for name in SAID
        }
        for terminal in running.values():
            terminal.wait_for("For example")
        for name, terminal in running.items():
            terminal.type(SAID[name] + "\r")
            terminal.type("\x12")  # Ctrl+R: waits for the turn, then ends it with a recommendation
        for terminal in running.values():
            terminal.wait_for("Recommendation")
            assert "Problem" not in terminal.text
            terminal.type("/quit\r")
        for terminal in running.values():
            assert terminal.end() == 0
    for name, said in SAID.items():
        document = show_session(SessionQuery(name=name), offline=True)
        assert document["messages"][0]["text"] == said
        assert document["recommendation"]["candidates"]
