"""The break-even: by hand, and against the curve that it is looked for on."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.break_even import break_even, months_to_pay_off
from tools.costs import Cost, Load, Rates, capacity, local_cost, rented_cost, serving
from tools.prices import Power, stated
from tools.speed_types import Interval, Throughput

DAYS = 365.25 / 12
MIX = Load(0.8, 0.2)


def point(value: float) -> Interval:
    return Interval(value, value, value)


def power(busy: float = 400.0, idle: float = 50.0) -> Power:
    return Power(point(busy), point(idle), "", ())


def curve(*together: float) -> tuple[Throughput, ...]:
    """One, two, four ... conversations at once, all together so fast."""
    return tuple(
        Throughput(2**n, point(speed / 2**n), point(speed), fits=True) for n, speed in enumerate(together)
    )


def edges(points: tuple[Throughput, ...], prompt: float) -> list[float]:
    return [capacity(MIX, Rates(p.together, point(prompt), p.users)).mid for p in points]


def test_the_formula_of_the_guide_by_hand() -> None:
    """$30 a month fixed and $0.10 per million tokens against $0.60: 60 million a month, two million a day."""

    def own(tokens: float) -> Cost:
        monthly = tokens * DAYS / 1e6
        usd = 30 + 0.10 * monthly
        return Cost(point(usd), point(30), point(usd / monthly), "", ())

    found = break_even(own, [10e6], 0.60)
    assert found.tokens_per_day == pytest.approx(60e6 / DAYS, rel=1e-6)
    assert found.own_usd_per_mtok == pytest.approx(0.60, rel=1e-6)
    assert "$30.00 / ($0.6000 - $0.1000 per million tokens)" in found.formula
    none = break_even(own, [1e6], 0.60)
    assert none.tokens_per_day is None
    assert none.most_tokens_per_day == 1e6
    assert none.own_usd_per_mtok == pytest.approx(0.10 + 30 / DAYS, rel=1e-6)


def test_without_a_fixed_part_the_first_token_decides() -> None:
    def own(tokens: float) -> Cost:
        return Cost(point(0.2 * tokens * DAYS / 1e6), point(0), point(0.2), "", ())

    assert break_even(own, [1e6], 0.21).tokens_per_day == 0
    assert break_even(own, [1e6], 0.19).tokens_per_day is None


def test_more_conversations_at_once_make_cheaper_what_one_at_a_time_is_not() -> None:
    """A token at 50 a second costs more than the API's, at 400 a second less: said with the volume of it."""
    crowd = curve(50, 90, 400)

    def own(tokens: float) -> Cost:
        load = MIX.times(tokens)
        return local_cost(load, serving(load, crowd, point(5000))[0], power(), stated(0.30))

    slow, fast = own(1e5).per_mtok, own(edges(crowd, 5000)[2] * 0.99).per_mtok
    assert slow is not None
    assert fast is not None
    price = fast.mid * 1.1
    assert price < slow.mid
    found = break_even(own, edges(crowd, 5000), price)
    assert found.tokens_per_day == pytest.approx(edges(crowd, 5000)[1], rel=1e-6)
    assert found.own_usd_per_mtok <= price


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.floats(10, 300), min_size=1, max_size=4),
    st.floats(0.05, 1.0),
    st.floats(0.01, 30.0),
    st.sampled_from(["owned", "bought", "idle", "rented", "always rented"]),
)
def test_below_it_the_api_is_cheaper_and_at_it_both_cost_the_same_or_less(
    speeds: list[float], tariff: float, price: float, way: str
) -> None:
    crowd = curve(*sorted(speeds))

    def own(tokens: float) -> Cost:
        load = MIX.times(tokens)
        fast = serving(load, crowd, point(3000))[0]
        if "rented" in way:
            on = 24.0 if "always" in way else None
            return rented_cost(load, fast, stated(tariff), hours_on=on, beside=stated(1.0))
        bought = {"price": stated(900), "lifetime": stated(36)} if way == "bought" else {}
        on = 24.0 if way == "idle" else None
        return local_cost(load, fast, power(), stated(tariff), hours_on=on, **bought)

    def gap(tokens: float) -> float:
        return own(tokens).usd.mid - price * tokens * DAYS / 1e6

    all_edges = edges(crowd, 3000)
    found = break_even(own, all_edges, price)
    if found.tokens_per_day is None:
        below, above = [all_edges[-1] * share / 200 for share in range(1, 200)], None
    else:
        below = [found.tokens_per_day * share / 200 for share in range(1, 200)]
        above = found.tokens_per_day or all_edges[0] * 1e-6
        assert above <= all_edges[-1]
    assert all(gap(tokens) >= -1e-6 for tokens in below if tokens)
    if above is not None:
        assert gap(above) <= 1e-6 + 1e-6 * own(above).usd.mid


def test_pay_off_by_hand() -> None:
    """$700 against an API of $100 a month and electricity of about $7.31: a little more than 7.5 months."""
    load = Load(3_600_000, 360_000)
    fast = Rates(point(100), point(1000))
    own = local_cost(load, fast, power(), stated(0.30), price=stated(700), lifetime=stated(36))
    running = 0.8 * 0.30 * DAYS
    assert months_to_pay_off(own, 100.0, stated(700), stated(36)) == pytest.approx(700 / (100 - running))
    assert months_to_pay_off(own, running / 2, stated(700), stated(36)) is None
