"""Words that a family of models wants before a query or a passage, for models that do not bring them along.

Models behind an API never do, and some on the hub have them on their card only.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

_FILE = Path(__file__).parent / "embedding_prompts.json"


@dataclass(frozen=True, slots=True)
class Prompts:
    """What is put before a text."""

    query: str
    passage: str


def prompts_of(model: str) -> Prompts | None:
    """The prompts of a model by its name; None where it wants none that is known."""
    name = model.lower().partition(":")[0]
    for row in json.loads(_FILE.read_text(encoding="utf-8"))["prompts"]:
        if re.search(row["models"], name):
            return Prompts(row["query"], row["passage"])
    return None


def tag(prompts: Prompts | None) -> str:
    """The part of an embedder's name that changes with the prompts; empty where there are none."""
    if prompts is None:
        return ""
    return "+" + hashlib.sha256(f"{prompts.query}\n{prompts.passage}".encode()).hexdigest()[:6]
