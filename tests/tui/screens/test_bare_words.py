"""Commands typed without their slash."""

from __future__ import annotations

import pytest

from agent.events import Message, NeedsChanged, Recommendation
from tests.tui.driving import make_app, say, settled, until
from tests.tui.fakes import ASSUMPTIONS, NEEDS, RECOMMENDATION, FakeSession
from tui.actions import ACTIONS, BARE, bare_action
from tui.screens.pictures import PicturesScreen


async def test_pictures_typed_as_a_word_opens_them_and_is_not_sent() -> None:
    session = FakeSession([NeedsChanged(NEEDS, ASSUMPTIONS), Recommendation(RECOMMENDATION), Message("ok")])
    app = make_app(session)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await settled(pilot)
        await say(pilot, "A coding assistant on my RTX 3060 12GB")
        sent = len(session.said)
        await say(pilot, "pictures")
        await until(pilot, lambda: isinstance(app.screen, PicturesScreen))
        assert len(session.said) == sent


@pytest.mark.parametrize("text", ["pictures of cats", "image", "compare Qwen and Llama", ""])
def test_words_that_say_more_are_no_command(text: str) -> None:
    assert bare_action(text) is None


def test_every_bare_word_names_an_action() -> None:
    assert set(BARE) <= {one.name for one in ACTIONS}
    assert all(bare_action(f" {word.upper()}. ") is not None for word in BARE)
