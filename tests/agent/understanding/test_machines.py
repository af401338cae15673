"""Where a message speaks of machines, and what they are for."""

from __future__ import annotations

import pytest

from agent.understanding.machines import find_machines, hardware_need
from agent.understanding.text import prepare
from tools.needs import HardwareNeed


def need(text: str, *, asked: bool = False, training_asked: bool = False) -> HardwareNeed | None:
    message = prepare(text)
    return hardware_need(message, find_machines(message, asked=asked), training_asked=training_asked)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("coding on my RTX 3060 12GB, for work", "my RTX 3060 12GB"),
        ("I have 4x A100 80GB here", "4x A100 80GB"),
        ("a pair of 7900 XTX", "a pair of 7900 XTX"),
        ("M3 Max with 64GB of unified memory", "M3 Max with 64GB of unified memory"),
        ("dual EPYC server with 512GB DDR5, no GPU", "dual EPYC server with 512GB DDR5, no GPU"),
        ("it must fit in 8 GB of VRAM", "8 GB of VRAM"),
        ("8xH100 for serving", "8xH100"),
        ("eine RTX 4080 mit 16 GB", "eine RTX 4080 mit 16 GB"),
    ],
)
def test_use(text: str, expected: str) -> None:
    got = need(text)
    assert got is not None
    assert (got.text, got.training_text, got.none) == (expected, "", False)


def test_training_and_use_stand_apart() -> None:
    got = need("training on one A10G 24GB, running on an M3 Max 64GB")
    assert got == HardwareNeed(text="an M3 Max 64GB", training_text="one A10G 24GB")


def test_rented_machine_is_for_training_only() -> None:
    assert need("QLoRA, on a rented A10G with 24 GB") == HardwareNeed(
        text="", training_text="a rented A10G with 24 GB"
    )


def test_own_machine_serves_both() -> None:
    got = need("train a model from scratch with a GTX 1660 6GB")
    assert got is not None
    assert (got.text, got.training_text) == ("a GTX 1660 6GB", "")


@pytest.mark.parametrize("text", ["no GPU at all", "we have no hardware", "I don't have a GPU"])
def test_nothing(text: str) -> None:
    got = need(text)
    assert got is not None
    assert got.none is True


@pytest.mark.parametrize(
    "text",
    ["5 GB of text", "40 GB of Python code", "a 70B model", "3090 tokens", "my laptop", "the second one"],
)
def test_no_machine(text: str) -> None:
    assert need(text) is None


@pytest.mark.parametrize("text", ["16 GB", "it should fit in 16 GB"])
def test_bare_size_is_memory(text: str) -> None:
    got = need(text)
    assert got is not None
    assert got.text == "16 GB"


@pytest.mark.parametrize("text", ["a 16 GB download", "16 GB of disk space", "a dataset of 16 GB"])
def test_size_of_something_else_is_no_machine(text: str) -> None:
    assert need(text) is None


def test_machine_no_longer_owned_is_left_out() -> None:
    got = need("I don't have the 3090 anymore, it's a 4090 now")
    assert got is not None
    assert "3090" not in got.text
