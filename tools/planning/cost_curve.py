"""What a model on a machine costs at any volume: for one conversation at a time, or for a crowd."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from knowledge.catalog.records import ModelRecord
from tools.brief import Brief
from tools.candidates import Configuration
from tools.costs import Cost, Load, capacity, rates_held
from tools.fit import solve, with_memory
from tools.fit_types import Solution
from tools.hardware_types import Machine
from tools.roles import generator
from tools.running_costs import Running, Settings, running
from tools.timings import with_timings

CROWDS = (8, 32)
"""Conversations at once that are tried where one at a time does not serve the volume."""


def configurations(model: ModelRecord, machine: Machine, brief: Brief) -> Iterator[Configuration]:
    """How a model is run there: for the conversations that were asked for, then for larger crowds."""
    for users in (brief.parallel, *(n for n in CROWDS if n > brief.parallel)):
        asked = replace(brief, machine=machine, parallel=users, server=brief.server or users > 4)
        found = solve(model.id, machine, generator.ask_of(asked))
        if isinstance(found, Solution):
            full = with_memory(model, machine, found.configuration, generator.ask_of(asked))
            yield with_timings(model, machine, full, task=brief.task)


def served(
    crowds: Iterable[Configuration], machine: Machine, load: Load, settings: Settings, *, buy: bool
) -> tuple[Configuration, Running] | None:
    """The first configuration that serves a volume, with its cost; else the one that comes nearest.

    None where nothing fits, or where speed, power or price are not known.
    """
    best: tuple[Configuration, Running] | None = None
    for configuration in crowds:
        own = running(machine, configuration, load, settings, buy=buy)
        if own is None:
            continue
        if best is None or own.most.mid > best[1].most.mid:
            best = configuration, own
        if own.serves:
            return configuration, own
    return best


@dataclass(frozen=True, slots=True)
class Curve:
    """A model on a machine, ready to be asked for its cost at any volume."""

    machine: Machine
    crowds: tuple[Configuration, ...]
    """For ever more conversations at once; never empty, and each with a cost."""
    settings: Settings
    buy: bool
    edges: tuple[float, ...]
    """Tokens a day of the mix, ascending, at which more conversations at once are needed; the last is the
    most that is served."""

    def at(self, load: Load) -> tuple[Configuration, Running]:
        """How a volume is served, and what that costs.

        Raises:
            ValueError: the curve was not made by `curve_of`.
        """
        found = served(self.crowds, self.machine, load, self.settings, buy=self.buy)
        if found is None:
            raise ValueError("a curve without a cost")
        return found

    def cost(self, load: Load) -> Cost:
        """Dollars a month of a volume."""
        return self.at(load)[1].cost


def curve_of(
    model: ModelRecord, machine: Machine, brief: Brief, settings: Settings, load: Load, *, buy: bool
) -> Curve | None:
    """The curve of a model on a machine; None where it does not fit or its cost is not known.

    Args:
        model: what runs.
        machine: where.
        brief: context, features and the least number of conversations at once.
        settings: prices and hours.
        load: tokens a day, whose mix is kept.
        buy: whether the machine has yet to be bought.
    """
    known = tuple(
        configuration
        for configuration in configurations(model, machine, brief)
        if running(machine, configuration, load, settings, buy=buy) is not None
    )
    edges = _edges(known, load, settings)
    return Curve(machine, known, settings, buy, edges) if edges else None


def _edges(crowds: tuple[Configuration, ...], load: Load, settings: Settings) -> tuple[float, ...]:
    found: list[float] = []
    for configuration in crowds:
        times = configuration.speed.timings if configuration.speed is not None else None
        if times is None:
            continue
        for rates in rates_held(times.throughput, times.prompt):
            most = capacity(load, rates, settings.hours).mid
            if most > (found[-1] if found else 0.0):
                found.append(most)
    return tuple(found)
