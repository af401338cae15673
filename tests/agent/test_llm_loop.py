"""Models that cannot call tools name them in JSON; calls that small models get wrong are made right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent.tool_repair import meant, near, repaired
from tests.fakes.model_script import Call, Reply, words
from tests.fakes.voices import stage
from tools.model_calls.loose_json import read_object
from tools.needs import Needs
from tools.registry import TOOLS, find_tool

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
QUESTION = "what is the cache of q8_0?"
SEARCH = {"tool": "search_guides", "arguments": {"query": "what does q8_0 do to the cache"}}
ANSWER = words('{"answer": "The cache halves [1]."}')


def step(document: dict[str, Any]) -> Reply:
    return words(json.dumps(document))


async def test_calls_and_answer_in_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_tools = ("completion",)
    async with stage("ollama", tmp_path, monkeypatch, step(SEARCH), ANSWER, capabilities=no_tools) as on:
        spoken = await on.voice.answer(QUESTION, Needs(), "Draft.", on.emit)
        assert spoken.text == "The cache halves [1]."
        assert [tool.name for tool in on.tools] == ["search_guides"]
        assert on.server.requests[0]["format"]["properties"]["tool"]["enum"][0] == "search_guides"
        assert "- search_guides(query, k)" in on.sent(0)
        assert "Result of search_guides" in on.sent(1)
        assert on.streamed == ""


@pytest.mark.parametrize(
    ("faulty", "problem"),
    [
        ('{"thought": "I should search"}', "neither `tool` nor `answer`"),
        ('{"tool": "search_guides", "arguments": {"query": "cut', "no readable JSON object"),
        ('{"tool": 7}', "neither `tool` nor `answer`"),
    ],
)
async def test_a_faulty_step_is_repaired_once(
    faulty: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_tools = ("completion",)
    async with stage("ollama", tmp_path, monkeypatch, words(faulty), ANSWER, capabilities=no_tools) as on:
        spoken = await on.voice.answer(QUESTION, Needs(), "Draft.", on.emit)
        assert spoken.text == "The cache halves [1]."
        assert problem in on.server.requests[1]["messages"][-1]["content"]
    twice = [words(faulty), words(faulty), words("It halves [1].")]
    async with stage("ollama", tmp_path, monkeypatch, *twice, capabilities=no_tools) as on:
        assert (await on.voice.answer(QUESTION, Needs(), "Draft.", on.emit)).text == "It halves [1]."
        assert "format" not in on.server.requests[2]


async def test_a_loop_in_json_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = [*[step(SEARCH)] * 6, words("It halves [1].")]
    async with stage("ollama", tmp_path, monkeypatch, *loop, capabilities=("completion",)) as on:
        assert (await on.voice.answer(QUESTION, Needs(), "Draft.", on.emit)).text == "It halves [1]."
        assert len(on.server.requests) == 7
        assert len(on.tools) == 1


REPAIRED: dict[str, tuple[Call, str | None]] = {
    "name": (Call("searchGuides", {"query": "cache of q8_0"}), None),
    "prefix": (Call("functions.search_guides", {"query": "cache of q8_0"}), None),
    "type": (Call("search_guides", {"query": "cache of q8_0", "k": "3"}), None),
    "list": (Call("search_guides", {"query": ["cache of q8_0"]}), None),
    "unknown tool": (Call("search_guide_pages", {"query": "cache"}), "Did you mean `search_guides`?"),
    "another tool": (Call("xyzzy", {}), "Tools: estimate_memory"),
    "unknown argument": (Call("search_guides", {"query": "cache", "kk": 3}), "Did you mean `k`?"),
}


@pytest.mark.parametrize("provider", ["ollama", "openai"])
@pytest.mark.parametrize("case", REPAIRED)
async def test_calls_are_repaired_or_told_what_is_near(
    provider: str, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call, told = REPAIRED[case]
    async with stage(provider, tmp_path, monkeypatch, [call], words("I cannot tell.")) as on:
        await on.voice.answer(QUESTION, Needs(), "Draft.", on.emit)
        assert ("error" in on.tools[0].result) == (told is not None)
        if told is None:
            assert on.tools[0].name == "search_guides"
        else:
            assert told in on.sent(1)


def test_types_are_made_those_of_the_schema() -> None:
    schema = find_tool("estimate_memory").parameters()
    given = {"Model": "x", "context": "8,192", "parallel": ["2"], "kvCacheType": "q8_0", "lora_rank": "16"}
    wanted = {"model": "x", "context": 8192, "parallel": 2, "kv_cache_type": "q8_0", "lora_rank": 16}
    assert repaired(given, schema) == wanted
    assert repaired({"context": "8k", "model": 7}, schema) == {"context": "8k", "model": "7"}
    assert repaired({"models": "a, b"}, find_tool("compare_models").parameters()) == {"models": ["a", "b"]}


def test_what_could_mean_two_things_is_left() -> None:
    schema = find_tool("estimate_memory").parameters()
    both = {"kv_cache_type": "f16", "kvCacheType": "q8_0"}
    assert repaired(both, schema) == both
    names = tuple(tool.name for tool in TOOLS)
    assert meant("recommend_model", names) == "recommend_model"
    assert near("recommend_model", names) == "recommend"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        ('```json\n{"a": 1}\n```', {"a": 1}),
        ('Here it is: {"a": 1} as you wished', {"a": 1}),
        ('{"a": [1, 2,], }', {"a": [1, 2]}),
        ('{"a": {"b": "}"', {"a": {"b": "}"}}),
        ("{'a': True, 'b': None}", {"a": True, "b": None}),
        ('"{\\"a\\": 1}"', {"a": 1}),
        ("", None),
        ("[1]", None),
        ('{"a": "cut', None),
        ('{"a": 1} {"a": 2}', None),
        ('{"a": b}', None),
        ("{" * 5000, None),
    ],
)
def test_json_is_mended_only_where_one_meaning_is_possible(text: str, value: object) -> None:
    if value is None:
        with pytest.raises(ValueError, match="no readable JSON object"):
            read_object(text)
    else:
        assert read_object(text) == value
