"""Constants of the speed model: how device classes, formats and engines differ (`data/speed.json`)."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Literal

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
    compute: Literal["vector", "tensor"] = "vector"
    """Which FP16 rate prompts follow: cores x clock, or the tensor cores of the large dies."""
    prompt_efficiency: float | None = None
    """Share of that rate which reading a prompt reaches; above 1 where tensor cores or 8 bits help."""
    prompt_per_byte: float | None = None
    """Operations for each byte of bandwidth, where the rate is not known."""
    full_factor: float = 1.0
    """Prompt rate of 16-bit weights relative to quantized ones."""
    attention_share: float = 0.5
    """Share of the prompt's rate that attention reaches."""
    prompt_spread: float = 2.0
    """Factor between the expected prompt speed and either end of its interval."""
    batch_factor: float = 1.0
    """Work of a further conversation in a batch, relative to a further token of a prompt."""


class EngineSpeed(_Part):
    """What an engine other than llama.cpp does differently."""

    tensor_parallel: bool = False
    efficiency_floor: float = 0.0
    """Its kernels reach at least this share of the bandwidth."""
    step_factor: float = 1.0
    """Time for starting a layer's kernels relative to llama.cpp: whole graphs are started at once."""
    batch_efficiency: float = 0.0
    """Share of the FP16 rate that its kernels reach at least, for prompts and batches."""
    spread: float = 1.0
    """Widens the interval: these factors are not fitted."""


class HostCompute(_Part):
    """What a processor computes in a prompt, in 10**9 operations a second for each core: an assumption."""

    low: float
    mid: float
    high: float
    cores: int
    """Assumed where the number of cores is not known."""


class LeftOut(_Part):
    """Error of the fit on devices that it never saw, as factors; what the accuracy report quotes."""

    cases: int
    devices: int
    median: float
    p90: float
    coverage: float


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
    batch_cost: float
    """What each further conversation of a batch adds to the reading, where the FP16 rate is not known."""
    estimate_spread: float
    """Widens the interval where weights are parameters x bits."""
    offload_spread: float
    """Widens the interval where a part lies in system memory."""
    batch_spread: float
    """Widens the interval of several conversations."""
    expert_fill: float
    """Tokens whose work each expert in use costs beside its own: small batches do not fill its kernels."""
    state_work: float
    """Further work of a prompt in a layer with a recurrent state, relative to the layer's weights."""
    pipeline_cost: float
    """Factor on a prompt's time where micro-batches pass through several devices one behind the other."""
    split_cost: float
    """The same where every matrix is split over the devices, which then exchange results in every layer."""
    tensor_ratio: float
    """Tensor rate over vector rate of the large dies."""
    micro_batch: int
    """Tokens that llama.cpp computes at once (`--ubatch-size`)."""
    pipeline_depth: int
    """Micro-batches under way at once on several devices (llama.cpp's GGML_SCHED_MAX_COPIES)."""
    pcie_gbs: float
    """Assumed rate at which weights in system memory are copied for a micro-batch, 10**9 bytes per second."""
    pcie_spread: float
    host_compute: HostCompute
    old_kernels: dict[str, float] = {}
    """Prompt rate of measurements older than today's kernels, by class; used by the fit, not by estimates."""
    left_out: dict[str, LeftOut] = {}
    """By what is estimated: generation, prompt."""
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


FULL_PRECISION = ("F16", "BF16", "FP16")


def quant_factor(quant: str, factors: dict[str, float]) -> float:
    """A format's factor, by the longest beginning of its name that is known; 1 where none is."""
    name = quant.upper()
    known = [start for start in factors if name.startswith(start.upper())]
    return factors[max(known, key=len)] if known else 1.0
