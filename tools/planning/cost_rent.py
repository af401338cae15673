"""The same model on a rented machine: the accelerators of the price file, one to eight of a kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from knowledge.catalog.records import ModelRecord
from tools.candidates import Configuration, Rejected
from tools.hardware import read_hardware
from tools.hardware_types import Machine
from tools.planning.cost_curve import configurations, curve_of, served
from tools.planning.cost_ways import (
    Plan,
    Way,
    best_model,
    excluded_by,
    no_host,
    quality_as_run,
    record_of,
    to_host,
)
from tools.prices import Rent, rent_of, rents, table
from tools.reserve import reserved
from tools.running_costs import Running, dollars

COUNTS = (1, 2, 4, 8)
"""Accelerators that hosts rent out in one machine."""
DAYS = 365.25 / 12


@dataclass(frozen=True, slots=True)
class Rental:
    """A rented machine and how it serves the volume."""

    rent: Rent
    machine: Machine
    configuration: Configuration
    own: Running


def rentable(name: str, count: int = 1) -> Machine:
    """So many rented accelerators of the price file, in one machine."""
    text = name if count == 1 else f"{count}x {name}"
    return reserved(replace(read_hardware(text).machines[0], rented=True))


def offered(plan: Plan) -> tuple[Rent, ...]:
    """The accelerators that are compared: all of the file, or the one that a stated rent belongs to.

    A rent that the person stated is that of the card they named; where none that is rented out was named, of
    the file's usual one.
    """
    if plan.settings.rent is None:
        return rents()
    machine = plan.brief.machine
    named = rent_of(machine) if machine is not None and machine.devices else None
    name = named.name if named is not None else str(table()["rent_default"])
    return tuple(rent for rent in rents() if rent.name == name)


def _rentals(model: ModelRecord, plan: Plan) -> Iterator[Rental]:
    """Of each accelerator as few as serve the volume; else as many as come nearest."""
    brief = replace(plan.brief, server=True)
    for rent in offered(plan):
        nearest: Rental | None = None
        for count in COUNTS:
            machine = rentable(rent.name, count)
            crowds = configurations(model, machine, brief)
            found = served(crowds, machine, plan.load, plan.settings, buy=False)
            if found is None:
                continue
            rental = Rental(rent, machine, *found)
            if nearest is None or rental.own.most.mid > nearest.own.most.mid:
                nearest = rental
            if rental.own.serves:
                break
        if nearest is not None:
            yield nearest


def rented_way(plan: Plan, model: ModelRecord | None) -> tuple[Way | None, list[Rejected]]:
    """A model on the rented machine that serves the volume for the least money; or why there is none.

    Without a model the best one for the file's usual card is taken.
    """
    if plan.brief.mode == "api":
        return None, []
    if model is None:
        card = str(table()["rent_default"]) if plan.settings.rent is None else offered(plan)[0].name
        model = record_of(best_model(plan, rentable(card))[0])
    if model is None:
        reason = "have no model that meets these needs on the card that was looked at"
        return None, [Rejected("rented GPUs", None, reason, "hardware")]
    found = list(_rentals(model, plan))
    if not found:
        cards = offered(plan)
        which = cards[0].name if len(cards) == 1 else "any accelerator with a known rent"
        reason = f"does not fit on {COUNTS[-1]} rented cards ({which}), or its speed there is not known"
        return None, [Rejected(model.name, model.id, reason, "hardware")]
    rental = min(
        found, key=lambda r: (not r.own.serves, r.own.cost.usd.mid if r.own.serves else -r.own.most.mid)
    )
    return _way(rental, model, plan), []


def _way(rental: Rental, model: ModelRecord, plan: Plan) -> Way:
    machine, configuration, own = rental.machine, rental.configuration, rental.own
    curve = curve_of(model, machine, replace(plan.brief, server=True), plan.settings, plan.load, buy=False)
    return Way(
        "rented",
        f"rented {machine.name}",
        model.name,
        model.id,
        machine.name,
        quality_as_run(model, configuration, plan),
        own.cost,
        to_host(),
        configuration,
        own,
        curve,
        excluded_by(own, plan, private=no_host(plan.brief)),
        _notes(rental, plan),
    )


def _notes(rental: Rental, plan: Plan) -> tuple[str, ...]:
    hourly, count = plan.settings.rent or rental.rent.range, len(rental.machine.devices)
    always = hourly.value.mid * count * 24 * DAYS
    notes = [f"Rented and always on it costs about {dollars(always)} a month; storage there is billed apart."]
    each = " of each card" if count > 1 else ""
    if plan.settings.rent is not None:
        return (
            *notes,
            f"The stated rent{each} is taken as that of one {rental.rent.name}; "
            f'name another with --hardware "rented ...".',
        )
    factor, low, high = table()["hyperscaler_factor"], dollars(hourly.value.low), dollars(hourly.value.high)
    return (
        *notes,
        f"Rent{each} {low} to {high} an hour, from other people's machines to secure data centers; "
        f"hyperscalers ask {factor['low']:g} to {factor['high']:g} times that.",
    )
