"""Needs, machines and models that the tests of the decision share."""

from __future__ import annotations

from functools import cache
from typing import Any

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from tools.brief import Brief, brief_of
from tools.candidates import Candidate, Recommendation
from tools.hardware import read_hardware
from tools.hardware_types import Device, Machine
from tools.needs import (
    Budget,
    Dataset,
    Deployment,
    HardwareNeed,
    LicenseNeed,
    ModelWish,
    Needs,
    Slot,
    TaskNeed,
    Training,
    Volume,
)
from tools.recommend import recommend

GIB = 1 << 30
Place = str | Slot[HardwareNeed] | None
DESKTOP = "RTX 3090 + 64GB RAM"
MACHINES = (
    DESKTOP,
    "RTX 3060 12GB + 32 GB RAM",
    "2x RTX 3090 + 64 GB RAM",
    "RTX 5090 + RTX 3090",
    "M3 Max 64GB",
    "laptop with 16 GB RAM, no GPU",
    "2x H100 SXM",
    "RX 7900 XTX",
)


def needs(task: str = "chat", hardware: Place = DESKTOP, **slots: Any) -> Needs:
    """Needs from plain values: a slot's own type, or the keys of its structured value."""
    kinds = {
        "deployment": Deployment,
        "license": LicenseNeed,
        "volume": Volume,
        "budget": Budget,
        "training": Training,
        "dataset": Dataset,
        "model": ModelWish,
    }
    filled: dict[str, Slot[Any]] = {"task": Slot(value=TaskNeed.model_validate({"name": task}))}
    if hardware is not None:
        filled["hardware"] = (
            Slot(value=HardwareNeed(text=hardware)) if isinstance(hardware, str) else hardware
        )
    for name, value in slots.items():
        if isinstance(value, Slot):
            filled[name] = value
        else:
            filled[name] = Slot(value=kinds[name](**value) if name in kinds else value)
    return Needs().updated(**filled)


NOWHERE: Slot[HardwareNeed] = Slot(value=HardwareNeed(text="", none=True))


def brief(task: str = "chat", hardware: Place = DESKTOP, **slots: Any) -> Brief:
    return brief_of(needs(task, hardware, **slots))


@cache
def recommended(wanted: str) -> Recommendation:
    """A recommendation by the JSON text of its needs, computed once in a test run."""
    return recommend(Needs.model_validate_json(wanted))


def answer(task: str = "chat", hardware: Place = DESKTOP, **slots: Any) -> Recommendation:
    return recommended(needs(task, hardware, **slots).model_dump_json())


def best(task: str = "chat", hardware: Place = DESKTOP, **slots: Any) -> Candidate:
    found = answer(task, hardware, **slots)
    assert found.candidates, found.error
    return found.candidates[0]


@cache
def machine(text: str) -> Machine:
    return read_hardware(text).machines[0]


def card(gib: float, *, kind: str = "cuda", bandwidth: float | None = 900.0, unified: bool = False) -> Device:
    return Device(
        name=f"card of {gib:g} GiB",
        kind=kind,  # type: ignore[arg-type]
        memory_bytes=int(gib * GIB),
        bandwidth_gbs=bandwidth,
        compute_capability=8.6 if kind == "cuda" else None,
        unified=unified,
    )


def box(*gib: float, ram: float | None = None, unified: bool = False) -> Machine:
    kind = "metal" if unified else "cuda"
    return Machine(
        name="box",
        devices=tuple(card(size, kind=kind, unified=unified) for size in gib),
        ram_bytes=None if ram is None else int(ram * GIB),
        ram_bandwidth_gbs=None if ram is None else 51.2,
    )


def model(model_id: str) -> ModelRecord:
    found = load_catalog().model(model_id)
    assert found is not None, model_id
    return found
