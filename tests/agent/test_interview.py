"""Which question is asked, how it is put, and when none is."""

from __future__ import annotations

from typing import Any

import pytest

from agent.interview import is_open, next_question, open_slots, option_value, questions, row_for, with_answer
from tools.brief import brief_of
from tools.needs import Needs

SLOTS = questions()["slots"]


def _needs(**values: Any) -> Needs:
    needs = Needs()
    for slot, value in values.items():
        needs = with_answer(needs, slot, value)
    return needs


CHAT = _needs(task={"name": "chat"}, hardware={"text": "RTX 3090, 64 GB RAM"})


@pytest.mark.parametrize("slot", SLOTS)
def test_answers_of_every_question_are_valid_weighed_and_distinct(slot: str) -> None:
    rows = [SLOTS[slot], *(SLOTS[slot] | change for change in SLOTS[slot].get("for", {}).values())]
    for row in rows:
        assert row["text"].endswith("?")
        assert row["reason"]
        labels = [answer["label"] for answer in row["answers"]]
        assert 2 <= len(labels) == len(set(labels))
        assert sum(answer["weight"] for answer in row["answers"]) == pytest.approx(1.0)
        for answer in row["answers"]:
            brief_of(with_answer(CHAT, slot, answer["value"]))
            chosen = option_value(slot, answer["label"])
            assert chosen is not None
            assert chosen.quote == answer["label"]


def test_with_nothing_known_something_is_asked_and_never_twice() -> None:
    asked: tuple[str, ...] = ()
    while (proposal := next_question(Needs(), asked)) is not None:
        assert proposal.slot not in asked
        asked = (*asked, proposal.slot)
    assert 1 <= len(asked) <= questions()["most"]
    assert {"task", "hardware"} <= set(asked)


def test_what_was_said_is_not_asked() -> None:
    everything = _needs(
        task={"name": "code"}, hardware={"text": "RTX 3090"}, license={"use": "commercial"}, context=32768,
        deployment={"mode": "local", "private": True}, priority="quality", concurrency=1, languages=["en"],
        min_speed=10.0,
    )  # fmt: skip
    assert next_question(everything, ()) is None


def test_the_value_must_exceed_the_cost_of_a_turn_which_grows() -> None:
    first = next_question(CHAT, ())
    assert first is not None
    assert first.value > questions()["turn_cost"]
    assert next_question(CHAT, tuple(f"other {i}" for i in range(questions()["most"]))) is None


def test_questions_are_put_for_the_role() -> None:
    assert row_for("context", ("embedder",))["text"] != row_for("context", ("generator",))["text"]
    assert row_for("context", ("pretrain-config",)) == row_for("context", ())
    embedder = _needs(task={"name": "embedding"}, hardware={"text": "RTX 3060"})
    assert "concurrency" not in open_slots(embedder, brief_of(embedder), ())
    assert "dataset" not in open_slots(CHAT, brief_of(CHAT), ())


def test_a_private_person_is_not_asked_how_many_it_serves() -> None:
    private = CHAT.updated(license=with_answer(CHAT, "license", {"use": "personal"}).license)
    assert "concurrency" in open_slots(CHAT, brief_of(CHAT), ())
    assert "concurrency" not in open_slots(private, brief_of(private), ())


def test_no_card_and_no_api_leaves_the_machine_open() -> None:
    cloud = _needs(hardware={"text": "no GPU", "none": True})
    local = with_answer(cloud, "deployment", {"mode": "local", "private": True})
    assert not is_open(cloud, "hardware")
    assert is_open(local, "hardware")
    assert brief_of(local).machine is not None


@pytest.mark.parametrize(
    ("slot", "value", "still"),
    [
        ("volume", {"bursty": True}, True),
        ("volume", {"requests_per_day": 10}, False),
        ("training", {"method": "any"}, True),
        ("training", {"method": "lora"}, False),
    ],
)
def test_a_slot_without_the_part_that_counts_is_open(slot: str, value: Any, still: bool) -> None:
    assert is_open(_needs(**{slot: value}), slot) is still


def test_unknown_options_mean_nothing() -> None:
    assert option_value("context", "as long as my arm") is None
    assert option_value("no slot", "at all") is None
