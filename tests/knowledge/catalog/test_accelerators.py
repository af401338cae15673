from __future__ import annotations

import pytest

from knowledge.catalog.accelerators import match_accelerators, resolve_accelerator
from knowledge.catalog.store import Catalog, load_catalog
from knowledge.errors import AmbiguousNameError, UnknownNameError


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("3090", ["GeForce RTX 3090"]),
        ("rtx3090", ["GeForce RTX 3090"]),
        ("NVIDIA GeForce RTX 3090", ["GeForce RTX 3090"]),
        ("RTX 3090 24GB", ["GeForce RTX 3090"]),
        ("RTX 3090 48GB", []),
        ("3090 Ti", ["GeForce RTX 3090 Ti"]),
        ("RTX 4060 Ti", ["GeForce RTX 4060 Ti 16 GB", "GeForce RTX 4060 Ti 8 GB"]),
        ("4060ti 16 GB", ["GeForce RTX 4060 Ti 16 GB"]),
        ("RTX 4060", ["GeForce RTX 4060"]),
        ("A100", ["A100 SXM4 80 GB", "A100 PCIe 40 GB", "A100 PCIe 80 GB", "A100 SXM4 40 GB"]),
        ("A100 80GB", ["A100 SXM4 80 GB", "A100 PCIe 80 GB"]),
        ("NVIDIA A100-SXM4-80GB", ["A100 SXM4 80 GB"]),
        ("NVIDIA H100 80GB HBM3", ["H100 SXM5 80 GB"]),
        ("MI300X", ["Instinct MI300X"]),
        ("Strix Halo", ["Ryzen AI Max+ 395 (Radeon 8060S, Strix Halo)"]),
        ("DGX Spark", ["DGX Spark (GB10)"]),
        ("NVIDIA GB10", ["DGX Spark (GB10)"]),
        ("Jetson Orin Nano", ["Jetson Orin Nano Super 8 GB"]),
        ("M3 Max", ["Apple M3 Max"]),
        ("M3", ["Apple M3"]),
        ("Apple M3 Max 64 GB", ["Apple M3 Max"]),
        ("M3 Max 16GB", []),
        ("7900 XTX", ["Radeon RX 7900 XTX"]),
        ("4090 laptop", ["GeForce RTX 4090 Mobile"]),
        ("A6000", ["RTX A6000"]),
        ("RTX 6000 Ada", ["RTX 6000 Ada"]),
        ("L4", ["L4"]),
        ("RTX 9999", []),
        ("banana", []),
        ("", []),
    ],
)
def test_matches(catalog: Catalog, text: str, names: list[str]) -> None:
    assert [card.name for card in match_accelerators(catalog, text)] == names


def test_every_name_and_alias_finds_its_own_record(catalog: Catalog) -> None:
    for card in catalog.accelerators:
        assert match_accelerators(catalog, card.name) == (card,)
        for alias in card.aliases:
            assert card in match_accelerators(catalog, alias), alias


def test_one_is_resolved_several_are_listed_none_offers_the_nearest(catalog: Catalog) -> None:
    assert resolve_accelerator(catalog, "3090").memory_gb == 24
    with pytest.raises(AmbiguousNameError) as several:
        resolve_accelerator(catalog, "A100")
    assert len(several.value.choices) == 4
    with pytest.raises(UnknownNameError) as none:
        resolve_accelerator(catalog, "RTX 3095")
    assert "GeForce RTX 3090" in none.value.nearest


def test_facts_that_the_table_had_to_correct(catalog: Catalog) -> None:
    cards = {card.name: card for card in catalog.accelerators}
    assert cards["Tesla P40"].fp16_tflops is None
    assert cards["A16 PCIe"].count == 4
    assert cards["Instinct MI250X"].memory_gb == 64
    assert cards["Apple M4 Max"].unified
    assert 128 in cards["Apple M4 Max"].memory_options_gb
