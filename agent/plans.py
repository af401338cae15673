"""Answers of the plans to questions in a conversation: which plan, with what, and the figures that matter."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent.events import ToolCall
from agent.plan_arguments import Arguments, plan_table
from agent.plan_words import SAYERS
from tools.commands.requests import parse
from tools.registry import find_tool

Document = dict[str, Any]
MOST_ASSUMED = 4
MOST_CITED = 4
MOST_BASIS = 4
SLOTS_SAID = ("hardware", "corpus", "model", "chunk_tokens", "volume", "iterations", "dataset")
"""Assumptions of a plan that are worth a line; the rest are usual values of the command."""


@dataclass(frozen=True, slots=True)
class PlanReply:
    """What a plan answers, with its sources and the call that gave it."""

    text: str
    citations: list[dict[str, str]]
    call: ToolCall
    about_table: bool = False
    """The question is as much about the guide's table as about a case: its passage belongs beside it."""


def answer_plan(topic: str, arguments: Arguments) -> PlanReply:
    """Runs the plan and words what answers the topic.

    Args:
        topic: a topic of `agent/data/plan_topics.json`, such as `tokens.exchanges`.
        arguments: with which its plan is asked.

    Raises:
        NoAnswerError: The plan has no answer, such as a model that is not known.
        UsageError: What was read does not go together.
    """
    tool = find_tool(plan_table()["plans"][topic.split(".")[0]]["tool"])
    started = time.monotonic()
    document = tool.answer(parse(tool.request, arguments.values))
    call = ToolCall(tool.name, arguments.values, document, round(time.monotonic() - started, 3))
    lines = [*SAYERS[topic](document), *_assumed(arguments, document)]
    few = len(arguments.values) < plan_table()["topics"][topic].get("guide_below", 0)
    return PlanReply(_joined(lines), _citations(topic, document), call, few)


def _joined(lines: list[str]) -> str:
    """Lines as Markdown: list items stand together, paragraphs apart."""
    text = ""
    for line in lines:
        text += f"\n{line}" if line.startswith("- ") else f"\n\n{line}"
    return text.strip()


def _assumed(arguments: Arguments, document: Mapping[str, Any]) -> list[str]:
    """What was assumed, in one line."""
    quiet = re.compile(plan_table()["quiet"])
    rows = [
        f"{row['slot'].replace('_', ' ')}: {_value(row['value'])}{_reason(row['why'])}"
        for row in document.get("assumptions", [])
        if row["slot"] in SLOTS_SAID and not quiet.search(str(row["value"]))
    ]
    found = [*arguments.assumed, *rows][:MOST_ASSUMED]
    note = [document["note"]] if document.get("note") else []
    return [*note, *([f"Assumed: {'; '.join(found)}. Say so where that is wrong."] if found else [])]


def _reason(why: str) -> str:
    return "" if why == "it was not said" else f" ({why})"


def _value(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _citations(topic: str, document: Mapping[str, Any]) -> list[dict[str, str]]:
    """The guide sections that the topic rests on, then what was computed and measured."""
    wanted = re.compile("|".join(plan_table()["topics"][topic]["cites"]), re.IGNORECASE)
    cited = [
        row
        for row in document.get("citations", [])
        if wanted.search(f"{row.get('text', '')} {row['locator']}")
    ][:MOST_CITED]
    basis = [row for row in _basis(document) if row["kind"] != "guide"][:MOST_BASIS]
    rows = [{key: row[key] for key in ("kind", "source", "locator")} for row in (*cited, *basis)]
    return list({tuple(row.values()): row for row in rows}.values())


def _basis(document: Mapping[str, Any]) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = list(document.get("basis", []))
    for option in document.get("options", []):
        rows += option["evidence"]
    return rows
