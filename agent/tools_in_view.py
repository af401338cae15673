"""The tools that a model is shown for a question: few, the likely ones, and as many as there is room for."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import resources
from typing import Any, TypedDict, cast

from tools.model_calls.tokens import CHARACTERS_PER_TOKEN
from tools.registry import functions


class _Data(TypedDict):
    most: int
    always: list[str]
    usual: list[str]
    words: dict[str, list[str]]


@cache
def _data() -> _Data:
    text = resources.files("agent").joinpath("data", "tools_in_view.json").read_text(encoding="utf-8")
    return cast("_Data", json.loads(text))


@cache
def _sizes() -> dict[str, int]:
    """Tokens that each tool takes in a prompt."""
    return {
        tool["function"]["name"]: int(len(json.dumps(tool)) / CHARACTERS_PER_TOKEN) + 4
        for tool in functions()
    }


def tools_for(question: str, room: int) -> list[dict[str, Any]]:
    """Tools for a question, the likeliest first, in the form that chat completions take.

    Args:
        question: what is asked, in any words.
        room: tokens that they may take together, with their results still to come.

    Returns:
        Up to five; none where there is not even room for the first and a result.
    """
    data = _data()
    said = set(re.findall(r"[\w-]+", question.lower()))
    matches = {name: len(said & set(words)) for name, words in data["words"].items()}
    likely = sorted((name for name in matches if matches[name]), key=lambda name: (-matches[name], name))
    order = list(dict.fromkeys([*data["always"], *likely, *data["usual"]]))
    half = room // 2  # the other half is for what the tools answer
    known = {tool["function"]["name"]: tool for tool in functions()}
    chosen: list[dict[str, Any]] = []
    taken = 0
    for name in order:
        if len(chosen) < data["most"] and taken + _sizes()[name] <= half:
            chosen.append(known[name])
            taken += _sizes()[name]
    return chosen
