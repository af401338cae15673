"""What a new user runs into on a small screen: asking back, scrolling while typing, typing after reading."""

from __future__ import annotations

import pytest
from textual import events
from textual.pilot import Pilot

from agent.events import Message, Question, Recommendation
from tests.tui.driving import chatting, say, shown, until
from tests.tui.fakes import RECOMMENDATION, FakeSession
from tui.answer import read_answer
from tui.glyphs import glyphs
from tui.widgets.candidates import lay_out
from tui.widgets.composer import Composer
from tui.widgets.conversation import Conversation
from tui.widgets.messages import UserMessage

SMALL = (80, 24)
QUESTION = Question(
    "hardware",
    "Which machine should it run on?",
    "memory decides what fits. " * 10,
    ["this one", "a Mac", "a PC"],
)
EXPLAINED = "\n\n".join(["VRAM is the memory on the card.", *["More about it."] * 6])


async def typed_at_once(pilot: Pilot[int], text: str) -> None:
    """Keys that come faster than the focus moves."""
    for character in text:
        pilot.app.post_message(events.Key("space" if character == " " else character, character))
    pilot.app.post_message(events.Key("enter", "\r"))
    await pilot.pause()


async def test_an_answer_stays_in_view_before_the_question_that_is_still_open() -> None:
    answer = Message(f"{EXPLAINED}\n\nStill open: {QUESTION.text}", [], "hardware")
    async with chatting(FakeSession([QUESTION], [answer]), size=SMALL) as (app, pilot):
        await say(pilot, "hello")
        await say(pilot, "what is VRAM?")
        await until(pilot, lambda: "VRAM is the memory on the card." in shown(app), "the answer in view")
        assert "new below (Page Down)" in shown(app)
        assert app.chat.query_one(Composer).has_focus
        await pilot.press("pagedown")
        await until(pilot, lambda: "Just recommend now" in shown(app), "the options")
        assert "Why I ask" not in shown(app), "the reason stands above already"


async def test_page_up_scrolls_while_the_composer_has_the_focus() -> None:
    async with chatting(FakeSession([Message("line\n\n" * 40)], [Message("the end")]), size=SMALL) as (
        app,
        pilot,
    ):
        await say(pilot, "hello")
        await say(pilot, "more")
        pane = app.chat.query_one(Conversation)
        await until(pilot, lambda: pane.at_end, "the end")
        before = pane.scroll_offset.y
        await pilot.press("pageup")
        await until(pilot, lambda: pane.scroll_offset.y < before, "scrolling")


async def test_a_question_is_seen_from_its_first_line_where_it_is_taller_than_the_screen() -> None:
    async with chatting(FakeSession([QUESTION]), size=(60, 20)) as (app, pilot):
        await say(pilot, "hello")
        await until(
            pilot, lambda: "Which machine should it run on?" in shown(app), "the question's first line"
        )


async def test_fast_typing_after_reading_an_answer_loses_no_key() -> None:
    session = FakeSession([Recommendation(RECOMMENDATION)], [Message("It means four bits.")])
    async with chatting(session, size=SMALL) as (app, pilot):
        await say(pilot, "go")
        await pilot.press("f3")
        await typed_at_once(pilot, "what does it mean")
        await until(pilot, lambda: len(app.chat.query(UserMessage)) == 2, "sending")
        assert app.chat.query(UserMessage).last().text == "what does it mean"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("/hardwear", "No command /hardwear: did you mean /hardware?"),
        ("/compair granite", "No command /compair: did you mean /compare?"),
        ("/xyzzy", "No command /xyzzy: / lists them all"),
        ("/cost today", "/cost takes nothing behind it"),
    ],
)
async def test_a_misspelled_command_is_told_in_a_line_that_fits(typed: str, told: str) -> None:
    async with chatting(FakeSession(), size=(60, 20)) as (app, pilot):
        await pilot.press(*["slash" if c == "/" else "space" if c == " " else c for c in typed], "enter")
        await until(pilot, lambda: told in shown(app), "the advice")
        assert app.chat.query_one(Composer).text == typed, "what was typed stays, to be mended"


@pytest.mark.parametrize("width", [34, 43, 53])
def test_the_figures_of_an_option_wrap_where_the_screen_is_narrow(width: int) -> None:
    (first, *rest) = read_answer(RECOMMENDATION).candidates
    text = lay_out([first, *rest], width, 0, glyphs()).plain
    for figure in (first.memory, first.speed, first.cost, first.license):
        assert figure in text
    assert glyphs().ellipsis not in text


async def test_what_changed_is_said_once() -> None:
    changed = "Model A takes the place of Model B."
    turn = [Recommendation(RECOMMENDATION, changed), Message(f"Noted: more context. {changed}")]
    async with chatting(FakeSession(turn), size=SMALL) as (app, pilot):
        await say(pilot, "go")
        await until(pilot, lambda: changed in shown(app), "the answer")
        assert shown(app).count(changed) == 1
