"""A long conversation shows its last messages; those before come when one goes up to them."""

from __future__ import annotations

from textual.events import MouseScrollUp
from textual.pilot import Pilot

from tests.tui.driving import chatting
from tests.tui.fakes import FakeSession
from tui.app import AdvisorApp
from tui.widgets.conversation import SHOWN, Conversation, Earlier
from tui.widgets.messages import AdvisorMessage, UserMessage

TURNS = 100


def long_session() -> FakeSession:
    """A conversation of an earlier sitting."""
    history = [
        entry
        for turn in range(TURNS)
        for entry in (
            {"role": "user", "text": f"question {turn}"},
            {"role": "advisor", "text": f"Answer {turn}.", "citations": []},
        )
    ]
    return FakeSession(history=history)


def built(app: AdvisorApp) -> tuple[Conversation, int]:
    conversation = app.chat.query_one(Conversation)
    return conversation, len(conversation.query(UserMessage)) + len(conversation.query(AdvisorMessage))


async def focused(app: AdvisorApp, pilot: Pilot[int]) -> None:
    app.chat.query_one(Conversation).focus()
    await pilot.pause()


async def test_only_the_last_messages_of_a_resumed_conversation_are_made() -> None:
    async with chatting(long_session()) as (app, _):
        conversation, count = built(app)
        assert count == SHOWN
        assert conversation.earlier == 2 * TURNS - SHOWN
        assert conversation.query_one(Earlier).display
        assert conversation.at_end


async def test_page_up_at_the_top_brings_the_messages_before() -> None:
    async with chatting(long_session()) as (app, pilot):
        await focused(app, pilot)
        conversation, _ = built(app)
        for _ in range(12):
            await pilot.press("pageup")
            await pilot.pause()
        assert built(app)[1] > SHOWN
        assert not conversation.at_end


async def test_home_shows_the_first_message() -> None:
    async with chatting(long_session()) as (app, pilot):
        await focused(app, pilot)
        await pilot.press("home")
        for _ in range(30):
            await pilot.pause(0.02)
        conversation, count = built(app)
        assert count == 2 * TURNS
        assert conversation.scroll_offset.y == 0
        assert not conversation.query_one(Earlier).display
        assert conversation.query(UserMessage).first().text == "question 0"


async def test_the_wheel_at_the_top_brings_the_messages_before() -> None:
    async with chatting(long_session()) as (app, pilot):
        conversation, _ = built(app)
        conversation.release_anchor()
        conversation.scroll_to(y=0, animate=False, immediate=True)
        await pilot.pause()
        wheel = MouseScrollUp(conversation, 5, 5, 0, -1, 0, False, False, False)
        conversation._on_mouse_scroll_up(wheel)
        await pilot.pause()
        await pilot.pause()
        assert built(app)[1] == 2 * SHOWN


async def test_a_click_on_the_count_brings_them_too() -> None:
    async with chatting(long_session()) as (app, pilot):
        conversation, _ = built(app)
        await conversation.query_one(Earlier).on_click()
        await pilot.pause()
        assert built(app)[1] == 2 * SHOWN
