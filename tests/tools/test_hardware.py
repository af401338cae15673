"""Reading machines from free text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.catalog.store import load_catalog
from tools.commands.hardware import machine_as_json
from tools.hardware import GIB, describe, read_hardware
from tools.hardware_machines import shared_bytes
from tools.hardware_terms import load_terms
from tools.hardware_types import Machine

# text; accelerators as "count x name"; GiB of each accelerator; GiB of system memory
ONE_MACHINE: list[tuple[str, str, float, float | None]] = [
    ("RTX 3090 + 64GB RAM", "1 x RTX 3090", 24, 64),
    ("RTX 3090, 64 GB", "1 x RTX 3090", 24, 64),
    ("2x RTX 3090", "2 x RTX 3090", 24, None),
    ("two RTX 3090s", "2 x RTX 3090", 24, None),
    ("a pair of 4090s", "2 x RTX 4090", 24, None),
    ("dual 3090", "2 x RTX 3090", 24, None),
    ("I own 2 3090s and 128 GB DDR5", "2 x RTX 3090", 24, 128),
    ("RTX 3090 24GB x2", "2 x RTX 3090", 24, None),
    ("2x RTX 3090 48GB", "2 x RTX 3090", 24, None),
    ("4 x A100 80GB", "4 x A100 SXM4 80GB", 80, None),
    ("A100-SXM4-80GB", "1 x A100 SXM4 80GB", 80, None),
    ("8xH100", "8 x H100 PCIe 80GB", 80, None),
    ("H100 SXM 80GB", "1 x H100 SXM5 80GB", 80, None),
    ("RTX 4060 Ti 16GB", "1 x RTX 4060 Ti 16GB", 16, None),
    ("an 8GB RTX 4060", "1 x RTX 4060", 8, None),
    ("RTX 3060 12GB, 32 GB of RAM", "1 x RTX 3060 12GB", 12, 32),
    ("RTX 3060 with 12 GB, 32 GB of RAM", "1 x RTX 3060 12GB", 12, 32),
    ("RTX 3060 8GB", "1 x RTX 3060 8GB", 8, None),
    ("M3 Max with 64GB", "1 x Apple M3 Max", 48, 64),
    ("MacBook Pro M2 with 16GB", "1 x Apple M2", 16 * 2 / 3, 16),
    ("M2 Pro, 16 GB unified memory", "1 x Apple M2 Pro", 16 * 2 / 3, 16),
    ("Mac Studio M2 Ultra 192GB", "1 x Apple M2 Ultra", 144, 192),
    ("M2 Ultra 76-Core GPU 192GB", "1 x Apple M2 Ultra", 144, 192),
    ("mac mini m4 pro 48gb", "1 x Apple M4 Pro", 36, 48),
    ("MacBook Air 8GB", "1 x Apple silicon", 8 * 2 / 3, 8),
    ("my M1 Air 8GB", "1 x Apple M1", 8 * 2 / 3, 8),
    ("Strix Halo 128GB (96 GPU)", "1 x Ryzen AI Max+ 395", 96, 128),
    ("Ryzen AI Max+ 395", "1 x Ryzen AI Max+ 395", 64, 128),
    ("DGX Spark", "1 x DGX Spark", 119, 128),
    ("Jetson Orin Nano 8GB", "1 x Jetson Orin Nano Super 8GB", 6.4, 8),
    ("48GB card", "1 x card with 48 GB", 48, None),
    ("24 GB of VRAM", "1 x card with 24 GB", 24, None),
    ("desktop with 12 GB VRAM and 64 GB DDR4", "1 x card with 12 GB", 12, 64),
    ("RAM 64GB VRAM 24GB", "1 x card with 24 GB", 24, 64),
    ("2 GPUs with 24GB each", "2 x card with 24 GB", 24, None),
    ("two 24GB cards", "2 x card with 24 GB", 24, None),
    ("GTX 1660, 6 GB", "1 x GTX 1660", 6, None),
    ("RX 7900 XTX", "1 x RX 7900 XTX", 24, None),
    ("Arc A770", "1 x Arc A770", 16, None),
    ("Tesla P40", "1 x Tesla P40", 24, None),
    ("MI300X", "1 x MI300X", 192, None),
    ("L40S", "1 x L40S", 48, None),
    ("RTX 6000 Ada 48GB", "1 x RTX 6000 Ada", 48, None),
    ("RTX A6000", "1 x RTX A6000", 48, None),
    ("RTX PRO 6000", "1 x RTX PRO 6000 Blackwell", 96, None),
    ("RTX PRO 6000 Blackwell Workstation Edition 96GB", "1 x RTX PRO 6000 Blackwell", 96, None),
    ("RTX 4090 laptop", "1 x RTX 4090 Mobile", 16, None),
    ("NVIDIA GeForce RTX 3060 Laptop GPU", "1 x RTX 3060 Mobile", 6, None),
    ("a laptop with an RTX 4070 and 32GB of memory", "1 x RTX 4070 Mobile", 8, 32),
    ("gaming laptop (RTX 4060, 16GB)", "1 x RTX 4060 Laptop", 8, 16),
    ("my gaming PC with a 3080", "1 x RTX 3080", 10, None),
    ("RTX3090ti", "1 x RTX 3090 Ti", 24, None),
    ("gtx 1660ti", "1 x GTX 1660 Ti", 6, None),
    ("radeon 7900xtx", "1 x RX 7900 XTX", 24, None),
    ("nvidia 3070 8gb", "1 x RTX 3070", 8, None),
    ("4090", "1 x RTX 4090", 24, None),
    ("RTX 3090 (24GB) with 64 gigs", "1 x RTX 3090", 24, 64),
    ("RTX 3090 mit 24 GB und 64,0 GB Arbeitsspeicher", "1 x RTX 3090", 24, 64),
    ("RTX\u00a03090 with 0.5 TB RAM", "1 x RTX 3090", 24, 512),
    ("2\u00d7 RTX A6000, 256 GiB RAM", "2 x RTX A6000", 48, 256),
    ("Ministral 3 8B on a 3060 Ti", "1 x RTX 3060 Ti", 8, None),
    ("Qwen3.5-4B vs gemma-4-26B-A4B on RTX 4070 Ti SUPER", "1 x RTX 4070 Ti SUPER", 16, None),
    ("g5.12xlarge", "4 x A10G", 24, 192),
    ("free Colab", "1 x Tesla T4", 16, 12.7),
    ("I have an 8GB RTX 4060 and want a 70B model with 128k context at 30 tok/s", "1 x RTX 4060", 8, None),
    ("One H100 80GB, 64 concurrent users with 4k tokens each", "1 x H100 PCIe 80GB", 80, None),
    ("[bold]RTX 3090[/bold]", "1 x RTX 3090", 24, None),
    ("RTX4070TiSuper", "1 x RTX 4070 Ti SUPER", 16, None),
    ("Nvidia RTX 4070ti super, 64go ram", "1 x RTX 4070 Ti SUPER", 16, 64),
    ("RTX 4090 (24 GB VRAM), Ryzen 9 7950X, 128GB DDR5-6000", "1 x RTX 4090", 24, 128),
    ("A100 x 4, 80GB each", "4 x A100 SXM4 80GB", 80, None),
    ("Kaggle T4 x2", "2 x Tesla T4", 16, None),
    ("3090/64GB", "1 x RTX 3090", 24, 64),
    ("48GB of VRAM across two 3090s", "2 x RTX 3090", 24, None),
    ("the 16 GB version of the 4060 Ti", "1 x RTX 4060 Ti 16GB", 16, None),
    ("my RTX 3080 has only 10GB", "1 x RTX 3080", 10, None),
    ("a Radeon 6800 XT with 16GB", "1 x RX 6800 XT", 16, None),
    ("128GB M4 Max", "1 x Apple M4 Max", 96, 128),
    ('16" MacBook Pro, M1 Max, 32 GB', "1 x Apple M1 Max", 32 * 2 / 3, 32),
]

# text; GiB of system memory; GB/s; cores
CPU_ONLY: list[tuple[str, float, float, int | None]] = [
    ("16-core server without GPU, 64 GB RAM", 64, 204.8, 16),
    ("EPYC 9004 with 384 GB", 384, 460.8, None),
    ("8 GB RAM laptops, mostly without a GPU", 8, 51.2, None),
    ("their own 8GB laptops", 8, 51.2, None),
    ("Chromebook 4GB", 4, 25.6, None),
    ("Raspberry Pi 5 8GB", 8, 17.1, 4),
    ("CPU only, 32 GB", 32, 51.2, None),
    ("my old thinkpad with 16 gb ram, no gpu", 16, 51.2, None),
    ("64 GB RAM and a Ryzen 9 7950X", 64, 89.6, None),
    ("dual EPYC 7763, 512 GB DDR4", 512, 204.8, None),
    ("keine Grafikkarte, 16 GB RAM", 16, 51.2, None),
    ("an Intel NUC with 16GB", 16, 25.6, None),
    ("there is no GPU in the server, 128 GB of memory", 128, 204.8, None),
    ("five-year-old office PCs with 8 GB of memory and no graphics card", 8, 51.2, None),
    ("I have no GPU, only an old i5 laptop with 8GB of RAM", 8, 51.2, None),
    ("Intel Xeon Gold 6430, 256GB", 256, 204.8, None),
]

NOT_HARDWARE = [
    "3090 tickets",
    "4k tokens",
    "70B model",
    "30 tokens per second",
    "Llama 3.1 8B",
    "we use bge-m3 and m3e",
    "20 fixed categories",
    "16k tokens",
    "Python 3.11",
    "GPT-4",
    "Apache 2.0",
    "nothing may leave the machine",
    "machine learning on 5 GB of text",
    "German at A2 level, a B2B product",
    "The price was 4090 dollars in 2070",
    "I have $4090 and 3090€",
    "the year 2080, 1080p video",
    "a 20GB model on a 100GB disk",
    "",
    "   ",
    "936 GB/s",
    "summarise reports of up to 100 pages",
    "on a CPU server, thousands per minute",
    "intfloat/e5, bge-m3, gte",
]


def _summary(machine: Machine) -> str:
    names = [device.name for device in machine.devices]
    return " + ".join(f"{names.count(name)} x {name}" for name in dict.fromkeys(names))


@pytest.mark.parametrize(("text", "cards", "gib", "ram"), ONE_MACHINE)
def test_reads_one_machine(text: str, cards: str, gib: float, ram: float | None) -> None:
    """Each text names one machine, whatever stands around it."""
    for sentence in (text, f"Hello! I have {text}.", f"What runs on this: {text}, for work?"):
        (machine,) = read_hardware(sentence).machines
        assert _summary(machine) == cards, sentence
        assert machine.devices[0].memory_bytes / GIB == pytest.approx(gib, rel=0.001), sentence
        assert (machine.ram_bytes or 0) / GIB == pytest.approx(ram or 0, rel=0.001), sentence


@pytest.mark.parametrize(("text", "ram", "bandwidth", "cores"), CPU_ONLY)
def test_reads_computers_without_accelerator(
    text: str, ram: float, bandwidth: float, cores: int | None
) -> None:
    reading = read_hardware(text)
    (machine,) = reading.machines
    assert machine.devices == ()
    assert machine.ram_bytes == ram * GIB
    assert machine.ram_bandwidth_gbs == bandwidth
    assert machine.cpu_cores == cores
    assert not reading.none
    assert any("assumed" in line for line in machine.assumptions)


@pytest.mark.parametrize("text", NOT_HARDWARE)
def test_other_text_is_not_hardware(text: str) -> None:
    assert read_hardware(text).empty


@pytest.mark.parametrize("text", ["no GPU at all", "none", "None.", "I don't have a GPU", "startup, no GPU"])
def test_nothing_to_run_on(text: str) -> None:
    reading = read_hardware(text)
    assert reading.none
    assert reading.machines == ()


@pytest.mark.parametrize(
    ("text", "options", "gib"),
    [
        ("RTX 4060 Ti", 2, 8),
        ("A100", 2, 40),
        ("4 A100s", 2, 40),
        ("RTX 6000", 3, 24),
        ("M3 Max", 5, 27),
        ("RTX 3090 or RTX 4070", 2, 12),
        ("Jetson Orin", 3, 6.4),
    ],
)
def test_ambiguous_names_give_choices_and_the_smallest_machine(text: str, options: int, gib: float) -> None:
    reading = read_hardware(text)
    (choice,) = reading.ambiguous
    assert len(choice.options) == options
    assert reading.machines[0].devices[0].memory_bytes / GIB == pytest.approx(gib, rel=0.001)


def test_usual_version_is_an_assumption_not_a_question() -> None:
    reading = read_hardware("a 3080")
    assert reading.ambiguous == ()
    assert any("12 GB" in line for line in reading.machines[0].assumptions)


def test_memory_that_contradicts_the_card_is_asked_about() -> None:
    reading = read_hardware("RTX 3090 with 48GB")
    assert "not 48 GB" in reading.notes[0]
    assert "2 x RTX 3090, 48 GB together" in reading.ambiguous[0].options
    assert reading.machines[0].accelerator_bytes == 24 * GIB


def test_unknown_card_names_the_nearest() -> None:
    reading = read_hardware("an RTX 9999 with 24 GB")
    assert reading.unknown == ("RTX 9999",)
    assert "nearest:" in reading.notes[0]
    assert reading.machines[0].accelerator_bytes == 24 * GIB
    assert read_hardware("M5 Ultra 256GB").unknown == ("M5 Ultra",)
    assert "GTX 1080" in read_hardware("NVIDIA GTX 1090").notes[0]


@pytest.mark.parametrize("text", ["0 GB of RAM", "10000 GPUs", "10000 RTX 3090s", "RTX 3090, 900000 GB RAM"])
def test_absurd_figures_are_noted(text: str) -> None:
    reading = read_hardware(text)
    assert reading.notes
    assert sum(len(machine.devices) for machine in reading.machines) <= 1


def test_training_and_use_are_two_machines() -> None:
    reading = read_hardware("training on one A10G 24GB, running on an M3 Max 64GB")
    assert [(m.devices[0].name, m.purpose) for m in reading.machines] == [
        ("A10G", "train"),
        ("Apple M3 Max", "use"),
    ]
    assert reading.for_training()[0].devices[0].name == "A10G"
    assert reading.for_use()[0].devices[0].name == "Apple M3 Max"


def test_whole_computers_are_machines_of_their_own() -> None:
    reading = read_hardware("I will train on an RTX 4090 and deploy on a Raspberry Pi 5 8GB")
    assert [m.purpose for m in reading.machines] == ["train", "use"]
    assert reading.machines[1].ram_bytes == 8 * GIB
    assert len(read_hardware("RTX 3090 and a Mac Studio with 128GB").machines) == 2
    assert len(read_hardware("RTX 5090 + RTX 3090, 96GB DDR5").machines) == 1


@pytest.mark.parametrize(
    ("text", "machines"),
    [
        (
            "My workstation has an RTX A5000 and 128GB RAM; the server has 4 A100 80GB.",
            [("1 x RTX A5000", 128, "both", False), ("4 x A100 SXM4 80GB", None, "both", False)],
        ),
        (
            "fine-tuning on 2x A100 80GB in the cloud, inference on an RTX 4060 8GB laptop",
            [("2 x A100 SXM4 80GB", None, "train", True), ("1 x RTX 4060 Laptop", None, "use", False)],
        ),
        (
            "We rent an H100 for training and deploy to CPU-only VMs with 32 GB RAM",
            [("1 x H100 PCIe 80GB", None, "train", True), ("", 32, "use", False)],
        ),
        (
            "I only have an 8GB M1, but I can rent an A100 80GB for a day",
            [("1 x Apple M1", 8, "both", False), ("1 x A100 SXM4 80GB", None, "both", True)],
        ),
    ],
)
def test_several_machines(text: str, machines: list[tuple[str, float | None, str, bool]]) -> None:
    found = [
        (_summary(m), None if m.ram_bytes is None else m.ram_bytes / GIB, m.purpose, m.rented)
        for m in read_hardware(text).machines
    ]
    assert found == machines


@pytest.mark.parametrize(
    ("text", "purpose", "rented"),
    [
        ("QLoRA, on a rented A10G with 24 GB", "train", True),
        ("rented H100", "both", True),
        ("fine-tune a model and then run it on my M3 Max with 64GB", "use", False),
        ("I fine-tune on my 3090 and run it there too", "both", False),
        ("a GTX 1660 6GB for training", "train", False),
        ("the H100 is rented", "both", True),
        ("2x T4 on Kaggle", "both", True),
    ],
)
def test_purpose_and_rent(text: str, purpose: str, rented: bool) -> None:
    (machine,) = read_hardware(text).machines
    assert (machine.purpose, machine.rented) == (purpose, rented)


def test_the_same_card_named_twice_is_one_card() -> None:
    (machine,) = read_hardware(
        "I have an RTX 3090. What fits on my RTX 3090? It sits beside 64 GB of RAM."
    ).machines
    assert _summary(machine) == "1 x RTX 3090"
    assert machine.ram_bytes == 64 * GIB


def test_macos_limit_follows_the_measured_steps() -> None:
    rule = load_terms().unified_share["apple"]
    measured_mib = {16: 10922, 32: 21845, 64: 49152, 96: 73728}
    for total, mib in measured_mib.items():
        assert shared_bytes(total, rule) / 2**20 == pytest.approx(mib, abs=2)


def test_kinds_of_devices() -> None:
    kinds = {
        "RTX 3090": "cuda", "RX 7900 XTX": "rocm", "RX 580": "vulkan", "Arc A770": "vulkan",
        "M2 Pro 16GB": "metal", "Strix Halo 128GB": "vulkan", "Jetson Orin Nano 8GB": "cuda",
    }  # fmt: skip
    assert {text: read_hardware(text).machines[0].devices[0].kind for text in kinds} == kinds
    assert read_hardware("L40S").machines[0].devices[0].datacenter
    assert not read_hardware("RTX 3090").machines[0].devices[0].datacenter


def test_describe_and_json() -> None:
    (machine,) = read_hardware("2x RTX 3090 + 64GB RAM").machines
    assert describe(machine) == "2 x RTX 3090, 24 GiB, 936 GB/s; 64 GiB RAM"
    document = json.loads(json.dumps(machine_as_json(machine)))
    assert document["devices"][0]["memory_bytes"] == 24 * GIB
    assert document["ram_bytes"] == 64 * GIB
    assert describe(read_hardware("Chromebook 4GB").machines[0]) == "no accelerator; 4 GiB RAM at 26 GB/s"


def test_every_accelerator_is_found_by_its_own_name() -> None:
    """No record is shadowed by another one's spelling."""
    missed = []
    for record in load_catalog().accelerators:
        reading = read_hardware(record.name)
        sizes = {device.memory_bytes for machine in reading.machines for device in machine.devices}
        options = [option for choice in reading.ambiguous for option in choice.options]
        if not sizes and not options:
            missed.append(record.name)
    assert missed == []


@given(st.text(max_size=300))
def test_never_raises(text: str) -> None:
    read_hardware(text)


@given(st.integers(1, 64), st.sampled_from(["RTX 3090", "L40S", "RX 7900 XTX", "RTX 6000 Ada"]))
def test_counts_survive_every_spelling(count: int, name: str) -> None:
    for text in (f"{count}x {name}", f"{count} x {name}", f"{name} x{count}", f"{count}\u00d7{name}"):
        (machine,) = read_hardware(text).machines
        assert len(machine.devices) == count, text
