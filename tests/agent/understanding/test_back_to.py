"""Changes of mind that name an earlier task, teams, and counts of which a part is labeled."""

from __future__ import annotations

import pytest

from agent.understanding import LastAnswer, understand
from tools.brief import brief_of, defaults
from tools.needs import Needs

LAST = LastAnswer(("Qwen/Qwen3-14B", "google/gemma-3-12b-it"))


def _code() -> Needs:
    return Needs().updated(**understand("a coding assistant on my RTX 3090", Needs()).updates)


@pytest.mark.parametrize(
    "text",
    [
        "no, back to stories",
        "stories again please",
        "back to writing again",
        "let's go back to the stories",
        "we would rather write stories",
        "hm, we think of stories now",
    ],
)
def test_a_task_that_is_returned_to_replaces_the_present_one(text: str) -> None:
    task = understand(text, _code(), last=LAST).updates["task"].value
    assert (task.name, task.also) == ("writing", ())


def test_rather_not_corrects_nothing() -> None:
    assert not understand("I would rather not pay for it", _code(), last=LAST).correcting


@pytest.mark.parametrize("text", ["we are a team of 8", "there are 8 of us", "a team of about 8 writers"])
def test_a_team_is_counted_and_the_assumption_told(text: str) -> None:
    said = understand(text, Needs()).updates["concurrency"]
    assert said.value == 8
    told = [a for a in brief_of(Needs(concurrency=said)).assumptions if a.slot == "concurrency"]
    assert [(a.value, a.why) for a in told] == [(8, defaults()["why"]["team"])]


def test_the_words_of_a_team_are_quoted() -> None:
    assert understand("we are a team of 8", Needs()).updates["concurrency"].quote == "team of 8"


def test_who_says_at_the_same_time_assumes_nothing() -> None:
    said = understand("8 people at the same time", Needs()).updates["concurrency"]
    assert not [a for a in brief_of(Needs(concurrency=said)).assumptions if a.slot == "concurrency"]


@pytest.mark.parametrize("text", ["a team of 2 GPUs", "8 of the cards"])
def test_machines_are_no_team(text: str) -> None:
    assert "concurrency" not in understand(text, Needs()).updates


@pytest.mark.parametrize(
    "text",
    [
        "We have about 4000 notes, maybe 1500 of them labeled by a doctor",
        "4000 clinical notes, 1500 of which are labelled",
        "1500 annotated notes out of 4000",
    ],
)
def test_the_labeled_part_is_what_counts(text: str) -> None:
    data = understand(text, Needs()).updates["dataset"].value
    assert (data.examples, data.labeled) == (1500, True)


RERANKER = "a reranker for 2 million passages on an RTX 3060 12GB"


@pytest.mark.parametrize(
    ("text", "name", "also"),
    [
        ("now a classifier for support tickets", "classification", ()),
        ("next we need an embedder", "embedding", ("reranking",)),
        ("also a classifier for support tickets", "reranking", ("classification",)),
        ("the passages come from chats", "reranking", ()),
    ],
)
def test_another_encoder_takes_the_place_of_the_present_one(
    text: str, name: str, also: tuple[str, ...]
) -> None:
    known = Needs().updated(**understand(RERANKER, Needs()).updates)
    told = known.updated(**understand(text, known, last=LAST).updates).task
    assert told is not None
    assert (told.value.name, told.value.also) == (name, also)


@pytest.mark.parametrize(
    ("text", "name", "also"),
    [
        ("an embedder and a reranker for 2 million passages", "embedding", ("reranking",)),
        ("an embedding model with a reranker", "embedding", ("reranking",)),
        ("a reranker to put behind our embedder", "reranking", ("embedding",)),
        ("I have BM25 and embeddings, now I want a reranker", "reranking", ("embedding",)),
    ],
)
def test_an_embedder_leads_a_reranker_that_is_asked_for_in_one_breath(
    text: str, name: str, also: tuple[str, ...]
) -> None:
    task = understand(text, Needs()).updates["task"].value
    assert (task.name, task.also) == (name, also)
