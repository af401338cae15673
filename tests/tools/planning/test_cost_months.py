"""Cost over the months."""

from __future__ import annotations

from dataclasses import replace

import pytest

from knowledge.catalog.store import load_catalog
from knowledge.errors import NoAnswerError
from tools.brief import Brief, brief_of
from tools.commands.recommend import exact_slot
from tools.needs import Needs, Volume
from tools.planning.cost_months import Course, cost_over_months, overtakes

MODEL = load_catalog().model("Qwen/Qwen3-8B")


def brief(**slots: object) -> Brief:
    """A brief with exact values."""
    given = {"task": "chat", "hardware": "RTX 3060 12GB", **slots}
    return brief_of(Needs().updated(**{key: exact_slot(key, value) for key, value in given.items()}))


def course(once: float, monthly: float) -> Course:
    """A way at middle figures."""
    return Course("local", "", "", "", (once, once, once), (monthly, monthly, monthly), "")


@pytest.mark.parametrize(
    ("one", "other", "month"),
    [
        (course(120, 2), course(0, 12), 12.0),
        (course(0, 2), course(0, 12), 0.0),
        (course(120, 12), course(0, 12), None),
        (course(120, 20), course(0, 12), None),
        (course(0, 20), course(0, 12), None),
    ],
)
def test_overtakes(one: Course, other: Course, month: float | None) -> None:
    assert overtakes(one, other) == month


def test_bought_hardware_is_paid_once_and_its_month_is_that_of_the_plan() -> None:
    found = cost_over_months(brief(), MODEL, buy=True, volume=Volume(input_tokens_per_day=4_000_000))
    own = found.courses[0]
    assert own.once[1] > 100
    for row in found.document["break_even"]:
        if row["own_kind"] != "local" or row["months_to_pay_off"] is None:
            continue
        rival = next(
            one
            for one, option in zip(found.courses, found.document["options"], strict=True)
            if option["model_id"] == row["api"]
        )
        assert overtakes(own, rival) == pytest.approx(row["months_to_pay_off"], abs=0.1)


def test_an_owned_machine_costs_its_power_only() -> None:
    owned = cost_over_months(brief(), MODEL, buy=False).courses[0]
    bought = cost_over_months(brief(), MODEL, buy=True).courses[0]
    assert owned.once == (0.0, 0.0, 0.0)
    assert owned.monthly[1] == pytest.approx(bought.monthly[1], abs=0.01)


def test_nothing_leaves_a_private_machine() -> None:
    private = replace(brief(), mode="local", private=True)
    assert {one.kind for one in cost_over_months(private, MODEL, buy=False).courses} <= {"local", "rented"}
    assert "api" in {one.kind for one in cost_over_months(brief(), MODEL, buy=False).courses}


def test_another_role_has_no_cost_of_its_own() -> None:
    with pytest.raises(NoAnswerError):
        cost_over_months(brief(task="embedding"), None, buy=False)
