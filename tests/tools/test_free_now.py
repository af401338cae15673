"""Caveats where this machine has no room at the moment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from knowledge.catalog.names import resolve_model_verbose
from knowledge.catalog.store import load_catalog
from tools import brief as brief_module
from tools.fit_model import FitWish, fit_model
from tools.hardware import GIB, read_hardware
from tools.hardware_types import Machine
from tools.needs import HardwareNeed, Needs, Slot, TaskNeed
from tools.recommend import recommend


def _detected(text: str, *, disk: int = 500 * GIB, available: int = 500 * GIB) -> Machine:
    (machine,) = read_hardware(text).machines
    return replace(
        machine, detected=True, disk_free_bytes=disk, disk_folder="/models", ram_available_bytes=available
    )


def _caveats(machine: Machine) -> list[str]:
    model = resolve_model_verbose(load_catalog(), "llama3.1:8b").record
    return list(fit_model(model, machine, FitWish(quant="Q4_K_M")).as_json()["caveats"])


def test_a_download_larger_than_the_free_disk_is_told() -> None:
    full = _caveats(_detected("RTX 3090 + 64GB RAM", disk=2 * GIB))
    assert any(
        "The download takes 4.6 GiB, and 2.0 GiB are free on the disk of /models" in line for line in full
    )
    assert not any("download" in line for line in _caveats(_detected("RTX 3090 + 64GB RAM")))


@pytest.mark.parametrize("text", ["16-core server without GPU, 64 GB RAM", "M3 Max 64GB"])
def test_memory_that_others_use_is_told_where_it_is_shared(text: str) -> None:
    assert any("close other programs" in line for line in _caveats(_detected(text, available=2 * GIB)))
    assert not any("close other programs" in line for line in _caveats(_detected(text)))


def test_a_card_with_memory_of_its_own_needs_little_system_memory() -> None:
    assert not any(
        "close other" in line for line in _caveats(_detected("RTX 3090 + 64GB RAM", available=2 * GIB))
    )


def test_a_described_machine_has_no_now() -> None:
    (machine,) = read_hardware("RTX 3090 + 64GB RAM").machines
    assert not any("free on the disk" in line for line in _caveats(machine))


def test_recommendations_on_this_machine_carry_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        brief_module, "detect_machine", lambda: _detected("RTX 3090 + 64GB RAM", disk=GIB // 4)
    )
    needs = Needs().updated(task=Slot(value=TaskNeed(name="chat")))
    first = recommend(needs).as_json()["candidates"][0]
    assert any("free on the disk of /models" in line for line in first["caveats"])
    described = needs.updated(hardware=Slot(value=HardwareNeed(text="RTX 3090 + 64GB RAM")))
    assert not any("disk" in line for line in recommend(described).as_json()["candidates"][0]["caveats"])
