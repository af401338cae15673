"""What new users said and were misread in: collections of pages, long context, corrections, questions."""

from __future__ import annotations

import pytest

from agent.understanding import Asked, LastAnswer, understand
from tools.brief import brief_of
from tools.needs import Needs

LAST = LastAnswer(("one", "two"))


@pytest.mark.parametrize(
    "text",
    [
        "Search over 200,000 product pages in English",
        "RAG over 3,000 wiki pages",
        "search across 1,500 pages of manuals",
        "a question bot for our 9,000 pages",
    ],
)
def test_a_collection_of_pages_is_no_context(text: str) -> None:
    read = understand(text, Needs())
    assert "context" not in read.updates
    assert not read.notes


@pytest.mark.parametrize(("text", "context"), [("summarize contracts of 40 pages", 26_680)])
def test_pages_that_are_read_at_once_stay_a_context(text: str, context: int) -> None:
    assert understand(text, Needs()).updates["context"].value == context


def test_long_context_is_assumed_to_be_more_than_usual() -> None:
    plain = Needs().updated(**understand("agents with tool calls", Needs()).updates)
    long = Needs().updated(**understand("agents with tool calls and long context", Needs()).updates)
    assert brief_of(plain).context == 32_768
    assert brief_of(long).context == 65_536
    assert any("long inputs" in a.why for a in brief_of(long).assumptions if a.slot == "context")


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("The task is writing product descriptions", ""),
        ("Actually it should write product descriptions, in English", "languages"),
    ],
)
def test_a_task_that_is_put_right_takes_the_place_of_the_old_one(text: str, asked: str) -> None:
    before = Needs().updated(**understand("sort texts into categories", Needs()).updates)
    pending = Asked(asked, ("English only", "English and other languages")) if asked else None
    task = understand(text, before, asked=pending).updates["task"].value
    assert (task.name, task.also) == ("writing", ())


def test_an_answer_about_languages_names_no_task_in_passing() -> None:
    before = Needs().updated(**understand("sort texts into categories", Needs()).updates)
    pending = Asked("languages", ("English only", "English and other languages"))
    assert "task" not in understand("No, only English texts", before, asked=pending).updates


@pytest.mark.parametrize(
    "text", ["which is fastest", "which one is the fastest?", "what is cheapest", "which is smallest"]
)
def test_a_question_which_option_leads_changes_no_need(text: str) -> None:
    read = understand(text, Needs(), last=LAST)
    assert read.intent == "ask"
    assert not read.updates


def test_a_wish_for_the_fastest_stays_a_need() -> None:
    assert understand("the fastest please", Needs(), last=LAST).updates["priority"].value == "speed"


@pytest.mark.parametrize(
    "text", ["then it has to serve 20 users on an L40S", "it is deployed on an L40S afterwards"]
)
def test_a_machine_for_serving_leaves_the_first_one_to_train(text: str) -> None:
    before = Needs().updated(**understand("fine-tune on 5,000 examples with a 4090", Needs()).updates)
    need = understand(text, before).updates["hardware"].value
    assert (need.text, need.training_text) == ("an L40S", "a 4090")


@pytest.mark.parametrize("text", ["use an L40S", "no, I have an L40S", "I change to an L40S"])
def test_another_machine_otherwise_takes_the_place_of_the_first(text: str) -> None:
    before = Needs().updated(**understand("fine-tune on 5,000 examples with a 4090", Needs()).updates)
    need = understand(text, before).updates["hardware"].value
    assert (need.text, need.training_text) == ("an L40S", "")
