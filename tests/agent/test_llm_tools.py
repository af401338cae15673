"""What a model gets to see of a tool's result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.events import Event, ToolCall
from agent.llm_tools import CALLS, ToolDesk, compact
from agent.prompt_budget import MOST_RESULT
from tests.fakes.voices import FakeSmallRetriever
from tools.model_calls.stream import Call
from tools.registry import run_tool

GIB = 1 << 30
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40)
DOCUMENTS = st.dictionaries(
    st.text(max_size=12),
    st.recursive(
        SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8), inner), max_leaves=8
    ),
)


def test_bytes_become_gib_and_what_is_empty_goes() -> None:
    document = {
        "total_bytes": 5 * GIB + GIB // 4,
        "per_device": [{"weights_bytes": GIB, "device": "RTX 3090"}],
        "share": 0.123456,
        "speed": 48.9234,
        "context": 8192,
        "note": None,
        "caveats": [],
        "fits": True,
    }
    assert json.loads(compact(document)) == {
        "total_gib": 5.25,
        "per_device": [{"weights_gib": 1.0, "device": "RTX 3090"}],
        "share": 0.123,
        "speed": 48.92,
        "context": 8192,
        "fits": True,
    }


def test_what_is_long_is_cut_and_says_so() -> None:
    document = {"rows": [{"text": "word " * 500, "number": n} for n in range(60)]}
    text = compact(document)
    assert len(text) <= MOST_RESULT
    rows = json.loads(text)["rows"]
    assert rows[0]["text"].endswith("\u2026")
    assert rows[-1] == f"and {60 - (len(rows) - 1)} more"


@given(DOCUMENTS, st.integers(40, 400))
def test_a_result_never_takes_more_room_than_there_is(document: dict[str, Any], room: int) -> None:
    assert len(compact(document, room)) <= room


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("recommend", {"task": "code", "hardware": "RTX 3090"}),
        ("fit_model", {"model": "meta-llama/Llama-3.1-8B-Instruct", "hardware": "RTX 3060 12GB"}),
        ("compare_models", {"models": ["meta-llama/Llama-3.1-8B-Instruct", "Qwen/Qwen3-14B"]}),
    ],
)
def test_real_results_stay_whole_json(name: str, arguments: dict[str, Any]) -> None:
    document = run_tool(name, arguments)
    assert "error" not in document
    shown = compact(document)
    assert len(shown) <= MOST_RESULT
    assert isinstance(json.loads(shown), dict)


async def test_the_budget_is_kept_and_passages_keep_their_numbers(tmp_path: Path) -> None:
    events: list[Event] = []
    desk = ToolDesk(FakeSmallRetriever(tmp_path), events.append)
    first = json.loads(await desk.run(Call("a", "search_guides", '{"query": "cache of q8_0", "k": null}')))
    again = json.loads(await desk.run(Call("b", "search_guides", '{"query": "cache of q8_0"}')))
    assert first == again["result"]
    assert "before" in again["note"]
    assert first["passages"][0]["cite"] == "[1]"
    for _ in range(CALLS - 2):
        await desk.run(Call("c", "search_guides", "not json"))
    over = json.loads(await desk.run(Call("d", "search_guides", '{"query": "cache"}')))
    assert "No more tool calls" in over["error"]["message"]
    assert len(events) == CALLS - 1
    assert all(isinstance(event, ToolCall) for event in events)
    assert len(desk.given) == CALLS - 1


async def test_a_question_that_the_guides_do_not_cover_brings_nothing(tmp_path: Path) -> None:
    desk = ToolDesk(FakeSmallRetriever(tmp_path), lambda event: None)
    assert await desk.look_up("zebra migration in Botswana") == ""
    assert desk.passages == []
    assert desk.given == []
