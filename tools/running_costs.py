"""What a solved configuration costs to run at a volume: on an owned, a bought or a rented machine."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from tools.brief import Brief
from tools.candidates import Candidate, Configuration, Reason, Rejected
from tools.costs import Cost, Load, Rates, capacity, local_cost, rented_cost, serving
from tools.hardware_types import Machine
from tools.memory.types import Evidence
from tools.needs import Volume
from tools.prices import Figure, hardware_price, lifetime_months, power_of, rent_of, start_hours, tariff
from tools.speed_types import Interval


@dataclass(frozen=True, slots=True)
class Settings:
    """Prices and habits, as the person set them; None takes the data file's."""

    tariff: Figure
    lifetime: Figure
    hardware: Figure | None = None
    """What the machine costs to buy, in dollars."""
    rent: Figure | None = None
    """Of one accelerator, in dollars an hour."""
    watts: float | None = None
    """Of the whole machine under load."""
    hours_on: float | None = None
    """Hours a day that the machine is on (or paid for); None counts the hours of work."""

    @property
    def hours(self) -> float:
        """Hours a day in which work can be done."""
        return 24.0 if self.hours_on is None else self.hours_on


def usual_settings() -> Settings:
    """The data file's tariff and lifetime, and nothing else set."""
    return Settings(tariff(), lifetime_months())


@dataclass(frozen=True, slots=True)
class Running:
    """A way of one's own to serve the volume, with its cost."""

    cost: Cost
    rates: Rates
    serves: bool
    """Whether the hours of the day are enough."""
    most: Interval
    """Tokens a day of this mix, at most."""
    load: Load
    """What is served: the volume, or as much of it as the hours hold."""
    price: Figure | None = None
    """What has to be bought for it, in dollars."""
    price_words: str = ""


def load_of(volume: Volume) -> Load:
    """Tokens a day; output that was not said is a fifth of the input, as in `tools.pricing`."""
    tokens_in = volume.input_tokens_per_day or 0
    tokens_out = volume.output_tokens_per_day
    return Load(tokens_in, tokens_in // 5 if tokens_out is None else tokens_out)


def running(
    machine: Machine, configuration: Configuration, load: Load, settings: Settings, *, buy: bool = False
) -> Running | None:
    """Cost of a configuration that carries its timings.

    Args:
        machine: where it runs; a rented one costs its rent, another its electricity.
        configuration: with `speed.timings`, from `tools.timings.with_timings`.
        load: tokens a day.
        settings: prices.
        buy: whether the machine has yet to be bought.

    Returns:
        The cost; None where speed, power or rent are not known.
    """
    times = configuration.speed.timings if configuration.speed is not None else None
    if times is None:
        return None
    rates, serves = serving(load, times.throughput, times.prompt, settings.hours)
    most = capacity(load, rates, settings.hours)
    if not serves:  # what it does serve is what its bill is for
        load = load.times(most.mid / load.total)
    if machine.rented:
        rent = settings.rent or (known.range if (known := rent_of(machine)) is not None else None)
        if rent is None:
            return None
        count = len(machine.devices)
        cost = rented_cost(load, rates, rent, count=count, hours_on=settings.hours_on, beside=start_hours())
        return Running(cost, rates, serves, most, load)
    power = power_of(machine, settings.watts)
    if power is None:
        return None
    price, words = None, ""
    if buy:
        known_price = hardware_price(machine)
        price = settings.hardware or (known_price.price if known_price is not None else None)
        words = "price set by you" if settings.hardware else known_price.words if known_price else ""
        if price is None:
            return None
    cost = local_cost(
        load,
        rates,
        power,
        settings.tariff,
        price=price,
        lifetime=settings.lifetime if price is not None else None,
        hours_on=settings.hours_on,
    )
    return Running(cost, rates, serves, most, load, price, words)


def dollars(usd: float) -> str:
    """Dollars in a sentence: cents below 100, and nothing below a cent that is not nothing."""
    if 0 < usd < 0.005:
        return "under $0.01"
    return f"${usd:,.2f}" if usd < 100 else f"${usd:,.0f}"


def rough(tokens: float) -> str:
    """An estimated number of tokens, to two digits: `38 million`, `74,000`."""
    if tokens < 1:
        return "0"
    digits = 10 ** max(0, math.floor(math.log10(tokens)) - 1)
    value = round(tokens / digits) * digits
    for size, word in ((10**9, "billion"), (10**6, "million")):
        if value >= size:
            return f"{value / size:g} {word}"
    return f"{value:,.0f}"


def span(usd: Interval) -> str:
    """`about $12.40 ($8.10 to $19.00)`; a point is said as it is."""
    low, mid, high = dollars(usd.low), dollars(usd.mid), dollars(usd.high)
    return mid if low == high else f"about {mid} ({low} to {high})"


def volume_words(load: Load) -> str:
    """`300,000 tokens in and 60,000 out a day`."""
    return f"{load.input_tokens:,.0f} tokens in and {load.output_tokens:,.0f} out a day"


def priced(candidate: Candidate, brief: Brief, *, buy: bool = False, assumed: bool = False) -> Candidate:
    """A local generator with its electricity or rent a month, and the price of a machine that is not owned.

    Args:
        candidate: with memory and timings.
        brief: whose volume it serves.
        buy: whether the person would have to buy the machine.
        assumed: whether nobody stated the volume.
    """
    c, machine = candidate.configuration, brief.machine
    if candidate.kind != "local" or candidate.role != "generator" or c is None or machine is None:
        return candidate
    load = load_of(brief.volume)
    found = running(machine, c, load, usual_settings())
    bought = hardware_price(machine) if buy else None
    if bought is not None:
        price = bought.price
        text = f"Buying it costs {span(price.value)}: {bought.words} (street price, estimate)."
        candidate = replace(
            candidate,
            owned=False,
            hardware_usd=round(price.value.mid),
            why=(*candidate.why, Reason(text, (price.evidence,))),
        )
    elif buy:
        candidate = replace(candidate, owned=False)
    if found is None:
        return candidate
    what = "rent" if machine.rented else "electricity"
    volume = ("an assumed " if assumed else "") + volume_words(load)
    text = f"Costs {span(found.cost.usd)} a month of {what} for {volume} (estimate)."
    evidence = (Evidence("tool", "running_cost", found.cost.formula), *found.cost.evidence)
    caveats = candidate.caveats
    if not found.serves:
        caveats = (*caveats, too_much(found, load))
    return replace(
        candidate,
        usd_per_month=round(found.cost.usd.mid, 2),
        why=(*candidate.why, Reason(text, evidence)),
        caveats=caveats,
    )


def too_much(found: Running, load: Load, hours: float = 24.0) -> str:
    """That a machine cannot serve a volume, with what it can."""
    rates = found.rates
    crowd = f" with {rates.users} conversations at once" if rates.users > 1 else ""
    return (
        f"It cannot serve {volume_words(load)} in {hours:g} hours: about {rough(found.most.mid)} tokens a "
        f"day of this mix are the most{crowd} (estimate)."
    )


def over_budget(candidate: Candidate, brief: Brief) -> Rejected | None:
    """Why a budget excludes a local option, if it does: dollars a month, or once."""
    month, once = brief.budget.usd_per_month, brief.budget.usd_once
    if candidate.kind != "local":
        return None
    if once is not None and candidate.hardware_usd is not None and candidate.hardware_usd > once:
        reason = f"its machine costs about ${candidate.hardware_usd:,.0f}, the budget is ${once:,.0f}"
    elif month is not None and candidate.usd_per_month is not None and candidate.usd_per_month > month:
        usd = dollars(candidate.usd_per_month)
        reason = f"about {usd} a month to run, the budget is ${month:,.0f}"
    else:
        return None
    return Rejected(candidate.model, candidate.model_id, reason, "budget")
