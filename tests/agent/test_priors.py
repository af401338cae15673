"""The table of plausible answers: complete, weighed, readable and with reasons."""

from __future__ import annotations

import pytest

from agent.interview import answered_with, option_slots, questions, row_for
from agent.priors import every_answer, plausible, priors, tags_of
from tests.agent.test_interview import CHAT
from tools.brief import brief_of
from tools.needs import Needs

SLOTS = tuple(priors().slots)


def test_every_question_has_answers_and_every_answer_a_question() -> None:
    assert set(SLOTS) == set(questions()["slots"])


@pytest.mark.parametrize("slot", SLOTS)
def test_probabilities_sum_to_one_under_every_condition(slot: str) -> None:
    row = priors().slots[slot]
    assert row.source
    for tags in [(), *((given.tag,) for given in row.given)]:
        answers = plausible(slot, tags)
        assert sum(answer.prior for answer in answers) == pytest.approx(1.0)
        labels = [answer.label for answer in answers]
        assert 2 <= len(labels) == len(set(labels))
    for given in row.given:
        assert given.why
        assert bool(given.answers) != bool(given.priors)
        if given.priors:
            assert given.priors.keys() == {answer.label for answer in row.answers}


@pytest.mark.parametrize("slot", SLOTS)
def test_every_answer_has_a_reason_and_can_be_taken_in(slot: str) -> None:
    for answer in every_answer(slot):
        assert answer.why
        brief_of(answered_with(CHAT, slot, answer))
        chosen = option_slots(CHAT, slot, answer.label)
        assert chosen[slot].quote == answer.label
        assert chosen[slot].source == "user"


@pytest.mark.parametrize("slot", SLOTS)
def test_every_question_has_a_text_a_reason_and_help(slot: str) -> None:
    for tag in ("", *(given.tag for given in priors().slots[slot].given)):
        row = row_for(slot, (tag,))
        assert row["text"].endswith("?")
        assert row["text"].count("?") == 1
        assert row["reason"]
        assert len(row["help"]) > 40


def test_what_is_known_changes_what_is_plausible() -> None:
    needs = CHAT
    assert "machine" in tags_of(needs, brief_of(needs))
    local = {a.label: a.prior for a in plausible("deployment", ("machine",))}
    anywhere = {a.label: a.prior for a in plausible("deployment", ())}
    assert local["everything stays local"] > anywhere["everything stays local"]
    assert all(not a.value.get("none") for a in plausible("hardware", ("local",)))
    assert tags_of(Needs(), brief_of(Needs())) == ("generator",)
