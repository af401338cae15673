"""What a configuration takes at the least, and how fast it is at the most, before anything is laid out."""

from __future__ import annotations

import math
from functools import cache

from knowledge.catalog.records import ModelRecord
from tools.budget import Room
from tools.calibration.applying import most_gain
from tools.engines import own_quant
from tools.hardware_types import Machine
from tools.memory.quantization import mix_of, tables
from tools.speed import host_rate

MOST_GAIN_BY_CACHE = 2.0
"""Factor that a quantized cache adds to the speed at the most: it halves what is read of it."""
MOST_GAIN_BY_FORMAT = 1.1
"""Factor between the efficiencies of two formats of a ladder, beside their bits (`data/speed.json`)."""
LEAST_BITS = 2.6
"""Bits per weight of the smallest quantization on the ladders (Q2_K blocks: 84 bytes for 256 weights)."""


def block_params(model: ModelRecord) -> int:
    """Parameters at the least outside the token tables, which may stay in system memory."""
    arch, params = model.architecture, model.params_total or 0
    tables_ = (2 * arch.hidden + arch.per_layer_embedding * arch.layers) * arch.vocab if arch else params // 2
    return max(0, params - tables_)


@cache
def _least_bits(quant: str) -> float:
    """Bits per weight of a llama.cpp quantization's smallest type, which no matrix of it goes below."""
    mix, types = mix_of(quant), tables().types
    return min(8 * types[name][1] / types[name][0] for name in (mix.base, mix.stacked or mix.base))


def least_bytes(model: ModelRecord, quant: str) -> float:
    """Bytes of a model's blocks at the least; 0 for the types of a file that a person added."""
    return 0.0 if quant == own_quant(model) else block_params(model) * _least_bits(quant) / 8


def fastest_beside(model: ModelRecord, machine: Machine, room: Room, weights: float) -> float | None:
    """Tokens per second that weights which do not fit cannot exceed: the rest is read from system memory.

    Args:
        model: the model.
        machine: where it runs.
        room: what the machine offers.
        weights: bytes of the weights, at the least.

    Returns:
        None where all could fit, or the bandwidth of the system memory is not known.
    """
    host, outside = host_rate(machine), weights - room.total_bytes
    if outside <= 0 or host is None:
        return None
    return _fastest_beside(model, machine, room, outside / (host.weights * MOST_GAIN_BY_FORMAT)) * (
        gain_by_measurement(model, machine)
    )


def gain_by_measurement(model: ModelRecord, machine: Machine, engine: str | None = None) -> float:
    """Factor that what was measured on a machine adds to an estimate at the most; 1 where nothing was.

    Args:
        model: the model.
        machine: where it runs.
        engine: of one engine alone; of all where None.
    """
    return 1.0 if machine.calibration is None else most_gain(machine, model.id, engine)


def _fastest_beside(model: ModelRecord, machine: Machine, room: Room, seconds: float) -> float:
    """Tokens per second by the estimate alone, where a token takes so long in system memory."""
    arch = model.architecture
    experts = arch.experts if arch is not None else None
    if experts is not None:
        return 1 / (seconds * experts.used / experts.count)
    fastest = max(device.bandwidth_gbs or math.inf for device in machine.devices) * 1e9
    return 1 / (seconds + room.total_bytes / fastest)
