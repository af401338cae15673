"""Pictures of the chat, light and without color, at three sizes. `--snapshot-update` after a change."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from agent.events import Delta, Failure, Status
from tests.tui.driving import make_app, say, settled, until
from tests.tui.fakes import FIRST_TURN, FakeSession, conversation
from tests.tui.test_snapshots import SIZES, Before, Compare, asked, details
from tui.app import AdvisorApp
from tui.themes import LIGHT


async def troubled(pilot: Pilot[int]) -> None:
    """A failure, then an answer that streams, and a text that waits for its end."""
    await settled(pilot)
    await say(pilot, "hello")
    await pilot.press("enter")
    assert isinstance(pilot.app, AdvisorApp)
    chat = pilot.app.chat
    await until(pilot, lambda: len(chat.query("AdvisorMessage")) == 1)
    await pilot.press(*"and", "enter")
    await pilot.pause(0.3)


def session(before: Before) -> FakeSession:
    if before is not troubled:
        return conversation()
    return FakeSession(
        [Failure("service", "Ollama does not answer at 127.0.0.1:11434.", "Start it with `ollama serve`.")],
        [*FIRST_TURN[:2], Delta("Half of an answer"), Status("comparing 214 models"), 60.0],
    )


STATES = [asked, details, troubled]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("before", STATES, ids=lambda step: step.__name__)
def test_light(snap_compare: Compare, size: tuple[int, int], before: Before) -> None:
    app = make_app(session(before))
    app.theme = LIGHT.name
    assert snap_compare(app, terminal_size=size, run_before=before)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("before", STATES, ids=lambda step: step.__name__)
def test_no_color(
    snap_compare: Compare, size: tuple[int, int], before: Before, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(make_app(session(before)), terminal_size=size, run_before=before)
