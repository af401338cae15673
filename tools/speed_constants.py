"""Constants of the speed model: how device classes, formats and engines differ (`data/speed.json`)."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from tools.hardware_types import Device

_PATH = Path(__file__).parent / "data" / "speed.json"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class DeviceClass(_Part):
    """Devices that reach about the same share of their bandwidth; the first class that matches counts."""

    name: str
    kinds: tuple[str, ...]
    capabilities: tuple[float, float] | None = None
    """CUDA compute capability, from and to inclusive."""
    whole_capability: bool | None = None
    """True for x.0 and 10.x, NVIDIA's large dies with HBM."""
    unified: bool | None = None
    names: tuple[str, ...] = ()
    """Beginnings of the device's name."""
    efficiency: float
    """Share of the theoretical bandwidth that weights are read at, for 8-bit and legacy 4-bit formats."""
    step_us: float
    """Microseconds for each dense layer, beside reading."""
    cache_efficiency: float
    """Share of the bandwidth that the cache is read at."""
    bandwidth_power: float = 0.0
    """Efficiency falls with the bandwidth in TB/s to this power: one token does not fill a large device."""
    spread: float
    """Factor between the expected speed and either end of the interval."""
    prompt_efficiency: float | None = None
    """Share of the FP16 rate that reading a prompt reaches; above 1 where kernels compute in 8 bits."""


class EngineSpeed(_Part):
    """What an engine other than llama.cpp does differently."""

    tensor_parallel: bool = False
    efficiency_floor: float = 0.0
    """Its kernels reach at least this share of the bandwidth."""
    batch_efficiency: float | None = None
    """Share of the FP16 rate that a batch of conversations reaches, where it differs from llama.cpp's."""
    spread: float = 1.0
    """Widens the interval: these factors are not fitted."""


class Constants(_Part):
    """Everything that was fitted or assumed."""

    fitted_on: str
    source: str
    classes: tuple[DeviceClass, ...]
    quant_factors: dict[str, float]
    """Efficiency by format, told by the beginning of its name, relative to Q8_0."""
    expert_step: float
    """Further steps of a layer with experts, in steps of a dense layer."""
    state_step: float
    """Further steps of a layer with a recurrent state."""
    device_step_us: float
    """Microseconds for handing a token on to the next device."""
    host_step_us: float
    """Microseconds for each part of a token's work that goes over to system memory and back."""
    batch_efficiency: float
    """Share of the FP16 rate that a batch of conversations reaches."""
    batch_cost: float
    """What each further conversation of a batch adds to the reading, where the FP16 rate is not known."""
    estimate_spread: float
    """Widens the interval where weights are parameters x bits."""
    offload_spread: float
    """Widens the interval where a part lies in system memory."""
    engines: dict[str, EngineSpeed]
    notes: tuple[str, ...] = ()


@cache
def load_constants() -> Constants:
    """The fitted constants, read once."""
    return Constants.model_validate(json.loads(_PATH.read_text(encoding="utf-8")))


def class_of(device: Device, classes: tuple[DeviceClass, ...]) -> DeviceClass:
    """The first class that a device belongs to; the last one takes everything."""
    return next((item for item in classes if _belongs(device, item)), classes[-1])


def _belongs(device: Device, item: DeviceClass) -> bool:
    capability = device.compute_capability
    if device.kind not in item.kinds or (item.unified is not None and device.unified != item.unified):
        return False
    if item.names and not device.name.startswith(item.names):
        return False
    if item.capabilities is not None:
        low, high = item.capabilities
        if capability is None or not low <= capability <= high:
            return False
    if item.whole_capability is not None:
        large = capability is not None and (capability == int(capability) or int(capability) == 10)
        return large is item.whole_capability and capability not in {11.0, 12.0}
    return True


def quant_factor(quant: str, constants: Constants) -> float:
    """Efficiency of a format relative to Q8_0, by the longest beginning of its name that is known."""
    name = quant.upper()
    known = [start for start in constants.quant_factors if name.startswith(start.upper())]
    return constants.quant_factors[max(known, key=len)] if known else 1.0
