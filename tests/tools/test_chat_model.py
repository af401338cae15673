"""Which model words the chat: deterministic, tool-capable, fitting, and never one that runs elsewhere."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tools.chat_model import GB, choose_model, needed_bytes, suggest_pull
from tools.hardware_types import Device, Machine
from tools.ollama_models import ServerModel

GIB = 1 << 30
TOOLS = frozenset({"completion", "tools"})
CHATS = frozenset({"completion"})


def model(name: str, gb: float, can: frozenset[str] | None = TOOLS, **more: Any) -> ServerModel:
    return ServerModel(
        name, int(gb * GB), capabilities=can, context=32768, cache_bytes_per_token=131072, **more
    )


def with_card(gib: float, *, bandwidth: float = 360.0, free: float | None = None) -> Machine:
    card = Device(
        "card",
        "cuda",
        int(gib * GIB),
        bandwidth,
        free_bytes=None if free is None else int(free * GIB),
    )
    return Machine("pc", (card,), ram_bytes=32 * GIB, ram_bandwidth_gbs=51.2)


LAPTOP = Machine("laptop", (), ram_bytes=16 * GIB, ram_bandwidth_gbs=51.2)
SMALL, MIDDLE, LARGE, HUGE = model("s:1b", 1.3), model("m:4b", 2.5), model("l:8b", 5.2), model("h:70b", 42.0)


@pytest.mark.parametrize(
    ("models", "machine", "chosen"),
    [
        ([SMALL, MIDDLE, LARGE], with_card(12), "l:8b"),
        ([SMALL, MIDDLE, LARGE], LAPTOP, "m:4b"),  # a larger one is slower than one reads
        ([LARGE], LAPTOP, "l:8b"),
        ([HUGE, SMALL], with_card(12), "s:1b"),
        ([HUGE], with_card(12), None),
        ([model("plain:8b", 5.2, CHATS), SMALL], with_card(12), "s:1b"),
        ([model("plain:8b", 5.2, CHATS)], with_card(12), "plain:8b"),
        ([model("old:8b", 5.2, None)], with_card(12), "old:8b"),
        ([model("embed", 0.3, frozenset({"embedding"})), SMALL], LAPTOP, "s:1b"),
        ([model("embed", 0.3, None, embedder=True)], LAPTOP, None),
        ([model("cloud", 0.1, remote=True), SMALL], LAPTOP, "s:1b"),
        ([model("cloud", 0.1, remote=True)], LAPTOP, None),
        ([LARGE, MIDDLE], with_card(6), "m:4b"),  # the larger one would lie in system memory
        ([SMALL, LARGE], None, "l:8b"),
        ([], LAPTOP, None),
    ],
)
def test_the_choice(models: list[ServerModel], machine: Machine | None, chosen: str | None) -> None:
    for order in itertools.permutations(models):
        found = choose_model(order, machine)
        assert (found and found.model.name) == chosen


def test_why_is_one_line_that_names_size_and_tools() -> None:
    found = choose_model([SMALL, MIDDLE], LAPTOP)
    assert found is not None
    assert "2.5 GB" in found.why
    assert "calls tools" in found.why
    assert "\n" not in found.why


def test_what_the_server_itself_has_loaded_is_room() -> None:
    full = with_card(12, free=1.0)
    assert choose_model([LARGE], full, loaded_bytes=0) is not None  # in system memory
    there = choose_model([LARGE, SMALL], full, loaded_bytes=9 * GIB)
    assert there is not None
    assert "accelerator" in there.why


def test_the_cache_of_the_window_counts() -> None:
    assert needed_bytes(LARGE, 12288) - needed_bytes(LARGE, 0) == 12288 * 131072


@pytest.mark.parametrize(
    ("machine", "tag"),
    [
        (with_card(12), "qwen3:8b"),
        (LAPTOP, "qwen3:4b"),
        (Machine("small", (), ram_bytes=4 * GIB, ram_bandwidth_gbs=20.0), "qwen2.5:1.5b"),
        (Machine("tiny", (), ram_bytes=1 * GIB, ram_bandwidth_gbs=10.0), None),
        (None, "qwen3:8b"),
    ],
)
def test_the_model_to_pull_fits_the_machine(machine: Machine | None, tag: str | None) -> None:
    found = suggest_pull(machine)
    assert (found and found.tag) == tag
    if found is not None:
        assert 0 < found.download_bytes < 6 * GB
        assert f"{found.download_bytes / GB:.1f} GB" in found.why
