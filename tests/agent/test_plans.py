"""Questions that a plan answers, and messages that no plan may take: both labeled, in many wordings."""

from __future__ import annotations

import string
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.events import Message, Question, Recommendation, ToolCall
from agent.plan_arguments import Arguments, arguments_of, plan_table
from agent.plan_sources import SOURCES, Asked
from agent.plan_words import SAYERS
from agent.plan_words.amounts import time_of
from agent.plans import answer_plan
from agent.session import GraphSession
from agent.understanding import LastAnswer, understand
from agent.understanding.data import load
from knowledge.references import read_passage
from tests.agent.conversing import NEEDS, all_of, of, opened, said, words
from tools.commands.requests import Request
from tools.needs import Needs
from tools.registry import find_tool

HERE = Path(__file__).parent
Row = dict[str, Any]
GIB = 1 << 30


def rows() -> list[Row]:
    found: list[Row] = yaml.safe_load((HERE / "plan_questions.yaml").read_text(encoding="utf-8"))
    return found


def others() -> list[str]:
    return (HERE / "not_plans.txt").read_text(encoding="utf-8").splitlines()


class Figures(string.Formatter):
    """Fills a figure from a document: `gib` and `gb` of bytes, `usd`, `hours`."""

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec == "gib":
            return f"{value / GIB:.1f} GiB"
        if format_spec == "gb":
            return f"{value / 1e9:.1f} GB"
        if format_spec == "usd":
            return f"${value:,.0f}" if value >= 100 else f"${value:,.2f}"
        if format_spec == "hours":
            return time_of(value * 3600)
        return str(super().format_field(value, format_spec))

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:
        # `for` and the like are keys of a document, and numbers are places in a list.
        first, *rest = field_name.replace("]", "").split("[")
        value = kwargs[first]
        for key in rest:
            value = value[int(key) if isinstance(value, list) else key]
        return value, first


@pytest.fixture
async def session(tmp_path: Path) -> AsyncIterator[GraphSession]:
    session, _ = await opened(tmp_path)
    yield session
    await session.close()


def test_the_rows_are_many() -> None:
    assert len(rows()) >= 45
    assert len(others()) >= 30
    assert {row["topic"] for row in rows()} == set(plan_table()["topics"])


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["ask"][:60])
async def test_a_question_is_answered_by_its_plan(session: GraphSession, row: Row) -> None:
    if "said" in row:
        await said(session, row["said"])
    events = await said(session, row["ask"])
    (call,) = of(events, ToolCall)
    assert call.name == plan_table()["plans"][row["topic"].split(".")[0]]["tool"]
    for name, value in row["with"].items():
        got = call.arguments[name]
        assert (list(got) if isinstance(got, tuple) else got) == value or str(got) == str(value), (
            call.arguments
        )
    message = of(events, Message)[0]
    assert message.citations
    for wanted in (
        row.get("says"),
        Figures().format(row["figure"], **call.result) if "figure" in row else None,
    ):
        assert wanted is None or wanted in message.text, (wanted, message.text)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["ask"][:60])
def test_the_topic_is_the_same_after_a_recommendation(row: Row) -> None:
    for last in (None, LastAnswer(("Qwen3-8B",))):
        read = understand(row["ask"], Needs(), last=last)
        assert read.plan == row["topic"]
        assert read.intent == "ask"
        assert not set(read.updates) - {"hardware"}, "only a machine that is the person's own is a need"


@pytest.mark.parametrize("text", others())
def test_no_plan_takes_needs_or_other_questions(text: str) -> None:
    for last in (None, LastAnswer(("Qwen3-8B",))):
        assert understand(text, Needs(), last=last).plan is None


async def test_needs_in_the_words_of_a_plan_end_in_a_recommendation(session: GraphSession) -> None:
    events = await said(session, "I want to fine-tune an 8B on my 3090 for chat, personal use")
    assert not [call for call in of(events, ToolCall) if call.name.startswith("plan")]
    events += await all_of(session.recommend())
    (found,) = of(events, Recommendation)
    first = found.recommendation["candidates"][0]
    assert first["role"] == "finetune-base"
    assert 7 <= first["params"]["total_b"] <= 9


async def test_a_plan_question_keeps_the_needs_and_what_was_asked(session: GraphSession) -> None:
    before = await said(session, "a chatbot on an RTX 3090")
    (open_question,) = of(before, Question)
    events = await said(session, "how many exchanges fit into 16K tokens per example?")
    assert "29 exchanges" in words(events)
    assert open_question.text in words(events), "the question stays open"
    assert not of(events, Recommendation)


async def test_a_plan_uses_the_recommended_model_and_the_known_machine(session: GraphSession) -> None:
    await said(session, NEEDS)
    (found,) = of(await all_of(session.recommend()), Recommendation)
    best = found.recommendation["candidates"][0]
    events = await said(session, "how much memory does LoRA fine-tuning of this model take?")
    (call,) = of(events, ToolCall)
    assert call.arguments["model"] == best["model"]
    assert call.arguments["hardware"] == "an RTX 3090"
    assert call.result["bases"][0]["model_id"] == best["model_id"]


async def test_what_a_plan_cannot_answer_is_said_in_a_sentence(session: GraphSession) -> None:
    (message,) = of(await said(session, "how many exchanges fit into 500 tokens per example?"), Message)
    assert message.text.startswith("Not one exchange of 500 tokens fits 500")


async def test_an_assumption_is_said(session: GraphSession) -> None:
    (message,) = of(await said(session, "how large is the index for 100,000 documents?"), Message)
    assert "length of a document: 2,000 tokens" in message.text


def _cited(topic: str) -> Iterator[str]:
    asks = {row["topic"]: row["ask"] for row in rows()}
    asked = Asked(asks[topic].lower(), understand(asks[topic], Needs()), Needs(), [], 2000, "")
    for row in answer_plan(topic, arguments_of(topic, asked)).citations:
        if row["kind"] == "guide":
            yield row["locator"]


@pytest.mark.parametrize("topic", [t for t in plan_table()["topics"] if not t.startswith("cost.")])
def test_every_topic_cites_sections_that_exist(topic: str) -> None:
    places = list(_cited(topic))
    assert places
    for place in places:
        cited = read_passage(place)
        assert cited is not None, place
        assert cited.notice is None
        assert cited.marked is not None
        assert cited.section.at(*cited.marked) == place


def test_the_table_names_what_there_is() -> None:
    table = plan_table()
    topics = [row["topic"] for row in load("plan_questions")["topics"]]
    assert set(topics) == set(table["topics"]) == set(SAYERS)
    for plan in table["plans"].values():
        request: type[Request] = find_tool(plan["tool"]).request
        assert set(plan["arguments"]) <= set(request.model_fields)
        for rule in (rule for rules in plan["arguments"].values() for rule in rules):
            assert rule.get("from", "machine") in SOURCES
            assert set(rule.get("only", ())) | set(rule.get("not", ())) <= set(topics)


def test_arguments_of_nothing_are_assumptions() -> None:
    asked = Asked("", understand("hello", Needs()), Needs(), [], 2000, "")
    assert arguments_of("tokens.exchanges", asked) == Arguments(
        {"budget": 16384}, ["budget: 16,384 (16K, the practical ceiling of the guide)"]
    )


@pytest.mark.parametrize(
    ("asks", "tool", "changed", "says"),
    [
        (
            ("how many exchanges fit into 16K tokens per example?", "and into 32k?"),
            "plan_tokens",
            "budget",
            "62 exchanges",
        ),
        (
            ("my conversations have 40 exchanges, what token budget do I need?", "and for 60 exchanges?"),
            "plan_tokens",
            "exchanges",
            "31,500 tokens",
        ),
        (
            ("LoRA or QLoRA for Qwen3-8B on a 4090?", "and on a 4060?"),
            "plan_finetune",
            "hardware",
            "RTX 4060",
        ),
        (
            ("local or API for 2 million tokens a day?", "and with an RTX 3090?"),
            "plan_cost",
            "hardware",
            "2,000,000 tokens in",
        ),
    ],
)
async def test_a_plan_is_asked_again_with_one_thing_changed(
    session: GraphSession, asks: tuple[str, str], tool: str, changed: str, says: str
) -> None:
    (first,) = of(await said(session, asks[0]), ToolCall)
    events = await said(session, asks[1])
    (again,) = of(events, ToolCall)
    assert first.name == again.name == tool
    assert {k for k, v in again.arguments.items() if first.arguments.get(k) != v} == {changed}
    assert says in words(events)


async def test_a_plan_is_forgotten_when_something_else_is_said(session: GraphSession) -> None:
    await said(session, "how many exchanges fit into 16K tokens per example?")
    await said(session, "chat on an RTX 3090, personal use")
    assert not [
        call
        for call in of(await said(session, "with 32k of context"), ToolCall)
        if call.name == "plan_tokens"
    ]
