"""The memory that is kept free, set by hand: `--reserve`, or `LLM_ADVISOR_RESERVE` in the environment.

It takes the place of the usual reserve on every accelerator and in system memory (`tools.budget`). It travels
with the machine, so that what is solved for one reserve is never given for another.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace

from knowledge.errors import UsageError
from tools.hardware_types import Device, Machine, Reserve

VARIABLE = "LLM_ADVISOR_RESERVE"
_SHAPE = re.compile(r"\s*(\d{1,7}(?:[.,]\d{1,3})?)\s*(%|[kmgt]?i?b)?\s*", re.IGNORECASE)
_UNITS = {"b": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30, "tb": 1 << 40}
"""Memory is counted as its makers sell it: a GB of it is a GiB."""
_HINT = 'A size such as "1GB" or "512MB", a share such as "10%", or 0.'
_asked: ContextVar[Reserve | None] = ContextVar("reserve", default=None)


def parse_reserve(text: str) -> Reserve:
    """Reads `1GB`, `512 MiB`, `10%` or `0`.

    Raises:
        UsageError: It is none of these, or more than all of the memory.
    """
    found = _SHAPE.fullmatch(text)
    unit = (found.group(2) or "").lower().replace("i", "") if found else ""
    number = float(found.group(1).replace(",", ".")) if found else 0.0
    if found is None or (not unit and number) or (unit == "%" and number > 100):
        shown = text.strip()[:40]
        raise UsageError(f"`{shown}` is no memory to keep free.", hint=_HINT)
    if unit == "%":
        return Reserve(share=number / 100, words=text.strip())
    return Reserve(size_bytes=int(number * _UNITS.get(unit, 1)), words=text.strip())


@contextmanager
def asked_reserve(text: str | None) -> Iterator[None]:
    """Within it, machines keep this reserve; None leaves what the environment says.

    Raises:
        UsageError: The text is no reserve.
    """
    token = _asked.set(parse_reserve(text) if text is not None else _asked.get())
    try:
        yield
    finally:
        _asked.reset(token)


def reserved(machine: Machine) -> Machine:
    """The machine with the reserve that was asked for; unchanged where none was.

    Raises:
        UsageError: The environment names something else than a reserve.
    """
    reserve = _asked.get()
    named = os.environ.get(VARIABLE, "").strip()
    if reserve is None and named:
        try:
            reserve = parse_reserve(named)
        except UsageError as error:
            raise UsageError(f"{VARIABLE}: {error.message}", hint=error.hint) from None
    if reserve is None:
        return machine
    devices = tuple(replace(device, reserve=reserve) for device in machine.devices)
    return replace(machine, devices=devices, ram_reserve=reserve)


def reason(device: Device) -> str:
    """Why this much of a device is kept free."""
    if device.reserve is not None:
        return f"set to {device.reserve.words}"
    if device.unified:
        return "none: the share of the shared memory leaves the rest to the system"
    if device.datacenter:
        return "none: no desktop draws on a server card"
    return "desktop, driver and other programs: 1/24 of the memory, at most 1 GiB"


def ram_reason(machine: Machine) -> str:
    """Why this much of the system memory is kept free."""
    if machine.ram_reserve is not None:
        return f"set to {machine.ram_reserve.words}"
    return "the system and other programs"
