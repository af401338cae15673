"""Needs changed in the panel, the machine that is reckoned with, and the question that stays open."""

from __future__ import annotations

import threading

from textual import events
from textual.widgets import Input

from agent.events import Failure, Message, NeedsChanged, Question, Recommendation
from agent.protocol import Session
from agent.slot_text import Editing
from tests.tui.driving import chatting, say, settled, shown, until
from tests.tui.fakes import ASSUMPTIONS, FIRST_TURN, NEEDS, RECOMMENDATION, FakeSession, slot
from tui.app import AdvisorApp
from tui.widgets.composer import Composer
from tui.widgets.hardware_line import HardwareLine
from tui.widgets.messages import FailureMessage, UserMessage
from tui.widgets.need_editor import NeedEditor
from tui.widgets.needs_panel import NeedRow, NeedsPanel
from tui.widgets.question import QuestionMessage
from tui.widgets.recommendation import RecommendationBlock

CHANGED = {**NEEDS, "license": slot({"use": "personal"}, "privately")}
LINE = "Codestral-22B takes the place of Qwen2.5-Coder-14B-Instruct: 64 against 60."


def needing(*turns: object) -> FakeSession:
    """A session in which the needs are known, before these turns."""
    session = FakeSession([NeedsChanged(NEEDS, ASSUMPTIONS), Message("ok")], *turns)  # type: ignore[arg-type]
    session.edits["license"] = Editing("commercial", ("privately", "for research"))
    return session


def editor(app: AdvisorApp) -> NeedEditor:
    found = app.chat.query_one(NeedsPanel).editor
    assert found is not None
    return found


async def open_field(app: AdvisorApp, pilot: object) -> None:
    """Go to the license with the keys and open its field."""
    await pilot.press("f2", "down", "down", "enter")  # type: ignore[attr-defined]
    await until(pilot, lambda: app.chat.query_one(NeedsPanel).editor is not None)  # type: ignore[arg-type]


async def test_a_need_is_changed_in_place_and_the_ranking_follows() -> None:
    session = needing([NeedsChanged(CHANGED, ASSUMPTIONS), Recommendation(RECOMMENDATION, LINE)])
    async with chatting(session, size=(120, 40)) as (app, pilot):
        await say(pilot, "coding")
        await open_field(app, pilot)
        field = editor(app).query_one(Input)
        assert field.has_focus
        assert field.value == "commercial"
        above = editor(app).parent.children  # type: ignore[union-attr]
        place = list(above).index(editor(app))
        before = above[place - 1]
        assert isinstance(before, NeedRow)
        assert before.need.slot == "license"
        await pilot.press("down")
        assert field.value == "privately"
        await pilot.press("enter")
        await settled(pilot)
        assert session.commands == ["change license privately"]
        assert session.said == ["coding"]
        assert app.chat.query_one(NeedsPanel).editor is None
        assert isinstance(app.focused, NeedRow)
        assert [message.text for message in app.chat.query(UserMessage)][-1] == "license: privately"
        assert LINE in " ".join(shown(app).split()).replace("│ ", "")
        assert app.chat.query_one(RecommendationBlock)


async def test_fast_keys_go_on_from_where_the_last_one_went() -> None:
    session = needing()
    async with chatting(session, size=(120, 40)) as (app, pilot):
        await say(pilot, "coding")
        await pilot.press("f2")
        for key in ("down", "down", "enter"):  # all at once, as a terminal hands over what was typed quickly
            app.post_message(events.Key(key, None))
        await until(pilot, lambda: app.chat.query_one(NeedsPanel).editor is not None)
        assert editor(app).query_one(Input).value == "commercial"


async def test_escape_leaves_a_need_as_it_was() -> None:
    session = needing()
    async with chatting(session, size=(120, 40)) as (app, pilot):
        await say(pilot, "coding")
        await open_field(app, pilot)
        await pilot.press(*"xyz", "escape")
        await pilot.pause()
        assert app.chat.query_one(NeedsPanel).editor is None
        assert session.commands == []
        assert isinstance(app.focused, NeedRow)
        assert app.focused.need.slot == "license"


async def test_the_same_value_changes_nothing_but_an_assumption_is_confirmed() -> None:
    session = needing([NeedsChanged({**NEEDS, "context": slot(16384, "16k")}), Message("Noted.")])
    session.edits["context"] = Editing("16k", ())
    async with chatting(session, size=(120, 40)) as (app, pilot):
        await say(pilot, "coding")
        await open_field(app, pilot)
        await pilot.press("enter")
        await pilot.pause()
        assert session.commands == []
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.chat.query_one(NeedsPanel).editor is not None)
        await pilot.press("enter")
        await settled(pilot)
        assert session.commands == ["change context 16k"]


async def test_a_value_that_cannot_be_read_is_told_under_the_field() -> None:
    session = needing([Failure("usage", "`license` was not understood: purple.", "One of [personal].")])
    async with chatting(session, size=(120, 40)) as (app, pilot):
        await say(pilot, "coding")
        await open_field(app, pilot)
        await pilot.press("ctrl+u", *"purple", "enter")
        await settled(pilot)
        assert editor(app).query_one(Input).value == "purple"
        assert editor(app).query_one(Input).has_focus
        told = editor(app).query_one(".told")
        assert told.display
        assert "not understood: purple. One of [personal]." in str(told.render())
        assert not app.chat.query(FailureMessage)
        assert app.chat.query_one(Composer).text == ""


async def test_delete_takes_a_need_back_and_not_an_assumption() -> None:
    less = {key: value for key, value in NEEDS.items() if key != "license"}
    session = needing([NeedsChanged(less, ASSUMPTIONS), Message("Noted.")])
    async with chatting(session, size=(120, 40)) as (app, pilot):
        await say(pilot, "coding")
        await pilot.press("f2", "down", "down", "delete")
        await settled(pilot)
        assert session.commands == ["change license"]
        await pilot.press("down", "down", "down", "backspace")
        await pilot.pause()
        assert session.commands == ["change license"]
        assert "not said but assumed" in shown(app)


async def test_a_change_waits_for_the_running_answer() -> None:
    gate = threading.Event()
    session = needing([gate, Message("answer")], [NeedsChanged(CHANGED), Message("Noted.")])
    async with chatting(session, size=(120, 40)) as (app, pilot):
        await say(pilot, "coding")
        await pilot.press(*"why", "enter")
        await until(pilot, lambda: app.chat.can_stop)
        await open_field(app, pilot)
        await pilot.press("down", "enter")
        await until(pilot, lambda: "waits" in shown(app))
        gate.set()
        await settled(pilot)
        assert session.commands == ["change license privately"]
        assert app.chat.query_one(NeedsPanel).editor is None


async def test_the_mouse_opens_a_field_and_takes_a_suggestion() -> None:
    session = needing([NeedsChanged(CHANGED), Message("Noted.")])
    async with chatting(session, size=(120, 40)) as (app, pilot):
        await say(pilot, "coding")
        row = next(row for row in app.chat.query(NeedRow) if row.need.slot == "license")
        await pilot.click(row)
        await until(pilot, lambda: app.chat.query_one(NeedsPanel).editor is not None)
        await pilot.pause()
        await pilot.click(app.chat.query(".suggestion").nodes[1])
        await settled(pilot)
        assert session.commands == ["change license for research"]


async def test_the_typed_command_changes_a_need() -> None:
    session = needing(
        [NeedsChanged(CHANGED), Message("Noted.")], [Failure("usage", "There is no need `color`.", "")]
    )
    async with chatting(session) as (app, pilot):
        await say(pilot, "coding")
        await say(pilot, "/change license privately")
        assert session.commands == ["change license privately"]
        await say(pilot, "/change color blue")
        assert "There is no need `color`" in app.chat.query_one(FailureMessage).message


async def test_the_question_comes_back_with_its_options_after_asking_back() -> None:
    question = FIRST_TURN[-1]
    assert isinstance(question, Question)
    reminder = Message(f"VRAM is memory.\n\nStill open: {question.text}", open_slot=question.slot)
    session = FakeSession(FIRST_TURN, [reminder], [Message("ok")])
    async with chatting(session) as (app, pilot):
        await say(pilot, "coding")
        await say(pilot, "what is VRAM?")
        assert len(app.chat.query(QuestionMessage)) == 2
        again = app.chat.presenter.question
        assert again is not None
        assert not again.has_class("-settled")
        assert "Still open" not in shown(app)
        again._shown_at -= 1
        await pilot.press("2", "enter")
        await settled(pilot)
        assert session.said[-1] == "A few files (16k tokens)"


async def test_a_failed_answer_leaves_the_question_open() -> None:
    session = FakeSession(FIRST_TURN, [Failure("service", "Ollama does not answer.", "Start it.")])
    async with chatting(session) as (app, pilot):
        await say(pilot, "coding")
        await say(pilot, "16k")
        assert app.chat.presenter.question is not None
        assert app.chat.query_one(Composer).text == "16k"


async def test_more_than_seven_options_and_long_ones() -> None:
    options = [f"option {n} " + "with many words " * 6 for n in range(1, 13)]
    session = FakeSession([Question("task", "Which?", "because", options)], [Message("ok")])
    async with chatting(session, size=(60, 60)) as (app, pilot):
        await say(pilot, "coding")
        question = app.chat.query_one(QuestionMessage)
        assert all(row.region.height > 1 for row in question.rows if row.kind == "option")
        question._shown_at -= 1
        await pilot.press("1", "2", "enter")
        await settled(pilot)
        assert session.said[-1].startswith("option 12")


async def test_a_machine_that_is_not_this_one_has_a_badge_and_a_way_back() -> None:
    session = FakeSession(
        [NeedsChanged(NEEDS), Message("ok")], [NeedsChanged({}, ASSUMPTIONS), Message("ok")]
    )

    async def opens() -> Session:
        return session

    app = AdvisorApp(opens, detect=lambda: "1 x RTX 4070, 12 GiB", is_here=lambda text: "4070" in text)
    app.animation_level = "none"
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await settled(pilot)
        top = app.chat.query_one(HardwareLine)
        await until(pilot, lambda: bool(app.chat.query(NeedRow)))
        assert "RTX 4070" in shown(app).split("\n")[0]
        assert [row.need.origin for row in app.chat.query(NeedRow)] == ["detected"]
        assert not app.chat.stands("simulated")
        await say(pilot, "coding")
        await until(pilot, lambda: top.simulated)
        assert "[SIM] RTX 3060 12GB" in shown(app)
        assert "not this machine" in shown(app)
        await say(pilot, "/this-machine")
        assert session.commands == ["change hardware"]
        await until(pilot, lambda: not top.simulated)
        assert "[SIM]" not in shown(app)


async def test_the_hardware_line_opens_the_field_of_the_hardware() -> None:
    async with chatting(FakeSession(), size=(80, 24)) as (app, pilot):
        await pilot.click(HardwareLine)
        await until(pilot, lambda: app.chat.query_one(NeedsPanel).editor is not None)
        assert editor(app).slot == "hardware"


async def test_what_is_detected_after_the_screen_is_closed_fails_nothing() -> None:
    async with chatting(FakeSession()) as (app, _):
        panel = app.chat.query_one(NeedsPanel)
        await panel.query_one("#need-rows").remove_children()
        await panel.remove()
        await panel.show_detected("RTX 3060 12GB")
        assert not panel.query(NeedRow)
