"""A table of texts as people write them, with the machine that each of them means."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import pytest

from tools.hardware import GIB, read_hardware

TABLE = Path(__file__).parent / "hardware_texts.csv"
"""Text; accelerators of one node; GiB of all accelerators; GiB of system memory (of one node), empty where
it is unknown; nodes; interconnect; network; how many questions it leaves open."""
with TABLE.open(encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file))


def test_the_table_is_large() -> None:
    assert len(ROWS) >= 300
    assert len({row["text"] for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=[row["text"] for row in ROWS])
def test_text_is_read_as_its_machine(row: dict[str, str]) -> None:
    for text in (row["text"], f"{row['text']}.", f"Now with {row['text']}"):
        reading = read_hardware(text)
        (machine,) = reading.machines
        names = [device.name for device in machine.per_node]
        cards = " + ".join(f"{names.count(name)} x {name}" for name in dict.fromkeys(names))
        ram = "" if machine.ram_bytes is None else f"{machine.ram_bytes / GIB:.1f}"
        found = (cards, f"{machine.accelerator_bytes / GIB:.1f}", ram, str(machine.nodes))
        assert found == (row["per_node"], row["gib"], row["ram_gib"], row["nodes"]), text
        assert (machine.interconnect or "", machine.network or "") == (row["interconnect"], row["network"]), (
            text
        )
        assert len(reading.ambiguous) == int(row["asked"]), text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rtx3o90", "“rtx3o90” read as rtx3090"),
        ("RTX 3900", "“RTX 3900” read as RTX 3090"),
        ("TRX 4090", "“TRX 4090” read as RTX 4090"),
        ("4070S", "“4070S” read as 4070 SUPER"),
        ("Rasberry Pi 5", "“Rasberry” read as raspberry"),
        ("A100 40", "“40” after A100 read as its 40 GB"),
        ("M4 Max 64", "“64” after M4 Max read as 64 GB of memory"),
        ("3090 64", "“64” after 3090 read as 64 GB of system memory"),
        ("2x 16GB DDR5", "2 x 16 GB of RAM are 32 GB"),
        ("Pi 5", "memory not said: Raspberry Pi 5 counted with the usual 8 GB"),
        ("8x H100", "taken as H100 PCIe 80GB, the slower version"),
        ("HGX B200", "HGX B200 counted with 8 GPUs each"),
        ("2x RTX 4090 NVLink", "NVLink was said, but 2x RTX 4090 has none"),
        ("two servers with 4 A100 80GB", "4 accelerators counted in each of the 2 nodes, 8 in all"),
        ("16 H100s over 2 nodes", "16 accelerators counted as 8 in each of the 2 nodes"),
        ("our 3 workstations have an RTX 4090 each", "planned for one of them; say how they are linked"),
        ("an RTX 3080 eGPU on my laptop", "taken as an external card"),
    ],
)
def test_what_was_assumed_is_said(text: str, said: str) -> None:
    (machine,) = read_hardware(text).machines
    assert any(said in line for line in machine.assumptions), machine.assumptions


@pytest.mark.parametrize("text", ["RTX 3095", "RTX 4085", "GTX 1095"])
def test_a_number_near_to_several_cards_is_asked_about(text: str) -> None:
    reading = read_hardware(text)
    assert reading.unknown == (text,)
    assert "nearest:" in reading.notes[0]


@pytest.mark.parametrize(
    ("text", "network", "gbs"),
    [
        ("2 nodes with 8x H100, InfiniBand NDR", "InfiniBand NDR", 50.0),
        ("2 nodes with 8x H100, 100 Gbit/s Ethernet", "Ethernet", 12.5),
        ("3 PCs with RTX 3090 each, 10GbE", "Ethernet", 1.25),
        ("4 Mac mini M4 Pro 64GB linked with Thunderbolt 5", "Thunderbolt 5", 10.0),
        ("two servers with 4 L40S each, 25G Ethernet", "Ethernet", 3.125),
        ("2x DGX Spark over ConnectX-7", "ConnectX-7", 25.0),
        ("2 nodes with 8x H100, InfiniBand", "InfiniBand", None),
    ],
)
def test_networks_have_the_bandwidth_of_their_name(text: str, network: str, gbs: float | None) -> None:
    (machine,) = read_hardware(text).machines
    assert (machine.network, machine.network_gbs) == (network, gbs)


@pytest.mark.parametrize(
    ("text", "gbs"),
    [
        ("2x RTX 3090 NVLink", 112.5),
        ("8x A100 SXM 80GB", 600),
        ("HGX H100", 900),
        ("2x H100 PCIe NVLink", 600),
    ],
)
def test_nvlink_has_the_bandwidth_of_the_card(text: str, gbs: float) -> None:
    (machine,) = read_hardware(text).machines
    assert (machine.interconnect, machine.interconnect_gbs) == ("NVLink", gbs)


@pytest.mark.parametrize(
    "text",
    [
        "RTX 3090, 8 users",
        "RTX 3090 in 2024",
        "an RTX 3090 and 3 colleagues",
        "RTX 3090: 24 tokens per second",
        "RTX 3090, 32k context",
    ],
)
def test_other_numbers_behind_a_card_are_no_memory(text: str) -> None:
    (machine,) = read_hardware(text).machines
    assert (machine.accelerator_bytes, machine.ram_bytes) == (24 * GIB, None)


@pytest.mark.parametrize(
    "text", ["GPT-4o and o1", "we distinguish instincts", "10G Ethernet", "4 nodes", "a 3o pound fine"]
)
def test_slips_and_networks_alone_are_no_machine(text: str) -> None:
    assert read_hardware(text).empty


@pytest.mark.parametrize("text", ["3090, " * 5000, "2 nodes " * 5000, "3o90 " * 5000, "rtx " * 5000])
def test_repetition_is_read_soon(text: str) -> None:
    start = time.process_time()
    read_hardware(text)
    assert time.process_time() - start < 10.0  # a fiftieth of it is usual
