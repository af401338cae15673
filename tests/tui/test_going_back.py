"""Taking back, branches and typed commands on the screen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from agent.events import CONFIRM, Branch, Failure, Message, NeedsChanged, Question, Recommendation
from tests.tui.driving import chatting, say, settled, shown, until
from tests.tui.fakes import NEEDS, RECOMMENDATION, FakeSession, Step, conversation
from tui.screens.help import HelpScreen
from tui.widgets.composer import Composer
from tui.widgets.hardware_line import HardwareLine
from tui.widgets.messages import UserMessage
from tui.widgets.question import QuestionMessage
from tui.widgets.recommendation import RecommendationBlock

ASKED = Question("context", "How much code?", "it decides", ["8k", "16k"])


def asking(*turns: Sequence[Step]) -> FakeSession:
    """A session that asks first."""
    return FakeSession([Message("Noted."), ASKED], *turns)


async def test_undo_shows_the_conversation_as_it_then_stands() -> None:
    back = [Branch("", []), NeedsChanged(NEEDS), Message("Taken back: x."), ASKED]
    session = asking([Recommendation(RECOMMENDATION)], back)
    async with chatting(session) as (app, pilot):
        await say(pilot, "coding")
        await say(pilot, "16k")
        assert len(app.chat.query(RecommendationBlock)) == 1
        session.past = [
            {"role": "user", "text": "coding"},
            {"role": "advisor", "text": "Noted.\n\nHow much code?"},
        ]
        await pilot.press("f4")
        await settled(pilot)
        assert session.commands == ["undo"]
        assert [message.text for message in app.chat.query(UserMessage)] == ["coding"]
        assert not app.chat.query(RecommendationBlock)
        (question,) = app.chat.query(QuestionMessage)
        assert app.chat.presenter.question is question
        assert shown(app).count("How much code?") == 1
        assert "Taken back: x." in shown(app)


async def test_a_branch_is_named_and_left() -> None:
    session = asking(
        [Branch("big card", ["big card"]), NeedsChanged(NEEDS), Message("This is the new branch.")],
        [Branch("", ["big card"]), NeedsChanged(NEEDS), Message("Back."), Recommendation(RECOMMENDATION)],
    )
    async with chatting(session, size=(120, 40)) as (app, pilot):
        await say(pilot, "coding")
        titles = {command.title for command in app.get_system_commands(app.chat)}
        assert {"Take back", "Branch"} <= titles
        assert "Return" not in titles
        session.past = [{"role": "user", "text": "coding"}]
        await pilot.press("f5")
        assert app.chat.query_one(Composer).text == "/branch "
        await pilot.press(*"big", "space", *"card", "enter")
        await settled(pilot)
        assert session.commands == ["branch big card"]
        assert "branch big card" in shown(app).split("\n")[0]
        assert "Return" in {command.title for command in app.get_system_commands(app.chat)}
        await pilot.press("f6")
        await settled(pilot)
        assert session.commands[-1] == "return"
        assert len(app.chat.query(RecommendationBlock)) == 1
        assert "branch big card" not in shown(app).split("\n")[0]


async def test_a_way_that_fails_leaves_the_screen_as_it_was() -> None:
    session = asking([Failure("usage", "There is nothing to take back.", "Say what you need."), ASKED])
    async with chatting(session) as (app, pilot):
        await say(pilot, "coding")
        await say(pilot, "/undo")
        assert [message.text for message in app.chat.query(UserMessage)] == ["coding"]
        assert "nothing to take back" in shown(app)
        assert app.chat.presenter.question is not None


async def test_typed_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    session = conversation()
    async with chatting(session) as (app, pilot):
        await say(pilot, "coding")
        await say(pilot, "/recommend")
        assert session.recommended == 1
        await say(pilot, "/redo")
        assert "No command /redo" in shown(app)
        assert app.chat.query_one(Composer).text == "/redo"
        await say(pilot, "/help")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await pilot.press("escape")
        await say(pilot, "/export talk.html")
        await until(pilot, (tmp_path / "talk.html").exists)
        await say(pilot, "/export none/talk.html")
        await until(pilot, lambda: "cannot be written" in shown(app))
    assert session.said == ["coding"]
    assert "coding" in (tmp_path / "talk.html").read_text(encoding="utf-8")


async def test_the_branch_is_in_sight_beside_a_long_model_name() -> None:
    line = HardwareLine(model="openai/a-model-with-a-long-name", session="a-conversation-with-a-long-name")
    line.branch("big card")
    assert "branch big card" in str(line._build(80))


async def test_nobody_else_decides_on_what_has_an_effect_elsewhere() -> None:
    rows = [row.kind for row in QuestionMessage(CONFIRM, "Shall I?", "it costs", ["yes", "no"]).rows]
    assert "skip" not in rows
    assert "skip" in [row.kind for row in QuestionMessage("context", "How much?", "", ["8k"]).rows]
