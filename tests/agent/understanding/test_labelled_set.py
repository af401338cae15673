"""The labelled utterances as a whole, and what every update must hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent.understanding.text import clean_text
from agent.understanding.types import INTENTS
from tests.eval.understanding_score import (
    BLIND,
    HELD_OUT,
    PEOPLE,
    PLAIN,
    ROUNDS,
    Score,
    load_utterances,
    read_line,
    score,
)
from tools.needs import SLOTS, Needs

LINES = load_utterances()


@pytest.fixture(scope="module")
def scored() -> Score:
    return score(LINES)


def test_set_is_large_and_covers_every_slot() -> None:
    assert len(LINES) >= 150
    assert set(SLOTS) <= {slot for line in LINES for slot in line["expect"]}
    assert {line["intent"] for line in LINES if isinstance(line.get("intent"), str)} >= set(INTENTS) - {
        "give_needs"
    }


def test_precision(scored: Score) -> None:
    assert scored.precision() >= 0.97, scored.faults


def test_recall(scored: Score) -> None:
    assert scored.recall() >= 0.96, scored.faults


def test_intents(scored: Score) -> None:
    assert scored.recall("intent") >= 0.97, scored.faults


@pytest.mark.parametrize("slot", SLOTS)
def test_every_slot_is_read_well(scored: Score, slot: str) -> None:
    assert scored.recall(slot) >= 0.8, scored.faults


@pytest.mark.parametrize("line", LINES, ids=lambda line: line["text"][:40])
def test_updates_are_typed_and_quoted(line: dict[str, Any]) -> None:
    got = read_line(line)
    Needs.model_validate({slot: value.model_dump() for slot, value in got.updates.items()})
    clean, _ = clean_text(line["text"])
    for slot, update in got.updates.items():
        assert update.source == "user"
        assert update.quote in clean or "needs" in line, slot
        assert update.quote, slot


@pytest.mark.parametrize(
    ("path", "least"),
    [(BLIND, 180), (HELD_OUT, 60), (PEOPLE, 130), (ROUNDS, 280), (PLAIN, 150)],
    ids=["blind", "held out", "people", "rounds", "plain"],
)
def test_messages_written_before_the_parser_saw_them(path: Path, least: int) -> None:
    lines = load_utterances(path)
    assert len(lines) >= least
    scored = score(lines)
    assert scored.f1() >= 0.95, scored.faults
    assert scored.recall("intent") >= 0.95, scored.faults
