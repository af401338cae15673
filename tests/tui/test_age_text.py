"""The age of the facts, as the faces show it."""

from __future__ import annotations

import pytest

from agent.events import Recommendation
from knowledge.today import DAY_VARIABLE
from tests.tui.cli_help import Program
from tests.tui.driving import chatting, say
from tests.tui.fakes import RECOMMENDATION, FakeSession
from tui.age_text import age_lines, age_words
from tui.answer import read_answer
from tui.answer_text import as_markdown
from tui.widgets.recommendation import RecommendationBlock
from tui.widgets.text import PlainText

FACTS = {"line": "Facts: catalog of 2026-11-20; the oldest 8 months old.", "warning": "Old.", "stale": True}


def test_words_and_lines() -> None:
    document = {"facts": FACTS}
    assert age_words(document) == FACTS["line"]
    assert age_words({}) == ""
    assert age_lines({}) == []
    assert "Old." not in " ".join(age_lines(document))
    assert "  Old." in age_lines(document, warn=True)
    assert as_markdown(read_answer({**RECOMMENDATION, **document})).endswith(f"{FACTS['line']}\n")


@pytest.mark.parametrize(
    "call",
    [
        ("recommend", "--task", "code", "--hardware", "RTX 3060 12GB"),
        ("fit", "qwen3-8b", "--hardware", "RTX 3060 12GB"),
        ("compare", "qwen3-8b", "qwen3-14b"),
        ("benchmarks", "qwen3-8b"),
        ("models", "show", "qwen3-8b"),
        ("memory", "qwen3-8b"),
    ],
)
def test_every_command_ends_with_it(
    program: Program, monkeypatch: pytest.MonkeyPatch, call: tuple[str, ...]
) -> None:
    monkeypatch.setenv(DAY_VARIABLE, "2027-08-23")
    out = " ".join(program(*call).out.split())
    assert out.endswith("the oldest 12 months old.")
    assert out.count("`llm-advisor models refresh`") == 1


async def test_the_card_in_the_conversation_shows_it() -> None:
    document = {**RECOMMENDATION, "facts": {**FACTS, "line": "Facts: [b]of 2026[/b]\x1b[31m; old."}}
    async with chatting(FakeSession([Recommendation(document)])) as (app, pilot):
        await say(pilot, "hi")
        block = app.screen.query(RecommendationBlock).last()
        told = [str(one.render()) for one in block.query(PlainText)]
        assert "Facts: [b]of 2026[/b]; old." in told[-1]
