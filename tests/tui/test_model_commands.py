"""/model, /pull and /cost in the plain conversation, in JSON lines and on the screen."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import pytest
from textual.widgets import OptionList

from agent.events import Cost, Mode, Progress
from tests.tui.cli_help import FakeSession
from tests.tui.driving import chatting, settled, until
from tests.tui.fake_models import FakeModels
from tests.tui.fakes import FakeSession as FakeScreenSession
from tui import jsonl, plain
from tui.model_commands import cost_words, progress_words
from tui.screens import choose
from tui.screens.choose import ChooseScreen
from tui.widgets.composer import Composer
from tui.widgets.status_line import StatusLine

HALF = Progress("pull", "qwen3:4b", "pulling", 1_250_000_000, 2_500_000_000)


def lines(session: FakeSession, *given: object) -> list[dict[str, Any]]:
    async def opened() -> FakeSession:
        return session

    data = "".join(json.dumps(one) + "\n" for one in given).encode()
    assert asyncio.run(jsonl.run(opened, io.BytesIO(data))) == 0
    return []


def test_json_lines_switch_pull_and_count(capsys: pytest.CaptureFixture[str]) -> None:
    session = FakeSession(models=FakeModels(steps=[HALF, Mode("ollama", "ollama_chat/qwen3:4b")]))
    lines(
        session,
        {"command": "model", "model": "auto"},
        {"command": "pull", "model": "qwen3:4b"},
        {"command": "pull", "model": "qwen3:4b", "confirm": True},
        {"command": "cost"},
    )
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    kinds = [event["type"] for event in events]
    assert kinds == [
        *("ready", "mode", "turn_end", "confirm", "turn_end"),
        *("progress", "mode", "turn_end", "cost", "turn_end"),
    ]
    assert session.models.asked == ["switch auto", "pull qwen3:4b", "pull qwen3:4b confirmed"]
    assert events[5]["completed_bytes"] == 1_250_000_000


@pytest.mark.parametrize(
    "line",
    [
        {"command": "model"},
        {"command": "model", "model": 3},
        {"command": "model", "model": "x", "confirm": True},
        {"command": "pull", "model": "x", "confirm": "yes"},
        {"command": "pull"},
        {"command": "cost", "model": "x"},
    ],
)
def test_a_bad_command_is_answered(line: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    session = FakeSession()
    lines(session, line, {"text": "hi"})
    kinds = [json.loads(one)["type"] for one in capsys.readouterr().out.splitlines()]
    assert kinds == ["ready", "error", "turn_end", "message", "turn_end"]
    assert session.models.asked == []


def _plain(session: FakeSession, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def opened() -> FakeSession:
        return session

    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert plain.run(opened) == 0


def test_plain_asks_before_it_pulls(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = FakeSession(models=FakeModels(steps=[HALF, HALF, Mode("ollama", "ollama_chat/x")]))
    _plain(session, "/pull x\nno\n/pull x\nyes\nyes\n/model auto\n/model\n/cost\n", monkeypatch)
    shown = capsys.readouterr()
    assert session.models.asked == ["pull x", "pull x", "pull x confirmed", "switch auto"]
    assert "Nothing is downloaded." in shown.out
    assert shown.err.count("qwen3:4b: pulling 50%, 1.2 of 2.5 GB") == 1
    assert session.said == ["yes"]  # the second yes answers nothing of ours
    assert "Now in ollama_chat/x (ollama)." in shown.out
    assert "/model takes a name" in shown.out
    assert "Cost so far: nothing" in shown.err


def test_another_answer_than_yes_or_no_is_a_message(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = FakeSession()
    _plain(session, "/pull x\na coding model\nyes\n", monkeypatch)
    assert session.said == ["a coding model", "yes"]
    assert session.models.asked == ["pull x"]


def test_ctrl_c_stops_a_download_and_not_the_conversation(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = asyncio.Runner.run

    def interrupt(runner: asyncio.Runner, coro: Any, *, context: Any = None) -> Any:
        found = run(runner, coro, context=context)
        if "pull x confirmed" in session.models.asked and not interrupted:
            interrupted.append(True)
            raise KeyboardInterrupt
        return found

    interrupted: list[bool] = []
    session = FakeSession(models=FakeModels(steps=[HALF]))
    monkeypatch.setattr(asyncio.Runner, "run", interrupt)
    _plain(session, "/pull x\nyes\nhello\n", monkeypatch)
    assert interrupted
    assert "Stopped." in capsys.readouterr().out
    assert session.said == ["hello"]


def test_words_of_cost_and_progress() -> None:
    assert cost_words(Cost("m", 12_345, 678, 0.0125, False, None)) == "$0.0125, 12,345 tokens in, 678 out"
    assert cost_words(Cost(None, 0, 0, 0.041, False, None)) == "$0.0410"  # of an evaluation
    assert cost_words(Cost("m", 1, 1, 0.5, True, 2.0)).startswith("about $0.50 of at most $2.00")
    assert cost_words(Cost("m", 1, 1, None, True, None)).startswith("price not known")
    assert progress_words(HALF, bar=True) == "qwen3:4b: pulling [##########----------] 50%, 1.2 of 2.5 GB"
    assert progress_words(Progress("pull", "x", "writing manifest"), bar=True) == "x: writing manifest"


async def test_the_screen_switches_by_command_and_by_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "server_models", lambda: [("ollama_chat/b", "b: 1.0 GB [/x]")])
    session = FakeScreenSession()
    async with chatting(session) as (app, pilot):
        app.chat.query_one(Composer).put("/model openai/x")
        await pilot.press("enter")
        await settled(pilot)
        await pilot.press("f8")
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen), "the choice")
        options = app.screen.query_one(OptionList)
        await until(pilot, lambda: options.option_count == 3, "the models of the server")
        await pilot.press("end", "enter")
        await until(pilot, lambda: len(session.models.asked) == 2, "the switch")
        await settled(pilot)
        assert session.models.asked == ["switch openai/x", "switch ollama_chat/b"]
        assert session.said == []
        assert "ollama_chat/b" in app.export_screenshot().replace("&#160;", " ")


async def test_the_screen_asks_before_it_pulls_and_esc_stops_it() -> None:
    session = FakeScreenSession()
    session.models.steps = [HALF, 30.0]
    async with chatting(session) as (app, pilot):
        for keys in (("escape",), ("down", "enter")):
            app.chat.query_one(Composer).put("/pull qwen3:4b")
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, ChooseScreen), "the question")
            await pilot.press(*keys)
        line = app.chat.query_one(StatusLine)
        await until(pilot, lambda: "50%" in str(line.render()), "the progress")
        assert "[##########----------]" in str(line.render())
        await pilot.press("escape")
        await settled(pilot)
        assert session.models.asked == ["pull qwen3:4b", "pull qwen3:4b", "pull qwen3:4b confirmed"]
        assert "50%" not in str(line.render())


async def test_the_cost_stays_in_the_status_line() -> None:
    session = FakeScreenSession([Cost("m", 10, 5, 0.02, False, 1.0)])
    async with chatting(session) as (app, pilot):
        app.chat.query_one(Composer).put("hello")
        await pilot.press("enter")
        await settled(pilot)
        assert "$0.02 of at most $1.00" in str(app.chat.query_one(StatusLine).render())
