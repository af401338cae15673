"""One-word critiques as changes of the needs."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import get_args

import pytest

from agent.critique import (
    CHEAPER_SHARE,
    FASTER_FACTOR,
    LARGER_FACTOR,
    SMALLER_SHARE,
    apply_critique,
    apply_critiques,
)
from agent.interview import with_answer
from agent.understanding.types import Critique
from tools.brief import brief_of
from tools.needs import Needs
from tools.recommend import rank_for, recommend

LOCAL = with_answer(
    with_answer(Needs(), "task", {"name": "chat"}), "hardware", {"text": "RTX 4090, 64 GB RAM"}
)
API = with_answer(with_answer(Needs(), "task", {"name": "chat"}), "deployment", {"mode": "api"})


@pytest.mark.parametrize("critique", get_args(Critique))
@pytest.mark.parametrize("needs", [LOCAL, API], ids=["local", "api"])
def test_every_critique_changes_something_and_says_what(critique: Critique, needs: Needs) -> None:
    updates, said = apply_critique(critique, needs)
    assert updates
    assert said.endswith(".")
    after = needs.updated(**updates)
    assert after != needs
    brief_of(after)


def test_smaller_is_smaller_and_again_smaller() -> None:
    needs, sizes = LOCAL, []
    for _ in range(3):
        sizes.append(rank_for(brief_of(needs)).candidates[0].params_total_b or 0)
        needs = needs.updated(**apply_critique("smaller", needs)[0])
    assert sizes[0] > sizes[1] > sizes[2]
    assert sizes[1] <= SMALLER_SHARE * sizes[0] + 0.1


def test_faster_asks_for_half_as_fast_again() -> None:
    now = rank_for(brief_of(LOCAL)).candidates[0].configuration
    assert now is not None
    assert now.speed is not None
    updates, said = apply_critique("faster", LOCAL)
    assert updates["min_speed"].value == round(now.speed.mid * FASTER_FACTOR)
    assert updates["min_speed"].strength == "wish"
    assert str(round(now.speed.mid * FASTER_FACTOR)) in said


def test_cheaper_halves_the_bill() -> None:
    bill = rank_for(brief_of(API)).candidates[0].usd_per_month
    assert bill is not None
    updates, _ = apply_critique("cheaper", API)
    assert updates["budget"].value.usd_per_month == pytest.approx(bill * CHEAPER_SHARE, abs=0.01)


def test_a_freer_license_keeps_the_use() -> None:
    personal = with_answer(LOCAL, "license", {"use": "personal"})
    updates, _ = apply_critique("freer_license", personal)
    assert updates["license"].value.permissive_only
    assert updates["license"].value.use == "personal"


def test_smaller_than_an_encoder_is_not_nothing() -> None:
    encoder = with_answer(LOCAL, "task", {"name": "classification"})
    now = rank_for(brief_of(encoder)).candidates[0].params_total_b or 0
    updates, said = apply_critique("smaller", encoder)
    assert 0 < updates["model"].value.max_params_b < now
    assert "M parameters" in said
    assert rank_for(brief_of(encoder.updated(**updates))).candidates


def test_larger_sets_a_floor_and_drops_an_earlier_limit() -> None:
    limited = with_answer(LOCAL, "model", {"max_params_b": 9.0})
    now = rank_for(brief_of(limited)).candidates[0].params_total_b or 0
    updates, _ = apply_critique("larger", limited)
    assert updates["model"].value.min_params_b == pytest.approx(LARGER_FACTOR * now, rel=0.05)
    assert updates["model"].value.max_params_b is None


def test_all_critiques_of_one_message_hold() -> None:
    updates, said = apply_critiques(("smaller", "faster", "freer_license"), LOCAL)
    assert updates["model"].value.max_params_b
    assert updates["priority"].value == "speed"
    assert updates["license"].value.permissive_only
    assert len(said) == 3


def repeated(critique: Critique, needs: Needs, most: int = 14) -> tuple[Needs, str]:
    """A critique said again and again, until it changes nothing more."""
    for _ in range(most):
        updates, said = apply_critique(critique, needs)
        if not updates:
            return needs, said
        needs = needs.updated(**updates)
        assert recommend(needs).candidates, said
    pytest.fail(f"{critique} found no end")


@pytest.mark.parametrize("critique", ["smaller", "larger", "faster", "cheaper", "newer", "longer_context"])
def test_a_critique_past_the_last_option_keeps_the_recommendation_and_says_the_limit(
    critique: Critique,
) -> None:
    needs, said = repeated(critique, LOCAL)
    best = recommend(needs).candidates[0]
    assert best.model in said or critique == "longer_context"
    assert re.search(r"already|Nothing newer|No model", said)
    assert apply_critique(critique, needs) == ({}, said)


def test_the_smallest_is_the_smallest() -> None:
    needs, _ = repeated("smaller", LOCAL)
    size = recommend(needs).candidates[0].params_total_b or 0
    below = with_answer(needs, "model", {"max_params_b": 0.99 * size})
    assert not rank_for(brief_of(below)).candidates


def test_the_fastest_is_the_fastest() -> None:
    needs, _ = repeated("faster", LOCAL)
    c = recommend(needs).candidates[0].configuration
    assert c is not None
    assert c.speed is not None
    brief = replace(brief_of(LOCAL), min_speed=1.05 * c.speed.mid, speed_is_hard=True, priority="speed")
    assert not rank_for(brief).candidates


def test_the_end_names_the_need_that_rules_the_rest_out() -> None:
    needs, said = repeated("smaller", with_answer(LOCAL, "features", ["vision"]))
    assert re.search(r"What could be given up: .*images.* \(then \w", said)
    assert rank_for(brief_of(needs)).candidates


def test_an_api_can_be_too_cheap_to_beat() -> None:
    needs, said = repeated("cheaper", API)
    bill = rank_for(brief_of(needs)).candidates[0].usd_per_month
    assert f"${bill:,.2f} a month" in said
