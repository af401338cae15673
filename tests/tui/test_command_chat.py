"""`chat`: which face, which model, which session; and Ctrl+C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.tui.cli_help import FakeSession, Program
from tui import command_chat


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What sessions were opened with; the chat talks to a fake one."""
    calls: list[dict[str, Any]] = []

    def factory(
        model: str | None, session: str | None, offline: bool, max_cost: float | None, copy: bool
    ) -> Any:
        async def open_it() -> FakeSession:
            calls.append(
                {
                    "model": model,
                    "session": session,
                    "offline": offline,
                    "max_cost": max_cost,
                    "copy": copy,
                }
            )
            return FakeSession()

        return open_it

    monkeypatch.setattr(command_chat, "factory", factory)
    return calls


@pytest.mark.parametrize("argv", [("chat", "--json"), ("--json",), ("--json", "chat")])
def test_json_is_the_line_protocol(
    program: Program, opened: list[dict[str, Any]], argv: tuple[str, ...]
) -> None:
    outcome = program(*argv, stdin=[{"text": "hi"}])
    assert outcome.status == 0
    assert [line["type"] for line in outcome.lines] == ["ready", "message", "turn_end"]
    assert outcome.err == ""
    assert opened == [{"model": None, "session": None, "offline": False, "max_cost": None, "copy": False}]


def test_plain_needs_no_terminal(program: Program, opened: list[dict[str, Any]]) -> None:
    outcome = program("--plain", "--session", "my work", stdin="hi\n")
    assert outcome.status == 0
    assert outcome.out == "You: hi\nAdvisor: heard hi\n"
    assert opened[0]["session"] == "my work"


def test_the_screen_needs_a_terminal(program: Program, opened: list[dict[str, Any]]) -> None:
    outcome = program()
    assert outcome.status == 2
    assert "--plain" in outcome.err
    assert opened == []


def test_model_and_ceiling_are_told_to_the_session(program: Program, opened: list[dict[str, Any]]) -> None:
    program("chat", "--json", "--model", "auto", "--max-cost", "0.5")
    assert (opened[0]["model"], opened[0]["max_cost"]) == ("auto", 0.5)


def test_auto_offline_is_left_to_the_session(program: Program, opened: list[dict[str, Any]]) -> None:
    assert program("chat", "--json", "--model", "auto", "--offline").status == 0
    assert (opened[0]["model"], opened[0]["offline"]) == ("auto", True)


@pytest.mark.parametrize(
    "options",
    [
        ("--offline", "--model", "ollama_chat/qwen3:8b"),
        ("--max-cost", "-1"),
        ("--max-cost", "much"),
        ("--max-cost", "nan"),
        ("--max-cost", "inf"),
        ("--model", ""),
        ("--model", "two words"),
        ("--model", "a\x1b[31m"),
        ("--session", ""),
        ("--session", "../../x"),
        ("--session", "x" * 65),
        ("--session", "a\nb"),
    ],
)
def test_options_that_are_off_are_wrong_usage(
    program: Program, opened: list[dict[str, Any]], options: tuple[str, ...]
) -> None:
    outcome = program("chat", "--json", *options)
    assert outcome.status == 2
    assert outcome.document["error"]["hint"]
    assert opened == []


def test_offline_is_told_to_the_session(program: Program, opened: list[dict[str, Any]]) -> None:
    program("chat", "--json", "--offline")
    assert opened[0]["offline"] is True


def test_a_copy_is_of_a_named_conversation(program: Program, opened: list[dict[str, Any]]) -> None:
    assert program("chat", "--json", "--copy").status == 2
    assert opened == []
    program("chat", "--json", "--copy", "--session", "work")
    assert (opened[0]["copy"], opened[0]["session"]) == (True, "work")


@pytest.mark.parametrize(
    ("face", "writes"), [("--json", "tui.jsonl.write_json"), ("--plain", "tui.plain.write_lines")]
)
def test_a_reader_that_leaves_ends_the_chat_and_closes_the_session(
    program: Program, monkeypatch: pytest.MonkeyPatch, face: str, writes: str
) -> None:
    session = FakeSession()

    def factory(*_: object) -> Any:
        async def open_it() -> FakeSession:
            return session

        return open_it

    def gone(*_: object, **__: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(command_chat, "factory", factory)
    monkeypatch.setattr(writes, gone)
    assert program("chat", face, stdin='{"text": "hi"}\n').status == 0
    assert session.closed


@pytest.mark.parametrize("face", ["--json", "--plain"])
def test_ctrl_c_ends_with_130_and_without_a_traceback(face: str, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom tests.tui.cli_help import FakeSession\nfrom tui import command_chat\n"
        "from tui.cli import main\n"
        "def factory(*_):\n    async def open_it():\n        return FakeSession()\n    return open_it\n"
        "command_chat.factory = factory\n"
        f"sys.exit(main(['chat', {face!r}]))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "LLM_ADVISOR_HOME": str(tmp_path)},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(b'{"text": "hi"}\n')
        process.stdin.flush()
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert b"Traceback" not in process.stderr.read()
