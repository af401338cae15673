"""The reserve for desktop and driver: shown, and set by hand."""

from __future__ import annotations

import pytest

from knowledge.errors import UsageError
from tools.budget import host_reserve, room_of
from tools.commands.fit import FitQuery, fit
from tools.commands.hardware import HardwareQuery, hardware
from tools.commands.requests import parse
from tools.hardware import GIB, read_hardware
from tools.hardware_types import Device, Machine, Reserve
from tools.reserve import VARIABLE, asked_reserve, parse_reserve, reserved


@pytest.mark.parametrize(
    ("text", "of_24_gib"),
    [
        ("1GB", GIB), ("1 GiB", GIB), ("512MB", GIB // 2), ("1.5 gb", 3 * GIB // 2), ("1,5GB", 3 * GIB // 2),
        ("0", 0),
        ("10%", int(2.4 * GIB)), ("0%", 0), ("100%", 24 * GIB), ("1TB", 24 * GIB),
    ],
)  # fmt: skip
def test_sizes_and_shares(text: str, of_24_gib: int) -> None:
    assert parse_reserve(text).of(24 * GIB) == pytest.approx(of_24_gib, abs=1)


@pytest.mark.parametrize("text", ["banana", "", "-1GB", "1", "110%", "1 PB", "10%%", "1e3GB", "GB"])
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_reserve(text)
    assert "10%" in error.value.hint


def _machine() -> Machine:
    (machine,) = read_hardware("RTX 3090 + 64GB RAM").machines
    return machine


def test_the_option_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reserved(_machine()) == _machine()
    monkeypatch.setenv(VARIABLE, "4GB")
    assert room_of(reserved(_machine())).device_bytes == (20 * GIB,)
    with asked_reserve("0"):
        assert room_of(reserved(_machine())).device_bytes == (24 * GIB,)
        assert host_reserve(reserved(_machine()), server=False) == 0
    monkeypatch.setenv(VARIABLE, "much")
    with pytest.raises(UsageError, match=VARIABLE):
        reserved(_machine())


def test_machines_with_other_reserves_are_other_machines() -> None:
    with asked_reserve("2GB"):
        assert reserved(_machine()) != _machine()


def test_what_others_hold_already_counts_in_the_reserve() -> None:
    device = Device("card", "cuda", 24 * GIB, None, free_bytes=23 * GIB + GIB // 2)
    assert device.usable_bytes == 23 * GIB  # the reserve of 1 GiB covers the half that is in use
    crowded = Device("card", "cuda", 24 * GIB, None, free_bytes=6 * GIB)
    assert crowded.usable_bytes == 6 * GIB
    greedy = Device("card", "cuda", 24 * GIB, None, reserve=Reserve(share=1.0))
    assert greedy.usable_bytes == 0


def test_hardware_shows_the_reserve_and_why() -> None:
    document = hardware(HardwareQuery(text="RTX 3090 + 64GB RAM"))
    (device,) = document["devices"]
    assert (device["reserve_bytes"], device["usable_bytes"], device["free_bytes"]) == (GIB, 23 * GIB, None)
    assert "desktop" in device["reserve_reason"]
    assert document["ram_reserve_bytes"] == 6 * GIB
    changed = hardware(HardwareQuery(text="RTX 3090 + 64GB RAM", reserve="25%"))
    assert changed["devices"][0]["usable_bytes"] == 18 * GIB
    assert changed["devices"][0]["reserve_reason"] == "set to 25%"
    assert changed["ram_reserve_bytes"] == 16 * GIB


def test_hardware_of_this_machine_tells_what_is_free() -> None:
    document = hardware(HardwareQuery())
    assert document["ram_available_bytes"] <= document["ram_bytes"]
    assert document["disk_free_bytes"] > 0
    assert document["disk_folder"]
    assert document["nodes"] == 1


def test_a_cluster_is_in_the_document() -> None:
    document = hardware(HardwareQuery(text="2 nodes with 8x H100 SXM each, InfiniBand NDR"))
    assert (document["nodes"], len(document["devices"])) == (2, 16)
    assert (document["interconnect"], document["interconnect_gbs"]) == ("NVLink", 900)
    assert (document["network"], document["network_gbs"]) == ("InfiniBand NDR", 50)
    assert document["summary"].startswith(
        "2 nodes, joined by InfiniBand NDR 50 GB/s, each 8 x H100 SXM5 80GB"
    )


def test_fit_keeps_the_reserve_that_was_asked_for() -> None:
    usual = fit(FitQuery(model="llama3.1:8b", hardware="RTX 3060 12GB"))
    kept = fit(parse(FitQuery, {"model": "llama3.1:8b", "hardware": "RTX 3060 12GB", "reserve": "4GB"}))
    none = fit(parse(FitQuery, {"model": "llama3.1:8b", "hardware": "RTX 3060 12GB", "reserve": 0}))
    rooms = [document["memory"]["available_bytes"] for document in (kept, usual, none)]
    assert rooms == [8 * GIB, int(11.5 * GIB), 12 * GIB]
