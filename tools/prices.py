"""Prices of hardware, rents, electricity and power: one dated data file, `tools/data/prices.json`.

Every figure is an interval with its source and date; what no public page was found for is marked unchecked.
Whatever the person states takes its place. US dollars, watts, dollars per kilowatt-hour and per hour.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

from pydantic import TypeAdapter

from knowledge.catalog.accelerators import match_accelerators
from knowledge.catalog.records import Accelerator
from knowledge.catalog.store import load_catalog
from knowledge.errors import UsageError
from tools.hardware_types import Device, Machine
from tools.memory.types import Evidence
from tools.speed_types import Interval

GIB = 1 << 30
FILE = "tools/data/prices.json"
_MONEY = re.compile(
    r"(usd|eur|gbp|\$|€|£)?\s*([0-9]+(?:[.,][0-9]+)?)\s*(usd|eur|gbp|\$|€|£)?(?:\s*(?:/|per)\s*kwh)?",
    re.IGNORECASE,
)
_SIGNS = {"$": "USD", "€": "EUR", "£": "GBP"}


@dataclass(frozen=True, slots=True)
class Figure:
    """A price or a power with where it comes from."""

    value: Interval
    source: str
    as_of: str | None
    checked: bool = True
    """False: an order of size that no public page was found for."""
    note: str = ""

    @property
    def evidence(self) -> Evidence:
        """As the source of a claim."""
        if self.as_of is None:
            return Evidence("user", f"{self.source}: {self.note}" if self.note else self.source, "")
        doubt = "" if self.checked else "unchecked; "
        return Evidence("catalog", f"{doubt}{self.source} ({self.as_of})", FILE)

    def as_json(self) -> dict[str, Any]:
        """Low, mid and high with source and date."""
        return {
            **self.value.as_json(4),
            "source": self.source,
            "as_of": self.as_of,
            "checked": self.checked,
            "note": self.note,
        }

    def times(self, factor: float) -> Figure:
        """So many of it."""
        return Figure(self.value.times(factor), self.source, self.as_of, self.checked, self.note)

    def plus(self, other: Figure) -> Figure:
        """Both together, with both sources and the older date."""
        dates = [date for date in (self.as_of, other.as_of) if date is not None]
        return Figure(
            self.value.plus(other.value),
            self.source if self.source == other.source else f"{self.source}; {other.source}",
            min(dates, default=None),
            self.checked and other.checked,
        )


def stated(value: float) -> Figure:
    """A figure that the person set."""
    return Figure(Interval(value, value, value), "set by you", None)


@cache
def table() -> dict[str, Any]:
    """The data file."""
    data = resources.files("tools").joinpath("data/prices.json").read_bytes()
    return TypeAdapter(dict[str, Any]).validate_json(data)


def figure_of(row: dict[str, Any]) -> Figure:
    """A row of the file; where it has no middle, the mean of both ends is taken."""
    low, high = float(row["low"]), float(row["high"])
    mid = float(row.get("mid", (low + high) / 2))
    return Figure(Interval(low, mid, high), row["source"], row["as_of"], row.get("checked", True))


def tariff(text: str | None = None) -> Figure:
    """Price of a kilowatt-hour in US dollars.

    Args:
        text: a region of the file (`de`, `uk`), a number in dollars, or a number with a currency
            (`0.35 EUR`, `0,35 €`); 0 is power of one's own. None takes the default region.

    Raises:
        UsageError: neither a region nor a price from 0 to below 10.
    """
    data = table()
    wanted = (text or data["default_tariff"]).strip().lower()
    for row in data["tariffs"]:
        if wanted == row["region"] or wanted in row["names"]:
            rate, checked, note = _exchange(row["price"], row["currency"])
            usd, note = row["price"] * rate, "; ".join(part for part in (note, row["note"]) if part)
            point = Interval(usd, usd, usd)
            return Figure(point, row["source"], row["as_of"], row["checked"] and checked, note)
    found = _MONEY.fullmatch(wanted)
    amount = float(found[2].replace(",", ".")) if found is not None else -1.0
    if found is None or (found[1] and found[3]) or not 0 <= amount < 10:
        regions = ", ".join(row["region"] for row in data["tariffs"])
        raise UsageError(
            f"`{wanted[:40]}` is no electricity tariff.",
            hint=f"Give dollars per kWh such as 0.18, `0.35 EUR`, 0 for your own power, or one of {regions}.",
        )
    sign = (found[1] or found[3] or "usd").lower()
    rate, checked, note = _exchange(amount, _SIGNS.get(sign, sign.upper()))
    return replace(stated(amount * rate), checked=checked, note=note)


def _exchange(price: float, currency: str) -> tuple[float, bool, str]:
    """Dollars for one unit of a currency, whether that rate was checked, and how it was used in words."""
    rates = table()["exchange_usd"]
    rate = float(rates[currency])
    if currency == "USD":
        return rate, True, ""
    doubt = "" if rates["checked"] else "an unchecked rate, "
    return rate, bool(rates["checked"]), f"{price:g} {currency} at {rate:g} dollars ({doubt}{rates['as_of']})"


def lifetime_months(months: float | None = None) -> Figure:
    """Months over which bought hardware is written off."""
    if months is not None:
        return stated(months)
    row = table()["lifetime_months"]
    value = float(row["value"])
    return Figure(Interval(value, value, value), row["source"], row["as_of"], row["checked"])


def start_hours() -> Figure:
    """Hours a day that a rented instance is paid for beside the work."""
    return figure_of(table()["rent_start_hours"])


def small_bill() -> Figure:
    """Dollars a month that nobody thinks about twice."""
    return figure_of(table()["small_usd_per_month"])


@cache
def record_of(name: str, memory_bytes: int) -> Accelerator | None:
    """The catalog's record of a device; of several that share a name, the one with its memory."""
    found = match_accelerators(load_catalog(), name)
    if len(found) > 1:
        size = memory_bytes / GIB
        found = tuple(sorted(found, key=lambda record: abs((record.memory_gb or 0) - size)))
    return found[0] if found else None


def _record(device: Device) -> Accelerator | None:
    return record_of(device.name, device.memory_bytes)


@dataclass(frozen=True, slots=True)
class HardwarePrice:
    """What a machine costs to buy."""

    price: Figure
    words: str
    """`used card, and a computer around it`."""


def hardware_price(machine: Machine) -> HardwarePrice | None:
    """Street price of a machine bought whole; None where a part's price is not in the file.

    Used prices are taken where they are known, as most buyers of a card for language models do; a machine of
    cards also needs a computer around them.
    """
    data = table()
    if not machine.devices:
        return HardwarePrice(figure_of(data["processor_computer"]), "a new computer without a card")
    total: Figure | None = None
    used, whole = False, False
    for name, count in Counter((device.name, device.memory_bytes) for device in machine.devices).items():
        row = _price_row(*name, machine)
        if row is None:
            return None
        used, whole = used or "used" in row, whole or bool(row.get("computer"))
        part = figure_of(row.get("used") or row["new"]).times(count)
        total = part if total is None else total.plus(part)
    if total is None:
        return None
    condition = "used" if used else "new"
    if whole:
        return HardwarePrice(total, f"a {condition} computer")
    several = len(machine.devices) > 1
    around = "cards, and a computer around them" if several else "card, and a computer around it"
    return HardwarePrice(total.plus(figure_of(data["host"]).times(machine.nodes)), f"{condition} {around}")


def _price_row(name: str, memory_bytes: int, machine: Machine) -> dict[str, Any] | None:
    """The row of a device; of a chip with several memory sizes, the one of this size."""
    record = record_of(name, memory_bytes)
    if record is None:
        return None
    rows = [row for row in table()["hardware"] if row["name"] == record.name]
    sized = [row for row in rows if "memory_gb" in row]
    if not sized:
        return rows[0] if rows else None
    # A unified device holds less than what is installed, so that the installed memory decides.
    installed = (machine.ram_bytes or memory_bytes) / GIB
    return next((row for row in sized if abs(row["memory_gb"] - installed) < 0.5), None)


@dataclass(frozen=True, slots=True)
class Rent:
    """An accelerator that can be rented by the hour."""

    name: str
    community: Figure | None
    """From other people's machines; dollars an hour."""
    secure: Figure | None
    """From a provider's own data centers; dollars an hour."""

    @property
    def range(self) -> Figure:
        """From the cheapest to the dearest listing, with the middle of both."""
        known = [figure for figure in (self.community, self.secure) if figure is not None]
        low, high = min(f.value.low for f in known), max(f.value.high for f in known)
        mid = sum(f.value.mid for f in known) / len(known)
        source = "; ".join(dict.fromkeys(f.source for f in known))
        return Figure(Interval(low, mid, high), source, known[0].as_of, all(f.checked for f in known))


@cache
def rents() -> tuple[Rent, ...]:
    """All accelerators with a rent, as the file lists them."""
    return tuple(
        Rent(
            row["name"],
            figure_of(row["community"]) if "community" in row else None,
            figure_of(row["secure"]) if "secure" in row else None,
        )
        for row in table()["rent"]
    )


def rent_of(machine: Machine) -> Rent | None:
    """The rent of a machine of equal accelerators, for all of them; None where it is not known."""
    names = {record.name if (record := _record(device)) else None for device in machine.devices}
    if len(names) != 1:
        return None
    name = names.pop()
    return next((rent for rent in rents() if rent.name == name), None)


@dataclass(frozen=True, slots=True)
class Power:
    """What a machine draws at the wall, in watts."""

    busy: Interval
    idle: Interval
    words: str
    """How the figures come about."""
    evidence: tuple[Evidence, ...]


def power_of(machine: Machine, watts: float | None = None) -> Power | None:
    """Power of a machine while it generates and while it waits.

    Cards draw a share of their TDP (the catalog's), the rest of the computer beside it; machines with shared
    memory and computers without a card are rows of the file.

    Args:
        machine: the machine.
        watts: the person's own figure for the whole machine under load.

    Returns:
        The power, or None where a TDP is not known and no row fits.
    """
    found = _whole(machine) or _cards(machine)
    if watts is None:
        return found
    busy = Interval(watts, watts, watts)
    # Without anything known of idling, a tenth of the load: what the measured two-card machine shows.
    idle = busy.times(0.1) if found is None else found.idle
    idle = Interval(min(idle.low, watts), min(idle.mid, watts), min(idle.high, watts))
    return Power(busy, idle, f"{watts:g} W under load, set by you", (stated(watts).evidence,))


def _whole(machine: Machine) -> Power | None:
    data = table()["power"]
    if not machine.devices:
        return _row_power(data["processor"], machine.nodes, "a desktop computer without a card")
    record = _record(machine.devices[0])
    for row in data["whole_machine"]:
        if record is not None and re.search(row["match"], record.name):
            return _row_power(row, len(machine.devices), "the whole machine")
    return None


def _row_power(row: dict[str, Any], count: int, words: str) -> Power:
    busy, idle = figure_of(row["busy"]).times(count), figure_of(row["idle"]).times(count)
    return Power(busy.value, idle.value, words, (busy.evidence, idle.evidence))


def _cards(machine: Machine) -> Power | None:
    """TDP times a share, and the rest of the computer."""
    data = table()["power"]
    records = [_record(device) for device in machine.devices]
    if any(record is None or record.tdp_w is None for record in records):
        return None
    tdp = sum(record.tdp_w or 0.0 for record in records if record is not None)
    share, still = figure_of(data["card_busy_share"]), figure_of(data["card_idle_share"])
    name = records[0].name if records[0] is not None else ""
    rest = next(
        (row for row in data["rest_by_name"] if re.search(row["match"], name)),
        {"busy": data["rest_busy_watts"], "idle": data["rest_idle_watts"]},
    )
    beside, quiet = figure_of(rest["busy"]).times(machine.nodes), figure_of(rest["idle"]).times(machine.nodes)
    words = (
        f"{tdp:g} W TDP x {share.value.low:g} to {share.value.high:g}, and {beside.value.low:g} to "
        f"{beside.value.high:g} W for the rest of the computer"
    )
    return Power(
        share.value.times(tdp).plus(beside.value),
        still.value.times(tdp).plus(quiet.value),
        words,
        (
            Evidence("catalog", "TDP of the accelerator catalog", f"{tdp:g} W"),
            share.evidence,
            beside.evidence,
        ),
    )
