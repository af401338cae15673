"""A measurement in plain chat and in JSON lines."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import pytest

from agent.events import Message, Progress
from agent.session import GraphSession, open_session
from knowledge.home import HOME_VARIABLE
from tests.agent.proposed import FIRST, HERE, QUICK, SAYS
from tests.fakes.paced_server import Pace, PacedServer
from tests.fakes.retriever import FakeRetriever
from tests.tui.cli_help import FakeSession
from tui import jsonl, plain

PARTS = [Progress("bench", "qwen3:8b", "measuring", done=n, total=6, seconds_left=9.0) for n in range(6)]


def _plain(session: FakeSession, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def opened() -> FakeSession:
        return session

    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert plain.run(opened) == 0


def test_plain_tells_progress_in_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = FakeSession(lambda _: [*PARTS, PARTS[-1], Message("done")])
    _plain(session, "/bench\n", monkeypatch)
    shown = capsys.readouterr()
    assert session.said == ["measure"]
    assert shown.err.count("qwen3:8b") == 6
    assert "measuring 3 of 6, about 9 s left" in shown.err
    assert "done" in shown.out


def test_ctrl_c_stops_a_measurement_and_not_the_conversation(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted: list[bool] = []
    run = asyncio.Runner.run

    def interrupt(runner: asyncio.Runner, coro: Any, *, context: Any = None) -> Any:
        found = run(runner, coro, context=context)
        if session.said == ["measure"] and not interrupted:
            interrupted.append(True)
            raise KeyboardInterrupt
        return found

    session = FakeSession(lambda text: PARTS if text == "measure" else [Message("hello")])
    monkeypatch.setattr(asyncio.Runner, "run", interrupt)
    _plain(session, "/bench\nhello\n", monkeypatch)
    assert "What was measured is kept and counts" in capsys.readouterr().out
    assert session.said == ["measure", "hello"]


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_json_lines_propose_run_and_recommend_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    for place in ("tools.brief", "tools.hardware"):
        monkeypatch.setattr(f"{place}.detect_machine", lambda: HERE)
    monkeypatch.setattr("agent.measuring.OFFERED", QUICK)

    async def opened() -> GraphSession:
        return await open_session(session="s", home=tmp_path, retriever=FakeRetriever(tmp_path))

    given = ({"text": SAYS}, {"command": "recommend"}, {"text": "yes"})
    with PacedServer(Pace(0.02, tps=120, model=FIRST)) as server:
        monkeypatch.setenv("OLLAMA_API_BASE", server.url)
        data = "".join(json.dumps(line) + "\n" for line in given).encode()
        assert asyncio.run(jsonl.run(opened, io.BytesIO(data))) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    turns: list[list[dict[str, Any]]] = [[]]
    for event in events[1:]:
        turns[-1].append(event)
        if event["type"] == "turn_end":
            turns.append([])
    *turns, rest = turns
    assert rest == []
    assert len(turns) == len(given)
    _, proposed, measured = turns
    kinds = [event["type"] for event in measured]
    assert "Say **measure**" in next(event["text"] for event in proposed if event["type"] == "message")
    assert not {"question", "confirm"} & {event["type"] for event in proposed}
    assert {"progress", "tool", "message", "recommendation"} <= set(kinds)
    assert all(event["total"] == 2 for event in measured if event["type"] == "progress")
    assert "question" not in kinds
