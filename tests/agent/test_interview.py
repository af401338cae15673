"""Which question is asked, how it is put, and when none is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import interview
from agent.interview import (
    is_open,
    next_question,
    open_slots,
    option_slots,
    questions,
    row_for,
    turn_cost,
    weigh_asked,
    with_answer,
)
from agent.priors import plausible, tags_of
from tools.brief import brief_of
from tools.needs import Needs

SLOTS = questions()["slots"]


def _needs(**values: Any) -> Needs:
    needs = Needs()
    for slot, value in values.items():
        needs = with_answer(needs, slot, value)
    return needs


CHAT = _needs(task={"name": "chat"}, hardware={"text": "RTX 3090, 64 GB RAM"})


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
    assert option_slots(Needs(), "context", "as long as my arm") == {}
    assert option_slots(Needs(), "no slot", "at all") == {}


def test_an_option_with_a_machine_for_training_fills_both_slots() -> None:
    chosen = option_slots(CHAT, "training", "an 80 GB card (LoRA)")
    assert chosen["training"].value.method == "lora"
    assert chosen["hardware"].value.training_text == "A100 80GB"
    assert chosen["hardware"].value.text == "RTX 3090, 64 GB RAM"


def test_the_reason_says_what_the_answer_changes() -> None:
    proposal = next_question(CHAT, ())
    assert proposal is not None
    assert any(f"with \u201c{option}\u201d" in proposal.reason for option in proposal.options)


def test_the_weighing_stops_after_so_many_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interview, "MOST_WEIGHED", 2)
    assert next_question(CHAT, ()) is None


def test_every_question_of_a_first_message_is_weighed() -> None:
    needs = Needs()
    brief = brief_of(needs)
    tags = tags_of(needs, brief)
    answers = sum(len(plausible(slot, tags)) for slot in open_slots(needs, brief, ("task",)))
    assert answers <= interview.MOST_WEIGHED


ANSWERS: dict[str, list[Any]] = {
    "task": [{"name": name} for name in ("chat", "code", "rag", "classification", "embedding")],
    "hardware": [{"text": "RTX 3060 12GB"}, {"text": "2x H100"}, {"text": "none", "none": True}],
    "deployment": [{"mode": "local", "private": True}, {"mode": "api"}, {"mode": "either"}],
    "license": [{"use": "commercial"}, {"use": "personal"}, {"use": "commercial", "permissive_only": True}],
    "context": [2048, 32768],
    "priority": ["quality", "speed"],
    "languages": [["en"], ["de", "en"]],
    "concurrency": [1, 20],
}
RANDOM_NEEDS = st.fixed_dictionaries({}, optional={slot: st.sampled_from(v) for slot, v in ANSWERS.items()})


@settings(max_examples=25, deadline=None)
@given(RANDOM_NEEDS, st.lists(st.sampled_from(sorted(SLOTS)), max_size=2, unique=True))
def test_what_is_asked_is_open_can_matter_and_is_one_thing(values: dict[str, Any], asked: list[str]) -> None:
    needs = _needs(**values)
    proposal = next_question(needs, tuple(asked))
    if proposal is None:
        return
    assert proposal.slot not in asked
    assert is_open(needs, proposal.slot)
    assert proposal.text.count("?") == 1
    weighed = weigh_asked(needs, proposal.slot)
    assert weighed is not None
    assert weighed.matters
    assert weighed.value > turn_cost(tuple(asked))


def test_a_question_without_effect_is_worth_nothing() -> None:
    tiny = _needs(
        task={"name": "chat"},
        hardware={"text": "RTX 3090"},
        deployment={"mode": "local"},
        license={"use": "personal"},
    )
    weighed = weigh_asked(tiny, "budget")
    assert weighed is not None
    assert (weighed.matters, weighed.value) == (False, 0.0)
    assert next_question(tiny, ("context", "priority", "languages")) is None
