"""Other machines for the same needs: more memory, more devices, and what can be bought, cheapest first."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from tools.brief import Brief, defaults
from tools.budget import GIB
from tools.hardware import read_hardware
from tools.hardware_types import Device, Machine
from tools.prices import Figure, figure_of
from tools.prices import table as prices
from tools.reserve import reserved

CARD_STEPS_GIB = (8, 12, 16, 24, 32, 48, 80, 96, 141, 192)
MOST_DEVICES = 8
ROOMY_GIB = 768
PORTABLE = re.compile(r"(?i)\b(laptop|notebook|mobile|max-q)\b")
"""A computer that takes no other card."""


def with_machine(brief: Brief, machine: Machine) -> Brief:
    """The same needs on another machine; what trained on the old one trains on the new one."""
    same = brief.training_machine == brief.machine
    return replace(brief, machine=machine, training_machine=machine if same else brief.training_machine)


def larger(machine: Machine) -> Iterator[tuple[str, Machine]]:
    """The same machine with the next larger memory sizes per device, nearest first."""
    if not machine.devices:
        ram = machine.ram_bytes or 0
        for factor in (2, 4, 8) if ram else ():
            yield f"{factor * ram / GIB:.0f} GiB of system memory", replace(machine, ram_bytes=factor * ram)
        return
    largest = max(device.memory_bytes for device in machine.devices)
    for step in (s for s in CARD_STEPS_GIB if s * GIB > largest * 1.2):
        devices = tuple(replace(d, memory_bytes=step * GIB, free_bytes=None) for d in machine.devices)
        word = "a device" if len(devices) == 1 else f"{len(devices)} devices"
        yield f"{word} with {step} GiB", replace(machine, devices=devices)


def roomiest(machine: Machine) -> Machine:
    """The same machine with more memory than any that could replace it."""
    devices = tuple(replace(d, memory_bytes=ROOMY_GIB * GIB, free_bytes=None) for d in machine.devices)
    return replace(machine, devices=devices, ram_bytes=ROOMY_GIB * GIB)


def multiplied(machine: Machine) -> Iterator[tuple[str, Machine]]:
    """Every device twice, then four times."""
    if not machine.devices or machine.devices[0].unified:
        return
    counts = Counter(device.name for device in machine.devices)
    for factor in (2, 4):
        if factor * len(machine.devices) > MOST_DEVICES:
            return
        words = " and ".join(f"{factor * count} x {name}" for name, count in counts.items())
        yield words, replace(machine, devices=machine.devices * factor)


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that can be bought: a card or a whole computer."""

    name: str
    machine: Machine
    price: Figure
    condition: str
    """`new` or `used`."""
    whole: bool

    @property
    def bytes(self) -> int:
        """Memory of its accelerators."""
        return self.machine.accelerator_bytes


@cache
def offers() -> tuple[Offer, ...]:
    """What the price file lists, cheapest first; a used price where there is one."""
    found = []
    for row in prices()["hardware"]:
        whole = bool(row.get("computer"))
        size = f" {row['memory_gb']}GB" if "memory_gb" in row else ""
        machines = read_hardware(row["name"].split(" (")[0] + size).machines
        condition = "used" if "used" in row else "new"
        if len(machines) == 1 and machines[0].devices:
            found.append(
                Offer(
                    row["name"] + size.replace("GB", " GB"),
                    machines[0],
                    figure_of(row[condition]),
                    condition,
                    whole,
                ),
            )
    return tuple(sorted(found, key=lambda offer: offer.price.value.mid))


def upgrades(machine: Machine, *, training: bool = False) -> Iterator[tuple[str, Machine]]:
    """What could be bought in place of this machine's devices: each dearer one has more memory.

    A computer that takes cards gets another card, any other is replaced as a whole.

    Args:
        machine: what is there.
        training: only what the usual training programs run on.
    """
    if machine.rented or machine.nodes > 1 or len(machine.devices) > 2:
        return
    fixed = PORTABLE.search(machine.name) or any(d.unified for d in machine.devices)
    most = machine.accelerator_bytes
    for offer in offers():
        if offer.bytes <= most or (fixed and not offer.whole):
            continue
        if training and any(device.kind != "cuda" for device in offer.machine.devices):
            continue
        most = offer.bytes
        price = f"about ${offer.price.value.mid:,.0f} {offer.condition}"
        doubt = "" if offer.price.checked else ", an unchecked price"
        bought = offer.machine if offer.whole else replace(machine, devices=offer.machine.devices)
        yield f"{_article(offer.name)} {offer.name} ({price}{doubt})", reserved(bought)


def _article(name: str) -> str:
    return "an" if name[:1] in "AEIOLMNRSFHX" and name[:2] not in ("Ra", "Ry", "Ma", "Ge") else "a"


def nowhere() -> Iterator[tuple[str, Machine]]:
    """Machines for a person who named none."""
    bandwidth = float(defaults()["generic_bandwidth_gbs"])
    computer = Machine("computer", ram_bytes=16 * GIB, ram_bandwidth_gbs=bandwidth)
    device = Device("device with 24 GiB", "cuda", 24 * GIB, None)
    yield "a computer with 16 GiB of system memory", computer
    yield "a device with 24 GiB", replace(computer, devices=(device,))
