"""A measurement in the conversation on the screen: its progress, its end by Esc, and the way to it."""

from __future__ import annotations

import re
import threading

import pytest

from agent.events import Cost, Message, Progress, Recommendation
from tests.tui.driving import chatting, say, settled, shown, until
from tests.tui.fakes import RECOMMENDATION, FakeSession, Step
from tui.app import AdvisorApp
from tui.model_commands import progress_words
from tui.screens.chat import NOT_NOW
from tui.widgets.composer import Composer
from tui.widgets.status_line import StatusLine

"""On a machine that is busy with other tests; `test_chat_typing.py` has the bar."""
HALF = Progress("bench", "hf.co/some/qwen3:8b", "measuring", done=3, total=6, seconds_left=12.4)
ANSWER: list[Step] = [Recommendation(RECOMMENDATION), Message("I can measure `qwen3:8b`. Say **measure**.")]


def test_progress_in_words() -> None:
    drawn = "measuring 3 of 6, about 12 s left [##########----------] qwen3:8b"
    assert progress_words(HALF, bar=True) == drawn
    assert progress_words(Progress("bench", "x", "loading", done=0, total=6), bar=False) == "loading 0 of 6 x"
    both = Progress("evaluate", "small and large:7b", "scenarios", done=8, total=40, seconds_left=64.0)
    assert progress_words(both, bar=False) == "scenarios 8 of 40, about 64 s left small and large:7b"


@pytest.mark.parametrize("size", [(100, 40), (80, 24), (60, 20)])
async def test_the_progress_is_in_sight_and_esc_stops_it_at_once(size: tuple[int, int]) -> None:
    gate = threading.Event()
    session = FakeSession(ANSWER, [HALF, gate, Message("never")], [Message("next works")])
    async with chatting(session, size=size) as (app, pilot):
        await say(pilot, "coding")
        app.chat.query_one(Composer).put("yes")
        await pilot.press("enter")
        await until(pilot, lambda: "3 of 6" in str(app.chat.query_one(StatusLine).content), "the progress")
        await pilot.press("escape")
        await until(pilot, lambda: not app.chat.is_busy, "the stop, while the measurement still runs")
        gate.set()
        assert "what was measured is kept" in " ".join(shown(app).split())
        assert app.chat.query_one(Composer).text == "yes"
        await until(pilot, lambda: session.stopped == 1)
        await pilot.press("enter")
        await settled(pilot)
        assert "next works" in shown(app)


async def test_bench_is_typed_or_chosen_after_a_recommendation_only() -> None:
    session = FakeSession(ANSWER, [Message("measured")])
    async with chatting(session) as (app, pilot):
        await pilot.press(*"/bench", "enter")
        await until(pilot, lambda: NOT_NOW["answered"][:40] in shown(app), "the reason")
        app.chat.query_one(Composer).clear_sent()
        await say(pilot, "coding")
        await say(pilot, "/bench")
        assert session.said == ["coding", "measure"]
        assert "measured" in shown(app)


PROPOSED = "**A measurement would decide.** A and B tie. About 5 s, no cost. Say **measure** (or yes)."
WORDS = "I recommend **A**.\n\n- Memory: 9.6 GiB"


def read(app: AdvisorApp) -> str:
    """What is on the screen in one line, without borders and scroll bar."""
    return " ".join(re.sub(r"[^\w\s.,:;()*/-]", " ", shown(app)).split())


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 20)])
async def test_what_is_proposed_is_never_folded_away(size: tuple[int, int]) -> None:
    proposing = Message(f"{WORDS}\n\n{PROPOSED}", proposal=PROPOSED)
    async with chatting(FakeSession([Recommendation(RECOMMENDATION), proposing]), size=size) as (app, pilot):
        await say(pilot, "coding")
        await pilot.pause()
        seen = read(app)
        for part in ("I recommend A.", "About 5 s, no cost.", "Say measure", "Recommendation"):
            assert part in seen
        assert seen.index("I recommend A.") < seen.index("A measurement would decide.")
        assert seen.count("A measurement would decide.") == 1
        assert "Memory: 9.6 GiB" not in seen


async def test_what_was_measured_is_read_before_the_answer_that_counts_it() -> None:
    measured = Message("- **A**, measured here now: 60 tokens per second; the estimate alone was 79.")
    anew: list[Step] = [
        HALF,
        measured,
        Recommendation(RECOMMENDATION, "A stays the first choice."),
        Message(WORDS),
    ]
    async with chatting(FakeSession(ANSWER, anew), size=(80, 24)) as (app, pilot):
        await say(pilot, "coding")
        await say(pilot, "yes")
        await pilot.pause()
        seen = read(app)
        assert "60 tokens per second; the estimate alone was 79." in seen
        assert "I recommend A." in seen


async def test_stopped_before_anything_was_finished_says_so() -> None:
    gate = threading.Event()
    loading = Progress("bench", "qwen3:8b", "loading the model", done=0, total=6)
    async with chatting(FakeSession(ANSWER, [loading, gate])) as (app, pilot):
        await say(pilot, "coding")
        app.chat.query_one(Composer).put("yes")
        await pilot.press("enter")
        await until(pilot, lambda: "0 of 6" in str(app.chat.query_one(StatusLine).content), "the progress")
        await pilot.press("escape")
        await until(pilot, lambda: not app.chat.is_busy, "the stop")
        gate.set()
        assert "stopped; nothing was finished" in shown(app)


async def test_an_evaluation_of_two_models_shows_how_far_it_is_and_what_it_cost() -> None:
    gate = threading.Event()
    both = Progress("evaluate", "small and large:7b", "scenarios", done=8, total=40, seconds_left=64.0)
    spent = Cost(None, 0, 0, 0.041, False, None)
    async with chatting(FakeSession(ANSWER, [both, gate, spent, Message("told")]), size=(80, 24)) as (
        app,
        pilot,
    ):
        await say(pilot, "coding")
        app.chat.query_one(Composer).put("evaluate")
        await pilot.press("enter")
        line = app.chat.query_one(StatusLine)
        await until(pilot, lambda: "scenarios 8 of 40, about 64 s left" in str(line.content), "the progress")
        gate.set()
        await until(pilot, lambda: not app.chat.is_busy, "the end")
        assert "$0.0410" in str(line.content)
