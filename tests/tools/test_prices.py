"""The price file: every figure dated and sourced, and read as the catalog names things."""

from __future__ import annotations

import re
from typing import Any

import pytest

from knowledge.catalog.store import load_catalog
from knowledge.errors import UsageError
from tests.tools.asking import GIB, box, machine
from tools.hardware import read_hardware
from tools.hardware_types import Device, Machine
from tools.prices import hardware_price, power_of, rent_of, rents, table, tariff


def _figures(value: Any) -> list[dict[str, Any]]:
    """Every object of the file that holds a figure."""
    if isinstance(value, dict):
        own = [value] if "low" in value or "price" in value or "value" in value else []
        return own + [found for part in value.values() for found in _figures(part)]
    return [found for part in value for found in _figures(part)] if isinstance(value, list) else []


def test_every_figure_has_a_source_a_date_and_a_sane_interval() -> None:
    figures = _figures(table())
    assert len(figures) > 80
    for figure in figures:
        assert len(figure["source"]) > 10, figure
        assert re.fullmatch(r"20\d\d(-\d\d)?", figure["as_of"]), figure
        assert isinstance(figure["checked"], bool)
        if "low" in figure:
            assert 0 < figure["low"] <= figure.get("mid", figure["high"]) <= figure["high"], figure
    memory = [f for f in figures if "from memory" in f["source"] and "low end" not in f["source"]]
    assert memory
    assert not [f for f in memory if f["checked"]]


def test_hardware_and_rents_are_records_of_the_catalog() -> None:
    names = {record.name for record in load_catalog().accelerators}
    for row in (*table()["hardware"], *table()["rent"]):
        assert row["name"] in names, row["name"]
    for row in table()["hardware"]:
        assert "new" in row or "used" in row


def test_every_rent_is_found_again_by_the_words_for_its_machine() -> None:
    for rent in rents():
        found = rent_of(read_hardware(rent.name).machines[0])
        assert found == rent
        assert rent.range.value.low <= rent.range.value.mid <= rent.range.value.high


def test_a_community_rent_is_not_above_the_secure_one() -> None:
    for rent in rents():
        if rent.community is not None and rent.secure is not None:
            assert rent.community.value.low <= rent.secure.value.low, rent.name


def test_tariffs_by_region_number_and_currency() -> None:
    us, de = tariff("us"), tariff("DE")
    assert us.value.mid == pytest.approx(0.1805)
    assert tariff() == us
    rate = table()["exchange_usd"]["EUR"]
    assert de.value.mid == pytest.approx(0.3835 * rate)
    assert "0.3835 EUR" in de.note
    assert tariff("germany") == de
    assert tariff("0.25").value.mid == 0.25
    assert tariff("0.25").as_of is None
    assert tariff("0.35 EUR").value.mid == pytest.approx(0.35 * rate)
    for words in ("€0.35", "0,35 EUR", "0,35€", "EUR 0.35 per kWh"):
        assert tariff(words) == tariff("0.35 EUR"), words
    assert tariff("$0.20").value == tariff("0.2").value
    assert tariff("0").value.high == 0  # the sun's
    assert tariff("0.1 GBP").value.mid == pytest.approx(0.1 * table()["exchange_usd"]["GBP"])


@pytest.mark.parametrize("text", ["banana", "-1", "12", "0.2 yen", "nan", "1e9", "€0.2 EUR", "0,3,5"])
def test_what_is_no_tariff_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        tariff(text)


def test_the_measured_two_card_machine_lies_within_its_power() -> None:
    """About 760 W at the wall under load and 90 W idle were measured (LocalLLaMA)."""
    power = power_of(machine("2x RTX 3090 + 64 GB RAM"))
    assert power is not None
    assert power.busy.low < 760 < power.busy.high
    assert power.idle.low < 90 < power.idle.high


def test_power_of_other_machines() -> None:
    mac = power_of(machine("Apple M4 Max 64GB"))
    assert mac is not None
    assert (mac.busy.low, mac.busy.high) == (60, 100)
    desktop, laptop = power_of(machine("RTX 4060")), power_of(machine("laptop with RTX 4060"))
    assert desktop is not None
    assert laptop is not None
    assert laptop.busy.mid < desktop.busy.mid
    cpu = power_of(Machine("pc", ram_bytes=32 * GIB))
    assert cpu is not None
    assert cpu.busy.low > 50


def test_an_unknown_tdp_is_unknown_power_unless_it_is_set() -> None:
    strange = Machine("x", (Device("no such card", "cuda", 24 * GIB, 900.0),))
    assert power_of(strange) is None
    stated = power_of(strange, 400)
    assert stated is not None
    assert stated.busy.mid == 400
    assert 0 < stated.idle.mid < 400
    assert power_of(box(24)) is None


def test_price_of_a_machine() -> None:
    one, two = hardware_price(machine("RTX 3090")), hardware_price(machine("2x RTX 3090 + 64 GB RAM"))
    assert one is not None
    assert two is not None
    row = next(row for row in table()["hardware"] if row["name"] == "GeForce RTX 3090")
    assert two.price.value.low - one.price.value.low == pytest.approx(row["used"]["low"])
    assert one.price.value.low == pytest.approx(row["used"]["low"] + table()["host"]["low"])
    assert "used" in one.words
    small, large = (hardware_price(machine(f"Apple M4 Max {size}GB")) for size in (64, 128))
    assert small is not None
    assert large is not None
    assert small.price.value.high < large.price.value.high
    assert hardware_price(box(24)) is None


def test_a_converted_tariff_is_as_sure_as_its_exchange_rate() -> None:
    assert table()["exchange_usd"]["checked"] is False
    for text in ("de", "uk", "0.35 EUR"):
        found = tariff(text)
        assert found.checked is False, text
        assert "unchecked rate" in found.note
    assert tariff("us").checked
    assert tariff("0.25").checked
    assert not tariff("0.25").note
    assert tariff("de").evidence.source.startswith("unchecked")
    assert "unchecked rate" in tariff("0.35 EUR").evidence.source
