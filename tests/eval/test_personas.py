"""Sixty-odd people talk to the guided advisor and get what they could accept."""

from __future__ import annotations

import pytest

from tests.eval.conversation import CONVERSATION_KEYS, RULES, hold_all, load_personas

PARTS = 4
LEAST_PASS_SHARE = 0.94
MOST_QUESTIONS = 2.6


def test_personas_are_well_formed() -> None:
    personas = load_personas()
    names = [persona["id"] for persona in personas]
    assert len(names) >= 60
    assert len(set(names)) == len(names)
    for persona in personas:
        assert set(persona) <= {"id", "says", "answers", "then", "expect"}, persona["id"]
        assert set(persona["expect"]) <= CONVERSATION_KEYS | set(RULES), persona["id"]


@pytest.mark.parametrize("part", range(PARTS))
async def test_conversations_end_in_what_the_person_would_accept(part: int) -> None:
    figures = await hold_all(load_personas()[part::PARTS])
    print("\n".join(figures.lines()))
    faults = {
        name: said
        for name, said in figures.failed.items()
        if any(word in s for s in said for word in ("asks", "turn", ".md#"))
    }
    assert not faults
    assert figures.pass_share >= LEAST_PASS_SHARE, figures.failed
    assert figures.mean_questions <= MOST_QUESTIONS
