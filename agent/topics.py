"""What a question asks for, by the patterns of `agent/data/topics.json`."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import Any

from pydantic import TypeAdapter


@cache
def topic_data() -> dict[str, Any]:
    """The table of `agent/data/topics.json`."""
    data = resources.files("agent").joinpath("data/topics.json").read_bytes()
    return TypeAdapter(dict[str, Any]).validate_json(data)


@cache
def _topics() -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    return tuple(
        (row["topic"], row["about"], re.compile("|".join(row["patterns"]), re.IGNORECASE))
        for row in topic_data()["topics"]
    )


def topic_of(question: str) -> tuple[str, str] | None:
    """What a question asks for, and of which models; None where only the guides can tell."""
    return next(((topic, about) for topic, about, words in _topics() if words.search(question)), None)
