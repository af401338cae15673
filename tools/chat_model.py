"""Which model of an Ollama server words the chat, and which one to pull where it has none.

The choice is deterministic: a model that can chat and fits the machine; one that calls tools before one that
does not; in the accelerator before system memory; then the largest that still answers at the pace of reading.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TypedDict, cast

from tools.budget import room_of
from tools.hardware_types import Machine
from tools.ollama_models import ServerModel

GB = 1_000_000_000


class _Suggested(TypedDict):
    model: str
    why: str
    source: str


class _Data(TypedDict):
    least_tokens_per_second: float
    bandwidth_share: float
    largest_gb: float
    overhead_gb: float
    context: int
    suggested: list[_Suggested]


@dataclass(frozen=True, slots=True)
class Place:
    """Memory in which a model may run: `fast` is an accelerator."""

    room_bytes: int
    largest_bytes: int
    """Above this a model would answer too slowly, or gain nothing."""
    fast: bool


@dataclass(frozen=True, slots=True)
class Chosen:
    """A model of the server, and why this one, to be put behind its name."""

    model: ServerModel
    why: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A model to pull."""

    tag: str
    download_bytes: int
    why: str


@cache
def _data() -> _Data:
    text = resources.files("tools").joinpath("data", "chat_models.json").read_text(encoding="utf-8")
    return cast("_Data", json.loads(text))


def places_of(machine: Machine | None, loaded_bytes: int = 0) -> tuple[Place, ...]:
    """Where a model may run on a machine, the better place first.

    Args:
        machine: None where the server is on another machine, whose memory nobody knows from here.
        loaded_bytes: what the server itself holds on the accelerators: it unloads one model for another.
    """
    largest = int(_data()["largest_gb"] * GB)
    if machine is None:
        return (Place(1 << 60, largest, fast=True),)
    room = room_of(machine)
    places = []
    if room.device_bytes:
        speeds = [device.bandwidth_gbs for device in machine.devices if device.bandwidth_gbs]
        most = sum(device.memory_bytes - device.reserve_bytes for device in machine.devices)
        free = min(most, sum(room.device_bytes) + loaded_bytes)
        places.append(_place(free, min(speeds, default=None), fast=True))
    unified = any(device.unified for device in machine.devices)
    if room.host_bytes and not unified:
        places.append(_place(room.host_bytes, machine.ram_bandwidth_gbs, fast=False))
    return tuple(places)


def _place(room: int, bandwidth_gbs: float | None, *, fast: bool) -> Place:
    """Each token reads the weights once, so that the bandwidth bounds what keeps the pace."""
    data = _data()
    largest = data["largest_gb"]
    if bandwidth_gbs is not None:
        largest = min(largest, bandwidth_gbs * data["bandwidth_share"] / data["least_tokens_per_second"])
    return Place(room, int(largest * GB), fast)


def needed_bytes(model: ServerModel, context: int) -> int:
    """About what a model takes with so many tokens of context: weights, cache and overhead."""
    cache_bytes = (model.cache_bytes_per_token or 0) * context
    return model.size_bytes + cache_bytes + int(_data()["overhead_gb"] * GB)


def choose_model(
    models: Sequence[ServerModel], machine: Machine | None, loaded_bytes: int = 0
) -> Chosen | None:
    """The model that words the chat; None where none can chat and fits.

    A model that runs elsewhere is never chosen: nothing leaves the machine unasked.
    """
    able = [model for model in models if model.chats and not model.remote]
    if not able:
        return None
    places = places_of(machine, loaded_bytes)
    ranked = sorted(
        (_rank(model, place, order), model.name, model, place)
        for model in able
        for order, place in enumerate(places)
        if needed_bytes(model, _context(model)) <= place.room_bytes
    )
    if not ranked:
        return None
    _, _, model, place = ranked[0]
    return Chosen(model, _why(model, place, machine, len(able)))


def _context(model: ServerModel) -> int:
    wanted = _data()["context"]
    return min(wanted, model.context or wanted)


def _rank(model: ServerModel, place: Place, order: int) -> tuple[bool, int, bool, int]:
    slow = model.size_bytes > place.largest_bytes
    return (not model.tools, order, slow, model.size_bytes if slow else -model.size_bytes)


def _why(model: ServerModel, place: Place, machine: Machine | None, able: int) -> str:
    size = f"{model.size_bytes / GB:.1f} GB"
    where = "the accelerator" if place.fast else "the memory of this machine"
    fits = f"its {size} fit {where}" if machine is not None else f"it takes {size} there"
    tools = "it calls tools" if model.tools else "none that fits is known to call tools"
    most = f"the best of {able} there for this chat" if able > 1 else "the only one there that can chat"
    slow = "; it will be slow here" if model.size_bytes > place.largest_bytes else ""
    return f"{most}: {tools} and {fits}{slow}"


def suggest_pull(machine: Machine | None) -> Suggestion | None:
    """The model to pull for the chat on a machine; None where not even the smallest fits."""
    from tools.commands.memory import MemoryQuery, memory
    from tools.commands.requests import parse

    data = _data()
    fitting: list[tuple[bool, Suggestion]] = []
    for row in data["suggested"]:
        query = {"model": row["model"], "engine": "ollama", "context": data["context"]}
        found = memory(parse(MemoryQuery, query))
        size, total = int(found["file_bytes"]), int(found["total_bytes"])
        for place in places_of(machine):
            if total <= place.room_bytes:
                why = f"{size / GB:.1f} GB; it {row['why']}"
                fitting.append((size <= place.largest_bytes, Suggestion(_tag(row["model"]), size, why)))
                break
    quick = [suggestion for keeps_pace, suggestion in fitting if keeps_pace]
    if quick:
        return quick[0]
    return fitting[-1][1] if fitting else None


def _tag(model_id: str) -> str:
    from knowledge.catalog.store import load_catalog

    found = next(model for model in load_catalog().models if model.id == model_id)
    assert found.ollama_tag is not None, f"{model_id} has no Ollama tag"
    return found.ollama_tag
