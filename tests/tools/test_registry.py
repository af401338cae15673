"""The tools as a language model sees them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tools import registry
from tools.commands.recommend import RecommendQuery
from tools.registry import TOOLS, find_tool, functions, run_tool

MODEL = "meta-llama/Llama-3.1-8B-Instruct"
MOST = 12
"""Tools that a small model still chooses well among."""
OPTIONAL = {
    "fit_model",
    "plan_tokens",
    "plan_finetune",
    "plan_cost",
    "plan_pretraining",
    "plan_retrieval_stack",
}
"""Tools that answer something without any argument: for this machine, with assumptions that are shown."""


def test_there_are_few_and_their_names_are_unique() -> None:
    names = [tool.name for tool in TOOLS]
    assert len(set(names)) == len(names) <= MOST


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: str(tool.name))
def test_every_tool_says_what_it_needs_and_has_one_sentence(tool: registry.Tool[Any]) -> None:
    function = tool.as_function()["function"]
    assert bool(function["parameters"]["required"]) is (tool.name not in OPTIONAL)
    assert function["description"].endswith(".")
    assert function["description"].count(". ") == 0
    assert set(tool.shown) <= set(tool.request.model_fields)


def _parts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [value, *(part for item in value.values() for part in _parts(item))]
    if isinstance(value, list):
        return [part for item in value for part in _parts(item)]
    return []


def test_the_schemas_are_flat_json_without_references_and_nulls() -> None:
    text = json.dumps(functions())
    assert "$ref" not in text
    assert '"null"' not in text
    for tool in TOOLS:
        for name, schema in tool.parameters()["properties"].items():
            assert schema.get("type") in ("string", "integer", "number", "boolean", "array"), (
                tool.name,
                name,
            )
            assert schema["description"]
            assert not any("title" in part for part in _parts(schema))


def test_a_tool_answers_as_the_command_does() -> None:
    document = run_tool("estimate_memory", {"model": MODEL, "context": 4096, "quant": None})
    assert document["model_id"] == MODEL
    assert document["context"] == 4096


@pytest.mark.parametrize(
    ("name", "arguments", "code"),
    [
        ("no_such_tool", {}, "usage"),
        ("estimate_memory", {}, "usage"),
        ("estimate_memory", {"model": "no such model xyz"}, "unknown_name"),
        ("estimate_memory", {"model": MODEL, "context": 0}, "usage"),
        ("estimate_memory", {"model": MODEL, "nonsense": 1}, "usage"),
        ("lookup_benchmarks", {"model": ""}, "usage"),
        ("search_guides", {"query": ""}, "usage"),
        ("recommend", {"task": "world peace"}, "usage"),
        ("compare_models", {"models": [MODEL]}, "usage"),
    ],
)
def test_mistakes_come_back_as_error_documents(name: str, arguments: dict[str, Any], code: str) -> None:
    document = run_tool(name, arguments)
    assert document["error"]["code"] == code
    assert document["error"]["message"].endswith(".")


def test_tools_are_found_by_name() -> None:
    assert find_tool("recommend").request is RecommendQuery
