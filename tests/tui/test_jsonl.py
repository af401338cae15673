"""`chat --json` with a scripted session: events, one turn_end a line, bad lines."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from agent.events import Delta, Event, Failure, Message, Question, Ready, Status
from knowledge.errors import NoAnswerError
from tests.tui.cli_help import FakeSession
from tui import jsonl
from tui.json_requests import MAX_LINE


def talk(session: FakeSession, stdin: bytes, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    async def opened() -> FakeSession:
        return session

    assert asyncio.run(jsonl.run(opened, io.BytesIO(stdin))) == 0
    return [json.loads(line) for line in capsys.readouterr().out.split("\n") if line]


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


def test_a_turn_is_its_events_and_one_turn_end(capsys: pytest.CaptureFixture[str]) -> None:
    session = FakeSession(
        lambda _: [
            Status("thinking"),
            Delta("he"),
            Message("hello"),
            Question("task", "What for?", "why", ["code"]),
        ]
    )
    events = talk(session, b'{"text": "hi"}\n{"command": "recommend"}\n', capsys)
    assert types(events) == ["ready", *(["delta", "message", "question", "turn_end"] * 2)]
    assert session.said == ["hi", "(recommend)"]
    assert session.closed


def test_nothing_is_said_before_the_first_input(capsys: pytest.CaptureFixture[str]) -> None:
    session = FakeSession()
    assert types(talk(session, b"", capsys)) == ["ready"]
    assert session.closed


@pytest.mark.parametrize(
    "line",
    [
        b"not json",
        b"[1]",
        b"{}",
        b"",
        b'{"text": 3}',
        b'{"text": "x", "more": 1}',
        b'{"command": "stop"}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"text": "' + b"x" * (MAX_LINE + 10) + b'"}',
    ],
    ids=lambda line: repr(line[:20]),
)
def test_a_bad_line_is_answered_and_the_next_one_is_read(
    line: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    session = FakeSession()
    events = talk(session, line + b'\n{"text": "hi"}\n', capsys)
    assert types(events) == ["ready", "error", "turn_end", "message", "turn_end"]
    assert events[1]["message"].endswith(".")
    assert session.said == ["hi"]


@pytest.mark.parametrize(
    "text", ["x" * 100_000, "[/b] [link](x) {braces} \x1b[31m \x00 \u202e", "überall 日本語 🙂", "a\nb"]
)
def test_any_text_reaches_the_session_whole(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    session = FakeSession()
    events = talk(session, json.dumps({"text": text}).encode() + b"\n", capsys)
    assert session.said == [text]
    assert events[1]["text"] == f"heard {text}"


def test_half_a_surrogate_pair_does_not_end_the_chat(capsys: pytest.CaptureFixture[str]) -> None:
    session = FakeSession()
    assert types(talk(session, b'{"text": "a\\ud800b"}\n', capsys)) == ["ready", "message", "turn_end"]
    assert session.said == ["a?b"]


def test_the_last_line_needs_no_line_feed(capsys: pytest.CaptureFixture[str]) -> None:
    assert types(talk(FakeSession(), b'{"text": "hi"}', capsys))[-1] == "turn_end"


@pytest.mark.parametrize(
    ("error", "code"), [(NoAnswerError("no", hint="h"), "no_answer"), (RuntimeError("boom"), "internal")]
)
def test_an_error_in_a_turn_ends_the_turn_only(
    error: Exception,
    code: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,
) -> None:
    monkeypatch.setenv("LLM_ADVISOR_HOME", str(tmp_path))
    session = FakeSession(lambda text: [Message("begun"), error] if text == "bad" else [Message("fine")])
    events = talk(session, b'{"text": "bad"}\n{"text": "good"}\n', capsys)
    assert types(events) == ["ready", "message", "error", "turn_end", "message", "turn_end"]
    assert events[2]["code"] == code


def test_a_failure_that_the_session_tells_is_passed_on(capsys: pytest.CaptureFixture[str]) -> None:
    events = talk(FakeSession(lambda _: [Failure("x", "m", "h")]), b'{"text": "hi"}\n', capsys)
    assert events[1] == {"type": "error", "code": "x", "message": "m", "hint": "h"}


def test_commands_are_turns_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    session = FakeSession()
    lines = b'{"command": "undo"}\n{"command": "branch", "name": "a b"}\n{"command": "return"}\n'
    assert types(talk(session, lines, capsys)) == ["ready", *(["message", "turn_end"] * 3)]
    assert session.said == ["(undo)", "(branch a b)", "(return)"]


@pytest.mark.parametrize(
    "line",
    [
        b'{"command": "branch"}',
        b'{"command": "branch", "name": 3}',
        b'{"command": "branch", "name": "a", "text": "b"}',
        b'{"command": "undo", "name": "a"}',
        b'{"command": ["undo"]}',
        b'{"command": "redo"}',
    ],
)
def test_a_command_that_is_off_ends_its_turn(line: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    session = FakeSession()
    assert types(talk(session, line + b"\n", capsys)) == ["ready", "error", "turn_end"]
    assert session.said == []


def test_nothing_is_asked_before_the_first_input(capsys: pytest.CaptureFixture[str]) -> None:
    class FakeResumed(FakeSession):
        async def open(self) -> AsyncIterator[Event]:
            yield Ready("test", "guided", None)
            yield Question("context", "How long?", "it takes memory", ["short", "long"], clarifies=True)

    async def opened() -> FakeResumed:
        return FakeResumed()

    assert asyncio.run(jsonl.run(opened, io.BytesIO(b""))) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["type"] for event in events] == ["ready", "message"]
    assert events[1]["text"] == "How long?"
