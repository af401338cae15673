"""Money in a recommendation: running costs, budgets, and `Use the API` where it is the answer."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tests.tools.asking import DESKTOP, NOWHERE, answer, brief, needs
from tools.brief import brief_of
from tools.needs import HardwareNeed, Slot
from tools.prices import hardware_price
from tools.verdict import to_buy, verdict, with_money

EITHER = {"mode": "either"}
VOLUME = {"input_tokens_per_day": 300_000, "output_tokens_per_day": 60_000}


def test_local_options_carry_their_electricity_with_evidence() -> None:
    found = answer("chat", volume=VOLUME)
    for candidate in found.candidates:
        assert candidate.usd_per_month is not None
        assert 0 < candidate.usd_per_month < 100
        assert candidate.hardware_usd is None
        reason = next(r for r in candidate.why if "electricity" in r.text)
        assert "estimate" in reason.text
        assert "300,000 tokens in" in reason.text
        assert any(e.source == "running_cost" for e in reason.evidence)
    assert found.verdict is None
    assert "verdict" not in found.as_json()


def test_a_volume_that_nobody_stated_is_called_assumed() -> None:
    said = [r.text for c in answer("chat").candidates for r in c.why if "electricity" in r.text]
    assert said
    assert all("an assumed" in text for text in said)
    stated = [r.text for c in answer("chat", volume=VOLUME).candidates for r in c.why]
    assert not any("an assumed" in text for text in stated)


def test_more_volume_costs_more() -> None:
    more = {"input_tokens_per_day": 3_000_000, "output_tokens_per_day": 600_000}
    few, many = answer("chat", volume=VOLUME).candidates[0], answer("chat", volume=more).candidates[0]
    assert few.model_id == many.model_id
    assert few.usd_per_month is not None
    assert many.usd_per_month == pytest.approx(10 * few.usd_per_month, rel=0.05)


def test_an_unknown_card_has_no_cost() -> None:
    found = answer("chat", "GH200 96 GB")
    assert found.candidates
    assert all(candidate.usd_per_month is None for candidate in found.candidates)


def test_a_machine_to_buy_has_its_price_and_is_not_owned() -> None:
    bought = answer("chat", "I plan to buy an RTX 4090")
    for candidate in bought.candidates:
        hardware = candidate.as_json()["hardware"]
        assert hardware["owned"] is False
        assert hardware["usd"] > 1000
        assert any("street price" in r.text for r in candidate.why)
    owned = answer("chat", "RTX 4090").candidates[0]
    assert owned.owned
    assert owned.hardware_usd is None
    machine = brief("chat", "RTX 4090").machine
    assert machine is not None
    price = hardware_price(machine)
    assert price is not None
    assert bought.candidates[0].hardware_usd == round(price.price.value.mid)


@pytest.mark.parametrize(
    ("words", "buys"),
    [
        ("I plan to buy an RTX 4090", True),
        ("we are buying 2x RTX 3090", True),
        ("eine RTX 4090 kaufen", True),
        ("RTX 4090", False),
        ("in order to use my RTX 4090", False),
        ("I don't want to buy anything, I have an RTX 3060", False),
        ("already bought an RTX 4090", False),
    ],
)
def test_words_for_buying(words: str, buys: bool) -> None:
    assert to_buy(needs("chat", Slot(value=HardwareNeed(text=words)))) is buys


def test_budgets_act_on_local_options() -> None:
    poor = answer("chat", "I plan to buy an RTX 4090", budget={"usd_once": 500})
    assert not poor.candidates
    assert any(r.constraint == "budget" and "machine costs" in r.reason for r in poor.rejected)
    volume = {"input_tokens_per_day": 3_000_000, "output_tokens_per_day": 600_000}
    free = answer("chat", volume=volume)
    least = min(c.usd_per_month for c in free.candidates if c.usd_per_month is not None)
    limit = free.candidates[0].usd_per_month
    assert limit is not None
    tight = answer("chat", volume=volume, budget={"usd_per_month": (limit + least) / 2})
    assert tight.candidates
    assert all((c.usd_per_month or 0) <= (limit + least) / 2 for c in tight.candidates)
    assert any(r.model_id == free.candidates[0].model_id and r.constraint == "budget" for r in tight.rejected)


def test_a_rented_machine_costs_its_rent() -> None:
    found = answer("chat", "rented H100", volume=VOLUME).candidates[0]
    assert found.usd_per_month is not None
    assert found.usd_per_month > 30  # an hour a day at about $2 at the least
    assert any("of rent" in r.text for r in found.why)


@pytest.mark.parametrize("hardware", [DESKTOP, "laptop with 16 GB RAM, no GPU", "RTX 3060 12GB + 32 GB RAM"])
@pytest.mark.parametrize("task", ["chat", "code"])
def test_the_verdict_says_what_the_figures_say(hardware: str, task: str) -> None:
    found = answer(task, hardware, deployment=EITHER, volume=VOLUME)
    best = found.candidates[0]
    if found.verdict is None:
        return
    assert best.kind == "api"
    assert found.verdict.startswith(f"Use the API: {best.model} ")
    assert best.why[0].text == found.verdict
    assert found.as_json()["verdict"] == found.verdict
    local = next((c for c in found.candidates if c.kind == "local"), None)
    if local is not None and "points better" in found.verdict:
        gap = best.quality.score - local.quality.score
        assert gap > math.hypot(best.quality.spread, local.quality.spread)
        shown = round(round(best.quality.score, 2)) - round(round(local.quality.score, 2))  # as they are told
        assert f"{shown} points" in found.verdict


def test_a_weak_machine_is_told_to_use_the_api_and_not_that_nothing_fits() -> None:
    found = answer("code", "laptop with 16 GB RAM, no GPU", deployment=EITHER, volume=VOLUME)
    assert found.verdict is not None
    assert "nothing local" not in found.verdict
    assert answer("code", "laptop with 16 GB RAM, no GPU").candidates  # local ones do fit


def test_without_a_machine_the_api_is_the_answer() -> None:
    found = answer("code", NOWHERE)
    assert found.verdict is not None
    assert "no machine" in found.verdict


def test_privacy_never_gets_an_api() -> None:
    found = answer("code", "laptop with 16 GB RAM, no GPU", deployment={"mode": "either", "private": True})
    assert found.verdict is None
    assert all(c.kind == "local" for c in found.candidates)


def test_an_equal_api_below_the_running_costs_is_said() -> None:
    """A rented machine costs more than the API that is as good."""
    wanted = needs("chat", "rented H100", deployment=EITHER, volume=VOLUME)
    filled = brief_of(wanted)
    local = answer("chat", "rented H100", volume=VOLUME).candidates[0]
    api = next(c for c in answer("chat", deployment=EITHER, volume=VOLUME).candidates if c.kind == "api")
    assert api.usd_per_month is not None
    assert local.usd_per_month is not None
    assert api.usd_per_month < local.usd_per_month
    equal = replace(api, quality=replace(local.quality, measured=True))
    said = verdict([equal, local], filled, [])
    assert said is not None
    assert "less than running" in said
    assert verdict([local, equal], filled, []) is None
    worse = replace(equal, quality=replace(local.quality, measured=True, score=local.quality.score - 3))
    assert verdict([worse, local], filled, []) is None
    unmeasured = replace(equal, quality=replace(local.quality, measured=False))
    assert verdict([unmeasured, local], filled, []) is None


def test_running_costs_count_in_the_order() -> None:
    """A machine that is rented for every hour stands lower than the same one for nothing."""
    wanted = needs("chat", "rented H100", volume=VOLUME)
    found, out = with_money(
        list(answer("chat", "rented H100", volume=VOLUME).candidates), brief_of(wanted), wanted
    )
    assert not out
    assert [c.utility for c in found] == sorted((c.utility for c in found), reverse=True)
    assert all(c.scores is not None and c.scores.cost < 100 for c in found)


def test_a_gap_within_the_doubt_is_no_verdict() -> None:
    filled = brief("chat", deployment=EITHER, volume=VOLUME)
    local = answer("chat", volume=VOLUME).candidates[0]
    api = next(c for c in answer("chat", deployment=EITHER, volume=VOLUME).candidates if c.kind == "api")
    near = replace(api, quality=replace(local.quality, score=local.quality.score + 1), usd_per_month=500.0)
    assert verdict([near, local], filled, []) is None
    far = replace(api, quality=replace(local.quality, score=local.quality.score + 30), usd_per_month=500.0)
    assert "30 points better" in (verdict([far, local], filled, []) or "")
    assert verdict([local, far], filled, []) is None


def test_nothing_to_say_of_an_empty_answer() -> None:
    assert verdict([], brief("chat"), []) is None
