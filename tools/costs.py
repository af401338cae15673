"""What a volume of tokens costs: on a machine of one's own, on a rented one, behind an API.

    hours a day   = input tokens / prompt speed + output tokens / generation speed, over 3600
    electricity   = (watts busy x hours + watts idle x other hours on) / 1000 x price of a kWh x days
    write-off     = price of the hardware / months of use (nothing for hardware that is owned)
    rent          = hours paid x dollars an hour x days

The formulas are those of guides/local-or-api.md, "Break-even formula for local against API"; the volume at
which both sides cost the same is solved in `tools/break_even.py`. Money is in US dollars a month of
365.25 / 12 days; intervals come from speed, power and prices together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from knowledge.errors import UsageError
from tools.memory.types import Evidence
from tools.prices import Figure, Power
from tools.pricing import DAYS_PER_MONTH
from tools.speed_types import Interval, Throughput

SECONDS = 3600.0
DAY_HOURS = 24.0
ZERO = Interval(0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Load:
    """Tokens a day."""

    input_tokens: float
    output_tokens: float
    cached_share: float = 0.0
    """Share of the input, 0 to 1, that is a repeated prefix: it waits in a cache and is not read again."""

    @property
    def read_tokens(self) -> float:
        """Input tokens that are computed."""
        return self.input_tokens * (1.0 - self.cached_share)

    @property
    def total(self) -> float:
        """Both together."""
        return self.input_tokens + self.output_tokens

    def times(self, factor: float) -> Load:
        """The same mix, so many times."""
        return replace(
            self, input_tokens=self.input_tokens * factor, output_tokens=self.output_tokens * factor
        )


@dataclass(frozen=True, slots=True)
class Rates:
    """Tokens per second of a machine that serves so many conversations at once, all together."""

    generation: Interval
    prompt: Interval | None
    """None where the prompt speed is not known: reading prompts is then not counted."""
    users: int = 1


def hours_busy(load: Load, rates: Rates) -> Interval:
    """Hours of work that a day's tokens take; above 24 the machine cannot serve them.

    Reading prompts is not sped up by further conversations: it is already bound by computing.
    """
    writing = rates.generation.inverse(load.output_tokens)
    reading = rates.prompt.inverse(load.read_tokens) if rates.prompt is not None else ZERO
    return writing.plus(reading).times(1 / SECONDS)


def capacity(load: Load, rates: Rates, hours: float = DAY_HOURS) -> Interval:
    """Tokens a day of this mix that the machine serves at most in so many hours."""
    busy = hours_busy(load, rates)
    return busy.inverse(load.total * hours) if load.total else ZERO


def rates_held(curve: Sequence[Throughput], prompt: Interval | None) -> list[Rates]:
    """The points of a curve of throughput that memory holds; one conversation always counts as held."""
    held = [point for point in curve if point.fits is not False] or list(curve[:1])
    return [Rates(point.together, prompt, point.users) for point in held]


def serving(
    load: Load, curve: Sequence[Throughput], prompt: Interval | None, hours: float = DAY_HOURS
) -> tuple[Rates, bool]:
    """The fewest conversations at once that serve a day's tokens in the hours there are, and whether any do.

    Args:
        load: tokens a day.
        curve: throughput over conversations; points that memory does not hold are passed over.
        prompt: tokens per second that prompts are read at.
        hours: hours a day that the machine is on.

    Raises:
        UsageError: the curve is empty.
    """
    known = rates_held(curve, prompt)
    if not known:
        raise UsageError("No speed is known for this configuration.", hint="Name another machine or model.")
    best = known[0]
    for rates in known:
        if hours_busy(load, rates).mid <= hours:
            return rates, True
        if rates.generation.mid > best.generation.mid:
            best = rates
    return best, False


@dataclass(frozen=True, slots=True)
class Cost:
    """Dollars a month, what they consist of and how they come about."""

    usd: Interval
    fixed_usd: Interval
    """The part that does not grow with the volume."""
    per_mtok: Interval | None
    """Dollars for a million tokens of this mix; None where there are none."""
    formula: str
    evidence: tuple[Evidence, ...]
    hours: Interval | None = None
    """Hours of work a day."""
    utilization: float | None = None
    """Share of the hours paid for that are worked, at the middle speed."""

    @property
    def slope(self) -> Interval:
        """Dollars a month that grow with the volume."""
        return Interval(
            self.usd.low - self.fixed_usd.low,
            self.usd.mid - self.fixed_usd.mid,
            self.usd.high - self.fixed_usd.high,
        )


def per_million(usd: Interval, load: Load) -> Interval | None:
    """Dollars for a million tokens, input and output together."""
    monthly = load.total * DAYS_PER_MONTH / 1e6
    return usd.times(1 / monthly) if monthly > 0 else None


def _bounded(hours: Interval, most: float) -> Interval:
    return Interval(min(hours.low, most), min(hours.mid, most), min(hours.high, most))


def _product(*parts: Interval) -> Interval:
    """Of figures that are none of them negative."""
    low = mid = high = 1.0
    for part in parts:
        low, mid, high = low * part.low, mid * part.mid, high * part.high
    return Interval(low, mid, high)


def local_cost(
    load: Load,
    rates: Rates,
    power: Power,
    tariff: Figure,
    *,
    price: Figure | None = None,
    lifetime: Figure | None = None,
    hours_on: float | None = None,
) -> Cost:
    """Electricity of a machine of one's own, with the write-off of what has to be bought.

    Args:
        load: tokens a day.
        rates: how fast the machine works.
        power: what it draws.
        tariff: dollars per kWh.
        price: what the hardware costs; None where it is owned.
        lifetime: months of use; needed with a price.
        hours_on: hours a day that the machine is on for this; None counts only the hours of work.
    """
    busy = _bounded(hours_busy(load, rates), DAY_HOURS)
    monthly = tariff.value.times(DAYS_PER_MONTH / 1000)
    on = max(hours_on or 0.0, 0.0)
    idle = Interval(max(0.0, on - busy.low), max(0.0, on - busy.mid), max(0.0, on - busy.high))
    drawn = _product(power.busy, busy)
    waiting = Interval(power.idle.low * idle.low, power.idle.mid * idle.mid, power.idle.high * idle.high)
    electricity = _product(drawn.plus(waiting), monthly)
    formula = (
        f"({power.busy.mid:.0f} W x {busy.mid:.2f} h"
        + (f" + {power.idle.mid:.0f} W idle x {idle.mid:.2f} h" if idle.mid else "")
        + f") / 1000 x ${tariff.value.mid:.3f} per kWh x {DAYS_PER_MONTH:.1f} days"
    )
    evidence = [*power.evidence, tariff.evidence]
    written = ZERO
    if price is not None and lifetime is not None:
        written = price.value.times(1 / lifetime.value.mid)
        formula += f" + ${price.value.mid:,.0f} / {lifetime.value.mid:g} months"
        evidence += [price.evidence, lifetime.evidence]
    # A machine that idles anyway pays for that without a token; only the difference grows with the volume.
    standing = _product(power.idle.times(on), monthly).plus(written)
    usd = electricity.plus(written)
    fixed = Interval(min(standing.low, usd.low), min(standing.mid, usd.mid), min(standing.high, usd.high))
    paid = on if on else busy.mid
    share = min(1.0, busy.mid / paid) if paid else None
    return Cost(usd, fixed, per_million(usd, load), formula, tuple(evidence), busy, share)


def rented_cost(
    load: Load,
    rates: Rates,
    rent: Figure,
    *,
    count: int = 1,
    hours_on: float | None = None,
    beside: Figure | None = None,
) -> Cost:
    """Rent of accelerators by the hour.

    Args:
        load: tokens a day.
        rates: how fast they work.
        rent: dollars an hour of one.
        count: how many are rented.
        hours_on: hours a day that are paid; None pays the hours of work, on an instance that is started and
            stopped as work comes.
        beside: hours a day that are then paid beside the work (start, loading, waiting).
    """
    busy = _bounded(hours_busy(load, rates), DAY_HOURS)
    hourly = rent.value.times(count * DAYS_PER_MONTH)
    waiting = beside.value if beside is not None else ZERO
    paid = _bounded(busy.plus(waiting), DAY_HOURS)
    fixed = _product(hourly, Interval(paid.low - busy.low, paid.mid - busy.mid, paid.high - busy.high))
    if hours_on is not None:
        paid = Interval(max(hours_on, busy.low), max(hours_on, busy.mid), max(hours_on, busy.high))
        fixed = _product(hourly, paid)
    many = f"{count} x " if count > 1 else ""
    formula = f"{many}${rent.value.mid:.2f} an hour x {paid.mid:.2f} h x {DAYS_PER_MONTH:.1f} days"
    evidence = (rent.evidence, *((beside.evidence,) if beside is not None and hours_on is None else ()))
    share = min(1.0, busy.mid / paid.mid) if paid.mid else None
    usd = _product(hourly, paid)
    return Cost(usd, fixed, per_million(usd, load), formula, evidence, busy, share)


def api_cost(usd: float, load: Load, formula: str, evidence: Evidence) -> Cost:
    """The bill of an API as a cost; list prices are no estimate, so that the interval is a point."""
    point = Interval(usd, usd, usd)
    return Cost(point, ZERO, per_million(point, load), formula, (evidence,))


def without_write_off(cost: Cost, price: Figure, lifetime: Figure) -> Interval:
    """What is paid every month once the hardware is there: electricity."""
    written = price.value.times(1 / lifetime.value.mid)
    return Interval(cost.usd.low - written.low, cost.usd.mid - written.mid, cost.usd.high - written.high)
