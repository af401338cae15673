"""What a new user stumbled over in whole conversations: the machine, the text to search, the figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.understanding import understand
from tests.agent.conversing import opened, said, words
from tools.candidates import QualityFigure
from tools.needs import HardwareNeed, Needs, Slot

MAC = "coding on my macbook air m3 16gb, everything local, just recommend"


def _machine(text: str) -> Needs:
    return Needs(hardware=Slot(value=HardwareNeed(text=text), quote=text))


@pytest.mark.parametrize(
    ("known", "message"),
    [
        ("my macbook air m3 16gb", "can I fine-tune it on this macbook?"),
        ("a server with one RTX 4090", "does anything else run on the server?"),
        ("my laptop with an RTX 3060 6GB", "would gemma run on my laptop?"),
    ],
)
def test_naming_the_known_machine_again_does_not_replace_it(known: str, message: str) -> None:
    read = understand(message, _machine(known))
    assert "hardware" not in read.updates
    assert "hardware" not in read.asked_of


def test_another_machine_still_replaces_the_known_one() -> None:
    read = understand("we moved to the RTX 3090 machine", _machine("my macbook air m3 16gb"))
    assert "3090" in read.updates["hardware"].value.text


async def test_fine_tuning_on_this_machine_is_answered_with_a_plan_for_it(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    await said(session, MAC)
    answer = words(await said(session, "can I fine-tune Qwen3-4B-Instruct-2507 on this macbook?"))
    await session.close()
    assert "on Apple M3" in answer
    assert "LoRA" in answer


@pytest.mark.parametrize(
    ("before", "found"),
    [
        ("I need an embedder for 2 million passages, english, on an L4 24GB", "2,000,000 documents"),
        ("search over our contracts on an RTX 4090, all local; we have 3000 contracts", "3,000 documents"),
    ],
)
async def test_the_text_to_search_that_was_counted_before_is_planned_with(
    tmp_path: Path, before: str, found: str
) -> None:
    session, _ = await opened(tmp_path)
    await said(session, before)
    await said(session, "just recommend")
    answer = words(await said(session, "how long will embedding all of it take?"))
    await session.close()
    assert found in answer
    assert "nothing was said of the text" not in answer


def test_points_between_two_qualities_are_those_between_the_shown_scores() -> None:
    shown = [QualityFigure(score, 4.0, measured=True) for score in (76.4, 73.6, 75.5)]
    first, second, third = shown
    assert second.points_over(first) == -2
    assert first.points_over(third) == 0
