"""Tokens that a thinking model spends before it answers, from published counts (`data/thinking.json`)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

from knowledge.catalog.records import ModelRecord
from tools.memory.types import Evidence
from tools.speed_types import Interval


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class _Counts(_Part):
    low: float
    mid: float
    high: float
    what: str = ""


class _Family(_Part):
    match: tuple[str, ...]
    reading: str
    kinds: dict[str, _Counts]


class _Task(_Part):
    kind: str
    note: str
    stand_in: bool = False
    """The counts are of another kind of question, for want of any."""


class _Table(_Part):
    source: str
    as_of: str
    reading: str
    kinds: dict[str, _Counts]
    families: tuple[_Family, ...]
    tasks: dict[str, _Task]
    other_tasks: _Task


@dataclass(frozen=True, slots=True)
class ThinkingTokens:
    """Expected reasoning tokens of one answer."""

    tokens: Interval
    switchable: bool
    """A hybrid: thinking can be switched off."""
    basis: str
    evidence: Evidence
    stand_in: bool
    """Nobody published counts for this task: those of another kind of question stand in."""


@cache
def _table() -> _Table:
    text = files("tools").joinpath("data/thinking.json").read_text(encoding="utf-8")
    return _Table.model_validate(json.loads(text))


def thinking_tokens(model: ModelRecord, task: str) -> ThinkingTokens | None:
    """Reasoning tokens before an answer.

    Args:
        model: What answers.
        task: The task's name in the needs; others than code, agent and reasoning count as short questions.

    Returns:
        Low, mid and high with their source, or None where the model does not think or that is not known.
    """
    if model.thinking not in ("yes", "hybrid"):
        return None
    table = _table()
    asked = table.tasks.get(task, table.other_tasks)
    name = model.id.lower()
    family = next((f for f in table.families if any(word in name for word in f.match)), None)
    counts = (family.kinds if family is not None else table.kinds)[asked.kind]
    reading = family.reading if family is not None else table.reading
    basis = f"{table.kinds[asked.kind].what}. {reading}"
    if asked.note:
        basis += f" {asked.note[0].upper()}{asked.note[1:]}."
    return ThinkingTokens(
        Interval(counts.low, counts.mid, counts.high),
        model.thinking == "hybrid",
        basis[0].upper() + basis[1:],
        Evidence("measurement", table.source, f"thinking.json, as of {table.as_of}"),
        asked.stand_in,
    )
