"""The wording of a recommendation: every figure is the recommendation's own, in units, said once."""

from __future__ import annotations

import re
from typing import Any

import pytest

from agent.explanation import beside_before, recommendation_text
from agent.interview import with_answer
from agent.wording import listed, named, said_words, slot_words, table
from tests.tools.asking import needs
from tools.needs import LicenseNeed, ModelWish, Needs, Slot, TaskNeed
from tools.recommend import recommend

GIB = 1 << 30


def _needs(**values: Any) -> Needs:
    needs = Needs()
    for slot, value in values.items():
        needs = with_answer(needs, slot, value)
    return needs


KINDS = {
    "local": _needs(task={"name": "chat"}, hardware={"text": "RTX 3090, 64 GB RAM"}),
    "api": _needs(task={"name": "code"}, deployment={"mode": "api"}),
    "rag": _needs(task={"name": "rag"}, hardware={"text": "RTX 4090"}),
    "embedder": _needs(task={"name": "embedding"}, hardware={"text": "RTX 3060"}),
    "classifier": _needs(task={"name": "classification"}, hardware={"text": "RTX 3060"}),
    "tuning": _needs(task={"name": "chat"}, hardware={"text": "RTX 4090"}, training={"method": "qlora"}),
    "scratch": _needs(hardware={"text": "RTX 4090"}, training={"method": "scratch"}),
    "nothing": _needs(hardware={"text": "RTX 3060"}, model={"min_params_b": 400.0}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_message_names_the_choice_and_says_each_thing_once(kind: str) -> None:
    found = recommend(KINDS[kind])
    text, citations = recommendation_text(found)
    lines = [line for line in text.splitlines() if line]
    assert len(lines) == len(set(lines))
    marks = {int(mark) for group in re.findall(r"\[([\d, ]+)\]", text) for mark in group.split(",")}
    assert marks == set(range(1, len(citations) + 1))
    if not found.candidates:
        assert text.startswith("Nothing fits these needs.")
        return
    assert found.candidates[0].model in lines[0]
    assert not re.search(r"\b(min_speed|tool_calling|None|True|False)\b|[{}]", text)


def test_the_figures_are_those_of_the_recommendation() -> None:
    found = recommend(KINDS["local"])
    text, _ = recommendation_text(found)
    c = found.candidates[0].configuration
    assert c is not None
    assert c.memory is not None
    assert c.speed is not None
    assert f"{c.memory.total_bytes / GIB:.1f} of {c.available_bytes / GIB:.1f} GiB" in text
    assert f"About {round(c.speed.mid, 1):.0f} tokens per second per conversation (estimate" in text
    assert f"{c.context:,} tokens" in text


def test_assumptions_are_told_in_words_and_only_where_they_matter() -> None:
    local, _ = recommendation_text(recommend(KINDS["local"]))
    assert "8 tokens per second or more; one conversation at once; English" in local
    embedder, _ = recommendation_text(recommend(KINDS["embedder"]))
    assert "tokens per second or more" not in embedder
    assert "conversation at once" not in embedder


@pytest.mark.parametrize(
    ("before", "now", "supposed", "sentence"),
    [
        ([], ["a"], False, ""),
        (["a"], [], False, ""),
        (["a", "b"], ["a"], False, "a stays the first choice."),
        (["a"], ["a"], True, "a would stay the first choice."),
        (["a"], ["b", "a"], False, "b takes the place of a."),
        (["a"], ["b"], True, "b would take the place of a."),
    ],
)
def test_a_new_recommendation_is_held_beside_the_last(
    before: list[str], now: list[str], supposed: bool, sentence: str
) -> None:
    assert beside_before(before, now, supposed=supposed) == sentence


@pytest.mark.parametrize(
    ("slot", "value", "words"),
    [
        ("context", 8192, "8,192 tokens of context"),
        ("min_speed", 8.0, "8 tokens per second or more"),
        ("concurrency", 1, "one conversation at once"),
        ("concurrency", 64, "64 conversations at once"),
        ("languages", ("en", "de", "xx"), "English, German and xx"),
        ("languages", "en, de", "English and German"),
        ("priority", "balanced", "quality and speed balanced"),
        ("hardware", "16 GiB RAM", "16 GiB RAM"),
    ],
)
def test_slots_in_words(slot: str, value: object, words: str) -> None:
    assert slot_words(slot, value) == words


def test_what_was_said_in_words() -> None:
    assert said_words("task", Slot[TaskNeed](value=TaskNeed(name="rag"))) == (
        "the task is answers over documents"
    )
    free = LicenseNeed(use="commercial", permissive_only=True)
    assert said_words("license", Slot[LicenseNeed](value=free)) == "only Apache-2.0, MIT or BSD"
    wish = ModelWish(excluded=("qwen", "yi"))
    assert said_words("model", Slot[ModelWish](value=wish)) == "without qwen and yi"


def test_every_value_a_slot_can_have_has_words() -> None:
    values = table()["values"]
    assert all(
        named(slot, value) == word
        for slot in values
        for value, word in values[slot].items()
        if "{" not in word
    )
    assert listed([]) == ""
    assert listed(["a"]) == "a"


def test_what_stands_beside_an_embedder_is_named_first() -> None:
    both = TaskNeed(name="embedding", also=("reranking",))
    found = recommend(needs("embedding", "RTX 3060 12GB").updated(task=Slot(value=both)))
    headline = recommendation_text(found)[0].splitlines()[0]
    (beside,) = found.candidates[0].companions
    assert headline.endswith(f"as the embedder with {beside.model} as the reranker.")
