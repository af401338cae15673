"""The vision projector: a file of its own that stands beside a model which reads images."""

from __future__ import annotations

from dataclasses import replace

from knowledge.catalog.records import ModelRecord
from tools.budget import GIB, Room
from tools.candidates import Configuration
from tools.memory.types import DeviceMemory, MemoryEstimate

BYTES_PER_PARAMETER = 2
"""Projectors are published in 16 bits."""
UNKNOWN = "The vision projector, a file of its own, is not counted: its size is not known."
NOTE = "Without the vision projector"


def projector_bytes(model: ModelRecord) -> int | None:
    """Bytes of a model's vision tower and projector at 16 bits; None where the size is unknown."""
    if model.architecture is None:
        return None
    params = model.architecture.extra.get("vision_params")
    return int(params) * BYTES_PER_PARAMETER if isinstance(params, int | float) and params > 0 else None


def beside_projector(model: ModelRecord, memory: MemoryEstimate, place: int) -> MemoryEstimate | None:
    """The estimate with the projector on one of its devices; None where the projector's size is unknown.

    Args:
        model: the model that reads images.
        memory: the language model's estimate.
        place: index of the device that holds the projector.
    """
    size = projector_bytes(model)
    if size is None:
        return None
    words = f"{size / GIB:.2f} GiB for the vision projector in 16 bits"
    held = DeviceMemory("projector", size, 0, 0, 0)
    found = memory.beside(place, held, (size, size), size, words)
    return replace(found, caveats=tuple(c for c in found.caveats if not c.startswith(NOTE)))


def with_projector(
    model: ModelRecord, configuration: Configuration, memory: MemoryEstimate, room: Room
) -> Configuration:
    """The configuration with the projector on the device that has the most room."""
    caveats = tuple(c for c in configuration.caveats if not c.startswith(NOTE))
    place = min(room.widest, len(memory.per_device) - 1) if room.device_bytes else 0
    found = beside_projector(model, memory, place)
    if found is None:
        return replace(configuration, caveats=(*caveats, UNKNOWN))
    return replace(
        configuration,
        memory=found,
        available_bytes=configuration.available_bytes + (projector_bytes(model) or 0),
        device_room=room.device_bytes,
        caveats=caveats,
    )
