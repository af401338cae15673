"""A reply from the guides tells what the tools contradict in it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from agent.events import Event
from agent.llm_tools import ToolDesk
from agent.reply import from_guides
from knowledge.corpus import Guide, parse_guide
from knowledge.index_fill import Progress
from knowledge.retrieval import Retriever
from tests.knowledge.fakes import FakeEmbedder
from tools.model_calls.stream import Call

NOTES = """# Our workshop computers

## Memory of the workshop's large model

The large model of our workshop is Llama 3.1 70B. Llama 3.1 70B in Q4_K_M needs 35 GB of VRAM.

## Cards of the workshop

The workshop computers hold an RTX 3090 each; the RTX 3090 has 24 GB.
"""


class FakeOwnRetriever(Retriever):
    """Searches one own guide by words alone."""

    def __init__(self, guide: Guide, home: Path) -> None:
        super().__init__([guide], home / "index", FakeEmbedder())

    def warm(self, progress: Progress | None = None) -> None:
        """Does nothing."""


@pytest.fixture
def retriever(tmp_path: Path) -> FakeOwnRetriever:
    guide = replace(parse_guide("workshop.md", NOTES), origin="own")
    return FakeOwnRetriever(guide, tmp_path)


def test_a_wrong_figure_is_told_beside_the_passage_with_its_source(retriever: FakeOwnRetriever) -> None:
    reply = from_guides("memory of the large model of the workshop", retriever)
    assert "needs 35 GB" in reply.text
    assert "This disagrees with the calculation: The guide says 35 GB" in reply.text
    assert "(line 5)" in reply.text
    assert {"guide", "tool"} <= {citation["kind"] for citation in reply.citations}


def test_a_right_figure_gets_no_remark(retriever: FakeOwnRetriever) -> None:
    reply = from_guides("which cards do the workshop computers hold", retriever)
    assert "RTX 3090 has 24 GB" in reply.text.split("And from")[0]
    assert "disagrees" not in reply.text.split("And from")[0]


def test_a_language_model_is_told_too(retriever: FakeOwnRetriever) -> None:
    events: list[Event] = []
    desk = ToolDesk(retriever, events.append)
    call = Call("1", "search_guides", json.dumps({"query": "memory of the large model of the workshop"}))
    seen = json.loads(asyncio.run(desk.run(call)))
    first = next(row for row in seen["passages"] if "35 GB" in row["text"])
    assert any("The guide says 35 GB" in text for text in first["wrong_in_this_passage"])
    right = [row for row in seen["passages"] if "35 GB" not in row["text"]]
    assert all("wrong_in_this_passage" not in row for row in right)
