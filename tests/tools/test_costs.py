"""The arithmetic of costs: by hand, and as properties."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.errors import UsageError
from tools.costs import (
    Load,
    Rates,
    capacity,
    hours_busy,
    local_cost,
    rented_cost,
    serving,
    without_write_off,
)
from tools.prices import Power, stated
from tools.speed_types import Interval, Throughput

DAYS = 365.25 / 12


def point(value: float) -> Interval:
    return Interval(value, value, value)


def power(busy: float = 400.0, idle: float = 50.0) -> Power:
    return Power(point(busy), point(idle), "", ())


def rates(generation: float = 100.0, prompt: float | None = 1000.0) -> Rates:
    return Rates(point(generation), point(prompt) if prompt is not None else None)


def test_hours_by_hand() -> None:
    """3.6M in at 1000/s is an hour, 360k out at 100/s another."""
    assert hours_busy(Load(3_600_000, 360_000), rates()).mid == pytest.approx(2.0)
    assert hours_busy(Load(3_600_000, 360_000), rates(prompt=None)).mid == pytest.approx(1.0)


def test_a_repeated_prefix_is_not_read_again() -> None:
    """Three quarters of 3.6M wait in the cache: a quarter of an hour is read, an hour written."""
    load = Load(3_600_000, 360_000, 0.75)
    assert hours_busy(load, rates()).mid == pytest.approx(1.25)
    assert load.total == Load(3_600_000, 360_000).total
    assert load.times(2) == Load(7_200_000, 720_000, 0.75)


def test_electricity_by_hand() -> None:
    """Two hours at 400 W and 22 at 50 W are 1.9 kWh a day; at $0.30, $17.35 a month."""
    load = Load(3_600_000, 360_000)
    worked = local_cost(load, rates(), power(), stated(0.30))
    assert worked.usd.mid == pytest.approx(0.8 * 0.30 * DAYS)
    assert worked.fixed_usd.mid == 0
    assert worked.utilization == 1.0
    on = local_cost(load, rates(), power(), stated(0.30), hours_on=24)
    assert on.usd.mid == pytest.approx((0.8 + 1.1) * 0.30 * DAYS)
    assert on.utilization == pytest.approx(2 / 24)
    assert "50 W idle x 22.00 h" in on.formula
    bought = local_cost(load, rates(), power(), stated(0.30), price=stated(720), lifetime=stated(36))
    assert bought.usd.mid == pytest.approx(worked.usd.mid + 20)
    assert without_write_off(bought, stated(720), stated(36)).mid == pytest.approx(worked.usd.mid)
    assert worked.per_mtok is not None
    assert worked.per_mtok.mid == pytest.approx(worked.usd.mid / (3.96 * DAYS))


def test_rent_by_hand() -> None:
    load = Load(3_600_000, 360_000)
    assert rented_cost(load, rates(), stated(0.5)).usd.mid == pytest.approx(2 * 0.5 * DAYS)
    beside = rented_cost(load, rates(), stated(0.5), beside=stated(1.0))
    assert beside.usd.mid == pytest.approx(3 * 0.5 * DAYS)
    assert beside.fixed_usd.mid == pytest.approx(0.5 * DAYS)
    always = rented_cost(load, rates(), stated(0.5), count=2, hours_on=24)
    assert always.usd.mid == pytest.approx(2 * 24 * 0.5 * DAYS)
    assert always.fixed_usd == always.usd
    assert always.utilization == pytest.approx(2 / 24)


def test_a_machine_is_never_busy_for_more_than_a_day() -> None:
    load = Load(1e9, 1e9)
    assert hours_busy(load, rates()).mid > 24
    cost = local_cost(load, rates(), power(), stated(0.30))
    assert cost.usd.mid == pytest.approx(0.4 * 24 * 0.30 * DAYS)


def test_the_fewest_conversations_that_serve_are_taken() -> None:
    def at(users: int, together: float, *, fits: bool | None = True) -> Throughput:
        return Throughput(users, point(together / users), point(together), fits)

    curve = (at(1, 50), at(2, 90), at(4, 160), at(8, 260, fits=False))
    day = 86_400
    assert serving(Load(0, 40 * day), curve, None)[0].users == 1
    assert serving(Load(0, 80 * day), curve, None) == (Rates(point(90), None, 2), True)
    most, serves = serving(Load(0, 200 * day), curve, None)
    assert not serves  # eight would do it, but memory does not hold them
    assert most.users == 4
    assert capacity(Load(0, 200 * day), most).mid == pytest.approx(160 * day)
    assert serving(Load(0, 80 * day), curve, None, hours=12)[0].users == 4
    with pytest.raises(UsageError):
        serving(Load(0, 1), (), None)


amounts = st.floats(1e4, 5e6, allow_nan=False)


@settings(max_examples=100, deadline=None)
@given(amounts, amounts, st.floats(1.1, 3.0), st.floats(20, 300))
def test_costs_grow_with_volume_price_and_hours(
    tokens_in: float, out: float, more: float, speed: float
) -> None:
    load, fast = Load(tokens_in, out), rates(speed)
    here = local_cost(load, fast, power(), stated(0.2))
    assert local_cost(load.times(more), fast, power(), stated(0.2)).usd.mid >= here.usd.mid
    assert local_cost(load, fast, power(), stated(0.2 * more)).usd.mid > here.usd.mid
    assert local_cost(load, fast, power(), stated(0.2), hours_on=24).usd.mid >= here.usd.mid
    assert rented_cost(load, fast, stated(1.0 * more)).usd.mid > rented_cost(load, fast, stated(1.0)).usd.mid


@settings(max_examples=100, deadline=None)
@given(amounts, amounts, st.floats(1.0, 2.0), st.floats(1.0, 2.0), st.floats(0, 24))
def test_intervals_stay_in_order(tokens_in: float, out: float, spread: float, wide: float, on: float) -> None:
    load = Load(tokens_in, out)
    fast = Rates(Interval.around(60, spread), Interval.around(900, spread))
    drawn = Power(Interval.around(400, wide), Interval.around(40, wide), "", ())
    for cost in (
        local_cost(load, fast, drawn, stated(0.2), hours_on=on),
        rented_cost(load, fast, stated(1.0), hours_on=on or None, beside=stated(1.0)),
    ):
        assert cost.usd.low <= cost.usd.mid + 1e-9
        assert cost.usd.mid <= cost.usd.high + 1e-9
        assert 0 <= cost.fixed_usd.mid <= cost.usd.mid + 1e-9
        assert cost.utilization is None or 0 <= cost.utilization <= 1
