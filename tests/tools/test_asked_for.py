"""What was asked for and is not in the recommendation is said, and what is assumed is said once."""

from __future__ import annotations

from typing import Any

from tools.brief import brief_of
from tools.needs import Deployment, HardwareNeed, Needs, Slot, TaskNeed, Training, Volume
from tools.recommend import recommend


def _needs(machine: str, *also: str) -> Needs:
    task = TaskNeed(name="rag", also=also)
    return Needs(task=Slot(value=task), hardware=Slot(value=HardwareNeed(text=machine)))


def test_a_reranker_that_is_too_slow_here_is_told_with_its_reason() -> None:
    slow = recommend(_needs("a PC with 32 GB RAM and no GPU", "embedding", "reranking")).candidates[0]
    assert not [c for c in slow.companions if c.role == "reranker"]
    assert any("No reranker is proposed here" in caveat for caveat in slow.caveats)


def test_a_reranker_that_is_there_needs_no_excuse() -> None:
    quick = recommend(_needs("an RTX 4090", "embedding", "reranking")).candidates[0]
    assert [c for c in quick.companions if c.role == "reranker"]
    assert not any("No reranker" in caveat for caveat in quick.caveats)


def test_what_is_assumed_of_two_machines_is_said_once() -> None:
    hardware = HardwareNeed(text="an L40S", training_text="a 4090")
    needs = Needs(hardware=Slot(value=hardware), training=Slot(value=Training(method="qlora")))
    said = [a.value for a in brief_of(needs).assumptions if a.slot == "hardware"]
    assert said
    assert len(said) == len(set(said))


def test_a_cost_is_for_an_assumed_volume_until_one_is_said() -> None:
    api: Slot[Any] = Slot(value=Deployment(mode="api"))
    assert brief_of(Needs(deployment=api)).volume_words == "an assumed volume"
    said: Slot[Any] = Slot(value=Volume(input_tokens_per_day=1e6, output_tokens_per_day=1e5))
    assert brief_of(Needs(deployment=api, volume=said)).volume_words == "your volume"


def test_the_sentence_of_speed_rounds_as_the_table_does() -> None:
    needs = Needs(
        hardware=Slot(value=HardwareNeed(text="an RTX 5090")), task=Slot(value=TaskNeed(name="agent"))
    )
    for candidate in recommend(needs).candidates:
        speed = candidate.configuration.speed if candidate.configuration else None
        assert speed is not None
        rate = speed.as_json()["tokens_per_second"]
        sentence = next(r.text for r in candidate.why if "tokens per second per conversation" in r.text)
        assert f"estimate, {rate['low']:.0f} to {rate['high']:.0f}" in sentence
