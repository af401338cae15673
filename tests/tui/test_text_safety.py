"""Text that would break a screen, in every kind of message: brackets, control characters, long lines."""

from __future__ import annotations

import pytest

from agent.events import (
    Delta,
    Event,
    Failure,
    Message,
    NeedsChanged,
    Question,
    Ready,
    Recommendation,
    Status,
    ToolCall,
)
from tests.tui.driving import chatting, say, settled, shown, until
from tests.tui.fakes import RECOMMENDATION, FakeSession, slot
from tui.screens.passage import PassageScreen
from tui.widgets.fold import Fold
from tui.widgets.recommendation import RecommendationBlock

NASTY = {
    "brackets": "[/] [bold] [/path] [red [[x]] $var {x} [@click=app.bell]x[/]",
    "controls": "a\x1b[2Jb\x07c\x00d\x1b]0;title\x07e\x9bf\u202eg\r\nh",
    "emoji": "👩‍👩‍👧‍👦 ok 🏳️‍🌈 é e\u0301 \ud83d",
    "cjk": "日本語のモデルを選ぶ" * 20,
    "long": "x" * 10_000,
    "empty": "",
    "markdown": "```\nnever closed\n| a |\n<script>\n[link](javascript:x)\n# \n- \n1. \n> ",
}


def events_with(text: str) -> list[Event]:
    """One event of every kind, with the text in every place that holds text."""
    candidate = {
        **RECOMMENDATION["candidates"][0],
        "model": text,
        "quant": text[:50],
        "engine": text[:50],
        "license": {"id": text, "commercial_use": text, "note": text},
        "hardware": {"name": text, "owned": False, "usd": 1},
        "why": [{"text": text, "evidence": [{"kind": "catalog", "source": text, "locator": text}]}, text],
        "caveats": [text],
        "companions": [{"model": text, "role": text}],
        "commands": [{"label": text, "shell": text}],
    }
    return [
        Ready(text, text, text),
        Status(text),
        NeedsChanged(
            {
                "hardware": slot({"text": text}, text),
                "made_up": slot(text, text),
                "task": slot(text, text, text),
            },
            [{"slot": text, "value": text, "why": text}],
        ),
        ToolCall(text, {text: text}, {text: [text]}, 0.1),
        Delta(text),
        Message(text, [{"kind": text, "source": text, "locator": text}]),
        Failure(text, text, text),
        Recommendation(
            {
                "candidates": [candidate, candidate],
                "rejected": [{"model": text, "reason": text}],
                "would_change": [{"if": text, "then": text}],
                "assumptions": [{"slot": text, "value": text, "why": text}],
                "error": {"message": text, "hint": text},
            }
        ),
        Question("hardware", text, text, [text, text], clarifies=True),
    ]


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY.keys())
async def test_every_kind_of_event_survives(text: str) -> None:
    session = FakeSession(events_with(text), [Message("still here")])
    async with chatting(session, size=(120, 40)) as (app, pilot):
        await say(pilot, text.replace("\r", "") or "hello")
        for fold in app.chat.query(Fold):
            fold.toggle()
        await pilot.press("f3")
        app.chat.flash(text, "warning")
        await pilot.resize_terminal(60, 20)
        await pilot.pause()
        _no_control_characters(shown(app))
        await pilot.press("1")
        await until(pilot, lambda: isinstance(app.screen, PassageScreen))
        await pilot.press("escape")
        await say(pilot, "and now?")
        await until(pilot, lambda: "still here" in shown(app))


async def test_brackets_are_shown_as_they_are() -> None:
    session = FakeSession([Failure("x", "no [/such] file [bold]", "see [/docs]")])
    async with chatting(session) as (app, pilot):
        await say(pilot, "[/red] me")
        assert "no [/such] file [bold]" in shown(app)
        assert "see [/docs]" in shown(app)
        assert "[/red] me" in shown(app)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"candidates": []},
        {"candidates": [{}]},
        {"candidates": [{"memory": None, "speed": None, "license": None, "why": None, "commands": None}]},
        {"candidates": "nonsense", "rejected": 3, "would_change": None, "assumptions": {}},
        {"candidates": [{"rank": "first", "context": True, "params": [], "quality": {"score": "high"}}]},
    ],
)
async def test_incomplete_recommendations_are_shown(document: dict[str, object]) -> None:
    async with chatting(FakeSession([Recommendation(document)])) as (app, pilot):
        await say(pilot, "go")
        assert app.chat.query(RecommendationBlock)
        await pilot.press("f3", "y", "down", "c")
        await settled(pilot)


async def test_input_of_100_kilobytes_is_sent_whole() -> None:
    text = "word " * 20_000
    session = FakeSession([Message("long")])
    async with chatting(session) as (app, pilot):
        await say(pilot, text)
        assert session.said == [text.strip()]
        assert "long" in shown(app)


def _no_control_characters(screen: str) -> None:
    assert not [char for char in screen if (ord(char) < 32 and char != "\n") or 127 <= ord(char) < 160]
