"""A model's memory held against a machine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from tools.commands.lookups import machine_named
from tools.commands.memory import MemoryQuery, memory
from tools.fit_types import Ask
from tools.memory_room import Subject

GIB = 1 << 30


def model() -> ModelRecord:
    """A model of 8 billion parameters with a window of 40k."""
    found = load_catalog().model("Qwen/Qwen3-8B")
    assert found is not None
    return found


def on(hardware: str) -> Subject:
    """The model on a machine."""
    return Subject(model(), machine_named(hardware)[0], Ask())


def test_figures_are_those_of_the_memory_command() -> None:
    subject = on("RTX 3060 12GB")
    held = subject.held(subject.request(quant="Q6_K", context=16384))
    told = memory(MemoryQuery(model="Qwen/Qwen3-8B", quant="Q6_K", context=16384, hardware="RTX 3060 12GB"))
    assert held.estimate.total_bytes == told["total_bytes"]
    assert [device.total_bytes for device in held.estimate.per_device] == [
        device["total_bytes"] for device in told["per_device"]
    ]


def test_longest_context_fits_and_the_next_one_does_not() -> None:
    subject = on("RTX 3060 12GB")
    request = subject.request(quant="Q6_K")
    most = subject.longest(request)
    assert most is not None
    assert 16384 < most < subject.window
    assert subject.held(replace(request, context=most)).fits is True
    beyond = subject.held(replace(request, context=most + 256))
    assert beyond.fits is False
    assert beyond.over_bytes


def test_several_devices_each_hold_their_share() -> None:
    subject = on("RTX 3090 + RTX 3060 12GB")
    held = subject.held(subject.request(quant="Q8_0"))
    assert len(held.estimate.per_device) == 2
    assert held.room is not None
    assert held.room.device_bytes[0] > held.room.device_bytes[1]


def test_nothing_fits_at_all() -> None:
    subject = on("GTX 1050 Ti 4GB")
    request = subject.request(quant="Q8_0")
    assert subject.longest(request) == 0
    held = subject.held(request)
    assert held.fits is False
    assert held.over_bytes is not None
    assert held.over_bytes > 4 * GIB


def test_without_a_machine_nothing_is_held_against_anything() -> None:
    subject = Subject(model(), None, Ask())
    held = subject.held(subject.request())
    assert (held.fits, held.over_bytes, subject.longest(held.request)) == (None, None, None)


def test_what_stands_beside_the_model_takes_from_its_room() -> None:
    subject = on("RTX 3060 12GB")
    beside = replace(subject, ask=Ask(beside_bytes=2 * GIB))
    request = subject.request(quant="Q6_K")
    with_it, alone = beside.longest(request), subject.longest(request)
    assert with_it is not None
    assert alone is not None
    assert with_it < alone


def test_formats_and_cache_types_are_those_of_the_engine() -> None:
    subject = on("RTX 3060 12GB")
    request = subject.request(engine="llama.cpp")
    quants = subject.quants(request)
    assert quants.index("Q4_K_M") < quants.index("Q8_0")
    assert subject.cache_types(request) == ("f16", "q8_0", "q4_0")
    vllm = subject.request(engine="vllm", quant="AWQ")
    assert "Q4_K_M" not in subject.quants(vllm)
    assert subject.cache_types(vllm) == ("f16",)


@pytest.mark.parametrize("hardware", ["CPU only, 32 GB RAM", "MacBook Pro M3 Max 64 GB"])
def test_machines_without_a_card(hardware: str) -> None:
    subject = on(hardware)
    held = subject.held(subject.request())
    assert held.fits is True
    assert subject.longest(held.request) == subject.window
